"""Series and images as patches, and back, whatever their size."""

import math

from jaxtyping import Float
from torch import Tensor, nn


class Patches(nn.Module):
    """Cuts inputs into patches along all axes but the channels; the last ones are filled up with zeros.

    Args:
        size: Extent of the inputs: (time,) or (height, width).
        patch_size: Extent of a patch along every axis.
    """

    def __init__(self, size: tuple[int, ...], patch_size: int) -> None:
        super().__init__()
        self.size, self.side = size, patch_size
        self.grid = tuple(-(-extent // patch_size) for extent in size)
        self.count, self.values = math.prod(self.grid), patch_size ** len(size)

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch patches values"]:
        """Return the patches, row by row; the values of a patch are those of its first channel, then of the next."""
        axes = len(self.size)
        missing = [count * self.side - extent for count, extent in zip(self.grid, self.size, strict=True)]
        x = nn.functional.pad(x, [pad for one in reversed(missing) for pad in (0, one)])
        for axis in range(axes):
            x = x.unflatten(2 + 2 * axis, (-1, self.side))
        order = (*range(2, 2 + 2 * axes, 2), 1, *range(3, 3 + 2 * axes, 2))
        return x.permute(0, *order).flatten(1, axes).flatten(2)

    def inverse(
        self, patches: Float[Tensor, "batch patches values"], parameters: int
    ) -> Float[Tensor, "batch channels ... parameters"]:
        """Return inputs with some numbers for each value, which come last in a patch."""
        axes = len(self.size)
        x = patches.unflatten(2, (-1, *[self.side] * axes, parameters)).unflatten(1, self.grid)
        pairs = [axis for number in range(axes) for axis in (1 + number, 2 + axes + number)]
        x = x.permute(0, 1 + axes, *pairs, 2 + 2 * axes)
        for axis in range(axes):
            x = x.flatten(2 + axis, 3 + axis)
        return x[(slice(None), slice(None), *(slice(extent) for extent in self.size))]  # type: ignore[no-any-return]
