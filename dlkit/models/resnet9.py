"""The shallow, wide residual network that learns small images in seconds."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, MaxPool, Pool, axes_and_channels, make_head
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.residual import basic_block, halved
from dlkit.models.settings import require_positive


class ResNet9(Net):
    """Few wide convolutions, which a GPU computes at full speed (Page, "How to train your ResNet", 2018).

    Each stage is a convolution that doubles the features, a pooling that halves the extent, and residual blocks. With
    the default ``blocks`` there are 9 layers with weights. It takes small images, and series.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of the first layer.
        blocks: Residual blocks in each stage; 0 is allowed.
        pool: "mean" or "max" over positions, or "flatten"; by default forecasts flatten and all else is averaged.
        scale: Factor of the answer; Page has 0.125 with the maximum, which lets the last layer learn as fast as others.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int = 64,
        blocks: tuple[int, ...] = (1, 0, 1),
        pool: Pool | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__(spec)
        require_positive("ResNet9", width=width)
        require(scale > 0, f"ResNet9 scale={scale} must be positive: set `scale`, e.g. 0.125.")
        require(
            len(blocks) >= 1 and min(blocks) >= 0,
            f"ResNet9 blocks={blocks} must name a count of blocks for each stage: set `blocks`, e.g. [1, 0, 1].",
        )
        axes, channels = axes_and_channels("ResNet9", spec)
        make = basic_block(axes, skip=True, shortcut="identity_pad")
        layers: list[nn.Module] = [ConvNorm(axes, channels, width, kernel_size=3), nn.ReLU()]
        for count in blocks:
            # The maximum is taken before the ReLU, which gives the same and reads a quarter of the values.
            layers += [ConvNorm(axes, width, 2 * width, kernel_size=3), MaxPool(axes, size=2, stride=2), nn.ReLU()]
            width *= 2
            layers += [make(width, width, 1) for _ in range(count)]
        self.body = Chain(*layers)
        self.scale = scale
        self.output = make_head("ResNet9", spec, width, halved(spec.size, len(blocks)), pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y if self.scale == 1 else self.scale * y
