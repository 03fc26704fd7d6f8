"""The temporal convolutional network."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import OutputLinear
from dlkit.models.padding import hold_last, split_valid
from dlkit.models.settings import require_positive, require_probability


def layers_to_see(time: int, kernel_size: int) -> int:
    """Return the least number of layers, of two convolutions each, whose last position sees ``time`` samples."""
    layers = 1
    while 1 + 2 * (kernel_size - 1) * (2**layers - 1) < time:
        layers += 1
    return layers


class CausalConv(nn.Module):
    """A dilated convolution, weight-normalized, that looks at the present and the past only."""

    def __init__(self, inputs: int, outputs: int, *, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.conv = weight_norm(nn.Conv1d(inputs, outputs, kernel_size, dilation=dilation))

    def forward(self, x: Float[Tensor, "batch inputs time"]) -> Float[Tensor, "batch outputs time"]:
        """Return the feature maps, as long as the input."""
        z: Tensor = self.conv(nn.functional.pad(x, (self.reach, 0)))
        return z


class CausalBlock(nn.Module):
    """Two causal convolutions with ReLU and dropout, and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int, *, kernel_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for source in (inputs, outputs):
            conv = CausalConv(source, outputs, kernel_size=kernel_size, dilation=dilation)
            steps += [conv, nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*steps)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv1d(inputs, outputs, 1)
        self.last = nn.ReLU()  # a module, as rules of explanations are for modules

    def forward(self, x: Float[Tensor, "batch inputs time"]) -> Float[Tensor, "batch outputs time"]:
        """Return the feature maps."""
        y: Tensor = self.last(self.body(x) + self.shortcut(x))
        return y


class TCN(Net):
    """Dilated causal convolutions; the last position answers (Bai, Kolter, Koltun 2018, arXiv:1803.01271).

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Features of each layer.
        layers: Number of blocks; the dilation doubles from block to block. By default enough to see the look-back.
        kernel_size: Samples that a convolution looks at; at least 2.
        dropout: Rate at which features are dropped.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: int = 32,
        layers: int | None = None,
        kernel_size: int = 3,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(spec)
        require(
            len(spec.size) == 1, f"TCN takes (time,), but size={spec.size}: set `net` to dlkit.models.resnet.ResNet."
        )
        require(kernel_size >= 2, f"TCN kernel_size={kernel_size} sees no past: set `kernel_size` to 2 or more.")
        depth = layers_to_see(spec.size[0], kernel_size) if layers is None else layers
        require_positive("TCN", hidden_size=hidden_size, layers=depth)
        require_probability("TCN", dropout=dropout)
        inputs = [len(spec.channels) - spec.padded] + [hidden_size] * (depth - 1)
        blocks = [
            CausalBlock(size, hidden_size, kernel_size=kernel_size, dilation=2**level, dropout=dropout)
            for level, size in enumerate(inputs)
        ]
        self.body = nn.Sequential(*blocks)
        self.output = OutputLinear(hidden_size, spec.output)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features time"]:
        """Return feature maps, each position of which knows the samples up to it."""
        x, valid = split_valid(x, padded=self.spec.padded)
        return hold_last(self.body(x), valid)

    def head(self, z: Float[Tensor, "batch features time"]) -> Float[Tensor, "batch ..."]:
        """Return the answer of the last position."""
        y: Tensor = self.output(z[..., -1])
        return y
