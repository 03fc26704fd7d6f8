"""The residual network."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import MapHead, Pool, Residual, conv_norm, require_series_or_image
from dlkit.models.settings import require_odd, require_positive


class ResNet(Net):
    """Stages of residual blocks for series or images (He et al., CVPR 2016, arXiv:1512.03385).

    Each stage after the first halves the extent and doubles the features. ``blocks=(3, 3, 3), width=16`` is the paper's
    ResNet-20 with projection shortcuts; for series see Wang et al. (IJCNN 2017, arXiv:1611.06455).

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of the first stage.
        blocks: Residual blocks in each stage.
        kernel_size: Width of the convolutions; odd.
        skip: Add the shortcuts; without them it is the plain network of the paper.
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
        pool: Pool = "mean",
    ) -> None:
        super().__init__(spec)
        require_series_or_image("ResNet", spec.size)
        require_positive("ResNet", width=width)
        require_odd("ResNet", kernel_size=kernel_size)
        require(
            min(blocks, default=0) >= 1,
            f"ResNet blocks={blocks} must name at least one block for each stage: set `blocks`, e.g. [2, 2, 2].",
        )
        axes, inputs, size = len(spec.size), width, spec.size
        steps: list[nn.Module] = [conv_norm(axes, len(spec.channels), width, kernel_size=kernel_size), nn.ReLU()]
        for stage, depth in enumerate(blocks):
            outputs, stride = width * 2**stage, 1 if stage == 0 else 2
            for step in [stride] + [1] * (depth - 1):
                steps.append(Residual(axes, inputs, outputs, kernel_size=kernel_size, stride=step, skip=skip))
                inputs = outputs
            size = tuple(-(-extent // stride) for extent in size)
        self.body = nn.Sequential(*steps)
        self.output = MapHead(inputs, size, spec.output, pool=pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        z: Tensor = self.body(x)
        return z

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
