"""The residual network for series."""

from jaxtyping import Float
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, NormOnly, Pool, axes_and_channels, make_head, start_as_keras
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.residual import Residual
from dlkit.models.settings import require_positive


def series_block(axes: int, inputs: int, outputs: int, *, skip: bool) -> Residual:
    """Return three convolutions that get narrower; the shortcut has a norm also where the shape stays."""
    sources = zip((inputs, outputs, outputs), (8, 5, 3), strict=True)
    layers = [ConvNorm(axes, source, outputs, kernel_size=kernel_size) for source, kernel_size in sources]
    same = inputs == outputs
    shortcut = NormOnly(axes, outputs) if same else ConvNorm(axes, inputs, outputs, kernel_size=1)
    return Residual(*layers, shortcut=shortcut if skip else None)


class SeriesResNet(Net):
    """Three residual blocks at full resolution, then a mean over time (Wang et al., IJCNN 2017, arXiv:1611.06455).

    The layout is the authors' code: kernels of 8, 5 and 3 in each block; features double once.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of the first block; the other two have twice as many.
        skip: Add the shortcuts.
        pool: "mean" over positions or "flatten"; by default forecasts flatten and all else is averaged.
    """

    def __init__(self, spec: Spec, *, width: int = 64, skip: bool = True, pool: Pool | None = None) -> None:
        super().__init__(spec)
        require_positive("SeriesResNet", width=width)
        axes, channels = axes_and_channels("SeriesResNet", spec)
        self.body = Chain(
            series_block(axes, channels, width, skip=skip),
            series_block(axes, width, 2 * width, skip=skip),
            series_block(axes, 2 * width, 2 * width, skip=skip),
        )
        self.output = make_head("SeriesResNet", spec, 2 * width, spec.size, pool)
        start_as_keras(self)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps, as long as the input."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
