"""Offset and drift between the clocks of two sources that saw the same thing."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from dlkit.data.sync.blocks import Blocks, correlate_blocks
from dlkit.data.sync.grid import step_of
from dlkit.data.sync.line import find_ridge, fit_line, peaks, pooled
from dlkit.data.sync.pair import Pair, known, pair_of

What = Literal["auto", "value", "change"]
SHUFFLES = 19


@dataclass(frozen=True, eq=False)
class Sync:
    """How to bring the clock of a source to that of another: ``t + offset + drift * 1e-6 * (t - t0)``.

    Attributes:
        offset: Seconds to add at ``t0``; NaN when nothing was found, as are the next three.
        drift: Parts per million that the source's clock is slow.
        offset_error: Standard error of the offset.
        drift_error: Standard error of the drift.
        found: Whether the two saw the same: they correlate more than signals do that did not.
        correlation: Mean correlation coefficient of the blocks; negative where one signal is the other upside down.
        chance: What the correlation of signals that did not see the same exceeds in 1 of 100 cases.
        compared: "value", or the absolute "change" of it.
        times: Seconds since ``t0`` of the middle of each block, (blocks,).
        lags: Seconds to add by each block alone, NaN where it has no peak, (blocks,).
        t0: First stamp of the source, nanoseconds.
    """

    offset: float
    drift: float
    offset_error: float
    drift_error: float
    found: bool
    correlation: float
    chance: float
    compared: str
    times: np.ndarray = field(repr=False)
    lags: np.ndarray = field(repr=False)
    t0: int = 0

    @property
    def why_not(self) -> str:
        """Why nothing was found."""
        if abs(self.correlation) > self.chance:
            return "the lag between them changes as no clock drifts"
        return f"correlation {abs(self.correlation):.2f}, chance alone reaches {self.chance:.2f}"

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        names = ("offset", "drift", "offset_error", "drift_error", "correlation", "chance")
        numbers = {
            name: float(f"{getattr(self, name):.6g}") if self.found or name[0] == "c" else None for name in names
        }
        lags = [None if np.isnan(lag) else round(float(lag), 9) for lag in self.lags]
        blocks = {"times": [round(float(time), 6) for time in self.times], "lags": lags}
        return {"found": self.found, "compared": self.compared} | numbers | {"blocks": blocks}


def estimate(
    times: np.ndarray,
    values: np.ndarray,
    like_times: np.ndarray,
    like_values: np.ndarray,
    *,
    max_offset: float = 10.0,
    expected_drift: float = 500.0,
    blocks: int = 64,
    compare: What = "auto",
    seed: int = 0,
    t0: int | None = None,
    names: tuple[str, str] = ("The source", "The source it is like"),
) -> Sync:
    """Find offset and drift of the clock of a source by another source that saw the same.

    Blocks of the slower source are correlated with the faster one at every shift; the line of shift against time along
    which all blocks agree is found, and a line is fitted robustly to the peaks of the blocks near it. What one source
    sees later than the other, such as a filter's delay, counts as offset: nothing in the data tells it from a clock.

    Args:
        times: Stamps of the source whose clock is to be corrected, int64 nanoseconds, rising, (samples,).
        values: What it saw, NaN where missing, (samples,).
        like_times: Stamps of the other source, (others,).
        like_values: What that one saw; units and sign do not matter, (others,).
        max_offset: Seconds within which the offset is looked for.
        expected_drift: Standard deviation of drifts before anything is measured, in ppm; 2.5 times it is searched.
        blocks: Most blocks that the record is cut into.
        compare: The "value", the absolute "change" of it, or the change where the value tells nothing ("auto").
        seed: Of the shuffles that tell what chance does.
        t0: Stamp from which the drift counts, the first one by default.
        names: What messages call the two.

    Raises:
        InputError: One of the two is constant or too short, or they do not overlap.
    """
    t0 = (int(times[0]) if len(times) else 0) if t0 is None else t0
    own, like = known(times, values, t0, names[0]), known(like_times, like_values, t0, names[1])
    own_is_slow = step_of(own[0]) > step_of(like[0])
    pair = pair_of(own, like, max_offset) if own_is_slow else pair_of(like, own, max_offset)
    for what in ("value", "change") if compare == "auto" else (compare,):
        each = [in_blocks(pair, what, max_offset, blocks, smooth=smooth) for smooth in (False, True)]
        tried = [judged(one, pair, what, own_is_slow, t0, expected_drift, seed) for one in each]
        best = max(tried, key=lambda sync: abs(sync.correlation) / sync.chance)
        if best.found:
            break
    return best


def in_blocks(pair: Pair, what: str, max_offset: float, most: int, *, smooth: bool) -> Blocks:
    """Return the correlations of blocks of 128 samples of the slower source, or of 6 with at least 15, or of 3."""
    samples, aside, signal = pair.compared(what, smooth=smooth)
    fine = float(pair.grid[1] - pair.grid[0])
    count = len(pair.grid) * fine / pair.step
    number = min(max(count / 128, min(count / 15, 6), 3), most)
    return correlate_blocks(
        samples, aside, signal, pair.grid, int(len(pair.grid) / int(number)), int(np.ceil(max_offset / fine))
    )


def judged(each: Blocks, pair: Pair, what: str, own_is_slow: bool, t0: int, expected_drift: float, seed: int) -> Sync:
    """Return offset and drift, and whether they mean anything."""
    steepest, coarse = 2.5e-6 * expected_drift, pooled(each)
    ridge, chance = find_ridge(coarse, steepest), by_chance(coarse, steepest, seed)
    lags = peaks(each, find_ridge(each, steepest, near=ridge), 1.5 * pair.step)
    sign = -1.0 if own_is_slow else 1.0  # lags are added to the faster source
    nan = float("nan")
    unknown = Sync(
        offset=nan, drift=nan, offset_error=nan, drift_error=nan, found=False, correlation=ridge.score, chance=chance,
        compared=what, times=each.centres, lags=sign * lags, t0=t0,
    )  # fmt: skip
    use = np.isfinite(lags)
    if abs(ridge.score) <= chance or use.sum() < 3:
        return unknown
    line = fit_line(each.centres[use], sign * lags[use], prior=1e-6 * expected_drift, floor=0.02 * each.step)
    if abs(line.slope) > 1.2 * steepest:  # no clock, but something else that changes with time
        return unknown
    offset, offset_error = line.at(0.0)
    own = 1.0 if own_is_slow else 1.0 / (1.0 - line.slope)  # seconds of the other clock to seconds of the source's own
    return replace(
        unknown, found=True, offset=offset * own, drift=1e6 * line.slope * own, offset_error=offset_error,
        drift_error=1e6 * float(np.sqrt(line.covariance[1, 1])),
    )  # fmt: skip


def by_chance(coarse: Blocks, steepest: float, seed: int) -> float:
    """Return what the best line exceeds in 1 of 100 cases through scores of what cannot match, each shifted at random.

    The largest of many values follows Gumbel's law. Four ways of comparing share the 1 in 100: the quantile of 99.75 %
    is 4.22 standard deviations above the mean.
    """
    generator = np.random.default_rng(seed)
    count, places = len(coarse.centres), np.arange(len(coarse.lags))
    best = []
    for _ in range(SHUFFLES):
        rows = coarse.foreign[generator.permutation(len(coarse.foreign))[:count]]
        rolls = generator.integers(len(places), size=(count, 1))
        shuffled = np.take_along_axis(rows, (places + rolls) % len(places), 1)
        best.append(abs(find_ridge(replace(coarse, scores=shuffled), steepest).score))
    return float(np.mean(best) + 4.22 * np.std(best, ddof=1))
