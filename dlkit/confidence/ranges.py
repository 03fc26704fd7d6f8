"""The least and the largest value of each channel in training, and which inputs go beyond them."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dlkit.core.packing import channel_of
from dlkit.core.specs import Spec


@dataclass
class Extremes:
    """Least and largest observed value of each channel in training.

    Args:
        channel: Number of the channel of each value of an input, -1 for none, (values,).
        channels: How many there are.
    """

    channel: Int[Tensor, " values"]
    channels: int

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.some = self.channel >= 0
        self.index = self.channel[self.some]
        self.low = torch.full((self.channels,), torch.inf, device=self.channel.device)
        self.high = -self.low

    def _observed(self, x: Tensor, observed: Tensor | None, fill: float) -> Tensor:
        flat = x.flatten(1)
        return (flat if observed is None else flat.masked_fill(~observed.flatten(1), fill))[:, self.some]

    def add(self, x: Float[Tensor, "batch ..."], observed: Bool[Tensor, "batch ..."] | None) -> None:
        """Take note of training inputs."""
        least = self._observed(x, observed, torch.inf).amin(0)
        most = self._observed(x, observed, -torch.inf).amax(0)
        self.low = self.low.scatter_reduce(0, self.index, least, "amin")
        self.high = self.high.scatter_reduce(0, self.index, most, "amax")

    def outside(
        self, x: Float[Tensor, "batch ..."], observed: Bool[Tensor, "batch ..."] | None
    ) -> Bool[Tensor, "batch channels"]:
        """Tell for each input and channel whether a value lies outside of what training saw."""
        low, high = (
            torch.cat([side, fill.to(side)])[self.channel].view(x.shape[1:])
            for side, fill in ((self.low, torch.tensor([-torch.inf])), (self.high, torch.tensor([torch.inf])))
        )
        out = (x < low) | (x > high)
        if observed is not None:
            out &= observed
        if x.ndim > 2:  # the channels are an axis
            return out.flatten(2).any(2)
        found = torch.zeros(len(x), self.channels, dtype=torch.int32, device=x.device)
        return found.index_add(1, self.index, out[:, self.some].int()) > 0


def channel_numbers(spec: Spec, shape: tuple[int, ...]) -> Int[Tensor, " values"]:
    """Return the number of the channel of each value of an input of this shape, -1 where it belongs to none.

    Args:
        spec: Names the channels.
        shape: Of one input, without the batch axis.
    """
    return channel_of(spec.parts) if spec.parts else torch.arange(shape[0]).repeat_interleave(math.prod(shape[1:]))


def measured_numbers(spec: Spec, shape: tuple[int, ...]) -> Int[Tensor, " values"]:
    """Return the same with -1 for channels that tell of other channels: masks, ages, where a trace was padded."""
    helps, first = torch.zeros(len(spec.channels) + 1, dtype=torch.bool), 0  # the last one stands for no channel
    for part in spec.parts:
        helps[first + len(part.channels) - part.helpers : first + len(part.channels)] = True
        first += len(part.channels)
    if not spec.parts:
        helps[spec.measured : -1] = True
    numbers = channel_numbers(spec, shape)
    return numbers.masked_fill(helps[numbers], -1)
