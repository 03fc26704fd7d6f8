"""The inception network for series."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import (
    NORM,
    ConvNorm,
    MaxPool,
    Pool,
    axes_and_channels,
    convolve,
    make_head,
    same_conv,
    start_as_keras,
)
from dlkit.models.padding import Chain, KnowsPadding, call, valid_maps, valid_norm
from dlkit.models.settings import require_positive


class Inception(nn.Module, KnowsPadding):
    """Three convolutions of different width on a bottleneck, and a maximum, side by side."""

    def __init__(self, axes: int, inputs: int, width: int, *, bottleneck: int, kernel_size: int) -> None:
        super().__init__()
        self.kernel_sizes = tuple(kernel_size // 2**level for level in range(3))
        narrow = bottleneck if inputs > 1 else inputs
        self.bottleneck = same_conv(axes, inputs, narrow, kernel_size=1) if inputs > 1 else nn.Identity()
        self.wide = nn.ModuleList(same_conv(axes, narrow, width, kernel_size=size) for size in self.kernel_sizes)
        self.largest = MaxPool(axes, stride=1)
        self.point = same_conv(axes, inputs, width, kernel_size=1)
        self.norm = NORM[axes](4 * width)
        self.activation = nn.ReLU()

    def forward(
        self, x: Float[Tensor, "batch inputs *size"], valid: Tensor | None = None
    ) -> Float[Tensor, "batch outputs *size"]:
        """Return the feature maps."""
        narrow = self.bottleneck(x)
        maps = [convolve(conv, narrow, size) for conv, size in zip(self.wide, self.kernel_sizes, strict=True)]
        maps.append(self.point(self.largest(x, valid)))
        return self.activation(valid_norm(self.norm, torch.cat(maps, dim=1), valid))  # type: ignore[no-any-return]


class InceptionResidual(nn.Module, KnowsPadding):
    """Inception modules one after the other and a projection around them."""

    def __init__(self, axes: int, inner: Chain, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inner = inner
        self.shortcut = ConvNorm(axes, inputs, outputs, kernel_size=1)
        self.activation = nn.ReLU()

    def forward(
        self, x: Float[Tensor, "batch inputs *size"], valid: Tensor | None = None
    ) -> Float[Tensor, "batch outputs *size"]:
        """Return the feature maps."""
        z = call(self.inner, x, valid) + call(self.shortcut, x, valid)
        return self.activation(z)  # type: ignore[no-any-return]  # modules are untyped calls


class InceptionTime(Net):
    """Convolutions of three widths side by side (Fawaz et al., Data Min. Knowl. Disc. 34, 2020, arXiv:1909.04939).

    This is one network; the paper's InceptionTime averages the probabilities of five of them. The layout is the
    authors' code.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of each of the four branches of a module.
        depth: Number of modules; a shortcut goes around every third.
        bottleneck: Features that the wide convolutions look at.
        kernel_size: Width of the widest convolution; the others have a half and a quarter of it.
        skip: Add the shortcuts.
        pool: "mean" over positions or "flatten"; by default forecasts flatten and all else is averaged.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int = 32,
        depth: int = 6,
        bottleneck: int = 32,
        kernel_size: int = 40,
        skip: bool = True,
        pool: Pool | None = None,
    ) -> None:
        super().__init__(spec)
        require_positive("InceptionTime", width=width, depth=depth, bottleneck=bottleneck)
        require(
            kernel_size >= 4,
            f"InceptionTime kernel_size={kernel_size} leaves no quarter: set `kernel_size` to 4 or more.",
        )
        axes, inputs = axes_and_channels("InceptionTime", spec)
        blocks: list[nn.Module] = []
        while depth > 0:
            sources = [inputs] + [4 * width] * (min(depth, 3) - 1)
            modules = Chain(
                *(Inception(axes, n, width, bottleneck=bottleneck, kernel_size=kernel_size) for n in sources)
            )
            around = skip and depth >= 3
            blocks.append(InceptionResidual(axes, modules, inputs, 4 * width) if around else modules)
            inputs, depth = 4 * width, depth - 3
        self.body = Chain(*blocks)
        self.output = make_head("InceptionTime", spec, inputs, spec.size, pool)
        start_as_keras(self)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps, as long as the input."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
