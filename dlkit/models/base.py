"""The interface of a network: features, then a head."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Spec


class Net(nn.Module, ABC):
    """A network built from a spec: ``forward`` is ``head(features(x))``.

    The cut between the two is what class activation maps, embeddings and transfer learning work on.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def features(self, x: Float[Tensor, "batch channels *size"]) -> Tensor:
        """Return what the network found in the input, (batch, features, *positions) where positions make sense."""

    @abstractmethod
    def head(self, z: Tensor) -> Float[Tensor, "batch *output"]:
        """Return the answer, (batch, *spec.output), for the features."""

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch *output"]:
        """Return the answer for the input."""
        return self.head(self.features(x))


NetFactory = Callable[[Spec], Net]
