"""From a few numbers back to maps over time or an image."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.models.blocks import CONV
from dlkit.models.residual import basic_block, halved


class Grow(nn.Module):
    """Repeats every position along all axes, cut to a size; a convolution follows (Odena et al., Distill, 2016)."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch features ..."]:
        """Return the larger maps."""
        larger: Tensor = nn.functional.interpolate(z, scale_factor=2.0)
        return larger[(slice(None), slice(None), *(slice(extent) for extent in self.size))]


def widths_of(width: int, depth: int) -> list[int]:
    """Return the features of each stage: twice as many at half the extent."""
    return [width * 2**stage for stage in range(depth)]


class ConvDecoder(nn.Module):
    """The stages of a convolutional encoder backwards.

    Args:
        bottleneck: Numbers that it gets.
        channels: Maps that it returns.
        size: Extent of the maps, of any length.
        parameters: Numbers for each value of a map.
        width: Features of the last stage; each stage before it has twice as many at half the extent.
        depth: Number of stages.
        kernel_size: Width of the convolutions; odd.
        skip: Add a shortcut around each stage.
    """

    def __init__(
        self,
        bottleneck: int,
        channels: int,
        size: tuple[int, ...],
        parameters: int,
        *,
        width: int,
        depth: int,
        kernel_size: int,
        skip: bool,
    ) -> None:
        super().__init__()
        axes, self.per_value = len(size), parameters
        widths = [width, *widths_of(width, depth)]
        self.smallest = (widths[-1], *halved(size, depth))
        self.first = nn.Sequential(nn.Linear(bottleneck, math.prod(self.smallest)), nn.ReLU())
        block = basic_block(axes, kernel_size=kernel_size, skip=skip, shortcut="projection")
        steps: list[nn.Module] = []
        for stage in reversed(range(depth)):
            steps += [Grow(halved(size, stage)), block(widths[stage + 1], widths[stage], 1)]
        self.body = nn.Sequential(*steps)
        self.last = CONV[axes](width, channels * parameters, kernel_size, padding=kernel_size // 2)

    def forward(self, z: Float[Tensor, "batch bottleneck"]) -> Float[Tensor, "batch channels ... parameters"]:
        """Return the maps."""
        smallest: Tensor = self.first(z).view(-1, *self.smallest)
        maps: Tensor = self.last(self.body(smallest))
        return maps.unflatten(1, (-1, self.per_value)).movedim(2, -1)  # type: ignore[no-any-return]
