"""A linear forecast of trend and season."""

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.settings import require_odd
from dlkit.models.time_map import TimeMap, map_time


def moving_average_matrix(time: int, width: int) -> Float[Tensor, "time time"]:
    """Return A with ``A @ x`` the centred moving average of x, whose first and last value go on beyond its ends."""
    centre = torch.arange(time)
    offset = torch.arange(width) - width // 2
    source = (centre[:, None] + offset).clamp(0, time - 1)
    return torch.zeros(time, time).scatter_add_(1, source, torch.full((time, width), 1 / width))


def fold_trend(
    seasonal: Float[Tensor, "groups steps time"],
    trend: Float[Tensor, "groups steps time"],
    average: Float[Tensor, "time time"],
) -> Float[Tensor, "groups steps time"]:
    """Return the one map that is ``seasonal @ (1 - average) + trend @ average``."""
    return seasonal + (trend - seasonal) @ average


class DLinear(Net):
    """Splits into trend and season, maps each linearly, adds them up (Zeng et al., AAAI 2023, arXiv:2205.13504).

    The parameters are the paper's, at PyTorch's initialization of a linear layer as in the authors' code. Moving
    average, difference, both maps and sum are one linear map of the input; it is folded once a step and applied as one
    matrix product, which computes the same function several times faster.

    Args:
        spec: Shapes and names of inputs and outputs.
        kernel_size: Width of the moving average that is the trend, in samples; odd.
        individual: Train one pair of maps for each channel instead of one for all.
    """

    average: Tensor

    def __init__(self, spec: Spec, *, kernel_size: int = 25, individual: bool = False) -> None:
        super().__init__(spec)
        require_odd("DLinear", kernel_size=kernel_size)
        self.targets = TargetChannels(spec, net="DLinear")
        time, steps = spec.size[0], self.targets.steps
        groups = len(self.targets.channels) if individual else 1
        self.seasonal = TimeMap(time, steps, groups=groups)
        self.trend = TimeMap(time, steps, groups=groups)
        self.register_buffer("average", moving_average_matrix(time, kernel_size), persistent=False)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch selected time"]:
        """Return the channels the forecast is made from."""
        return self.targets.select(x)

    def head(self, z: Float[Tensor, "batch selected time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the linear forecast."""
        weight = fold_trend(self.seasonal.weight, self.trend.weight, self.average)
        forecast: Tensor = self.targets(map_time(z, weight, self.seasonal.bias + self.trend.bias))
        return forecast
