"""The autoencoder of long short-term memories."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.bottleneck import Bottleneck
from dlkit.models.padding import split_valid
from dlkit.models.recurrent import last_valid
from dlkit.models.settings import require_positive


class LSTMDecoder(nn.Module):
    """Tells a series backwards, for the last samples are best remembered; its inputs are the numbers, at every step."""

    def __init__(self, bottleneck: int, time: int, output: int, *, width: int, depth: int) -> None:
        super().__init__()
        self.time = time
        self.recurrence = nn.LSTM(bottleneck, width, depth, batch_first=True)
        self.output = nn.Linear(width, output)

    def forward(self, z: Float[Tensor, "batch bottleneck"]) -> Float[Tensor, "batch time output"]:
        """Return the values at each time."""
        states: Tensor = self.recurrence(z[:, None].expand(-1, self.time, -1))[0]
        y: Tensor = self.output(states)
        return y.flip(1)


class LSTMAutoencoder(Bottleneck):
    """Reads a window and tells it backwards from a few numbers (Malhotra et al. 2016, arXiv:1607.00148).

    The decoder gets the numbers at every step and not its own last answer (Srivastava et al., ICML 2015).

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Units of a layer.
        depth: Number of layers of encoder and decoder each.
        bottleneck: Numbers that the decoder gets.
    """

    def __init__(self, spec: Spec, *, width: int = 64, depth: int = 1, bottleneck: int = 16) -> None:
        super().__init__(spec, bottleneck=bottleneck)
        require_positive("LSTMAutoencoder", width=width, depth=depth)
        require(
            len(spec.size) == 1,
            f"LSTMAutoencoder takes (time,), but size={spec.size}: set `net` to "
            "dlkit.models.autoencoder.ConvAutoencoder.",
        )
        channels, self.per_value = len(spec.channels), spec.output[-1]
        self.recurrence = nn.LSTM(channels - spec.padded, width, depth, batch_first=True)
        self.code = nn.Linear(width, bottleneck)
        self.decoder = LSTMDecoder(bottleneck, spec.size[0], channels * self.per_value, width=width, depth=depth)

    def encode(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features"]:
        """Return the state at the end of each trace."""
        x, valid = split_valid(x, padded=self.spec.padded)
        return last_valid(self.recurrence(x.transpose(1, 2))[0], valid)

    def head(self, z: Float[Tensor, "batch bottleneck"]) -> Float[Tensor, "batch channels time parameters"]:
        """Return the input as these numbers tell it."""
        y: Tensor = self.decoder(z)
        return y.unflatten(2, (-1, self.per_value)).transpose(1, 2)  # type: ignore[no-any-return]
