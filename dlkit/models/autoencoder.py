"""The convolutional autoencoder."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.blocks import axes_and_channels
from dlkit.models.bottleneck import Bottleneck
from dlkit.models.decoder import ConvDecoder, widths_of
from dlkit.models.padding import Chain, split_valid
from dlkit.models.residual import basic_block, halved, stages
from dlkit.models.settings import require_odd, require_positive


class ConvAutoencoder(Bottleneck):
    """Convolutions down to a few numbers and back, for series and images of any size (Masci et al., ICANN 2011).

    Each stage halves the extent and doubles the features. There are no bypasses from encoder to decoder, as in a U-Net:
    the input would go around the bottleneck, anomalies with it, and the features would no longer be all that is known.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of the first stage.
        depth: Number of stages of two convolutions.
        bottleneck: Numbers that the decoder gets: fewer than the normal data need reconstruct nothing, many let
            anomalies through.
        kernel_size: Width of the convolutions; odd.
        skip: Add a shortcut around each stage (He et al., CVPR 2016).
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int = 16,
        depth: int = 3,
        bottleneck: int = 16,
        kernel_size: int = 5,
        skip: bool = True,
    ) -> None:
        super().__init__(spec, bottleneck=bottleneck)
        require_positive("ConvAutoencoder", width=width, depth=depth)
        require_odd("ConvAutoencoder", kernel_size=kernel_size)
        axes, inputs = axes_and_channels("ConvAutoencoder", spec)
        most = max((max(spec.size) - 1).bit_length(), 1)
        require(
            depth <= most,
            f"ConvAutoencoder depth={depth} halves size={spec.size} more often than it can be: set `depth` to {most} "
            "or less, or raise `look_back`.",
        )
        block = basic_block(axes, kernel_size=kernel_size, skip=skip, shortcut="projection")
        widths = widths_of(width, depth)
        first = block(inputs, width, 2)
        self.body = Chain(first, *stages(block, width, widths, [0, *[1] * (depth - 1)]))
        self.code = nn.Linear(widths[-1] * math.prod(halved(spec.size, depth)), bottleneck)
        self.decoder = ConvDecoder(
            bottleneck,
            len(spec.channels),
            spec.size,
            spec.output[-1],
            width=width,
            depth=depth,
            kernel_size=kernel_size,
            skip=skip,
        )

    def encode(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features"]:
        """Return the last feature maps, 0 in the padding, flattened."""
        return self.body(*split_valid(x, padded=self.spec.padded)).flatten(1)  # type: ignore[no-any-return]
