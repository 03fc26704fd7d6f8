"""The residual network for large images."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, MaxPool, Pool, axes_and_channels, make_head
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.residual import Shortcut, basic_block, bottleneck_block, halved, stages
from dlkit.models.settings import require_positive

BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
BOTTLENECK = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class ImageNetResNet(Net):
    """The residual network for ImageNet (He et al., CVPR 2016, arXiv:1512.03385, table 1), for images and series.

    A wide convolution and a maximum shrink the input fourfold, four stages eightfold more. In the bottleneck blocks of
    50 layers and more the middle convolution has the stride, as in torchvision, whose function and number of parameters
    are the same.

    Args:
        spec: Shapes and names of inputs and outputs.
        depth: Layers with weights: 18, 34, 50, 101 or 152.
        width: Features of the first layer.
        skip: Add the shortcuts.
        shortcut: What the shortcut is where the shape changes: "projection" or "identity_pad".
        pool: "mean" over positions or "flatten"; by default forecasts flatten and all else is averaged.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        depth: int = 18,
        width: int = 64,
        skip: bool = True,
        shortcut: Shortcut = "projection",
        pool: Pool | None = None,
    ) -> None:
        super().__init__(spec)
        require_positive("ImageNetResNet", width=width)
        known = {**BASIC, **BOTTLENECK}
        require(depth in known, f"ImageNetResNet depth={depth} is none of {[*known]}: set `depth` to one of them.")
        axes, channels = axes_and_channels("ImageNetResNet", spec)
        make, wider = (basic_block, 1) if depth in BASIC else (bottleneck_block, 4)
        widths = [wider * width * 2**stage for stage in range(4)]
        self.body = Chain(
            ConvNorm(axes, channels, width, kernel_size=7, stride=2),
            nn.ReLU(),
            MaxPool(axes, stride=2),
            *stages(make(axes, skip=skip, shortcut=shortcut), width, widths, known[depth]),
        )
        self.output = make_head("ImageNetResNet", spec, widths[-1], halved(spec.size, 5), pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
