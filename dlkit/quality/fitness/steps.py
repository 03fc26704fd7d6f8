"""Where a series changes its level: moving sums of several widths, each measured by what it does elsewhere."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WIDTHS = (8, 12, 16, 24, 32, 48, 64, 96)  # bins on either side of a change
SHARE = 12  # a series is at least so many times as long as a width
SURE = 7.0  # robust deviations; white, red and seasonal noise of 2,000 bins exceed it in about one of 1,000 series
LIKELY = 4.0  # robust deviations of what counts as a switch
FAR = 5.0  # ranges of four fifths of the values
LASTING = 0.05  # share of the series that a level lasts at least; what is shorter is an event
MOST = 6  # a series with more changes switches: this is what it does
APART = 0.95  # probability that a value just after the change lies beyond one just before it
STAYS = 0.9  # the same of values farther off


@dataclass(frozen=True)
class Step:
    """A change of level.

    Attributes:
        at: Number of the first value after it.
        width: Values on either side that show it.
        score: How large the change is, in robust deviations of such changes elsewhere in the series.
    """

    at: int
    width: int
    score: float


def bounded(values: Float[np.ndarray, " bins"]) -> Float[np.ndarray, " bins"]:
    """Return the values with what lies far from all others moved to the border: no outlier weighs more than that."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    room = FAR * max(high - low, 1e-12)
    found: np.ndarray = np.clip(values, middle - room, middle + room)
    return found


def moving_differences(values: Float[np.ndarray, " bins"], width: int) -> Float[np.ndarray, " places"]:
    """Return the mean of the ``width`` values from each place on less that of the ``width`` before it.

    The first is that of place ``width``, the last that of place ``len(values) - width``.
    """
    total = np.concatenate([[0.0], np.cumsum(values)])
    found: np.ndarray = (total[2 * width :] - 2 * total[width:-width] + total[: -2 * width]) / width
    return found


def scores(values: Float[np.ndarray, " bins"], width: int) -> Float[np.ndarray, " places"]:
    """Return the moving differences in robust deviations of themselves.

    The deviation of the differences at this width holds what noise with memory, seasons and slow wandering do over this
    width, so that no model of the noise is needed (MOSUM, Eichinger & Kirch 2018, with a robust long-run variance). A
    rare change hardly moves the median deviation; where most differences are 0, half of the standard deviation counts.
    """
    change = moving_differences(values, width)
    change = change - np.median(change)
    scale = max(1.4826 * float(np.median(np.abs(change))), float(change.std()) / 2)
    return change / scale if scale > 1e-9 else np.zeros(len(change))


def find_steps(values: Float[np.ndarray, " bins"]) -> list[Step]:
    """Return the changes of level of a series, in its order; none where it is too short, or where it keeps switching.

    Args:
        values: Medians or spreads of consecutive bins, finite.
    """
    found: list[Step] = []
    if len(values) < SHARE * WIDTHS[0]:
        return found
    level = bounded(values)
    for width in WIDTHS:
        if len(level) < SHARE * width:
            break
        found += peaks(scores(level, width), width)
    kept: list[Step] = []
    for step in sorted(found, key=lambda one: -abs(one.score)):
        if all(abs(step.at - other.at) >= max(step.width, other.width) for other in kept):
            kept.append(step)
    kept = sorted((one for one in kept if separated(values, one)), key=lambda one: one.at)
    if len(kept) > MOST:
        return []
    borders = [0, *(one.at for one in kept), len(values)]
    least = LASTING * len(values)
    return [
        one
        for one, first, past in zip(kept, borders[:-2], borders[2:], strict=True)
        if abs(one.score) > SURE and min(one.at - first, past - one.at) >= least
        and lasts(values, one, first, past) and not is_slope(values, one)
    ]  # fmt: skip


def peaks(found: Float[np.ndarray, " places"], width: int) -> list[Step]:
    """Return the largest scores above the threshold that are ``width`` places apart, at most ``2 MOST + 1``."""
    left = np.abs(found)
    kept: list[Step] = []
    while len(kept) <= 2 * MOST and left.max(initial=0.0) > LIKELY:
        place = int(left.argmax())
        kept.append(Step(place + width, width, float(found[place])))
        left[max(place - width, 0) : place + width] = 0
    return kept


def separated(values: Float[np.ndarray, " bins"], step: Step) -> bool:
    """Tell whether the values just after a change lie beyond those just before it."""
    at, width = step.at, step.width
    return beyond(values[at - width : at], values[at : at + width], step.score) > APART


def lasts(values: Float[np.ndarray, " bins"], step: Step, first: int, past: int) -> bool:
    """Tell whether the values stay beyond those before, up to the changes before and after this one."""
    reach = max(4 * step.width, int(LASTING * len(values)))
    before, after = values[max(first, step.at - reach) : step.at], values[step.at : min(past, step.at + reach)]
    return beyond(before, after, step.score) > STAYS


def beyond(before: np.ndarray, after: np.ndarray, sign: float) -> float:
    """Return how often a value after lies beyond one before, in the direction of the change."""
    low, high = (after, before) if sign < 0 else (before, after)
    return float(np.searchsorted(np.sort(low), high, side="left").mean() / len(low))


def is_slope(values: Float[np.ndarray, " bins"], step: Step) -> bool:
    """Tell whether the level moves as fast well before and well after a change: it drifts and does not jump."""
    quarter = max(step.width // 4, 2)
    low, at, high = step.at - step.width, step.at, step.at + step.width
    jump = abs(np.median(values[at : at + quarter]) - np.median(values[at - quarter : at]))
    whole = abs(np.median(values[high - quarter : high]) - np.median(values[low : low + quarter]))
    return bool(jump < 0.5 * whole)
