"""The encoder layer of a transformer."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Every token asks every token (Vaswani et al., NeurIPS 2017, arXiv:1706.03762)."""

    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(d_model, 3 * d_model)
        self.output = nn.Linear(d_model, d_model)

    def forward(self, x: Float[Tensor, "batch tokens features"]) -> Float[Tensor, "batch tokens features"]:
        """Return what each token learns from the others."""
        batch, tokens, width = x.shape
        split: Tensor = self.query_key_value(x)
        split = split.view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        answers = scaled_dot_product_attention(split[0], split[1], split[2])
        y: Tensor = self.output(answers.transpose(1, 2).reshape(batch, tokens, width))
        return y


class TokenBatchNorm(nn.BatchNorm1d):
    """Batch norm of each feature over all tokens of the batch."""

    def forward(self, x: Float[Tensor, "batch tokens features"]) -> Float[Tensor, "batch tokens features"]:
        """Return the normalized tokens."""
        return super().forward(x.flatten(0, 1)).view_as(x)


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward network with GELU; a shortcut around each, a norm after each.

    Args:
        d_model: Features of a token.
        heads: Number of attention heads.
        d_ff: Hidden units of the feed-forward network.
        dropout: Rate at which features are dropped.
        norm: Makes the norm for tokens of a width, e.g. torch.nn.LayerNorm or TokenBatchNorm.
    """

    def __init__(
        self, d_model: int, *, heads: int, d_ff: int, dropout: float, norm: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        self.attention = nn.Sequential(SelfAttention(d_model, heads), nn.Dropout(dropout))
        self.attention_norm = norm(d_model)
        self.feed = nn.Sequential(
            nn.Linear(d_model, d_ff), nn.GELU(), nn.Dropout(dropout), nn.Linear(d_ff, d_model), nn.Dropout(dropout)
        )
        self.feed_norm = norm(d_model)

    def forward(self, x: Float[Tensor, "batch tokens features"]) -> Float[Tensor, "batch tokens features"]:
        """Return the tokens of the next layer."""
        x = self.attention_norm(x + self.attention(x))
        y: Tensor = self.feed_norm(x + self.feed(x))
        return y
