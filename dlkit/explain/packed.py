"""What of an input is explained: what was measured, not what tells of it (presence, masks, ages) and not padding."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.packing import presence
from dlkit.core.specs import Part, Spec


def explained(x: Float[Tensor, "batch channels *size"], spec: Spec) -> Bool[Tensor, "batch channels *size"]:
    """Return which values an answer can come from: measured ones, of sources that are there, not behind a trace."""
    if spec.parts:
        return explained_values(x, spec.parts)
    inside = torch.ones_like(x, dtype=torch.bool)
    inside[:, spec.measured :] = False
    return inside & (x[:, -1:] > 0) if spec.padded else inside


def measured_values(parts: Sequence[Part]) -> Bool[Tensor, " values"]:
    """Return where packed values are measured: not in channels that tell of others, nor in presence."""
    told = []
    for part in parts:
        own = torch.arange(len(part.channels)) < len(part.channels) - part.helpers
        told.append(own.view((-1, 1, 1) if part.frames else (-1, 1)).expand(part.shape).flatten())
    return torch.cat([*told, torch.zeros(len(parts), dtype=torch.bool)])


def explained_values(x: Float[Tensor, "*batch values"], parts: Sequence[Part]) -> Bool[Tensor, "*batch values"]:
    """Return which values of packed inputs an answer can come from: measured ones of sources that are there."""
    there = presence(x, parts) > 0
    counts = torch.tensor([part.count for part in parts], device=x.device)
    wide = torch.cat([there.repeat_interleave(counts, dim=-1), torch.zeros_like(there)], dim=-1)
    return wide & measured_values(parts).to(x.device)


def held(
    baseline: Float[Tensor, "references #batch values"], x: Float[Tensor, "batch values"], parts: Sequence[Part]
) -> Float[Tensor, "references batch values"]:
    """Return a baseline that differs from the inputs in what is explained only."""
    return torch.where(explained_values(x, parts), baseline, x)
