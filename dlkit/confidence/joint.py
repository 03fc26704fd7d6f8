"""One promise for a whole horizon."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.answers import Answers, rows_of
from dlkit.confidence.fitted_intervals import Intervals
from dlkit.confidence.quantile import conformal_quantile
from dlkit.confidence.wrapped import Wrapped
from dlkit.core.checks import require


@final
class Joint(Wrapped):
    """All steps of the horizon at once: one factor on the usual large error of each step.

    The score of a window is the largest over the horizon, each divided by the 0.9 quantile of its step, so that no step
    alone decides; targets have a factor each (Cleaveland et al. 2024 choose the divisors by a program). The quantiles
    come from the first fifth of the windows and the factor from the others, which keeps the finite-sample promise
    exact; windows of several series come side by side, so that none is missing in one of the two.

    Args:
        method: Gives the scores.
        share: Part of the windows for the quantiles.
    """

    def __init__(self, *, method: Intervals | None = None, share: float = 0.2) -> None:
        super().__init__(method=method)
        require(0 < share < 1, f"Joint share={share:g} must lie between 0 and 1: set `share`, e.g. 0.2.")
        self.share = share

    @property
    def joint(self) -> bool:
        """The promise is for all steps together."""
        return True

    def prepared(self, answers: Answers) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "batch *reduced"]]:
        """Return the usual large errors of the first windows, and the largest scores of the others."""
        first = max(1, int(self.share * len(answers.point)))
        unit = usual(self.scores(rows_of(answers, slice(first))))
        return unit, self.reduced(rows_of(answers, slice(first, None)), unit)

    def reduced(self, answers: Answers, unit: Float[Tensor, "*shape"]) -> Float[Tensor, "batch *reduced"]:
        """Return the largest score of each window over the steps, which stay as one."""
        return largest(self.scores(answers).div_(unit))


def usual(scores: Float[Tensor, "batch *shape"]) -> Float[Tensor, "*shape"]:
    """Return the 0.9 quantile of the size of the scores of each value, at least a tenth of the largest one; never 0."""
    sizes = scores.abs()
    found = conformal_quantile(sizes, 0.9)
    found = found.where(found.isfinite(), sizes.nan_to_num_(nan=0.0).amax(0))  # of fewer than nine windows the largest
    found = torch.maximum(found, found.amax(0, keepdim=True) / 10) if found.ndim else found
    return found.where(found > 0, found.new_ones(()))


def largest(scores: Float[Tensor, "batch steps *targets"]) -> Float[Tensor, "batch 1 *targets"]:
    """Return the largest known score over the steps; NaN where none is known."""
    known = scores.nan_to_num(nan=-torch.inf).amax(1, keepdim=True)
    return known.masked_fill_(scores.isnan().all(1, keepdim=True), torch.nan)
