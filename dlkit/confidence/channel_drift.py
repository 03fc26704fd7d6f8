"""Has a channel changed between two samples? By its level and spread in each window."""

import numpy as np

from dlkit.confidence.drift import Drift, drift


def compare(before: np.ndarray, after: np.ndarray, *, ordered: bool, permutations: int = 999, seed: int = 0) -> Drift:
    """Return the comparison of level and spread of a channel, (inputs, 2), each in its standard deviation before.

    Args:
        before: Level and spread of each input; those that are not finite are left out.
        after: Of other inputs.
        ordered: Inputs are windows in the order of time.
        permutations: How often blocks are dealt.
        seed: Of the deals.
    """
    one, other = (part[np.isfinite(part).all(1)] for part in (before, after))
    scale = np.maximum(one.std(0), 1e-6)
    return drift(one / scale, other / scale, ordered=ordered, permutations=permutations, seed=seed)


def moved(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Return the difference of the means in standard deviations of before, and the ratio of the standard deviations."""
    means = [np.nanmean(part[:, 0]) if np.isfinite(part).any() else np.nan for part in (before, after)]
    spreads = [
        np.sqrt(np.nanvar(part[:, 0]) + np.nanmean(part[:, 1] ** 2)) if np.isfinite(part).any() else np.nan
        for part in (before, after)
    ]
    return float((means[1] - means[0]) / max(spreads[0], 1e-12)), float(spreads[1] / max(spreads[0], 1e-12))
