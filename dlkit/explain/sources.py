"""The share of each of several sources in an answer: sums of relevance, and Shapley values to compare them with."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.packing import borders, unpack
from dlkit.core.specs import Part
from dlkit.explain.base import still
from dlkit.explain.packed import held
from dlkit.explain.rows import rows_at_once, scores_of

MOST_SOURCES = 8
"""Most sources whose Shapley values are exact: 256 passes a sample."""


def source_shares(relevance: Float[Tensor, "*batch values"], parts: Sequence[Part]) -> Float[Tensor, "*batch parts"]:
    """Return the sum of the relevance of each source; of a complete method they add up to the change of the score."""
    return torch.stack([relevance[..., where].double().sum(-1) for where in borders(parts).values()], dim=-1)


def proportions(shares: Float[Tensor, "*batch parts"]) -> Float[Tensor, "*batch parts"]:
    """Return shares scaled so that their sizes add up to 1: all that those of a method that is not complete tell."""
    return shares / size_of(shares)


def size_of(shares: Float[Tensor, "*batch parts"]) -> Float[Tensor, "*batch 1"]:
    """Return the sum of the sizes of shares, 1 where all of them are 0."""
    total = shares.abs().sum(-1, keepdim=True)
    return torch.where(total > 0, total, 1)


def channel_shares(relevance: Float[Tensor, "*batch values"], parts: Sequence[Part]) -> dict[str, Tensor]:
    """Return the sum of the relevance of each channel of each source, (*batch, channels)."""
    found = {}
    for part, own in zip(parts, unpack(relevance.double(), parts).values(), strict=True):
        found[part.name] = own.sum((-1, -2, -4)) if part.frames else own.sum(-1)
    return found


def lag_profile(relevance: Float[Tensor, "*batch values"], part: Part, parts: Sequence[Part]) -> Tensor:
    """Return the size of the relevance of each channel of a source at each of its times, (*batch, channels, times).

    Of frames it is the sum of the sizes over the pixels.
    """
    own = unpack(relevance.double().abs(), parts)[part.name]
    return own.sum((-1, -2)).transpose(-1, -2) if part.frames else own


def best_lags(relevance: Float[Tensor, "batch values"], part: Part, parts: Sequence[Part]) -> list[float | None]:
    """Return for each channel the seconds before the answer of the largest mean size; None where there is none."""
    profile = lag_profile(relevance, part, parts).mean(0)
    places, most = profile.argmax(-1).tolist(), profile.amax(-1).tolist()
    return [abs(part.times[place]) if size > 0 else None for place, size in zip(places, most, strict=True)]


# ------------------------------------------------------------------ exact Shapley values
def coalitions(count: int) -> Bool[Tensor, "coalitions sources"]:
    """Return every set of sources; the number of a set has its members as bits."""
    numbers = torch.arange(2**count)
    return (numbers[:, None] >> torch.arange(count) & 1).bool()


def shapley(values: Float[Tensor, "coalitions *scores"], count: int) -> Float[Tensor, "sources *scores"]:
    """Return the mean gain by each source over all orders in which they may come (Shapley 1953), in float64.

    Args:
        values: Worth of each set of sources, numbered as in :func:`coalitions`.
        count: Number of sources.
    """
    values = values.double()
    sets = coalitions(count)
    sizes = sets.sum(1)
    weights = torch.tensor(
        [math.factorial(int(s)) * math.factorial(max(count - int(s) - 1, 0)) / math.factorial(count) for s in sizes],
        dtype=torch.float64,
        device=values.device,
    )
    found = []
    for source in range(count):
        without = (~sets[:, source]).nonzero()[:, 0].to(values.device)
        gain = values[without + 2**source] - values[without]
        found.append(torch.einsum("c,c...->...", weights[without], gain))
    return torch.stack(found)


def shapley_sources(
    net: nn.Module,
    x: Float[Tensor, "batch values"],
    targets: Int[Tensor, "batch wanted"] | None,
    baseline: Float[Tensor, "references #batch values"],
    parts: Sequence[Part],
    *,
    absent: bool = False,
) -> Float[Tensor, "batch scores parts"]:
    """Return the Shapley value of each source as a whole; they add up to the change of the score.

    Args:
        net: Its answer is flattened to (batch, scores).
        x: The inputs.
        targets: Numbers of the scores, as for a method of explanation.
        baseline: What stands for a source that is left out; the mean over the references is returned.
        parts: The sources.
        absent: Tell the network instead that a source that is left out is not there; the baseline does not count.

    Raises:
        InputError: There are too many sources.
    """
    count = len(parts)
    require(
        count <= MOST_SOURCES,
        f"Exact Shapley values of {count} sources take 2^{count} passes: give at most {MOST_SOURCES} sources.",
    )
    starts = [torch.zeros_like(x)] if absent else list(held(baseline, x, parts))
    with still(net):
        return torch.stack([_shapley(net, x, targets, start, parts) for start in starts]).mean(0)


def whose(parts: Sequence[Part], device: torch.device) -> Int[Tensor, " values"]:
    """Return the number of the source of each packed value; presence belongs to its source."""
    counts = torch.tensor([part.count for part in parts], device=device)
    number = torch.arange(len(parts), device=device)
    return torch.cat([number.repeat_interleave(counts), number])


def _shapley(net: nn.Module, x: Tensor, targets: Tensor | None, start: Tensor, parts: Sequence[Part]) -> Tensor:
    sets, owner = coalitions(len(parts)).to(x.device), whose(parts, x.device)
    some, worth = max(1, rows_at_once(x) // len(x)), []
    for i in range(0, len(sets), some):
        kept = sets[i : i + some][:, owner]
        mixed = torch.where(kept[:, None], x, start).flatten(0, 1)
        numbers = None if targets is None else targets.repeat(len(kept), 1)
        scores = scores_of(net, mixed, numbers)
        worth.append(scores.reshape(len(kept), len(x), -1))
    return shapley(torch.cat(worth), len(parts)).permute(1, 2, 0)


# ------------------------------------------------------------------ misalignment
@torch.no_grad()
def misplaced(
    x: Float[Tensor, "batch values"], shifted: Float[Tensor, "batch values"], parts: Sequence[Part], source: int
) -> Float[Tensor, "batch values"]:
    """Return inputs in which one source alone, and whether it was there, is that of other inputs."""
    return torch.where(whose(parts, x.device) == source, shifted, x)


def slope_at_zero(shifts: Sequence[float], changes: Sequence[float]) -> float | None:
    """Return how much the answer changes for each unit of a small shift: the mean over the smallest ones.

    Args:
        shifts: Shifts of a source, positive and negative.
        changes: Size of the change of the answer for each of them.
    """
    moved = [(abs(shift), change) for shift, change in zip(shifts, changes, strict=True) if shift != 0]
    if not moved:
        return None
    least = min(size for size, _ in moved)
    near = [change / size for size, change in moved if size <= 1.5 * least]
    return sum(near) / len(near)
