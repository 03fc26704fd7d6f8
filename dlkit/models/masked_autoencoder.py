"""The masked autoencoder."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.attention import EncoderLayer
from dlkit.models.blocks import axes_and_channels
from dlkit.models.bottleneck import Autoencoder
from dlkit.models.padding import split_valid
from dlkit.models.patches import Patches
from dlkit.models.settings import require_heads, require_positive


def take(tokens: Float[Tensor, "batch patches width"], which: Int[Tensor, "batch some"]) -> Tensor:
    """Return some tokens of each sample."""
    return tokens.gather(1, which[..., None].expand(-1, -1, tokens.shape[2]))


def layers(width: int, heads: int, depth: int) -> nn.Sequential:
    """Return encoder layers with layer norm."""
    made = (EncoderLayer(width, heads=heads, d_ff=2 * width, dropout=0.0, norm=nn.LayerNorm) for _ in range(depth))
    return nn.Sequential(*made)


def places(count: int, width: int) -> nn.Parameter:
    """Return a learned vector for each patch, which says where it is."""
    return nn.Parameter(torch.empty(count, width).uniform_(-0.02, 0.02))


class MaskedDecoder(nn.Module):
    """From the tokens of patches that were seen to all patches."""

    def __init__(self, patches: int, values: int, *, width: int, heads: int) -> None:
        super().__init__()
        self.stand_in = nn.Parameter(torch.empty(width).uniform_(-0.02, 0.02))
        self.place = places(patches, width)
        self.body = layers(width, heads, 1)
        self.output = nn.Linear(width, values)

    def forward(
        self, seen: Float[Tensor, "batch seen width"], which: Int[Tensor, "batch seen"]
    ) -> Float[Tensor, "batch patches width"]:
        """Return a token for each patch; those that were not seen begin as the same vector."""
        every = self.stand_in.expand(seen.shape[0], len(self.place), -1)
        every = every.scatter(1, which[..., None].expand_as(seen), seen.to(every.dtype))
        tokens: Tensor = self.body(every + self.place)
        return tokens


class MaskedAutoencoder(Autoencoder):
    """Tells each patch of a series or an image from other patches (He et al., CVPR 2022, arXiv:2111.06377).

    The patches are dealt into groups, in training anew for each sample, and are told in turns: for ``hidden`` of one
    half or more only one group is seen at a time, for less all but one. So every value is told without having been
    seen, exactly once or by a mean over the turns; any loss will do, and a score needs one pass. It has no bottleneck,
    hence does not copy anomalies, as long as they do not go on in another patch.

    Args:
        spec: Shapes and names of inputs and outputs.
        patch_size: Extent of a patch along each axis; all channels of it are one token.
        hidden: Share of the patches that is hidden at a time; 1/2 is two groups, 3/4 and 1/4 are four, and so on.
        width: Features of a token.
        depth: Number of encoder layers; the decoder has one.
        heads: Number of attention heads.
    """

    decoder: MaskedDecoder
    order: Tensor

    def __init__(
        self,
        spec: Spec,
        *,
        patch_size: int = 8,
        hidden: float = 0.5,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__(spec)
        axes_and_channels("MaskedAutoencoder", spec)
        require_positive("MaskedAutoencoder", patch_size=patch_size, depth=depth)
        require_heads("MaskedAutoencoder", d_model=width, heads=heads)
        require(
            0 < hidden < 1,
            f"MaskedAutoencoder hidden={hidden} must lie between 0 and 1: set `hidden`, e.g. 0.5.",
        )
        self.groups, self.sees_one = round(1 / min(hidden, 1 - hidden)), hidden >= 0.5
        self.patches = Patches(spec.size, patch_size)
        require(
            self.patches.count >= self.groups,
            f"MaskedAutoencoder patch_size={patch_size} cuts size={spec.size} into {self.patches.count}, too few for "
            f"{self.groups} groups: lower `patch_size`, set `hidden` nearer to 0.5, or raise `look_back`.",
        )
        self.per_value = spec.output[-1]
        values = len(spec.channels) * self.patches.values
        self.to_tokens = nn.Linear(values, width)
        self.place = places(self.patches.count, width)
        self.encoder = layers(width, heads, depth)
        self.decoder = MaskedDecoder(self.patches.count, values * self.per_value, width=width, heads=heads)
        order = torch.randperm(self.patches.count, generator=torch.Generator().manual_seed(0))
        self.register_buffer("order", order, persistent=False)

    def tokens(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch patches width"]:
        """Return a token for each patch, which knows its own patch only."""
        if self.spec.padded:
            x = torch.cat([split_valid(x, padded=True)[0], x[:, -1:]], 1)
        tokens: Tensor = self.to_tokens(self.patches(x))
        return tokens + self.place

    def deal(self, tokens: Float[Tensor, "batch patches width"]) -> list[Int[Tensor, "batch some"]]:
        """Return the patches of each group: dealt at random in training, else always the same."""
        order = self.order.expand(tokens.shape[0], -1)
        if self.training:
            order = torch.rand(tokens.shape[:2], device=order.device).argsort(1)
        return [order[:, turn :: self.groups] for turn in range(self.groups)]

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features patches"]:
        """Return what the others say of each patch."""
        tokens = self.tokens(x)
        dealt = self.deal(tokens)
        total, times = torch.zeros_like(tokens), self.groups - 1 if self.sees_one else 1
        for turn, own in enumerate(dealt):
            others = torch.cat(dealt[:turn] + dealt[turn + 1 :], 1)
            seen, hidden = (own, others) if self.sees_one else (others, own)
            told = take(self.decoder(self.encoder(take(tokens, seen)), seen), hidden)
            total = total.scatter_add(1, hidden[..., None].expand_as(told), told.to(total.dtype) / times)
        return total.transpose(1, 2)

    def head(self, z: Float[Tensor, "batch features patches"]) -> Float[Tensor, "batch channels ... parameters"]:
        """Return the input as the patches tell each other."""
        return self.patches.inverse(self.decoder.output(z.transpose(1, 2)), self.per_value)

    def embedding(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features"]:
        """Return the mean of the tokens of all patches, each of which sees all others."""
        tokens: Tensor = self.encoder(self.tokens(x))
        return tokens.mean(1)
