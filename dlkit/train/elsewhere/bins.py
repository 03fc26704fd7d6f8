"""How good answers are, and whether promises hold, by the distance of their inputs to training."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dlkit.train.confidence.answers import Order
from dlkit.train.confidence.checks import seen
from dlkit.train.elsewhere.answers import Answered

EDGES = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, np.inf)


@dataclass(frozen=True)
class Bin:
    """The answers whose inputs are about equally far from training.

    Attributes:
        low: From this distance, included.
        high: To this distance, not included.
        count: How many answers.
        measured: How many of these have a known truth.
        quality: Mean of what measures an answer; NaN where no truth is known.
        inside: Share of the truth that the promise holds; NaN where nothing was promised.
        interval: Of this share, 95 %.
    """

    low: float
    high: float
    count: int
    measured: int
    quality: float
    inside: float
    interval: tuple[float, float]

    @property
    def name(self) -> str:
        """The distances in words."""
        return f"{self.low:g} to {self.high:g}" if np.isfinite(self.high) else f"above {self.low:g}"


def by_distance(answered: Answered, order: Order, head: str = "") -> list[Bin]:
    """Return the answers by distance.

    Args:
        answered: The answers.
        order: Where they lie in time.
        head: Whose answers.
    """
    quality, inside = answered.quality[head].values, answered.inside[head]
    place = np.minimum(np.searchsorted(EDGES, answered.distance, side="right"), len(EDGES) - 1) - 1
    bins = []
    for k, (low, high) in enumerate(pairwise(EDGES)):
        some = place == k
        measured = int(np.isfinite(quality[some]).sum())
        mean = float(np.nanmean(quality[some])) if measured else np.nan
        share, interval = held(inside[some], order)
        bins.append(Bin(low, high, int(some.sum()), measured, mean, share, interval))
    return bins


def held(inside: np.ndarray, order: Order) -> tuple[float, tuple[float, float]]:
    """Return the share of the truth inside and its 95 % interval, which knows that neighbouring windows share rows."""
    if not np.isfinite(inside).any():
        return np.nan, (np.nan, np.nan)
    some = replace(order, borders=[(0, len(inside))])
    share, low, high, _ = (float(part) for part in seen(inside.astype(np.float64), some))
    return share, (low, high)
