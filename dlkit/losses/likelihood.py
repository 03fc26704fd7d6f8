"""Negative log-likelihoods of predicted distributions."""

import math
from statistics import NormalDist
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from dlkit.core.checks import require
from dlkit.losses.base import Loss, Mixture, at_least_single, deviation


def gaussian_nll(
    mean: Float[Tensor, "*shape"], scale: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Return minus the log density of the normal distribution, constant included."""
    return 0.5 * ((target - mean) / scale).square() + scale.log() + 0.5 * math.log(2 * math.pi)


def normal_crps(
    mean: Float[Tensor, "*shape"], scale: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Return the continuous ranked probability score of the normal distribution (Gneiting & Raftery 2007, eq. 21)."""
    z = (target - mean) / scale
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    return scale * (z * torch.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


@final
class Gaussian(Loss):
    """Normal likelihood: the network returns mean and raw scale, the standard deviation is softplus(raw) + floor.

    Args:
        level: Probability of the central interval.
        floor: Smallest standard deviation, in standard deviations of the target; keeps the likelihood bounded.
    """

    outputs = 2
    below_zero = True

    def __init__(self, *, level: float = 0.9, floor: float = 1e-3) -> None:
        super().__init__()
        require(0 < level < 1, f"Gaussian level={level} must lie between 0 and 1: set `level`, e.g. 0.9.")
        require(floor > 0, f"Gaussian floor={floor} must be positive: set `floor`, e.g. 0.001.")
        self._level, self.floor = level, floor

    def scale(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the standard deviation."""
        raw = at_least_single(prediction[..., 1]).contiguous()  # eight times as fast as in steps of two
        return F.softplus(raw) + self.floor

    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the negative log-likelihood of each value."""
        return gaussian_nll(prediction[..., 0], self.scale(prediction), target)

    def point(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the mean."""
        return prediction[..., 0]

    def mixed(self, answers: Float[Tensor, "members batch *horizon targets outputs"]) -> Mixture:
        """Return the normal law with mean and variance of the mixture (Lakshminarayanan et al., NeurIPS 2017)."""
        mean = at_least_single(answers[..., 0])
        aleatoric, epistemic = self.scale(answers).square().mean(0).sqrt(), deviation(mean)
        above = (torch.hypot(aleatoric, epistemic) - self.floor).clamp_min(1e-6)
        raw = above + torch.log(-torch.expm1(-above))  # softplus undone
        return Mixture(torch.stack([mean.mean(0), raw], -1), aleatoric, epistemic)

    def interval(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> tuple[Float[Tensor, "batch *horizon targets"], Float[Tensor, "batch *horizon targets"]]:
        """Return the central interval at ``level``."""
        mean = at_least_single(prediction[..., 0])
        reach = NormalDist().inv_cdf((1 + self._level) / 2) * self.scale(prediction)
        return mean - reach, mean + reach

    @property
    def level(self) -> float:
        """Probability of the central interval."""
        return self._level
