"""The inverted transformer."""

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Spec
from dlkit.models.attention import EncoderLayer
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.settings import require_heads, require_positive, require_probability


class ITransformer(Net):
    """A transformer whose tokens are whole channels (Liu et al., ICLR 2024, arXiv:2310.06625).

    Channels attend to each other in any order. As in the paper the window should be normalized: wrap it in
    :class:`dlkit.models.revin.RevIN` with ``affine=False``. Defaults are the paper's for ETTh1.

    Args:
        spec: Shapes and names of inputs and outputs.
        d_model: Features of a token.
        heads: Number of attention heads.
        d_ff: Hidden units of the feed-forward network.
        layers: Number of encoder layers.
        dropout: Rate at which features are dropped.
    """

    places_of_input = False  # but channels

    def __init__(
        self,
        spec: Spec,
        *,
        d_model: int = 256,
        heads: int = 8,
        d_ff: int = 256,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(spec)
        self.targets = TargetChannels(spec, net="ITransformer")
        require_positive("ITransformer", d_ff=d_ff, layers=layers)
        require_heads("ITransformer", d_model=d_model, heads=heads)
        require_probability("ITransformer", dropout=dropout)
        self.to_tokens = nn.Sequential(nn.Linear(spec.size[0], d_model), nn.Dropout(dropout))
        self.encoder = nn.Sequential(
            *(EncoderLayer(d_model, heads=heads, d_ff=d_ff, dropout=dropout, norm=nn.LayerNorm) for _ in range(layers)),
            nn.LayerNorm(d_model),
        )
        self.output = nn.Linear(d_model, self.targets.steps)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features channels"]:
        """Return the encoded tokens; the positions are the channels."""
        tokens: Tensor = self.encoder(self.to_tokens(x))
        return tokens.transpose(1, 2)

    def head(self, z: Float[Tensor, "batch features channels"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the answer for the tokens of the targets."""
        tokens = self.targets.select(z.transpose(1, 2))
        forecast: Tensor = self.targets(self.output(tokens))
        return forecast
