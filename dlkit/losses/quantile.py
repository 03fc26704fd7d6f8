"""Costs of predicted quantiles."""

import itertools
from collections.abc import Sequence
from statistics import NormalDist
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.checks import require
from dlkit.losses.base import Loss, Mixture, at_least_single, deviation


def pinball(
    prediction: Float[Tensor, "*shape quantiles"], target: Float[Tensor, "*shape"], levels: Float[Tensor, " quantiles"]
) -> Float[Tensor, "*shape"]:
    """Return the mean over the quantiles of the pinball cost (Koenker & Bassett 1978); half of the CRPS for many."""
    short = target.unsqueeze(-1) - prediction
    return torch.maximum(levels * short, (levels - 1) * short).mean(-1)


def check_levels(levels: Sequence[float]) -> None:
    """Refuse levels that do not give a median and central intervals."""
    said = f"Pinball quantiles={tuple(levels)}"
    cure = "set `quantiles`, e.g. [0.1, 0.5, 0.9]."
    require(all(0 < level < 1 for level in levels), f"{said} must lie between 0 and 1: {cure}")
    require(all(a < b for a, b in itertools.pairwise(levels)), f"{said} must increase: {cure}")
    mirrored = zip(levels, reversed(levels), strict=True)
    require(all(abs(a + b - 1) < 1e-6 for a, b in mirrored), f"{said} must be symmetric about 0.5: {cure}")
    require(len(levels) % 2 == 1, f"{said} must contain the median, 0.5: {cure}")


@final
class Pinball(Loss):
    """Quantile cost: the network returns one number for each level, so the forecast comes with an interval.

    Predicted quantiles that cross are put in order when they are read, which never makes them worse
    (Chernozhukov, Fernandez-Val & Galichon 2010).

    Args:
        quantiles: Levels, increasing, symmetric about 0.5 and with 0.5 among them.
    """

    levels: Tensor

    def __init__(self, *, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> None:
        super().__init__()
        check_levels(quantiles)
        self.quantiles = tuple(quantiles)
        self.outputs = len(self.quantiles)
        self.register_buffer("levels", torch.tensor(self.quantiles), persistent=False)

    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the mean pinball cost of each value."""
        return pinball(prediction, target, self.levels.to(prediction.dtype))

    def point(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the median."""
        return prediction.sort(-1).values[..., self.outputs // 2]

    def interval(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> tuple[Float[Tensor, "batch *horizon targets"], Float[Tensor, "batch *horizon targets"]] | None:
        """Return the outermost quantiles; None when there is only the median."""
        if self.outputs == 1:
            return None
        ordered = prediction.sort(-1).values
        return ordered[..., 0], ordered[..., -1]

    def mixed(self, answers: Float[Tensor, "members batch *horizon targets outputs"]) -> Mixture:
        """Return the mean of each quantile, moved away from the median as the members disagree about it.

        Means of quantiles keep their shape but not the disagreement (Lichtendahl et al. 2013); distances from the
        median are scaled so that the width is that of the total deviation. Of normal laws this is the normal law with
        the variance of the mixture.
        """
        ordered = at_least_single(answers).sort(-1).values
        mean, epistemic = ordered.mean(0), deviation(ordered[..., self.outputs // 2])
        if self.level is None:
            return Mixture(mean, None, epistemic)
        reach = NormalDist().inv_cdf((1 + self.level) / 2)
        width = ((ordered[..., -1] - ordered[..., 0]) / (2 * reach)).clamp_min(1e-6)
        aleatoric, centre = width.square().mean(0).sqrt(), mean[..., self.outputs // 2, None]
        wider = torch.hypot(aleatoric, epistemic) / width.mean(0)
        return Mixture(centre + (mean - centre) * wider.unsqueeze(-1), aleatoric, epistemic)

    @property
    def level(self) -> float | None:
        """Probability between the outermost quantiles."""
        return None if self.outputs == 1 else round(self.quantiles[-1] - self.quantiles[0], 9)
