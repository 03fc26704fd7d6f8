"""The multilayer perceptron."""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import OutputLinear
from dlkit.models.settings import require_positive, require_probability


class MLP(Net):
    """Fully connected layers with ReLU on the flattened input (Rumelhart et al., Nature 323, 1986).

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units in a hidden layer.
        layers: Number of hidden layers.
        dropout: Rate at which hidden units are dropped.
    """

    def __init__(self, spec: Spec, *, hidden_size: int = 256, layers: int = 2, dropout: float = 0.1) -> None:
        super().__init__(spec)
        require_positive("MLP", hidden_size=hidden_size, layers=layers)
        require_probability("MLP", dropout=dropout)
        sizes = [len(spec.channels) * math.prod(spec.size)] + [hidden_size] * layers
        steps = [nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)) for a, b in pairwise(sizes)]
        self.body = nn.Sequential(nn.Flatten(), *steps)
        self.output = OutputLinear(hidden_size, spec.output)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features"]:
        """Return the last hidden layer."""
        z: Tensor = self.body(x)
        return z

    def head(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
