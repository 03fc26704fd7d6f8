"""The residual network."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, Pool, axes_and_channels, make_head
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.residual import Shortcut, basic_block, halved, stages
from dlkit.models.settings import require_odd, require_positive


class ResNet(Net):
    """Stages of residual blocks for series or images (He et al., CVPR 2016, arXiv:1512.03385).

    Each stage after the first halves the extent and doubles the features. ``blocks=(3, 3, 3), width=16`` is the paper's
    ResNet-20 with projection shortcuts; CifarResNet, ImageNetResNet and SeriesResNet are published layouts by depth.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of the first stage.
        blocks: Residual blocks in each stage.
        kernel_size: Width of the convolutions; odd.
        skip: Add the shortcuts; without them it is the plain network of the paper.
        shortcut: "projection" where the shape changes, or "identity_pad", which has no parameters.
        pool: "mean" over positions, which suits classes, or "flatten", which keeps when things happened.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int = 16,
        blocks: tuple[int, ...] = (2, 2, 2),
        kernel_size: int = 3,
        skip: bool = True,
        shortcut: Shortcut = "projection",
        pool: Pool = "mean",
    ) -> None:
        super().__init__(spec)
        require_positive("ResNet", width=width)
        require_odd("ResNet", kernel_size=kernel_size)
        require(
            min(blocks, default=0) >= 1,
            f"ResNet blocks={blocks} must name at least one block for each stage: set `blocks`, e.g. [2, 2, 2].",
        )
        axes, channels = axes_and_channels("ResNet", spec)
        widths = [width * 2**stage for stage in range(len(blocks))]
        block = basic_block(axes, kernel_size=kernel_size, skip=skip, shortcut=shortcut)
        stem = ConvNorm(axes, channels, width, kernel_size=kernel_size)
        self.body = Chain(stem, nn.ReLU(), *stages(block, width, widths, blocks))
        self.output = make_head("ResNet", spec, widths[-1], halved(spec.size, len(blocks) - 1), pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
