"""The interface of a loss: masked means of an elementwise cost, and what its outputs mean."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn


def masked_mean(values: Float[Tensor, "*shape"], observed: Bool[Tensor, "*shape"] | None) -> Float[Tensor, ""]:
    """Return the mean over the observed values; 0 when there is none."""
    if observed is None:
        return values.mean()
    return values.where(observed, values.new_zeros(())).sum() / observed.sum().clamp_min(1)


def weighted_mean(
    values: Float[Tensor, "*shape"], observed: Bool[Tensor, "*shape"] | None, weights: Float[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Return the weighted mean over the observed values; 0 when there is none. ``weights`` broadcast, none negative."""
    shares = weights.expand(values.shape)
    if observed is not None:
        values = values.where(observed, values.new_zeros(()))
        shares = shares.where(observed, shares.new_zeros(()))
    return (values * shares).sum() / shares.sum().clamp_min(torch.finfo(shares.dtype).tiny)


def counted(
    target: Shaped[Tensor, "*shape"],
    observed: Bool[Tensor, "*shape"] | None,
    weights: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, ""]:
    """Return what a mean over the observed values is over: their number, or the sum of their weights."""
    if weights is None:
        number = torch.full((), target.numel(), device=target.device) if observed is None else observed.sum()
        return number.double()
    shares = weights.double().expand(target.shape)
    return (shares if observed is None else shares * observed).sum()


def at_least_single(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return half-precision values as float32, in which squares and logarithms are safe; leave others as they are."""
    return values.float() if values.element_size() < 4 else values


class Mixture(NamedTuple):
    """What several members say together, standardized.

    Attributes:
        answer: One answer like theirs that says it, (batch, *horizon, targets, outputs).
        aleatoric: Root of the mean variance that they give, (batch, *horizon, targets); None of points.
        epistemic: Standard deviation of the points that they give.
    """

    answer: Tensor
    aleatoric: Tensor | None
    epistemic: Tensor


def deviation(values: Float[Tensor, "members *shape"]) -> Float[Tensor, "*shape"]:
    """Return the standard deviation over the members; torch's own takes a hundred times as long along this axis."""
    return (values - values.mean(0)).square().mean(0).sqrt()


class Loss(nn.Module, ABC):
    """The cost of a prediction; its network returns ``outputs`` numbers for each target value.

    Half-precision predictions are taken as float32, and what was not observed is never looked at: it may be NaN.
    """

    outputs: int = 1
    below_zero: ClassVar[bool] = False
    """Whether the cost can be negative."""

    @abstractmethod
    def elementwise(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the cost of each predicted value."""

    @abstractmethod
    def point(
        self, prediction: Float[Tensor, "batch *horizon targets outputs"]
    ) -> Float[Tensor, "batch *horizon targets"]:
        """Return the single best value (mean or median)."""

    def interval(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],  # noqa: ARG002 - a point says nothing of its spread
    ) -> tuple[Float[Tensor, "batch *horizon targets"], Float[Tensor, "batch *horizon targets"]] | None:
        """Return the lower and upper bound of the central interval at ``level``; None for a point forecast."""
        return None

    @property
    def level(self) -> float | None:
        """Nominal probability of :meth:`interval`; None for a point forecast."""
        return None

    def mixed(self, answers: Float[Tensor, "members batch *horizon targets outputs"]) -> Mixture:
        """Return one answer that says what an even mixture of several says: their mean."""
        answers = at_least_single(answers)
        return Mixture(
            answers.mean(0), None, deviation(self.point(answers.flatten(0, 1)).unflatten(0, answers.shape[:2]))
        )

    def count(
        self,
        target: Float[Tensor, "batch *horizon targets"],
        observed: Bool[Tensor, "batch *horizon targets"] | None = None,
        weights: Float[Tensor, "..."] | None = None,
    ) -> Float[Tensor, ""]:
        """Return what the mean cost of a batch is over: costs of batches are averaged with it."""
        return counted(target, observed, weights)

    def forward(
        self,
        prediction: Float[Tensor, "batch *horizon targets outputs"],
        target: Float[Tensor, "batch *horizon targets"],
        observed: Bool[Tensor, "batch *horizon targets"] | None = None,
        weights: Float[Tensor, "..."] | None = None,
    ) -> Float[Tensor, ""]:
        """Return the mean cost over the observed values, weighted where there are ``weights``, which broadcast."""
        prediction, target = at_least_single(prediction), at_least_single(target)
        if observed is not None:  # before the cost: 0 * NaN is NaN in the gradient
            target = target.where(observed, target.new_zeros(()))
        costs = self.elementwise(prediction, target)
        return masked_mean(costs, observed) if weights is None else weighted_mean(costs, observed, weights)
