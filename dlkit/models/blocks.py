"""Blocks of convolutional networks, for series and images alike."""

import math
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.models.outputs import OutputLinear

Pool = Literal["mean", "flatten"]
CONV: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
NORM: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


def require_series_or_image(net: str, size: tuple[int, ...]) -> None:
    """Refuse inputs without a matching convolution."""
    require(len(size) in CONV, f"{net} takes (time,) or (height, width), but size={size}: set `net` to models.mlp.MLP.")


def conv_norm(axes: int, inputs: int, outputs: int, *, kernel_size: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution and a batch norm; the extent is kept, or divided by the stride and rounded up.

    Weights start as in He et al. (ICCV 2015, arXiv:1502.01852).
    """
    conv = CONV[axes](inputs, outputs, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, NORM[axes](outputs))


class Residual(nn.Module):
    """Two convolutions and a shortcut around them (He et al., CVPR 2016, arXiv:1512.03385).

    Args:
        axes: 1 for series, 2 for images.
        inputs: Features in.
        outputs: Features out.
        kernel_size: Width of the convolutions; odd.
        stride: Step of the first convolution.
        skip: Add the shortcut; a projection where the shape changes, else the identity.
    """

    def __init__(self, axes: int, inputs: int, outputs: int, *, kernel_size: int, stride: int, skip: bool) -> None:
        super().__init__()
        self.first = conv_norm(axes, inputs, outputs, kernel_size=kernel_size, stride=stride)
        self.second = conv_norm(axes, outputs, outputs, kernel_size=kernel_size)
        self.activation = nn.ReLU()
        self.skip = skip
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module = nn.Identity()
        if skip and not same:
            self.shortcut = conv_norm(axes, inputs, outputs, kernel_size=1, stride=stride)

    def forward(self, x: Float[Tensor, "batch inputs ..."]) -> Float[Tensor, "batch outputs ..."]:
        """Return the feature maps."""
        z: Tensor = self.second(self.activation(self.first(x)))
        z = z + self.shortcut(x) if self.skip else z
        return self.activation(z)  # type: ignore[no-any-return]  # modules are untyped calls


class MapHead(nn.Module):
    """From feature maps to the answer.

    Args:
        features: Number of maps.
        size: Extent of the maps.
        output: Shape of the answer.
        pool: "mean" over positions, which suits classes, or "flatten", which keeps when things happened.
    """

    def __init__(self, features: int, size: tuple[int, ...], output: tuple[int, ...], *, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.linear = OutputLinear(features * (math.prod(size) if pool == "flatten" else 1), output)

    def forward(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer for the feature maps."""
        flat = z.flatten(2)
        y: Tensor = self.linear(flat.mean(2) if self.pool == "mean" else flat.flatten(1))
        return y
