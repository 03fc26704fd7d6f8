"""The way from features to an output of the spec's shape."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec


def forecast_shape(spec: Spec, net: str) -> tuple[int, int, int]:
    """Return (horizon, targets, parameters); refuse a spec that asks for something else."""
    require(
        len(spec.size) == 1 and len(spec.output) == 3,
        f"{net} maps (time,) to (horizon, targets, parameters), but the spec has size={spec.size} and "
        f"output={spec.output}: set `net` to a general network such as dlkit.models.resnet.ResNet.",
    )
    horizon, targets, parameters = spec.output
    require(
        len(spec.targets) == targets,
        f"Spec output={spec.output} has {targets} targets, but {len(spec.targets)} are named: set `targets`.",
    )
    return horizon, targets, parameters


class OutputLinear(nn.Module):
    """One linear map from a feature vector to an output of any shape."""

    def __init__(self, features: int, output: tuple[int, ...]) -> None:
        super().__init__()
        self.output = output
        self.linear = nn.Linear(features, math.prod(output))

    def forward(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, "batch ..."]:
        """Return the answer for each feature vector."""
        y: Tensor = self.linear(z)
        return y.view(-1, *self.output)


class TargetChannels(nn.Module):
    """The way from channels to targets, for networks that forecast each channel by itself.

    Targets that are inputs are forecast from their own channel alone, and no other channel need be looked at.
    Targets that are not inputs are a learned linear mix of the forecasts of all channels.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Name of the network, for messages.
    """

    index: Tensor

    def __init__(self, spec: Spec, *, net: str) -> None:
        super().__init__()
        self.horizon, targets, self.per_value = forecast_shape(spec, net)
        every = tuple(range(len(spec.channels)))
        known = spec.target_channels
        self.channels = every if known is None else known
        self.keeps_all = self.channels == every
        self.mix = nn.Linear(len(every), targets) if known is None else None
        self.register_buffer("index", Tensor(self.channels).long(), persistent=False)

    @property
    def steps(self) -> int:
        """Numbers to forecast for a channel."""
        return self.horizon * self.per_value

    def select(self, x: Float[Tensor, "batch channels features"]) -> Float[Tensor, "batch selected features"]:
        """Return the channels that have to be looked at."""
        return x if self.keeps_all else x.index_select(1, self.index)

    def forward(self, y: Float[Tensor, "batch selected steps"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the forecasts of the targets for the forecasts of the selected channels."""
        if self.mix is not None:
            y = self.mix(y.transpose(1, 2)).transpose(1, 2)
        return y.reshape(*y.shape[:2], self.horizon, self.per_value).transpose(1, 2)
