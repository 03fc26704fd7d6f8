"""The interface of a loss: masked means of an elementwise cost, and what its parameters mean."""

from abc import ABC, abstractmethod

from jaxtyping import Bool, Float
from torch import Tensor, nn


def masked_mean(values: Float[Tensor, "*shape"], observed: Bool[Tensor, "*shape"] | None) -> Float[Tensor, ""]:
    """Return the mean over the observed values; 0 when there is none."""
    if observed is None:
        return values.mean()
    return values.where(observed, values.new_zeros(())).sum() / observed.sum().clamp_min(1)


class Loss(nn.Module, ABC):
    """The cost of a prediction; its network returns ``parameters`` numbers for each target value."""

    parameters: int = 1

    @abstractmethod
    def elementwise(
        self, prediction: Float[Tensor, "batch horizon targets parameters"], target: Float[Tensor, "batch horizon targets"]
    ) -> Float[Tensor, "batch horizon targets"]:
        """Return the cost of each predicted value."""

    @abstractmethod
    def point(
        self, prediction: Float[Tensor, "batch horizon targets parameters"]
    ) -> Float[Tensor, "batch horizon targets"]:
        """Return the single best value (mean or median)."""

    def interval(
        self,
        prediction: Float[Tensor, "batch horizon targets parameters"],  # noqa: ARG002 - a point says nothing of its spread
    ) -> tuple[Float[Tensor, "batch horizon targets"], Float[Tensor, "batch horizon targets"]] | None:
        """Return the lower and upper bound of the central interval at ``level``; None for a point forecast."""
        return None

    @property
    def level(self) -> float | None:
        """Nominal probability of :meth:`interval`; None for a point forecast."""
        return None

    def forward(
        self,
        prediction: Float[Tensor, "batch horizon targets parameters"],
        target: Float[Tensor, "batch horizon targets"],
        observed: Bool[Tensor, "batch horizon targets"] | None = None,
    ) -> Float[Tensor, ""]:
        """Return the mean cost over the observed values."""
        return masked_mean(self.elementwise(prediction, target), observed)
