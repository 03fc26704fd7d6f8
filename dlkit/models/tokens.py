"""Vectors that stand for a source, or for a part of it at a time."""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


class Tokens(NamedTuple):
    """What the sources have to say.

    Attributes:
        values: One vector a token, (batch, width, tokens).
        counts: 1 for a token that is there, 0 for one that must not be looked at, (batch, tokens).
        delays: Seconds of each token before the moment of the answer, (batch, tokens).
    """

    values: Tensor
    counts: Tensor
    delays: Tensor

    def joined(self) -> Float[Tensor, "batch features tokens"]:
        """Return all of it as features with positions: the vectors, then whether they count, then their delays."""
        return torch.cat([self.values, self.counts[:, None], self.delays[:, None]], 1)

    @classmethod
    def of(cls, z: Float[Tensor, "batch features tokens"]) -> "Tokens":
        """Undo :meth:`joined`."""
        return cls(z[:, :-2], z[:, -2], z[:, -1])


def times_of_positions(times: tuple[float, ...], positions: int) -> Float[Tensor, " positions"]:
    """Return the times of feature maps that share a window evenly: the mean time of the samples under each.

    Args:
        times: Time of each sample of the window.
        positions: Extent of the maps; 1 stands at the last sample, where an answer is read.
    """
    if positions == 1:
        return torch.tensor(times[-1:])
    count = len(times)
    total = np.concatenate([[0.0], np.cumsum(times)])  # integral of the times, sample by sample
    borders = np.interp(np.arange(positions + 1) * count / positions, np.arange(count + 1), total)
    return torch.from_numpy(np.diff(borders) * positions / count).float()


class DelayEncoding(nn.Module):
    """A vector for a delay: sine and cosine at geometrically spaced periods (Vaswani et al., NeurIPS 2017), in seconds.

    The learned linear map after it turns and scales the waves (as in mTAN, Shukla and Marlin, ICLR 2021).

    Args:
        width: Length of the vector.
        shortest: Shortest period in seconds.
        longest: Longest period in seconds.
        periods: Number of periods.
    """

    rates: Tensor

    def __init__(self, width: int, *, shortest: float, longest: float, periods: int = 16) -> None:
        super().__init__()
        exponents = torch.linspace(math.log(shortest), math.log(longest), periods, dtype=torch.float64)
        self.register_buffer("rates", (2 * math.pi / exponents.exp()).float(), persistent=False)
        self.map = nn.Linear(2 * periods, width)

    def forward(self, delays: Float[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens width"]:
        """Return the vector of each delay."""
        angles = delays[..., None] * self.rates
        y: Tensor = self.map(torch.cat([angles.sin(), angles.cos()], -1))
        return y
