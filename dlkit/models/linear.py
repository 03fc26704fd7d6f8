"""The simplest trained forecast."""

from jaxtyping import Float
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.time_map import TimeMap


class Linear(Net):
    """One linear map from the look-back to the horizon (Zeng et al., AAAI 2023, arXiv:2205.13504).

    Args:
        spec: Shapes and names of inputs and outputs.
        individual: Train one map for each channel instead of one for all.
    """

    def __init__(self, spec: Spec, *, individual: bool = False) -> None:
        super().__init__(spec)
        self.targets = TargetChannels(spec, net="Linear")
        groups = len(self.targets.channels) if individual else 1
        self.map = TimeMap(spec.size[0], self.targets.steps, groups=groups)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch selected time"]:
        """Return the channels the forecast is made from."""
        return self.targets.select(x)

    def head(self, z: Float[Tensor, "batch selected time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the linear forecast."""
        forecast: Tensor = self.targets(self.map(z))
        return forecast
