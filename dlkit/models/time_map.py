"""A linear map along time, shared by the channels or one for each."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def map_time(
    x: Float[Tensor, "batch channels time"],
    weight: Float[Tensor, "groups steps time"],
    bias: Float[Tensor, "groups steps"],
) -> Float[Tensor, "batch channels steps"]:
    """Return ``weight @ x + bias`` along time, with one group for all channels or one for each.

    Windows come with time as the slow axis; one tiled copy and a single matrix product over (batch x channels) rows are
    faster than a strided or batched product.
    """
    if weight.shape[0] == 1:
        return nn.functional.linear(x.contiguous(), weight[0], bias[0])
    y = torch.baddbmm(bias[:, None], x.transpose(0, 1), weight.transpose(1, 2))
    return y.transpose(0, 1)


class TimeMap(nn.Module):
    """The parameters of :func:`map_time`, initialized as torch.nn.Linear does: uniform within 1 / sqrt(time).

    Args:
        time: Samples in.
        steps: Numbers out.
        groups: 1 for a map that all channels share, else the number of channels.
    """

    def __init__(self, time: int, steps: int, *, groups: int = 1) -> None:
        super().__init__()
        bound = 1 / math.sqrt(time)
        self.weight = nn.Parameter(torch.empty(groups, steps, time).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, steps).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch channels steps"]:
        """Return the mapped channels."""
        return map_time(x, self.weight, self.bias)
