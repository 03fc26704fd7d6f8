"""The scaling of inputs of several sources, which are packed into one tensor."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from dlkit.core.packing import channel_of
from dlkit.core.specs import Part, Spec
from dlkit.data.normalize import ChannelScaling


class PackedScaling(ChannelScaling):
    """The same for inputs of several sources, which are packed: each value is scaled as its channel, wherever it is.

    Args:
        parts: The sources.
        channels: Number of all channels, those of the parts first.
    """

    channel: Tensor

    def __init__(self, parts: Sequence[Part], channels: int) -> None:
        super().__init__(channels)
        self.register_buffer("channel", channel_of(parts), persistent=False)

    def forward(self, x: Float[Tensor, "*any"], dim: int = -1) -> Float[Tensor, "*any"]:
        """Return packed physical values on the common scale."""
        scaled: Tensor = self._every()(x, dim)
        return scaled

    def inverse(self, z: Float[Tensor, "*any"], dim: int = -1) -> Float[Tensor, "*any"]:
        """Return packed values of the common scale in physical units."""
        return self._every().inverse(z, dim)

    def _every(self) -> ChannelScaling:
        """Return the scaling of each packed value; that of presence changes nothing."""
        every, absent = self.select(self.channel.clamp_min(0)), self.channel < 0
        every.shift, every.scale = every.shift.masked_fill(absent, 0), every.scale.masked_fill(absent, 1)
        every.log = every.log & ~absent
        return every


def scaling_of(spec: Spec, channels: int) -> ChannelScaling:
    """Return the scaling of the inputs of a spec, not yet fitted, with room for this many channels."""
    return PackedScaling(spec.parts, channels) if spec.parts else ChannelScaling(channels)
