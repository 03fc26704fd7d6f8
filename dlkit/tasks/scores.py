"""Errors of a forecast in both units, over all windows of a stage."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from dlkit.data.normalize import ChannelScaling
from dlkit.metrics.forecast import ForecastErrors


class ForecastScores(nn.Module):
    """Errors on the standardized scale and in physical units.

    Args:
        horizon: Number of predicted steps.
        targets: Number of targets.
        interval: Also measure coverage and width of an interval.
    """

    def __init__(self, horizon: int, targets: int, *, interval: bool) -> None:
        super().__init__()
        self.standardized = ForecastErrors(horizon, targets, interval=interval)
        self.physical = ForecastErrors(horizon, targets, interval=interval)

    def start(self, scaling: ChannelScaling, seasonal_error: Float[Tensor, " targets"]) -> None:
        """Begin new sums; ``seasonal_error`` is the scale of MASE in physical units."""
        self.standardized.reset()
        self.physical.reset()
        # A logarithm has no constant scale, so MASE of such a target is only known in physical units.
        self.standardized.scale = torch.where(scaling.log, torch.nan, seasonal_error / scaling.scale.double())
        self.physical.scale = seasonal_error

    def update(
        self,
        scaling: ChannelScaling,
        point: Float[Tensor, "batch horizon targets"],
        target: Float[Tensor, "batch horizon targets"],
        observed: Bool[Tensor, "batch horizon targets"] | None,
        interval: tuple[Tensor, Tensor] | None,
    ) -> None:
        """Add the standardized forecasts of a batch."""
        lower, upper = interval if interval is not None else (None, None)
        self.standardized.update(point, target, observed, lower, upper)
        bounds = (None, None) if interval is None else (scaling.inverse(interval[0]), scaling.inverse(interval[1]))
        self.physical.update(scaling.inverse(point), scaling.inverse(target), observed, *bounds)

    def overall(self) -> dict[str, Tensor]:
        """Return all measures over everything, those in physical units with ``physical_`` before their name."""
        physical = {f"physical_{name}": value for name, value in self.physical.compute().items()}
        return self.standardized.compute() | physical
