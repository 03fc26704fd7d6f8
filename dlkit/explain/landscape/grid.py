"""Where the loss is asked for: rows of points, which different jobs may take."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def axis(low: float, high: float, points: int) -> Float[Tensor, " points"]:
    """Return evenly spaced places, moved by at most half a step so that 0, the network itself, is one of them."""
    places = np.linspace(low, high, points)
    places = places - places[np.abs(places).argmin()]
    return torch.from_numpy(places)


def plane(first: Float[Tensor, " columns"], second: Float[Tensor, " rows"]) -> Float[Tensor, "rows columns 2"]:
    """Return the coordinates of the points of a plane, one row for each place on the second axis."""
    return torch.stack(torch.meshgrid(first, second, indexing="xy"), dim=-1)


def lines(first: Float[Tensor, " points"], second: Float[Tensor, " points"]) -> Float[Tensor, "2 points 2"]:
    """Return the coordinates of a line along each direction."""
    still = torch.zeros_like(first)
    return torch.stack([torch.stack([first, still], -1), torch.stack([still, second], -1)])


def rows_of(shard: int, shards: int, rows: int) -> range:
    """Return the rows of one of ``shards`` jobs, counted from 1: together they take every row once."""
    return range(shard - 1, rows, shards)
