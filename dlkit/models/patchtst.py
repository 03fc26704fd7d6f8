"""The patch transformer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.attention import EncoderLayer, TokenBatchNorm
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.settings import require_heads, require_positive, require_probability


def patch(
    x: Float[Tensor, "batch channels time"], *, size: int, stride: int
) -> Float[Tensor, "batch channels patches {size}"]:
    """Return overlapping patches of the series, whose last value goes on for ``stride`` samples more."""
    longer = torch.cat([x, x[..., -1:].expand(-1, -1, stride)], dim=-1)
    return longer.unfold(-1, size, stride)


class PatchTST(Net):
    """A transformer whose tokens are patches of one channel (Nie et al., ICLR 2023, arXiv:2211.14730).

    Channels share the parameters and do not see each other. As in the paper the encoder has batch norm, and the window
    should be normalized: wrap it in :class:`dlkit.models.revin.RevIN` with ``affine=False``. The authors' code also
    adds each layer's attention scores to the next layer's; this is left out for the sake of fused attention. For small
    data (ETTh1) the paper takes ``d_model=16, heads=4, d_ff=128, dropout=0.3``.

    Args:
        spec: Shapes and names of inputs and outputs.
        patch_size: Samples of a patch.
        stride: Samples from one patch to the next.
        d_model: Features of a token.
        heads: Number of attention heads.
        d_ff: Hidden units of the feed-forward network.
        layers: Number of encoder layers.
        dropout: Rate at which features are dropped.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        patch_size: int = 16,
        stride: int = 8,
        d_model: int = 128,
        heads: int = 16,
        d_ff: int = 256,
        layers: int = 3,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(spec)
        self.targets = TargetChannels(spec, net="PatchTST")
        require_positive("PatchTST", patch_size=patch_size, stride=stride, d_ff=d_ff, layers=layers)
        require_heads("PatchTST", d_model=d_model, heads=heads)
        require_probability("PatchTST", dropout=dropout)
        time = spec.size[0]
        require(
            patch_size <= time,
            f"PatchTST patch_size={patch_size} must fit look_back={time}: lower `patch_size` or raise `look_back`.",
        )
        self.patch_size, self.stride, self.d_model = patch_size, stride, d_model
        patches = (time - patch_size) // stride + 2
        self.to_tokens = nn.Linear(patch_size, d_model)
        self.position = nn.Parameter(torch.empty(patches, d_model).uniform_(-0.02, 0.02))
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.Sequential(
            *(
                EncoderLayer(d_model, heads=heads, d_ff=d_ff, dropout=dropout, norm=TokenBatchNorm)
                for _ in range(layers)
            )
        )
        self.output = nn.Linear(d_model * patches, self.targets.steps)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features patches"]:
        """Return maps over the patches: the features of the first selected channel, then of the second, and so on."""
        patches = patch(self.targets.select(x), size=self.patch_size, stride=self.stride)
        tokens: Tensor = self.dropout(self.to_tokens(patches) + self.position)
        encoded: Tensor = self.encoder(tokens.flatten(0, 1))
        return encoded.view_as(tokens).transpose(2, 3).flatten(1, 2)

    def head(self, z: Float[Tensor, "batch features patches"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the answer for each channel's maps, flattened."""
        maps = z.reshape(z.shape[0], -1, self.d_model * z.shape[2])
        forecast: Tensor = self.targets(self.output(maps))
        return forecast
