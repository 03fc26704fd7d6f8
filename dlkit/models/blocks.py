"""Blocks of convolutional networks, for series and images alike."""

import math
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.outputs import OutputLinear
from dlkit.models.padding import KnowsPadding, shrink, valid_norm

Pool = Literal["mean", "max", "flatten"]
CONV: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
NORM: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
MAX_POOL: dict[int, type[nn.MaxPool1d | nn.MaxPool2d]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}


def axes_and_channels(net: str, spec: Spec) -> tuple[int, int]:
    """Return 1 for series or 2 for images, and the number of channels without the one that says what is padding."""
    require(
        len(spec.size) in CONV,
        f"{net} takes (time,) or (height, width), but size={spec.size}: set `net` to models.mlp.MLP.",
    )
    return len(spec.size), len(spec.channels) - spec.padded


def same_conv(axes: int, inputs: int, outputs: int, *, kernel_size: int, stride: int = 1) -> nn.Conv1d | nn.Conv2d:
    """Return a convolution without bias for :func:`convolve`, with the start of He et al. (arXiv:1502.01852)."""
    padding = (kernel_size - 1) // 2
    conv = CONV[axes](inputs, outputs, kernel_size, stride=stride, padding=padding, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def start_as_keras(net: nn.Module) -> None:
    """Start convolutions and linear maps as Keras does, in which the networks for series were published.

    Uniform with the variance of Glorot and Bengio (AISTATS 2010), biases 0.
    """
    for layer in net.modules():
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def convolve(conv: nn.Module, x: Float[Tensor, "batch inputs *size"], kernel_size: int) -> Tensor:
    """Return the convolution, as long as the input at stride 1: an even kernel sees one zero more at the end."""
    y: Tensor = conv(x if kernel_size % 2 else nn.functional.pad(x, (0, 1) * (x.ndim - 2)))
    return y


class ConvNorm(nn.Sequential, KnowsPadding):
    """A convolution and a batch norm; the extent is kept, or divided by the stride and rounded up."""

    def __init__(self, axes: int, inputs: int, outputs: int, *, kernel_size: int, stride: int = 1) -> None:
        conv = same_conv(axes, inputs, outputs, kernel_size=kernel_size, stride=stride)
        super().__init__(conv, NORM[axes](outputs))
        self.kernel_size, self.stride = kernel_size, stride

    def forward(
        self, x: Float[Tensor, "batch inputs ..."], valid: Tensor | None = None
    ) -> Float[Tensor, "batch outputs ..."]:
        """Return the normalized maps."""
        return valid_norm(self[1], convolve(self[0], x, self.kernel_size), shrink(valid, self.stride))


class NormOnly(nn.Module, KnowsPadding):
    """A batch norm."""

    def __init__(self, axes: int, features: int) -> None:
        super().__init__()
        self.norm = NORM[axes](features)

    def forward(self, x: Float[Tensor, "batch features *size"], valid: Tensor | None = None) -> Tensor:
        """Return the normalized maps."""
        return valid_norm(self.norm, x, valid)


class MaxPool(nn.Module, KnowsPadding):
    """The maximum over 2 or 3 positions a side; the extent is kept, or divided by the stride and rounded up."""

    def __init__(self, axes: int, *, stride: int, size: int = 3) -> None:
        super().__init__()
        self.pool = MAX_POOL[axes](size, stride=stride, padding=(size - 1) // 2, ceil_mode=size == 2)
        self.stride = stride

    def forward(
        self, x: Float[Tensor, "batch channels ..."], valid: Tensor | None = None
    ) -> Float[Tensor, "batch channels ..."]:
        """Return the maxima over valid positions."""
        if valid is None:
            y: Tensor = self.pool(x)
            return y
        kept = shrink(valid, self.stride)
        return self.pool(x.masked_fill(valid == 0, -math.inf)).masked_fill(kept == 0, 0.0)  # type: ignore[no-any-return]


class MapHead(nn.Module):
    """From feature maps to the answer.

    Args:
        features: Number of maps.
        size: Extent of the maps.
        output: Shape of the answer.
        pool: "mean" or "max" over positions, which suit classes, or "flatten", which keeps when things happened.
    """

    def __init__(self, features: int, size: tuple[int, ...], output: tuple[int, ...], *, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.linear = OutputLinear(features * (math.prod(size) if pool == "flatten" else 1), output)

    def forward(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer for the feature maps."""
        flat = z.flatten(2)
        pooled = {"mean": lambda: flat.mean(2), "max": lambda: flat.amax(2), "flatten": lambda: flat.flatten(1)}
        y: Tensor = self.linear(pooled[self.pool]())
        return y


def make_head(net: str, spec: Spec, features: int, size: tuple[int, ...], pool: Pool | None) -> MapHead:
    """Return the head; by default a forecast, which must know when things happened, flattens, and all else averages."""
    chosen: Pool = pool or ("flatten" if spec.kind == "forecast" else "mean")
    require(
        chosen == "mean" or not spec.padded,
        f"{net} pool={chosen} counts the padding of traces of unequal length: set `pool` to mean.",
    )
    return MapHead(features, size, spec.output, pool=chosen)
