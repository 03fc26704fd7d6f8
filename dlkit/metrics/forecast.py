"""Errors of forecasts from sums that add up over batches and machines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric

from dlkit.core.checks import require

OVERALL, PER_HORIZON, PER_CHANNEL = (0, 1), (1,), (0,)  # axes of the sums to add up


class Sums(NamedTuple):
    """Sums over the observed values of all windows, float64, each (horizon, targets)."""

    squared: Tensor
    absolute: Tensor
    observed: Tensor
    inside: Tensor
    width: Tensor


def point_errors(sums: Sums, over: tuple[int, ...] = OVERALL) -> dict[str, Tensor]:
    """Return MSE, MAE and RMSE, micro-averaged over the axes ``over``; NaN where nothing was observed."""
    count = sums.observed.sum(over)
    mse = sums.squared.sum(over) / count
    return {"mse": mse, "mae": sums.absolute.sum(over) / count, "rmse": mse.sqrt()}


def scaled_error(
    sums: Sums, scale: Float[Tensor, " targets"], over: tuple[int, ...] = OVERALL
) -> Float[Tensor, "*rest"]:
    """Return the mean absolute scaled error, MASE (Hyndman & Koehler 2006); NaN where it is not defined.

    Targets whose scale is zero or unknown (constant or too short in training) do not count.
    """
    usable = scale > 0  # False for NaN
    count = sums.observed.where(usable, 0.0).sum(over)
    return (sums.absolute / scale).where(usable, 0.0).sum(over) / count


def interval_quality(sums: Sums, over: tuple[int, ...] = OVERALL) -> dict[str, Tensor]:
    """Return the share of observed values inside their interval and the mean width of the interval."""
    count = sums.observed.sum(over)
    return {"coverage": sums.inside.sum(over) / count, "width": sums.width.sum(over) / count}


def in_sample_seasonal_mae(
    values: Float[np.ndarray, "rows targets"],
    season: int,
    observed: Bool[np.ndarray, "rows targets"] | None = None,
    segments: Int[np.ndarray, "segments 2"] | None = None,
) -> Float[np.ndarray, " targets"]:
    """Return the mean absolute error of repeating the last season inside the training rows, the scale of MASE.

    Args:
        values: Training rows in the order of time.
        season: Length of the season in rows; 1 repeats the last value.
        observed: True where a value was measured; by default wherever it is finite.
        segments: First row and row after the last of each uninterrupted piece; by default all rows are one.

    Returns:
        One scale for each target, float64; NaN where no two observed values are one season apart.
    """
    require(season > 0, f"in_sample_seasonal_mae season={season} rows must be positive: set `season`.")
    known = np.isfinite(values) if observed is None else observed & np.isfinite(values)
    total, count = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for first, end in [(0, len(values))] if segments is None else segments.tolist():
        piece, seen = values[first:end].astype(np.float64), known[first:end]
        pairs = seen[season:] & seen[:-season]
        total += np.where(pairs, np.abs(piece[season:] - piece[:-season]), 0.0).sum(0)
        count += pairs.sum(0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


@final
class ForecastErrors(Metric):
    """Errors over all windows, overall, for each step of the horizon and for each target.

    Sums are kept in float64 on the device and divided at the end, so the size of the batches changes nothing, a
    smaller last batch and missing values included, and ``update`` never waits for the device.

    Args:
        horizon: Number of predicted steps.
        targets: Number of targets.
        scale: In-sample error of the seasonal-naive forecast of each target, in the unit of the predictions;
            without it there is no MASE. See :func:`in_sample_seasonal_mae`.
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

    def __init__(
        self,
        horizon: int,
        targets: int,
        *,
        scale: Sequence[float] | Float[np.ndarray, " targets"] | None = None,
        interval: bool = False,
    ) -> None:
        super().__init__(sync_on_compute=False)  # dlkit.metrics.joining does it, once
        given = targets if scale is None else len(scale)
        require(given == targets, f"ForecastErrors scale has {given} values for {targets} targets: give one each.")
        self.interval = interval
        self.scale = None if scale is None else torch.as_tensor(scale, dtype=torch.float64)
        for name in Sums._fields:
            self.add_state(name, torch.zeros(horizon, targets, dtype=torch.float64), dist_reduce_fx="sum")

    def update(
        self,
        point: Float[Tensor, "batch horizon targets"],
        target: Float[Tensor, "batch horizon targets"],
        observed: Bool[Tensor, "batch horizon targets"] | None = None,
        lower: Float[Tensor, "batch horizon targets"] | None = None,
        upper: Float[Tensor, "batch horizon targets"] | None = None,
    ) -> None:
        """Add a batch; what was not observed is not looked at and may be NaN."""
        seen = torch.ones_like(target, dtype=torch.bool) if observed is None else observed
        error = (point.double() - target.double()).where(seen, 0.0)
        self.squared += error.square().sum(0)
        self.absolute += error.abs().sum(0)
        self.observed += seen.sum(0)
        if self.interval:
            self._add_interval(target, seen, lower, upper)

    def _add_interval(self, target: Tensor, seen: Tensor, lower: Tensor | None, upper: Tensor | None) -> None:
        if lower is None or upper is None:
            raise TypeError("ForecastErrors(interval=True) needs `lower` and `upper` in every update")
        self.inside += ((lower <= target) & (target <= upper) & seen).sum(0)
        self.width += (upper.double() - lower.double()).where(seen, 0.0).sum(0)

    @property
    def sums(self) -> Sums:
        """The sums so far."""
        return Sums(self.squared, self.absolute, self.observed, self.inside, self.width)

    def errors(self, over: tuple[int, ...]) -> dict[str, Tensor]:
        """Return every measure, micro-averaged over the axes ``over`` of the sums."""
        found = point_errors(self.sums, over)
        if self.scale is not None:
            found["mase"] = scaled_error(self.sums, self.scale.to(self.observed.device), over)
        return found | (interval_quality(self.sums, over) if self.interval else {})

    def compute(self) -> dict[str, Tensor]:
        """Return scalars over all windows, steps and targets."""
        return self.errors(OVERALL)

    def per_horizon(self) -> dict[str, Tensor]:
        """Return one value for each step of the horizon."""
        return self.errors(PER_HORIZON)

    def per_channel(self) -> dict[str, Tensor]:
        """Return one value for each target."""
        return self.errors(PER_CHANNEL)

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        """Follow to another device, not to another type: the sums stay float64 in a half-precision run."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), exclude_state)
