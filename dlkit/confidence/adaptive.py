"""Intervals that follow a drift: adaptive conformal inference, whose promise needs no exchangeability."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlkit.confidence.answers import Answers
from dlkit.confidence.fitted_intervals import FittedIntervals, Intervals, fewest_known
from dlkit.confidence.intervals import Split
from dlkit.confidence.quantile import check_level
from dlkit.core.checks import require
from dlkit.core.discover import import_path


@dataclass(frozen=True, eq=False)
class Followed:
    """Intervals of windows in time, each with a level that the windows known before it set.

    Attributes:
        lower: (windows, *shape), may be minus infinity.
        upper: (windows, *shape).
        miss: 1 less the level of each, (windows, *shape), one for all steps where the promise is joint; below 0 the
            interval is infinite, above 1 empty, which is NaN.
        last: Intervals for what comes next.
    """

    lower: Float[Tensor, "windows *shape"]
    upper: Float[Tensor, "windows *shape"]
    miss: Float[Tensor, "windows *reduced"]
    last: FittedIntervals


@final
class Adaptive:
    """Adaptive conformal inference (Gibbs & Candes 2021) for each step and target, with truths that come late.

    After each window whose truth has become known, the share that may be missed grows by ``gamma`` times the wanted
    share less the miss. It is never clipped, so that over T known windows of any data, the seen share of misses differs
    from the wanted one by at most (max(alpha, 1 - alpha) + gamma (delay + 1)) / (gamma T), with the delay in windows.

    Args:
        gamma: Step; larger follows faster, wavers more and has more infinite intervals. None takes a fiftieth of the
            share that may be missed, so that one miss never makes the next interval infinite.
        method: Gives the scores.
    """

    def __init__(self, *, gamma: float | None = None, method: Intervals | None = None) -> None:
        require(gamma is None or gamma > 0, f"Adaptive gamma={gamma} must be positive: set `gamma`, e.g. 0.002.")
        self.gamma, self.method = gamma, method or Split()

    def follow(
        self, calibration: Answers, answers: Answers, level: float, times: Int[np.ndarray, " windows"], delay: int
    ) -> Followed:
        """Return the intervals of answers of one series in the order of time.

        Args:
            calibration: Answers that the first levels are looked up in.
            answers: To follow; an unknown truth changes nothing.
            level: Wanted coverage over time, between 0 and 1.
            times: Row at which each window starts, rising.
            delay: Rows after which the truth of a window is known: its horizon and gap.
        """
        check_level(level)
        unit, table = self.method.prepared(calibration)
        scores = self.method.reduced(answers, unit)
        quantiles, gamma = Quantiles.of(table), (1 - level) / 50 if self.gamma is None else self.gamma
        miss, radius, coming = levels(scores, quantiles, 1 - level, gamma, known_before(times, max(1, delay)))
        empty, radius = radius == -math.inf, radius * unit
        lower, upper = self.method.widened(answers.point, answers.lower, answers.upper, radius)
        coming = torch.maximum(coming, quantiles.ordered[1].reshape(coming.shape)) * unit  # what comes is not empty
        last = self.method.fitted(coming[None], level, fewest_known(table))
        last = replace(last, kind=import_path(type(self)))
        return Followed(lower.masked_fill_(empty, math.nan), upper.masked_fill_(empty, math.nan), miss, last)


def levels(
    scores: Float[Tensor, "windows *shape"],
    quantiles: "Quantiles",
    wanted: float,
    gamma: float,
    known: Int[np.ndarray, " windows"],
) -> tuple[Float[Tensor, "windows *shape"], Float[Tensor, "windows *shape"], Float[Tensor, "*shape"]]:
    """Return the share that each window may miss, the score that it may reach, and that of the window to come.

    Args:
        scores: Of the windows.
        quantiles: In which shares are looked up.
        wanted: Share of misses.
        gamma: Step.
        known: Number of windows whose truth is known before each.
    """
    debt = scores.new_zeros((len(scores) + 1, *scores.shape[1:]), dtype=torch.float64)  # wanted less seen misses
    miss, radius = torch.empty_like(scores), torch.empty_like(scores)
    for first, past in blocks(known):
        now, share = scores[first:past], wanted + gamma * debt[known[first:past]]
        miss[first:past], radius[first:past] = share, quantiles.at(share)
        missed = (now > radius[first:past]).double()
        debt[first + 1 : past + 1] = debt[first] + (wanted - missed).masked_fill_(now.isnan(), 0.0).cumsum(0)
    return miss, radius, quantiles.at(wanted + gamma * debt[-1])


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Scores in rising order, to be looked up.

    Attributes:
        ordered: (windows + 2, values): minus infinity, the scores, infinity for each one that is unknown, infinity.
        counts: Known scores of each value, shaped like it.
    """

    ordered: Float[Tensor, "rows values"]
    counts: Float[Tensor, "*shape"]

    @classmethod
    def of(cls, table: Float[Tensor, "windows *shape"]) -> "Quantiles":
        """Return those of a table of scores; NaN does not count."""
        ends = table.new_full((2, *table.shape[1:]), math.inf)
        ends[0] = -math.inf
        rows = torch.cat([table.nan_to_num(nan=math.inf), ends]).flatten(1)
        return cls(rows.sort(0).values, (len(table) - table.isnan().sum(0)).double())

    def at(self, miss: Float[Tensor, "*windows_shape"]) -> Float[Tensor, "*windows_shape"]:
        """Return the scores that are exceeded by shares ``miss``: infinite below 0, minus infinity at 1 and above."""
        numbers = ((self.counts + 1) * (1 - miss) - 1e-9).ceil().clamp(torch.zeros_like(self.counts), self.counts + 1)
        return self.ordered.gather(0, numbers.long().reshape(-1, self.ordered.shape[1])).reshape(miss.shape)


def known_before(times: Int[np.ndarray, " windows"], delay: int) -> Int[np.ndarray, " windows"]:
    """Return how many windows start at least ``delay`` rows before each."""
    require(bool((np.diff(times) >= 0).all()), "Adaptive intervals follow time: put the windows in order first.")
    return np.searchsorted(times, times - delay, side="right")


def blocks(known: Int[np.ndarray, " windows"]) -> Iterator[tuple[int, int]]:
    """Yield first and past the last window of runs of windows, none of which knows the truth of another."""
    first = 0
    while first < len(known):
        past = int(np.searchsorted(known, first, side="right"))
        yield first, past
        first = past
