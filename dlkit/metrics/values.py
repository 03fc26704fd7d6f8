"""Errors of predicted numbers from sums that add up over batches and machines."""

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric

from dlkit.metrics.forecast import Sums, interval_quality, point_errors


def explained_share(
    squared: Float[Tensor, " targets"],
    total: Float[Tensor, " targets"],
    total_squares: Float[Tensor, " targets"],
    count: Float[Tensor, " targets"],
) -> Float[Tensor, " targets"]:
    """Return the coefficient of determination, R2: 1 - squared error / squared deviation of the truth from its mean.

    NaN where the truth is constant, unknown or one number alone.
    """
    deviation = total_squares - total.square() / count
    flat = ~(deviation > 1e-12 * total_squares)  # True for NaN
    return (1 - squared / deviation).masked_fill(flat, torch.nan)


@final
class ValueErrors(Metric):
    """MSE, MAE, RMSE, R2 and the quality of intervals, for each target and over all of them.

    Sums are kept in float64 on the device and divided at the end, so the size of the batches changes nothing, missing
    values included, and ``update`` never waits for the device.

    Args:
        targets: Number of targets.
        interval: Whether ``update`` gets the bounds of an interval.
    """

    full_state_update = False
    higher_is_better = False
    is_differentiable = False

    squared: Tensor
    absolute: Tensor
    observed: Tensor
    inside: Tensor
    width: Tensor
    total: Tensor
    total_squares: Tensor

    def __init__(self, targets: int, *, interval: bool = False) -> None:
        super().__init__(sync_on_compute=False)  # dlkit.metrics.joining does it, once
        self.interval, self.center = interval, torch.zeros(targets, dtype=torch.float64)
        for name in (*Sums._fields, "total", "total_squares"):
            self.add_state(name, torch.zeros(targets, dtype=torch.float64), dist_reduce_fx="sum")

    def update(
        self,
        point: Float[Tensor, "batch targets"],
        target: Float[Tensor, "batch targets"],
        observed: Bool[Tensor, "batch targets"] | None = None,
        lower: Float[Tensor, "batch targets"] | None = None,
        upper: Float[Tensor, "batch targets"] | None = None,
    ) -> None:
        """Add a batch; what was not observed is not looked at and may be NaN."""
        seen = ~target.isnan() if observed is None else observed
        error = (point.double() - target.double()).where(seen, 0.0)
        off = (target.double() - self.center.to(target.device)).where(seen, 0.0)
        self.squared += error.square().sum(0)
        self.absolute += error.abs().sum(0)
        self.observed += seen.sum(0)
        self.total += off.sum(0)
        self.total_squares += off.square().sum(0)
        if self.interval:
            if lower is None or upper is None:
                raise TypeError("ValueErrors(interval=True) needs `lower` and `upper` in every update")
            self.inside += ((lower <= target) & (target <= upper) & seen).sum(0)
            self.width += (upper.double() - lower.double()).where(seen, 0.0).sum(0)

    def errors(self, *, each: bool) -> dict[str, Tensor]:
        """Return every measure, for each target or over all of them; R2 over all is the mean of those that exist."""
        sums = Sums(self.squared, self.absolute, self.observed, self.inside, self.width)
        sums = Sums(*(part.unsqueeze(0) for part in sums))
        over = (0,) if each else (0, 1)
        share = explained_share(self.squared, self.total, self.total_squares, self.observed)
        found = point_errors(sums, over) | {"r2": share if each else share.nanmean()}
        return found | (interval_quality(sums, over) if self.interval else {})

    def compute(self) -> dict[str, Tensor]:
        """Return scalars over all samples and targets."""
        return self.errors(each=False)

    def per_target(self) -> dict[str, Tensor]:
        """Return one value for each target."""
        return self.errors(each=True)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        """Follow to another device, not to another type: the sums stay float64 in a half-precision run."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), exclude_state)
