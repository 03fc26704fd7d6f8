"""A network for each source, whatever kind of network it is."""

import math
from abc import ABC, abstractmethod
from itertools import zip_longest

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Part, Spec
from dlkit.models.base import NetFactory
from dlkit.models.tokens import times_of_positions


def spec_of_part(part: Part, width: int) -> Spec:
    """Return the spec of a network that turns a source into at least ``width`` numbers.

    Of a series it is asked for a few numbers a channel, as of a forecast, because every network for series can answer
    that and keeps when things happened; of a frame for ``width`` values.
    """
    if part.frames:
        names = tuple(f"feature {number}" for number in range(width))
        return Spec(part.channels, part.size, (width, 1), targets=names, units=part.units, kind="values")
    steps = -(-width // len(part.channels))
    return Spec(part.channels, part.size, (steps, len(part.channels), 1), targets=part.channels, units=part.units)


def frame_by_frame(x: Float[Tensor, "batch ..."], part: Part) -> Tensor:
    """Return each frame as a sample of its own."""
    return x.flatten(0, 1) if part.frames else x


class Branch(nn.Module, ABC):
    """What turns a source into tokens.

    Args:
        part: The source.
        net: Makes the network.
        width: Length of the vector of a token.
    """

    nominal: Tensor
    """Seconds of each token before the answer, as a rule, (tokens,)."""

    def __init__(self, part: Part, net: NetFactory, width: int) -> None:
        super().__init__()
        self.part, self.net = part, net(spec_of_part(part, width))

    @abstractmethod
    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width tokens"]:
        """Return the vector of each token for the values of the source."""

    def delays(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch tokens"]:
        """Return the seconds of each token before the answer."""
        return self.nominal.expand(x.shape[0], -1)


class VectorBranch(Branch):
    """One vector for the whole source, from the answer of its network; that of each frame where it has frames.

    Args:
        part: The source.
        net: Makes the network.
        width: Length of the vector.
    """

    def __init__(self, part: Part, net: NetFactory, width: int) -> None:
        super().__init__(part, net, width)
        self.register_buffer("nominal", torch.zeros(1), persistent=False)
        frames = len(part.times) if part.frames else 1
        self.map = nn.Linear(frames * math.prod(self.net.spec.output), width)

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width 1"]:
        """Return the vector of each sample."""
        y: Tensor = self.map(self.net(frame_by_frame(x, self.part)).reshape(x.shape[0], -1))
        return y[..., None]


class TokenBranch(Branch):
    """A vector for each position of the features of its network, with the time of that position.

    Where the positions are not times (pixels, channels), a learned vector says which one it is. What the head of the
    network alone needs is not trained.

    Args:
        part: The source.
        net: Makes the network.
        width: Length of the vector of a token.
    """

    def __init__(self, part: Part, net: NetFactory, width: int) -> None:
        super().__init__(part, net, 1)
        features, positions = self._look()
        self.map = nn.Linear(features, width)
        self.place = nn.Parameter(torch.empty(positions, width).uniform_(-0.02, 0.02))
        self.each = positions if part.frames else 1
        times = torch.tensor(part.times) if part.frames else times_of_positions(part.times, positions)
        self.register_buffer("nominal", -times.repeat_interleave(self.each), persistent=False)

    def _look(self) -> tuple[int, int]:
        """Return the number of features and of their positions, and freeze what they do not need."""
        training = self.net.training
        self.net.eval()
        with torch.enable_grad():
            z = self.net.features(frame_by_frame(torch.zeros(2, *self.part.shape), self.part))
            weights = [weight for weight in self.net.parameters() if weight.requires_grad]
            found = torch.autograd.grad(z.sum(), weights, allow_unused=True) if z.requires_grad else []
        for weight, gradient in zip_longest(weights, found):
            weight.requires_grad_(gradient is not None)
        self.net.train(training)
        return z.shape[1], math.prod(z.shape[2:])

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width tokens"]:
        """Return the vectors, those of the first frame first."""
        z = self.net.features(frame_by_frame(x, self.part))
        tokens: Tensor = self.map(z.flatten(2).transpose(1, 2) if z.ndim > 2 else z[:, None]) + self.place
        return tokens.reshape(x.shape[0], -1, tokens.shape[-1]).transpose(1, 2)

    def delays(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch tokens"]:
        """Return the seconds of each token before the answer: the age of its frame where that is among the channels."""
        if self.part.frames and self.part.helpers and self.part.channels[-1] == "age":
            return x[:, :, -1, 0, 0].repeat_interleave(self.each, 1)
        return super().delays(x)
