"""What networks that give back their input share: an encoder, what it has to say, and a decoder."""

import math
from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.settings import require_positive


def measured_values(spec: Spec) -> int:
    """Return how many values of an input are measured: not masks, ages, presence, or where a trace is."""
    if not spec.parts:
        return max(spec.measured, 1) * math.prod(spec.size)
    own = sum(part.count * (len(part.channels) - part.helpers) // len(part.channels) for part in spec.parts)
    return max(own, 1)


class Autoencoder(Net, ABC):
    """Gives back its input (Hinton and Salakhutdinov, Science 313, 2006); the output is shaped like the input.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    decoder: nn.Module
    """From the features to the input; all else encodes."""

    def __init__(self, spec: Spec) -> None:
        name = type(self).__name__
        require(
            self.several or not spec.parts,
            f"{name} takes one source, but the data have {len(spec.parts)}: set `net` to "
            "dlkit.models.fusion_autoencoder.FusionAutoencoder.",
        )
        super().__init__(spec)
        require(
            spec.kind == "reconstruct",
            f"{name} gives back its input, but the data ask for '{spec.kind}': set `model.class_path` to "
            "dlkit.tasks.reconstruct.Reconstruct and data that reconstruct, or `net` to "
            "dlkit.models.pretrained.Pretrained to go on with what an autoencoder has learned.",
        )
        inputs = spec.size if spec.parts else (len(spec.channels), *spec.size)
        require(
            spec.output[:-1] == inputs,
            f"{name} gives back {inputs} values with some numbers for each, but the spec asks for "
            f"output={spec.output}: set `model.class_path` to dlkit.tasks.reconstruct.Reconstruct.",
        )

    def forget_decoder(self) -> None:
        """Leave the encoder alone, for another question than what the input was."""
        self.decoder = nn.Identity()


class Bottleneck(Autoencoder, ABC):
    """An autoencoder whose decoder knows a few numbers of the input and nothing else.

    Args:
        spec: Shapes and names of inputs and outputs.
        bottleneck: How many numbers.
    """

    code: nn.Linear
    """The last layer of the encoder; the features are its outputs."""

    def __init__(self, spec: Spec, *, bottleneck: int) -> None:
        super().__init__(spec)
        require_positive(type(self).__name__, bottleneck=bottleneck)
        self.bottleneck = bottleneck

    @abstractmethod
    def encode(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch features"]:
        """Return what the layer before the bottleneck takes."""

    def features(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch bottleneck"]:
        """Return the numbers that stand for the input."""
        z: Tensor = self.code(self.encode(x))
        return z

    def head(self, z: Float[Tensor, "batch bottleneck"]) -> Float[Tensor, "batch ..."]:
        """Return the input as these numbers tell it."""
        y: Tensor = self.decoder(z)
        return y.reshape(-1, *self.spec.output)
