"""The residual network for small images."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, Pool, axes_and_channels, make_head
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.residual import Shortcut, basic_block, halved, stages
from dlkit.models.settings import require_positive


class CifarResNet(Net):
    """The residual network of 6n + 2 layers for CIFAR (He et al., CVPR 2016, arXiv:1512.03385, section 4.2).

    The paper has depths 20, 32, 44, 56 and 110; three stages of 16, 32 and 64 features; shortcuts without parameters.
    ``skip=False`` is the plain network whose loss surface Li et al. draw (NeurIPS 2018, arXiv:1712.09913). It takes
    small images of any extent, and series.

    Args:
        spec: Shapes and names of inputs and outputs.
        depth: Layers with weights; 6n + 2.
        width: Features of the first stage.
        skip: Add the shortcuts.
        shortcut: Where the shape changes "identity_pad", the paper's option A, or "projection", its option B.
        pool: "mean" over positions or "flatten"; by default forecasts flatten and all else is averaged.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        depth: int = 20,
        width: int = 16,
        skip: bool = True,
        shortcut: Shortcut = "identity_pad",
        pool: Pool | None = None,
    ) -> None:
        super().__init__(spec)
        require_positive("CifarResNet", width=width)
        require(
            depth >= 8 and depth % 6 == 2,
            f"CifarResNet depth={depth} must be 6n + 2: set `depth` to 20, 32, 44, 56 or 110.",
        )
        axes, channels = axes_and_channels("CifarResNet", spec)
        widths = (width, 2 * width, 4 * width)
        block = basic_block(axes, skip=skip, shortcut=shortcut)
        stem = ConvNorm(axes, channels, width, kernel_size=3)
        self.body = Chain(stem, nn.ReLU(), *stages(block, width, widths, [depth // 6] * 3))
        self.output = make_head("CifarResNet", spec, widths[-1], halved(spec.size, 2), pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
