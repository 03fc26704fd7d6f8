"""The fully convolutional network for series."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, Pool, axes_and_channels, make_head, start_as_keras
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.settings import require_positive


class FCN(Net):
    """Convolutions at full resolution, then a mean over time (Wang et al., IJCNN 2017, arXiv:1611.06455).

    Args:
        spec: Shapes and names of inputs and outputs.
        widths: Features of each layer.
        kernel_sizes: Width of the convolution of each layer.
        pool: "mean" over positions or "flatten"; by default forecasts flatten and all else is averaged.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        widths: tuple[int, ...] = (128, 256, 128),
        kernel_sizes: tuple[int, ...] = (8, 5, 3),
        pool: Pool | None = None,
    ) -> None:
        super().__init__(spec)
        require(
            len(widths) == len(kernel_sizes) > 0,
            f"FCN widths={widths} and kernel_sizes={kernel_sizes} must name each layer: set `kernel_sizes`.",
        )
        require_positive("FCN", widths=min(widths), kernel_sizes=min(kernel_sizes))
        axes, inputs = axes_and_channels("FCN", spec)
        steps: list[nn.Module] = []
        for width, kernel_size in zip(widths, kernel_sizes, strict=True):
            steps += [ConvNorm(axes, inputs, width, kernel_size=kernel_size), nn.ReLU()]
            inputs = width
        self.body = Chain(*steps)
        self.output = make_head("FCN", spec, inputs, spec.size, pool)
        start_as_keras(self)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps, as long as the input."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
