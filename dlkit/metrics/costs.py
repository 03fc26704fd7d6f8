"""Means of costs over batches that count differently."""

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric


@final
class MeanCosts(Metric):
    """Means of costs over everything, from those of batches and what these are over.

    Sums are kept in float64 on the device and divided at the end, so the size of the batches changes nothing, and
    ``update`` never waits for the device.

    Args:
        costs: Number of costs.
    """

    full_state_update = False
    higher_is_better = False
    is_differentiable = False

    total: Tensor
    number: Tensor

    def __init__(self, costs: int) -> None:
        super().__init__(sync_on_compute=False)  # dlkit.metrics.joining does it, once
        for name in ("total", "number"):
            self.add_state(name, torch.zeros(costs, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, costs: Float[Tensor, " costs"], counts: Float[Tensor, " costs"]) -> None:
        """Add a batch: the mean of each cost, and what it is over: a number of values, or the sum of their weights."""
        self.total += costs.detach().double() * counts
        self.number += counts

    def compute(self) -> Float[Tensor, " costs"]:
        """Return the means over all batches; 0 where nothing was known."""
        return self.total / self.number.clamp_min(torch.finfo(self.number.dtype).tiny)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        """Follow to another device, not to another type: the sums stay float64 in a half-precision run."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), exclude_state)
