"""How the costs of several heads become the one cost that is trained."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require, suggest
from dlkit.core.specs import Kind

CLASSES = ("class", "ordinal", "labels")
TINY = 1e-12


class Balance(nn.Module, ABC):
    """Weighs the costs of several heads.

    Args:
        heads: What is asked of each head, by its name.
    """

    looks_inside: ClassVar[bool] = False
    """Whether it needs the features that all heads share."""
    above_zero: ClassVar[bool] = False
    """Whether costs below 0 have no meaning for it."""

    def __init__(self, heads: Mapping[str, Kind]) -> None:
        super().__init__()
        self.names = tuple(heads)

    @abstractmethod
    def weights(self) -> Float[Tensor, " heads"]:
        """Return the weight of each cost."""

    def forward(self, costs: Float[Tensor, " heads"], shared: Tensor | None = None) -> Float[Tensor, ""]:  # noqa: ARG002
        """Return the cost that is trained.

        Args:
            costs: Of each head.
            shared: Features that all heads share, as a node of the graph that leads to the costs.
        """
        return (self.weights() * costs).sum()

    def compared(self, costs: Float[Tensor, " heads"]) -> Float[Tensor, ""]:
        """Return the cost by which epochs are compared; its weights do not change while training."""
        return costs.sum()


BalanceFactory = Callable[[dict[str, Kind]], Balance]


@final
class Fixed(Balance):
    """A weighted sum.

    Args:
        heads: What is asked of each head, by its name.
        weights: Weight of each head; 1 for those that are not named.
    """

    fixed: Tensor

    def __init__(self, heads: Mapping[str, Kind], *, weights: dict[str, float] | None = None) -> None:
        super().__init__(heads)
        for name, weight in (weights or {}).items():
            require(name in heads, f"Fixed weighs '{name}', which is no head; {suggest(name, heads)}")
            require(weight >= 0, f"Fixed weight {weight} of '{name}' must not be negative: set `weights`, e.g. to 1.")
        self.register_buffer("fixed", torch.tensor([(weights or {}).get(name, 1.0) for name in heads]))

    def weights(self) -> Float[Tensor, " heads"]:
        """Return the weights as they were given."""
        return self.fixed

    def compared(self, costs: Float[Tensor, " heads"]) -> Float[Tensor, ""]:
        """Return the same weighted sum."""
        return (self.fixed * costs).sum()


@final
class Uncertainty(Balance):
    """Weights by a learned noise of each head (Kendall, Gal and Cipolla, CVPR 2018, arXiv:1705.07115).

    With ``s``, the logarithm of the variance, a cost of numbers becomes ``exp(-s) cost / 2 + s / 2`` and one of classes
    ``exp(-s) cost + s / 2``; for numbers the best ``s`` is the logarithm of the cost. It is trained with the network.

    Args:
        heads: What is asked of each head, by its name.
    """

    above_zero = True
    factor: Tensor

    def __init__(self, heads: Mapping[str, Kind]) -> None:
        super().__init__(heads)
        self.log_variance = nn.Parameter(torch.zeros(len(heads)))
        self.register_buffer("factor", torch.tensor([1.0 if kind in CLASSES else 0.5 for kind in heads.values()]))

    def weights(self) -> Float[Tensor, " heads"]:
        """Return the inverse variances, halved for numbers."""
        return self.factor * (-self.log_variance).exp()

    def forward(self, costs: Float[Tensor, " heads"], shared: Tensor | None = None) -> Float[Tensor, ""]:  # noqa: ARG002
        """Return the negative log-likelihood of all heads."""
        return (self.weights() * costs + self.log_variance / 2).sum()


def gradnorm_slope(
    weights: Float[Tensor, " heads"], norms: Float[Tensor, " heads"], rates: Float[Tensor, " heads"], alpha: float
) -> Float[Tensor, " heads"]:
    """Return the slope of GradNorm's cost, relative to the mean norm, along each weight (Algorithm 1).

    The cost is ``sum |weight norm - mean(weight norm) rate^alpha|``, in which the mean is held fixed.

    Args:
        weights: Of the costs.
        norms: Gradient norm of each cost.
        rates: Part of each cost that is left, relative to their mean.
        alpha: How strongly heads that lag behind are pulled.
    """
    weighed = weights * norms
    mean = weighed.mean()
    return (weighed - mean * rates**alpha).sign() * norms / mean.clamp_min(TINY)


@final
class GradNorm(Balance):
    """Weights with which all heads pull equally at what they share (Chen et al., ICML 2018, arXiv:1711.02257).

    A head whose cost has fallen less than those of the others pulls more. The weights sum to the number of heads; a
    step along the slope of their softmax keeps that. Norms are those of the gradients at the features, which cost
    a pass through the heads alone; the paper takes the weights of the layer that makes them. Nothing waits for the
    device.

    Args:
        heads: What is asked of each head, by its name.
        alpha: How strongly heads that lag behind are pulled; 0 makes all norms equal.
        rate: Step size of the weights.
    """

    looks_inside = True
    above_zero = True
    scores: Tensor
    first: Tensor

    def __init__(self, heads: Mapping[str, Kind], *, alpha: float = 1.5, rate: float = 0.025) -> None:
        super().__init__(heads)
        require(alpha >= 0, f"GradNorm alpha={alpha} must not be negative: set `alpha`, e.g. 1.5.")
        require(rate > 0, f"GradNorm rate={rate} must be positive: set `rate`, e.g. 0.025.")
        self.alpha, self.rate = alpha, rate
        self.register_buffer("scores", torch.zeros(len(heads)))
        self.register_buffer("first", torch.full((len(heads),), torch.nan))

    def weights(self) -> Float[Tensor, " heads"]:
        """Return the weights; they sum to the number of heads."""
        return self.scores.softmax(0) * len(self.scores)

    def forward(self, costs: Float[Tensor, " heads"], shared: Tensor | None = None) -> Float[Tensor, ""]:
        """Return the weighted sum, after a step of the weights.

        Raises:
            InputError: Nothing that could be trained leads to the features.
        """
        if torch.is_grad_enabled():
            require(
                shared is not None and shared.requires_grad,
                "GradNorm compares gradients at the features, but nothing before them is trained: set `balance` to "
                "dlkit.losses.balance.Uncertainty.",
            )
            assert shared is not None
            found = [torch.autograd.grad(cost, shared, retain_graph=True, allow_unused=True)[0] for cost in costs]
            norms = [costs.new_zeros(()) if one is None else one.norm().to(costs.dtype) for one in found]
            self._move(costs.detach(), torch.stack(norms))
        return (self.weights() * costs).sum()

    def _move(self, costs: Float[Tensor, " heads"], norms: Float[Tensor, " heads"]) -> None:
        """Take a step of the weights."""
        self.first = torch.where(self.first.isnan() & (costs > 0), costs, self.first)
        left = torch.where(self.first.isnan(), 1.0, costs / self.first)
        weights = self.weights()
        slope = gradnorm_slope(weights, norms, left / left.mean().clamp_min(TINY), self.alpha)
        self.scores = self.scores - self.rate * weights * (slope - (slope * weights).mean())
