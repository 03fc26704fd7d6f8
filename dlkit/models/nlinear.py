"""A linear forecast of the change since the last value."""

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.time_map import TimeMap, map_time


def fold_last(weight: Float[Tensor, "groups steps time"]) -> Float[Tensor, "groups steps time"]:
    """Return the map V with ``V @ x = weight @ (x - last) + last``: each of its rows sums to 1."""
    last = weight[..., -1:] + 1 - weight.sum(-1, keepdim=True)
    return torch.cat([weight[..., :-1], last], dim=-1)


class NLinear(Net):
    """Subtracts the last value, maps linearly, adds it again (Zeng et al., AAAI 2023, arXiv:2205.13504).

    The three steps are one linear map, and are computed as one. Every parameter of the output gets the last value
    added, which suits points and quantiles; for a Gaussian head, whose second parameter is a scale, take DLinear.

    Args:
        spec: Shapes and names of inputs and outputs.
        individual: Train one map for each channel instead of one for all.
    """

    def __init__(self, spec: Spec, *, individual: bool = False) -> None:
        super().__init__(spec)
        self.targets = TargetChannels(spec, net="NLinear")
        groups = len(self.targets.channels) if individual else 1
        self.map = TimeMap(spec.size[0], self.targets.steps, groups=groups)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch selected time"]:
        """Return the channels the forecast is made from."""
        return self.targets.select(x)

    def head(self, z: Float[Tensor, "batch selected time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the linear forecast."""
        forecast: Tensor = self.targets(map_time(z, fold_last(self.map.weight), self.map.bias))
        return forecast
