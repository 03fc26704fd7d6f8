"""Has a channel changed between two samples? By its level and spread in each window."""

import numpy as np

from dlkit.confidence.drift import Drift, drift
from dlkit.confidence.stretches import Pair


def compare(
    before: np.ndarray,
    after: np.ndarray,
    *,
    ordered: bool,
    series: Pair | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> Drift:
    """Return the comparison of level and spread of a channel, (inputs, 2), each in its standard deviation before.

    Args:
        before: Level and spread of each input; those that are not finite are left out.
        after: Of other inputs.
        ordered: Inputs are windows in the order of time.
        series: Series of each input of both, see :func:`dlkit.confidence.drift.drift`.
        permutations: How often blocks are dealt.
        seed: Of the deals.
    """
    known = [np.isfinite(part).all(1) for part in (before, after)]
    one, other = before[known[0]], after[known[1]]
    own = None if series is None else (series[0][known[0]], series[1][known[1]])
    scale = np.maximum(one.std(0), 1e-6)
    return drift(one / scale, other / scale, ordered=ordered, series=own, permutations=permutations, seed=seed)


def moved(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Return the difference of the means in standard deviations of before, and the ratio of the standard deviations."""
    level, spread = moves(before, after)
    return float(level), float(spread)


def moves(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same of many channels, (..., channels): of level and spread of inputs, (inputs, channels, 2)."""
    (mean, spread), (later, wider) = (level_and_spread(part) for part in (before, after))
    usual = np.maximum(spread, 1e-12)
    return np.asarray((later - mean) / usual), np.asarray(wider / usual)


def level_and_spread(looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of all values, from level and spread of each input; NaN is left out."""
    with np.errstate(invalid="ignore", divide="ignore"):
        known = ~np.isnan(looks)
        mean = np.where(known, looks, 0).sum(0) / known.sum(0)
        level, spread = looks[..., 0], looks[..., 1]
        between = np.where(known[..., 0], (level - mean[..., 0]) ** 2, 0).sum(0) / known[..., 0].sum(0)
        inside = np.where(known[..., 1], spread**2, 0).sum(0) / known[..., 1].sum(0)
    return np.asarray(mean[..., 0]), np.asarray(np.sqrt(between + inside))
