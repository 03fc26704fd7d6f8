"""Series that were recorded at the same time, on one axis."""

from dataclasses import replace

import numpy as np

from dlkit.quality.looks.courses import Whole
from dlkit.quality.looks.pieces import SECOND

MOST = 5  # series that are told apart


def simultaneous(whole: Whole) -> list[str]:
    """Return the names of series that share at least half of their time, in their order; else none."""
    names, firsts = np.unique(whole.series, return_index=True)
    ordered = [str(one) for one in names[np.argsort(firsts)]]
    if len(ordered) < 2:
        return []
    ends = np.array([[own.min(), own.max()] for own in (whole.times[whole.series == one] for one in ordered)])
    shared, span = ends[:, 1].min() - ends[:, 0].max(), ends[:, 1].max() - ends[:, 0].min()
    return ordered if 2 * shared >= span > 0 else []


def on_one_axis(whole: Whole, names: list[str]) -> Whole:
    """Return rows at the stamps of all series; column ``channel * series + series`` holds a channel of a series.

    Between two rows of a series that are no gap apart the line goes straight, where other series have stamps.

    Args:
        whole: Rows of each series after those of another.
        names: Series that are wanted.
    """
    times = np.unique(whole.times[np.isin(whole.series, names)])
    shape = len(times), whole.values.shape[1], len(names)
    values, far = (np.full(shape, np.nan, np.float32) for _ in range(2))
    for k, name in enumerate(names):
        own = whole.series == name
        at = np.searchsorted(times, whole.times[own])
        values[:, :, k] = between(whole.times[own], whole.values[own], times, whole.gap)
        values[at, :, k], far[at, :, k] = whole.values[own], whole.far[own]
    flat = len(times), shape[1] * shape[2]
    return replace(
        whole, times=times, series=np.full(len(times), ""), values=values.reshape(flat), far=far.reshape(flat)
    )


def between(known: np.ndarray, values: np.ndarray, times: np.ndarray, gap: float) -> np.ndarray:
    """Return values at other times on the line between two rows; NaN outside and within gaps of so many seconds."""
    after = np.searchsorted(known, times, side="right").clip(1, max(len(known) - 1, 1))
    if len(known) < 2:
        return np.full((len(times), values.shape[1]), np.nan, np.float32)
    before = after - 1
    width = known[after] - known[before]
    share = (times - known[before]) / np.maximum(width, 1)
    inside = (share >= 0) & (share <= 1) & (width <= gap * SECOND)
    line = values[before] + share[:, None].astype(np.float32) * (values[after] - values[before])
    return np.where(inside[:, None], line, np.float32(np.nan))
