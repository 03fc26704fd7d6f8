"""The baseline that nothing changes."""

from jaxtyping import Float
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels, forecast_shape


def require_known_targets(spec: Spec, net: str) -> None:
    """Refuse targets that are not inputs: an untrained network has nothing to make them from."""
    forecast_shape(spec, net)
    missing = [name for name in spec.targets if name not in spec.channels]
    require(not missing, f"{net} needs the past of targets {missing}: add them to `inputs` or choose another `net`.")


class RepeatLast(Net):
    """Repeats the last value of each target over the horizon; nothing is trained.

    Each parameter of the output is the value itself, so quantiles collapse onto it.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        require_known_targets(spec, "RepeatLast")
        self.targets = TargetChannels(spec, net="RepeatLast")

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch targets time"]:
        """Return the past of the targets."""
        return self.targets.select(x)

    def head(self, z: Float[Tensor, "batch targets time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the last value for each step of the horizon."""
        forecast: Tensor = self.targets(z[..., -1:].expand(-1, -1, self.targets.steps))
        return forecast
