"""Excursions of a few rows that come back: every jump is compared with the usual step of its surroundings."""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from dlkit.quality.signals.block import HALO, Block

REGIME = 256  # rows over which the usual step is measured
JUMP = 5.0  # usual steps from which on a row may begin a spike
WIDEST = 4  # rows of a spike
AROUND = 16  # rows to each side that a spike is compared with
FLOOR = 5.0  # robust standard deviations from which on a spike is scored
MOST = 1024  # spikes of a channel that are kept
MOST_JUMPS = 256  # of a channel and block that are looked at, the largest

SPIKE = np.dtype([("score", "f8"), ("value", "f4"), ("usual", "f8"), ("row", "i8"), ("time", "i8")])


class Spikes:
    """Scores spikes in all rows, and keeps the largest of each channel.

    Args:
        channels: Number of channels.

    Attributes:
        largest: The largest spikes of each channel: robust standard score, value, value of the surroundings, number of
            the row over all series, and stamp.
    """

    def __init__(self, channels: int) -> None:
        self.steps, self.rows = np.zeros(channels), 0
        self.largest = [np.empty(0, SPIKE) for _ in range(channels)]

    def add(self, block: Block) -> None:
        """Judge each row once, when the rows on both sides are there: half a halo later than it comes."""
        first = HALO // 2 if block.halo else 1
        past = len(block.times) - (0 if block.last else HALO // 2)
        if past - first < 2:
            return
        with np.errstate(invalid="ignore"):
            jumps = np.subtract(block.columns[:, 1:], block.columns[:, :-1])
        np.abs(jumps, out=jumps)
        for channel in block.holed.tolist():
            jumps[channel, np.isinf(jumps[channel])] = np.nan
        jumps[:, [seam - 1 for seam in block.seams if seam > 0]] = np.nan
        usual = _usual(jumps)
        self.steps += np.nan_to_num(usual).sum(1)
        self.rows += usual.shape[1]
        overall = self.steps / max(self.rows, 1)
        limit = JUMP * np.fmax(usual, 0.1 * overall[:, None].astype(np.float32))
        large = _exceeds(jumps, limit)
        large[:, : first - 1] = False
        large[:, past - 1 :] = False
        found = [_largest(jumps[channel], large[channel]) for channel in np.flatnonzero(large.any(1))]
        if found:
            channels = np.repeat(np.flatnonzero(large.any(1)), [len(rows) for rows in found])
            self._score(block, channels, np.concatenate(found) + 1, overall)

    def _score(self, block: Block, channels: np.ndarray, rows: np.ndarray, overall: np.ndarray) -> None:
        """Score spikes that begin at some rows, and keep the largest."""
        scores, tops, usual = spike_scores(block.columns, channels, rows, overall[channels])
        new = np.empty(len(rows), SPIKE)
        new["score"], new["value"], new["usual"] = scores, block.columns[channels, tops], usual
        new["row"], new["time"] = tops - block.halo + block.first, block.times[tops]
        good = scores > FLOOR
        for channel in set(channels[good].tolist()):
            known = np.concatenate([self.largest[channel], new[good & (channels == channel)]])
            if len(known) > 2 * MOST:
                known = known[np.argsort(-known["score"], kind="stable")[:MOST]]
            self.largest[channel] = known


def _largest(jumps: np.ndarray, large: np.ndarray) -> np.ndarray:
    """Return which jumps are looked at: the largest of those that are large."""
    rows = np.flatnonzero(large)
    if len(rows) > MOST_JUMPS:
        rows = np.sort(rows[np.argpartition(-jumps[rows], MOST_JUMPS)[:MOST_JUMPS]])
    return rows


def _usual(jumps: np.ndarray) -> np.ndarray:
    """Return the mean jump of each regime, NaN without any; that of rows behind the last whole one comes last."""
    whole = jumps.shape[1] // REGIME * REGIME
    means = jumps[:, :whole].reshape(len(jumps), -1, REGIME) @ np.full(REGIME, 1 / REGIME, np.float32)
    channel, regime = np.nonzero(np.isnan(means))
    if len(channel):
        means[channel, regime] = _mean(jumps[:, :whole].reshape(len(jumps), -1, REGIME)[channel, regime])
    if whole == jumps.shape[1]:
        return means
    rest = jumps[:, whole:] if not whole else jumps[:, -REGIME:]
    return np.concatenate([means, _mean(rest)[:, None]], 1)


def _mean(jumps: np.ndarray) -> np.ndarray:
    """Return the mean of what is known in each row, NaN where nothing is."""
    known = np.isfinite(jumps)
    count = known.sum(1)
    return np.asarray(np.where(known, jumps, 0).sum(1) / np.where(count, count, np.float32("nan")))


def _exceeds(jumps: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return where jumps exceed the limit of their regime."""
    large = np.zeros(jumps.shape, bool)
    whole = jumps.shape[1] // REGIME * REGIME
    regimes = whole // REGIME
    parts = jumps[:, :whole].reshape(len(jumps), regimes, REGIME)
    large[:, :whole] = (parts > limit[:, :regimes, None]).reshape(len(jumps), -1)
    large[:, whole:] = jumps[:, whole:] > limit[:, -1:]
    return large


def spike_scores(
    columns: Float32[np.ndarray, "channels time"],
    channels: Int64[np.ndarray, " spikes"],
    rows: Int64[np.ndarray, " spikes"],
    overall: Float64[np.ndarray, " spikes"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the robust standard score of a spike that begins at each row, its highest row, and its surroundings.

    The score is how far the smallest row of the spike lies from the mean of the medians of both sides, in robust
    standard deviations of the sides from the line through them or in mean steps, whichever is larger (after Hampel
    1974); 0 where the values do not come back within ``WIDEST`` rows.

    Args:
        columns: Values, NaN where missing.
        channels: Channel of each spike.
        rows: Row of each spike that follows a jump.
        overall: Mean step of its channel, of which a tenth is the least scale.
    """
    ahead = _around(columns, channels, rows[:, None] + np.arange(WIDEST + 1))
    start = _around(columns, channels, rows[:, None] - 1)[:, 0]
    half = (start + ahead[:, 0]) / 2
    up = np.sign(ahead[:, 0] - start)[:, None]
    back = (ahead - half[:, None]) * up < 0
    width = np.where(back.any(1), back.argmax(1), 0)
    sides = np.concatenate([np.arange(-AROUND, 0), np.arange(AROUND)])
    apart = sides + np.where(sides >= 0, width[:, None], 0)
    around, from_middle = _around(columns, channels, rows[:, None] + apart), apart - (width[:, None] - 1) / 2
    known = np.isfinite(around).sum(1) >= AROUND
    left, right = _median(around[:, :AROUND]), _median(around[:, AROUND:])
    usual, slope = (left + right) / 2, (right - left)[:, None] / (AROUND + width[:, None])
    spread = 1.4826 * _median(np.abs(around - usual[:, None] - slope * from_middle))
    steps = np.abs(np.diff(around, axis=1))
    steps[:, AROUND - 1] = np.nan
    scale = np.fmax(np.fmax(spread, _mean(steps)), 0.1 * overall)
    inside = np.where(np.arange(WIDEST + 1) < width[:, None], (ahead - usual[:, None]) * up, np.inf)
    height = inside.min(1)
    score = np.where((width > 0) & known & (scale > 0), height / np.where(scale > 0, scale, 1.0), 0.0)
    top = rows + np.where(np.isfinite(inside), inside, -np.inf).argmax(1)
    return score, top, usual


def _around(columns: np.ndarray, channels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return values of some rows for each channel, NaN beyond the block, (spikes, rows)."""
    inside = (rows >= 0) & (rows < columns.shape[1])
    found = columns[channels[:, None], np.where(inside, rows, 0)].astype(np.float64)
    return np.asarray(np.where(inside, found, np.nan))


def _median(rows: np.ndarray) -> np.ndarray:
    """Return the lower median of what is known in each row, NaN where nothing is."""
    count = np.isfinite(rows).sum(1)
    return np.asarray(np.sort(rows, axis=1)[np.arange(len(rows)), np.maximum(count - 1, 0) // 2])
