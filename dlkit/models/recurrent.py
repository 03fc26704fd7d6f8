"""What recurrent networks share."""

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import OutputLinear
from dlkit.models.settings import require_positive, require_probability


class Recurrent(Net):
    """Reads the window sample by sample; the last state answers for the whole horizon at once.

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units of a layer.
        layers: Number of layers.
        dropout: Rate at which units are dropped between layers and before the head.
    """

    def __init__(self, spec: Spec, *, hidden_size: int = 128, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__(spec)
        name = type(self).__name__
        require(len(spec.size) == 1, f"{name} takes (time,), but size={spec.size}: set `net` to models.resnet.ResNet.")
        require_positive(name, hidden_size=hidden_size, layers=layers)
        require_probability(name, dropout=dropout)
        between = dropout if layers > 1 else 0.0
        self.recurrence = self.cells()(len(spec.channels), hidden_size, layers, batch_first=True, dropout=between)
        self.output = nn.Sequential(nn.Dropout(dropout), OutputLinear(hidden_size, spec.output))

    @staticmethod
    @abstractmethod
    def cells() -> type[nn.LSTM | nn.GRU]:
        """Return the kind of recurrence."""

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features"]:
        """Return the last state of the last layer."""
        states: Tensor = self.recurrence(x.transpose(1, 2))[0]
        return states[:, -1]

    def head(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
