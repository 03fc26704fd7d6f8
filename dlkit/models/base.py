"""The interface of a network: features, then a head."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec


class Net(nn.Module, ABC):
    """A network built from a spec: ``forward`` is ``head(features(x))``.

    The cut between the two is what class activation maps, embeddings and transfer learning work on.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    several: ClassVar[bool] = False
    """Whether it takes the packed inputs of several sources."""

    places_of_input: bool = True
    """Whether the positions of its features, where they have any, are places of the input, as maps over it need."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        require(
            self.several or not spec.parts,
            f"{type(self).__name__} takes one source, but the data have {len(spec.parts)}: set `net` to "
            "dlkit.models.fusion.Fusion, with this network as a branch.",
        )
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

    def restored(
        self,
        answer: Float[Tensor, "batch *output"],
        x: Float[Tensor, "batch channels *size"],  # noqa: ARG002 - the head of most networks says it all
    ) -> Float[Tensor, "batch *output"]:
        """Return what the head said in the units of the input: ``forward`` is ``restored(head(features(x)), x)``."""
        return answer

    def embedding(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features"]:
        """Return the features as one vector, for clusters and neighbours: their mean over positions."""
        z = self.features(x)
        return z.flatten(2).mean(2) if z.ndim > 2 else z

    def cost(self, z: Tensor) -> Float[Tensor, ""]:
        """Return what the features cost by themselves; a task that reconstructs adds it to the loss."""
        return z.new_zeros(())


NetFactory = Callable[[Spec], Net]

_WEIGHTS_WANTED = ContextVar("weights_wanted", default=True)


def weights_wanted() -> bool:
    """Say whether a new network should read weights that it was told of."""
    return _WEIGHTS_WANTED.get()


@contextmanager
def weights_come_later() -> Iterator[None]:
    """New networks leave files with trained weights alone: a checkpoint follows, and the files may be gone."""
    token = _WEIGHTS_WANTED.set(False)
    try:
        yield
    finally:
        _WEIGHTS_WANTED.reset(token)
