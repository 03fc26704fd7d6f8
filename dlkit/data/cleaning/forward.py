"""What was known last, row by row, also of the rows before a part."""

from dataclasses import dataclass

import numpy as np

NEVER = -(1 << 62)  # nanoseconds: nothing was known yet


@dataclass(frozen=True, eq=False)
class Last:
    """The last known value of each channel and the moment that goes with it.

    Attributes:
        values: NaN where there was none, (channels,).
        times: int64 nanoseconds, ``NEVER`` where there was none, (channels,).
    """

    values: np.ndarray
    times: np.ndarray

    @classmethod
    def nothing(cls, channels: int) -> "Last":
        """Return what is known before the first row."""
        return cls(np.full(channels, np.nan, np.float32), np.full(channels, NEVER, np.int64))


def forward(values: np.ndarray, times: np.ndarray, known: np.ndarray, last: Last) -> tuple[np.ndarray, np.ndarray]:
    """Return value and moment of the last known row at or before each row, (time, channels) both.

    Args:
        values: (time, channels).
        times: Moments, (time,) or (time, channels).
        known: Which values count, (time, channels).
        last: What was known before the first row.
    """
    rows, channels = values.shape
    at = np.maximum.accumulate(np.where(known, np.arange(rows)[:, None], -1), axis=0)
    place, seen = np.maximum(at, 0), at >= 0
    moments = np.broadcast_to(times[:, None] if times.ndim == 1 else times, (rows, channels))
    found = np.where(seen, np.take_along_axis(values, place, 0), last.values)
    return found, np.where(seen, np.take_along_axis(moments, place, 0), last.times)


def before(found: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return what was found one row earlier; ``first`` stands before the first row, (channels,)."""
    return np.concatenate([first[None], found[:-1]])
