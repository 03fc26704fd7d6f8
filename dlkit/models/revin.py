"""Reversible instance normalization, around any network."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net, NetFactory
from dlkit.models.linear import Linear
from dlkit.models.outputs import TargetChannels
from dlkit.models.repeat_last import require_known_targets


class Scaling(NamedTuple):
    """The window is ``scale * normalized + shift``."""

    scale: Tensor
    shift: Tensor


def window_scaling(
    x: Float[Tensor, "batch channels time"], observed: Float[Tensor, "batch channels time"] | None, *, eps: float
) -> Scaling:
    """Return standard deviation and mean of each window and channel, over what was observed.

    Two plain means; torch.var_mean takes ten times as long on a CPU.
    """
    if observed is None:
        mean = x.mean(-1)
        variance = (x - mean[..., None]).square().mean(-1)
    else:
        share = observed / observed.sum(-1, keepdim=True).clamp_min(1)
        mean = (share * x).sum(-1)
        variance = (share * (x - mean[..., None]).square()).sum(-1)
    return Scaling(scale=(variance + eps).sqrt(), shift=mean)


def scale_softplus(raw: Tensor, scale: Tensor) -> Tensor:
    """Return r with ``softplus(r) = scale * softplus(raw)``."""
    wanted = scale * nn.functional.softplus(raw)
    return wanted + torch.log(-torch.expm1(-wanted))


class RevIN(Net):
    """Normalizes each window, asks a network, undoes it on the targets (Kim et al., ICLR 2022).

    The default network makes it RLinear (Li et al. 2023, arXiv:2305.10721). ``head(features(x))`` is the answer in the
    units of the normalized window; ``forward`` gives it in those of x. With mask
    channels in the input, the window is normalized by what was observed, and what was not becomes 0, its mean; without,
    missing values count as what they were filled with.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network inside.
        affine: Learn a weight and a bias for each channel after the normalization.
        scales: Positions of output parameters that are a scale before softplus, e.g. [1] for mean and raw scale. All
            others are values, such as quantiles. It must be said for two parameters, which may be either.
        eps: Added to the variance, so that constant windows stay finite.
    """

    def __init__(
        self,
        spec: Spec,
        net: NetFactory = Linear,
        *,
        affine: bool = True,
        scales: tuple[int, ...] | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(spec)
        require_known_targets(spec, "RevIN")
        parameters = spec.output[-1]
        require(
            scales is not None or parameters != 2,
            "RevIN cannot tell two quantiles from mean and scale: set `scales` to [] for values or [1] for a scale.",
        )
        self.scales = scales or ()
        require(
            all(0 <= position < parameters for position in self.scales),
            f"RevIN scales={self.scales} must be positions below {parameters} output parameters: set `scales`.",
        )
        require(eps > 0, f"RevIN eps={eps} must be positive: set `eps`, e.g. 1e-5.")
        self.eps = eps
        self.net = net(spec)
        self.places_of_input = self.net.places_of_input
        self.targets = TargetChannels(spec, net="RevIN")
        self.measured = len(spec.channels) - spec.masks
        self.weight = nn.Parameter(torch.ones(self.measured)) if affine else None
        self.bias = nn.Parameter(torch.zeros(self.measured)) if affine else None

    def observed(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch measured time"] | None:
        """Return the mask channels of the input, or None."""
        return x[:, self.measured :] if self.spec.masks else None

    def scaling(self, x: Float[Tensor, "batch channels time"]) -> Scaling:
        """Return what the network's window has to be multiplied by and shifted by to give ``x``."""
        scale, shift = window_scaling(x[:, : self.measured], self.observed(x), eps=self.eps)
        if self.weight is None or self.bias is None:
            return Scaling(scale, shift)
        scale = scale / (self.weight + self.eps**2)
        return Scaling(scale, shift - self.bias * scale)

    def normalize(self, x: Float[Tensor, "batch channels time"], by: Scaling) -> Float[Tensor, "batch channels time"]:
        """Return the window the network sees."""
        z = (x[:, : self.measured] - by.shift[..., None]) / by.scale[..., None]
        mask = self.observed(x)
        return z if mask is None else torch.cat([z * mask, mask], dim=1)

    def denormalize(self, y: Float[Tensor, "batch horizon targets parameters"], by: Scaling) -> Tensor:
        """Return the answer in units of the input."""
        scale, shift = (self.targets.select(part[..., None])[:, None] for part in by)
        values = y * scale + shift
        if not self.scales:
            return values
        widths = scale_softplus(y, scale.abs())
        columns = [widths if position in self.scales else values for position in range(y.shape[-1])]
        return torch.stack([column[..., position] for position, column in enumerate(columns)], dim=-1)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Tensor:
        """Return the features of the network inside for the normalized window."""
        x = x.contiguous()
        return self.net.features(self.normalize(x, self.scaling(x)))

    def embedding(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features"]:
        """Return the embedding of the network inside, then mean and log standard deviation of each channel.

        Without them windows that differ in level or scale alone would be the same to clusters and neighbours.
        """
        x = x.contiguous()
        inside = self.net.embedding(self.normalize(x, self.scaling(x)))
        scale, mean = window_scaling(x[:, : self.measured], self.observed(x), eps=self.eps)
        return torch.cat([inside, mean, scale.log()], dim=1)

    def head(self, z: Tensor) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the answer of the network inside, in units of the normalized window."""
        return self.net.head(z)

    def restored(
        self, answer: Float[Tensor, "batch horizon targets parameters"], x: Float[Tensor, "batch channels time"]
    ) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return what the head said in the units of the input."""
        return self.denormalize(answer, self.scaling(x.contiguous()))

    def forward(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the answer in units of the input."""
        x = x.contiguous()  # windows come with time as the slow axis, along which statistics are slow
        by = self.scaling(x)
        y: Tensor = self.net(self.normalize(x, by))
        return self.denormalize(y, by)
