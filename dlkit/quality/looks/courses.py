"""The course of a whole recording: all rows where they are few, else the extremes of equally many rows each."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from dlkit.data.records import Stream
from dlkit.quality.looks.pieces import SECOND, Piece, clock_of, far_limits
from dlkit.quality.signals.kept import FINE, Kept, Pyramid


@dataclass(frozen=True, eq=False)
class Whole:
    """Rows to draw.

    Attributes:
        times: int64 nanoseconds, (rows,).
        series: Name of the series of each row, (rows,).
        values: NaN where missing or far from all others, (rows, channels).
        far: What lies far, NaN elsewhere, like values.
        each: Rows of the recording that two rows stand for, their smallest and largest value; 1 where they are all.
        step: Usual seconds between rows.
        gap: Seconds from which on there is a gap.
    """

    times: Int[np.ndarray, " rows"]
    series: Shaped[np.ndarray, " rows"]
    values: Float[np.ndarray, "rows channels"]
    far: Float[np.ndarray, "rows channels"]
    each: int
    step: float
    gap: float


def whole_of(kept: Kept) -> Whole:
    """Return what can be drawn of a recording."""
    streams = kept.streams()
    step, regular = clock_of([Piece(one.name, one.times, one.values) for one in streams], kept.layout.step)
    if sum(len(one.times) for one in streams) >= kept.rows:
        return all_rows(streams, step, (1.5 if regular else 20) * step)
    return extremes(kept.pyramid(FINE), step)


def closer_of(kept: Kept) -> Whole | None:
    """Return the run of consecutive rows in which most happens; None where all rows are drawn anyway.

    That is the run with the largest sum of the changes of its channels, each beside its change over all runs.
    """
    streams = [one for one in kept.streams() if len(one.times) > 2]
    if not streams or sum(len(one.times) for one in streams) >= kept.rows:
        return None
    changes = np.stack([np.nan_to_num(np.abs(np.diff(one.values, axis=0))).mean(0) for one in streams])
    busy = (changes / np.maximum(np.median(changes, axis=0), 1e-30)).clip(max=10.0).sum(1)
    one = streams[int(busy.argmax())]
    step, regular = clock_of([Piece(one.name, one.times, one.values)], kept.layout.step)
    return all_rows([one], step, (1.5 if regular else 20) * step)


def all_rows(streams: list[Stream], step: float, gap: float) -> Whole:
    """Return the rows as they are, those of a series in the order of time."""
    channels = streams[0].values.shape[1] if streams else 0
    values = np.concatenate([one.values for one in streams] or [np.empty((0, channels), np.float32)])
    times = np.concatenate([one.times for one in streams] or [np.empty(0, np.int64)])
    names = np.repeat([one.name for one in streams], [len(one.times) for one in streams])
    kinds, numbers = np.unique(names, return_inverse=True)
    firsts = np.array([np.flatnonzero(numbers == k)[0] for k in range(len(kinds))], np.int64)
    order = np.lexsort((times, firsts[numbers])) if len(times) else np.empty(0, np.int64)
    return split(times[order], names[order], values[order], 1, step, gap)


def extremes(pyramid: Pyramid, step: float) -> Whole:
    """Return two rows for each bin, its smallest and its largest value, in the order that makes the shorter way."""
    low, high = pyramid.low.T, pyramid.high.T
    before = np.concatenate([pyramid.mean.T[:1], pyramid.mean.T[:-1]])
    falling = np.abs(high - before) < np.abs(low - before)
    pairs = np.stack([np.where(falling, high, low), np.where(falling, low, high)], 1)
    steps = np.diff(pyramid.times, append=pyramid.times[-1] + int(pyramid.rows * step * SECOND))
    usual = int(np.median(steps)) if len(steps) else 0
    half = np.clip(steps, 0, usual) // 2
    times = np.stack([pyramid.times, pyramid.times + half], 1).ravel()
    values = pairs.reshape(-1, pairs.shape[-1])
    return split(times, np.full(len(times), ""), values, pyramid.rows, usual / 2 / SECOND, 1.5 * usual / SECOND)


def split(times: np.ndarray, series: np.ndarray, values: np.ndarray, each: int, step: float, gap: float) -> Whole:
    """Return the rows with what lies far apart from the rest."""
    low, high = far_limits(values)
    outside = (values < low) | (values > high)
    nothing = np.float32(np.nan)
    near = np.where(outside | ~np.isfinite(values), nothing, values)
    return Whole(times, series, near, np.where(outside, values, nothing), each, step, gap)
