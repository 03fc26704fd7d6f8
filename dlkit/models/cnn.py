"""The plain convolutional network."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import ConvNorm, Pool, axes_and_channels, make_head
from dlkit.models.padding import Chain, valid_maps
from dlkit.models.settings import require_odd, require_positive, require_probability


class CNN(Net):
    """Convolutions, each of which halves the extent (LeCun et al., Proc. IEEE 86, 1998), with batch norm and ReLU.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Features of each layer.
        layers: Number of convolutions.
        kernel_size: Width of the convolutions; odd.
        pool: "flatten" keeps when things happened, "mean" averages over positions, which makes class activation maps
            exact; by default forecasts flatten and all else is averaged.
        dropout: Rate at which whole feature maps are dropped before the head.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        width: int = 32,
        layers: int = 3,
        kernel_size: int = 5,
        pool: Pool | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(spec)
        require_positive("CNN", width=width, layers=layers)
        require_odd("CNN", kernel_size=kernel_size)
        require_probability("CNN", dropout=dropout)
        (axes, inputs), size = axes_and_channels("CNN", spec), spec.size
        steps: list[nn.Module] = []
        for _ in range(layers):
            steps += [ConvNorm(axes, inputs, width, kernel_size=kernel_size, stride=2), nn.ReLU()]
            inputs, size = width, tuple(-(-extent // 2) for extent in size)
        self.body = Chain(*steps, nn.Dropout1d(dropout) if axes == 1 else nn.Dropout2d(dropout))
        self.output = make_head("CNN", spec, width, size, pool)

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the last feature maps."""
        return valid_maps(self.body, x, padded=self.spec.padded)

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
