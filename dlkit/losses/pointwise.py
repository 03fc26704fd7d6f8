"""Costs of a point forecast."""

from typing import final

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from dlkit.core.checks import require
from dlkit.losses.base import Loss


class PointLoss(Loss):
    """The cost of one number for each target value."""

    def point(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the one number."""
        return prediction.squeeze(-1)


@final
class MSE(PointLoss):
    """Squared error; its best answer is the mean."""

    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the squared error of each value."""
        return (self.point(prediction) - target).square()


@final
class MAE(PointLoss):
    """Absolute error; its best answer is the median."""

    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the absolute error of each value."""
        return (self.point(prediction) - target).abs()


@final
class Huber(PointLoss):
    """Squared error of small deviations, absolute error of large ones (Huber 1964): outliers pull less.

    Args:
        delta: Deviation at which the cost turns from quadratic to linear, in standard deviations of the target.
    """

    def __init__(self, *, delta: float = 1.0) -> None:
        super().__init__()
        require(delta > 0, f"Huber delta={delta} must be positive: set `delta`, e.g. 1.0.")
        self.delta = delta

    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return Huber's cost of each value."""
        return F.huber_loss(self.point(prediction), target, reduction="none", delta=self.delta)
