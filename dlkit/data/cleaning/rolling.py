"""Medians of moving windows."""

from collections.abc import Iterator

import numpy as np

AT_ONCE = 2**22  # values of windows that are sorted at a time


def rolling_median(values: np.ndarray, width: int) -> np.ndarray:
    """Return the median of what is known in each window of ``width`` rows, (time - width + 1, channels).

    Args:
        values: (time, channels), NaN where missing.
        width: Rows of a window.
    """
    import pandas as pd

    rolling = pd.DataFrame(values.astype(np.float64)).rolling(width, min_periods=1)
    found: np.ndarray = rolling.median().to_numpy()
    return found[width - 1 :]


def rolling_deviation(values: np.ndarray, medians: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the median distance of each window from its median, and how many values are known in it.

    Args:
        values: (time, channels), NaN where missing.
        medians: Of the windows, (time - width + 1, channels).
        width: Rows of a window.
    """
    spread, known = np.empty_like(medians), np.empty(medians.shape, np.int64)
    for rows in _parts(len(medians), max(AT_ONCE // (width * max(values.shape[1], 1)), 1)):
        inside = values[rows.start : rows.stop + width - 1]
        windows = np.lib.stride_tricks.sliding_window_view(inside, width, axis=0)
        apart = np.sort(np.abs(windows - medians[rows, :, None]), axis=-1)  # NaN come last
        known[rows] = (~np.isnan(windows)).sum(-1)
        middle = np.maximum(known[rows] - 1, 0)
        ends = [np.take_along_axis(apart, place[..., None], -1)[..., 0] for place in (middle // 2, -(-middle // 2))]
        spread[rows] = (ends[0] + ends[1]) / 2
    return spread, known


def _parts(rows: int, each: int) -> Iterator[slice]:
    return (slice(first, min(first + each, rows)) for first in range(0, rows, each))


def around(values: np.ndarray, width: int, before: np.ndarray | None, *, look_ahead: bool) -> np.ndarray:
    """Return values with what windows need beyond them, one window a row.

    Args:
        values: (time, channels).
        width: Rows of a window: those up to a row, or those about it where it looks ahead; missing beyond the run.
        before: The ``width - 1`` rows before, where there are some.
        look_ahead: Whether windows lie about their row.
    """
    none = np.full((width - 1, values.shape[1]), np.nan, values.dtype)
    if look_ahead:
        half = width // 2
        return np.concatenate([none[:half], values, none[: width - 1 - half]])
    return np.concatenate([none if before is None else before, values])
