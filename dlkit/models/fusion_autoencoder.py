"""The autoencoder of several sources."""

import math
from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Part, Spec
from dlkit.models.base import NetFactory
from dlkit.models.bottleneck import Bottleneck
from dlkit.models.decoder import ConvDecoder
from dlkit.models.fusion import Fusion, Stand
from dlkit.models.fusion_joins import Concatenate, JoinFactory
from dlkit.models.settings import require_positive

KERNEL_SIZE = 3


class PartDecoder(ConvDecoder):
    """From the numbers that stand for all sources to one of them; the frames of a camera are maps side by side."""

    def __init__(self, part: Part, bottleneck: int, parameters: int, *, width: int, depth: int) -> None:
        depth = min(depth, (max(part.size) - 1).bit_length())
        maps = part.count // math.prod(part.size)
        super().__init__(
            bottleneck, maps, part.size, parameters, width=width, depth=depth, kernel_size=KERNEL_SIZE, skip=True
        )


class PackedDecoder(nn.Module):
    """A decoder for each source, packed as :mod:`dlkit.core.packing` says; which sources were there is not told: 0."""

    def __init__(self, parts: tuple[Part, ...], bottleneck: int, parameters: int, *, width: int, depth: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            PartDecoder(part, bottleneck, parameters, width=width, depth=depth) for part in parts
        )

    def forward(self, z: Float[Tensor, "batch bottleneck"]) -> Float[Tensor, "batch values parameters"]:
        """Return all values."""
        values = [part(z).flatten(1, -2) for part in self.parts]
        presence = values[0].new_zeros(z.shape[0], len(self.parts), values[0].shape[-1])
        return torch.cat([*values, presence], 1)


class FusionAutoencoder(Bottleneck):
    """All sources through one bottleneck: a network for each, a join, and a decoder for each (Ngiam et al., ICML 2011).

    A source that is not there, or was left out in training, is told from the others.

    Args:
        spec: Shapes and names of inputs and outputs.
        branches: Makes the network of each source, as of :class:`dlkit.models.fusion.Fusion`.
        join: Makes what joins the sources; a class of dlkit.models.fusion_joins.
        missing: What stands for a source that is not there, as of Fusion.
        width: Length of the vectors that are joined.
        depth: Stages of each decoder, each of which doubles the extent, as far as the source is that large.
        bottleneck: Numbers that the decoders get.
    """

    several: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        branches: dict[str, NetFactory],
        join: JoinFactory = Concatenate,
        missing: Stand = "token",
        width: int = 64,
        depth: int = 3,
        bottleneck: int = 16,
    ) -> None:
        super().__init__(spec, bottleneck=bottleneck)
        require_positive("FusionAutoencoder", width=width, depth=depth)
        require(
            len(spec.parts) > 0,
            "FusionAutoencoder takes several sources, but the data have one: set `net` to "
            "dlkit.models.autoencoder.ConvAutoencoder, or `data` to dlkit.data.multimodal.MultimodalDataModule.",
        )
        joined = replace(spec, output=(width,))
        self.fusion = Fusion(joined, branches=branches, join=join, missing=missing, width=width)
        self.code = nn.Linear(width, bottleneck)
        narrow = max(width // 2**depth, 4)
        self.decoder = PackedDecoder(spec.parts, bottleneck, spec.output[-1], width=narrow, depth=depth)

    def encode(self, x: Float[Tensor, "batch values"]) -> Float[Tensor, "batch features"]:
        """Return one vector for all sources."""
        joined: Tensor = self.fusion(x)
        return joined
