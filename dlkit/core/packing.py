"""Inputs of several sources as one tensor, so that whatever works on a tensor works on all of them at once.

A packed input, (batch, values), holds the values of each part one after the other, each in the order of its shape, then
one number for each part: 1 where the source was there, 0 where it was not (its values are then 0).
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlkit.core.specs import Part


def packed_size(parts: Sequence[Part]) -> int:
    """Return the number of values of a packed input."""
    return sum(part.count for part in parts) + len(parts)


def borders(parts: Sequence[Part]) -> dict[str, slice]:
    """Return where the values of each part are."""
    ends = list(accumulate((part.count for part in parts), initial=0))
    return {part.name: slice(start, stop) for part, start, stop in zip(parts, ends, ends[1:], strict=False)}


def unpack(x: Float[Tensor, "*batch values"], parts: Sequence[Part]) -> dict[str, Float[Tensor, "..."]]:
    """Return the values of each part, (*batch, *part.shape), as views."""
    return {
        name: x[..., where].unflatten(-1, part.shape)
        for (name, where), part in zip(borders(parts).items(), parts, strict=True)
    }


def presence(x: Float[Tensor, "*batch values"], parts: Sequence[Part]) -> Float[Tensor, "*batch parts"]:
    """Return 1 for each part that is there, 0 for each that is not."""
    return x[..., -len(parts) :]


def pack(
    values: Mapping[str, Float[Tensor, "batch ..."]], present: Float[Tensor, "batch parts"], parts: Sequence[Part]
) -> Float[Tensor, "batch values"]:
    """Undo :func:`unpack` and :func:`presence`."""
    return torch.cat([*(values[part.name].flatten(1) for part in parts), present.to(values[parts[0].name].dtype)], 1)


def channel_of(parts: Sequence[Part]) -> Int[Tensor, " values"]:
    """Return the number of the channel, counted over all parts, of each packed value; -1 for presence."""
    numbers, first = [], 0
    for part in parts:
        own = torch.arange(first, first + len(part.channels))
        shape = (-1, 1, 1) if part.frames else (-1, 1)
        numbers.append(own.view(shape).expand(part.shape).flatten())
        first += len(part.channels)
    return torch.cat([*numbers, torch.full((len(parts),), -1)])
