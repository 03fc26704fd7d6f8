"""Errors in both units, over everything of a stage."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from dlkit.data.normalize import ChannelScaling
from dlkit.metrics.forecast import ForecastErrors
from dlkit.metrics.values import ValueErrors


@runtime_checkable
class Scores(Protocol):
    """Adds up the errors of batches."""

    def reset(self) -> None:
        """Forget all batches."""

    def overall(self) -> dict[str, Tensor]:
        """Return the measures over all batches, scalars by name."""


class BothScales(nn.Module):
    """Errors on the standardized scale and in physical units.

    Args:
        standardized: Errors of standardized values.
        physical: Errors of the same values in physical units.
    """

    def __init__(self, standardized: ForecastErrors | ValueErrors, physical: ForecastErrors | ValueErrors) -> None:
        super().__init__()
        self.standardized, self.physical = standardized, physical

    def reset(self) -> None:
        """Begin new sums."""
        self.standardized.reset()
        self.physical.reset()

    def update(
        self,
        scaling: ChannelScaling,
        point: Float[Tensor, "batch *values"],
        target: Float[Tensor, "batch *values"],
        observed: Bool[Tensor, "batch *values"] | None,
        interval: tuple[Tensor, Tensor] | None,
    ) -> None:
        """Add the standardized predictions of a batch."""
        lower, upper = interval if interval is not None else (None, None)
        self.standardized.update(point, target, observed, lower, upper)
        bounds = (None, None) if interval is None else (scaling.inverse(interval[0]), scaling.inverse(interval[1]))
        self.physical.update(scaling.inverse(point), scaling.inverse(target), observed, *bounds)

    def overall(self) -> dict[str, Tensor]:
        """Return all measures over everything, those in physical units with ``physical_`` before their name."""
        physical = {f"physical_{name}": value for name, value in self.physical.compute().items()}
        return self.standardized.compute() | physical


class ForecastScores(BothScales):
    """Errors of forecasts in both units.

    Args:
        horizon: Number of predicted steps.
        targets: Number of targets.
        interval: Also measure coverage and width of an interval.
    """

    standardized: ForecastErrors
    physical: ForecastErrors

    def __init__(self, horizon: int, targets: int, *, interval: bool) -> None:
        super().__init__(*(ForecastErrors(horizon, targets, interval=interval) for _ in range(2)))

    def start(self, scaling: ChannelScaling, seasonal_error: Float[Tensor, " targets"]) -> None:
        """Begin new sums; ``seasonal_error`` is the scale of MASE in physical units."""
        self.reset()
        # A logarithm has no constant scale, so MASE of such a target is only known in physical units.
        self.standardized.scale = torch.where(scaling.log, torch.nan, seasonal_error / scaling.scale.double())
        self.physical.scale = seasonal_error


class ValueScores(BothScales):
    """Errors of values in both units.

    Args:
        targets: Number of targets.
        interval: Also measure coverage and width of an interval.
    """

    standardized: ValueErrors
    physical: ValueErrors

    def __init__(self, targets: int, *, interval: bool) -> None:
        super().__init__(*(ValueErrors(targets, interval=interval) for _ in range(2)))

    def start(self, scaling: ChannelScaling) -> None:
        """Begin new sums; those of squares run over differences from the training mean, so they lose no digits."""
        self.reset()
        self.physical.center = scaling.inverse(torch.zeros_like(scaling.shift)).double()


class StandardizedScores(nn.Module):
    """Errors on the standardized scale alone, where values of many units are asked for at once.

    Args:
        values: Number of values.
        interval: Also measure coverage and width of an interval.
    """

    def __init__(self, values: int, *, interval: bool) -> None:
        super().__init__()
        self.standardized = ValueErrors(values, interval=interval)

    def reset(self) -> None:
        """Begin new sums."""
        self.standardized.reset()

    def update(
        self,
        point: Float[Tensor, "batch *values"],
        target: Float[Tensor, "batch *values"],
        observed: Bool[Tensor, "batch *values"],
        interval: tuple[Tensor, Tensor] | None,
    ) -> None:
        """Add the standardized answers of a batch."""
        bounds = (None, None) if interval is None else tuple(bound.flatten(1) for bound in interval)
        self.standardized.update(point.flatten(1), target.flatten(1), observed.flatten(1), *bounds)

    def overall(self) -> dict[str, Tensor]:
        """Return all measures over everything."""
        return self.standardized.compute()
