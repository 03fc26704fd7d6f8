"""Does the score live where the map says it does? Deletion and insertion curves (Petsiuk et al., arXiv:1806.07421)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.core.packing import borders, pack, unpack
from dlkit.core.specs import Part
from dlkit.explain.base import still
from dlkit.explain.decided import Decision, reach_of
from dlkit.explain.rows import rows_at_once, scores_of

MATTERS = 0.05
"""Smallest margin over chance worth a map, as a part of the largest score."""
Maps = Float[Tensor, "batch #channels *size"]


class Curves(NamedTuple):
    """How a score changes while the input is taken away, or given, the most relevant part first.

    Attributes:
        share: Part of the input that has been replaced, (steps,), from 0 to 1.
        deletion: Score when that part is taken from the input, (batch, steps); it falls fast for a good map.
        insertion: Score when that part is given to the baseline, (batch, steps); it rises fast for a good map.
    """

    share: Tensor
    deletion: Tensor
    insertion: Tensor

    def areas(self) -> tuple[Tensor, Tensor]:
        """Return the areas under both curves, each (batch,)."""
        return torch.trapezoid(self.deletion, self.share), torch.trapezoid(self.insertion, self.share)

    def gain(self) -> Tensor:
        """Return insertion area minus deletion area, (batch,): above that of chance for a map that tells the truth."""
        deletion, insertion = self.areas()
        return insertion - deletion


class Faithfulness(NamedTuple):
    """A map beside the same map at random places.

    Attributes:
        curves: Of the map.
        chance: Of the map rolled to random places, with its channels in random order, the mean of several.
        margin: Mean gain over chance.
        reach: Half its 95 % interval over samples; infinity from one sample.
        samples: Samples whose maps were compared.
    """

    curves: Curves
    chance: Curves
    margin: float
    reach: float
    samples: int

    @property
    def decision(self) -> Decision:
        """Whether the map tells more than chance: its interval is above 0, too low to matter, or neither."""
        if self.margin - self.reach > 0:
            return "holds"
        return "fails" if self.margin + self.reach < MATTERS else "not decided"


def order_of(relevance: Float[Tensor, "batch elements"], generator: torch.Generator) -> Int[Tensor, "batch elements"]:
    """Return the rank of each element, 0 for the most relevant; equal ones are drawn at random."""
    shuffle = torch.argsort(torch.rand(relevance.shape, generator=generator, device=relevance.device), dim=1)
    order = shuffle.gather(1, relevance.gather(1, shuffle).argsort(dim=1, descending=True, stable=True))
    return order.argsort(dim=1)


def curves(
    net: nn.Module,
    x: Float[Tensor, "batch channels *size"],
    targets: Int[Tensor, "batch 1"],
    relevance: Maps,
    baseline: Float[Tensor, "#batch channels *size"],
    *,
    generator: torch.Generator,
    valid: Bool[Tensor, "batch #channels *size"] | None = None,
    steps: int = 20,
    closeness: Float[Tensor, "batch"] | None = None,
) -> Curves:
    """Return the deletion and insertion curves of maps; a map with one channel moves all channels together.

    Args:
        net: Its answer is (batch, scores).
        x: The inputs.
        targets: Number of the score of each sample.
        relevance: The maps.
        baseline: Inputs that say nothing.
        generator: Draws the order of equally relevant parts.
        valid: What is part of a sample; the rest, padding, is never replaced.
        steps: Number of steps from nothing to everything.
        closeness: For scores that may rise or fall: a curve is then 1 minus the distance to the score of the whole
            input, divided by this number, (batch,).
    """
    flat = relevance.flatten(1)
    count = torch.full((len(x), 1), flat.shape[1], device=x.device)
    if valid is not None:
        inside = valid.expand_as(relevance).flatten(1)
        flat, count = flat.where(inside, -torch.inf), inside.sum(1, keepdim=True)
    rank = order_of(flat, generator)
    share = torch.linspace(0, 1, steps + 1, device=x.device)
    gone = (rank < (share[:, None, None] * count).round()).reshape(steps + 1, *relevance.shape)
    with still(net):
        told = [_told(net, a, b, targets, gone) for a, b in ((baseline, x), (x, baseline))]
        if closeness is not None:
            full = scores_of(net, x, targets)
            told = [1 - (scores - full).abs() / closeness[:, None] for scores in told]
    return Curves(share, *told)


def _told(net: nn.Module, put: Tensor, into: Tensor, targets: Tensor, masks: Tensor) -> Float[Tensor, "batch steps"]:
    """Return the scores when ``put`` replaces ``into`` under each mask, (steps, batch, ...), many at once."""
    batch = len(targets)
    some = max(1, rows_at_once(into) // batch)
    parts = []
    for i in range(0, len(masks), some):
        mixed = torch.where(masks[i : i + some], put, into).flatten(0, 1)
        parts.append(scores_of(net, mixed, targets.repeat(len(mixed) // batch, 1)).reshape(-1, batch))
    return torch.cat(parts).T


def at_random_places(
    relevance: Maps, valid: Bool[Tensor, "batch #channels *size"] | None, generator: torch.Generator
) -> Maps:
    """Return maps of the same texture that know nothing: rolled inside each sample, channels in random order."""
    batch, channels, device = len(relevance), relevance.shape[1], relevance.device
    draw = torch.rand(batch, channels, generator=generator, device=device)
    held = 0 if valid is None else (~valid.flatten(2).any(2)).to(draw.dtype)
    order = torch.argsort(draw + held, dim=1)  # channels that tell of others stay behind those that are measured
    found = relevance.gather(1, order.view(batch, channels, *[1] * (relevance.ndim - 2)).expand_as(relevance))
    for axis in range(2, relevance.ndim):
        length = relevance.shape[axis]
        extent = torch.full((batch, 1), length, device=device)
        if valid is not None:
            other = [other for other in range(1, valid.ndim) if other != axis]
            extent = valid.any(other[0]).flatten(1).sum(1, keepdim=True) if len(other) == 1 else extent
        place = torch.arange(length, device=device)
        shift = (torch.rand(batch, 1, generator=generator, device=device) * extent).long()
        source = torch.where(place < extent, (place + shift) % extent.clamp_min(1), place)
        shape = [batch] + [length if other == axis else 1 for other in range(1, relevance.ndim)]
        found = found.gather(axis, source.view(shape).expand_as(found))
    return found


def among_sources(
    relevance: Float[Tensor, "batch values"], parts: Sequence[Part], generator: torch.Generator
) -> Float[Tensor, "batch values"]:
    """Return packed maps that know nothing: rolled inside each source, their mean sizes dealt out to the sources."""
    sizes = torch.stack([relevance[:, where].abs().mean(1) for where in borders(parts).values()], 1)
    order = torch.argsort(torch.rand(sizes.shape, generator=generator, device=sizes.device), dim=1)
    scale = sizes.gather(1, order) / torch.where(sizes > 0, sizes, 1)
    found = {}
    for part, own, more in zip(parts, unpack(relevance, parts).values(), scale.unbind(1), strict=True):
        maps = own.transpose(1, 2) if part.frames else own
        told = maps[:, : len(part.channels) - part.helpers]
        rolled = torch.cat([at_random_places(told, None, generator), maps[:, told.shape[1] :]], 1)
        rolled = rolled.transpose(1, 2) if part.frames else rolled
        found[part.name] = rolled * more.view(-1, *[1] * (own.ndim - 1))
    return pack(found, relevance.new_zeros(len(relevance), len(parts)), parts)


def judge(
    net: nn.Module,
    x: Float[Tensor, "batch channels *size"],
    targets: Int[Tensor, "batch 1"],
    relevance: Maps,
    baseline: Float[Tensor, "#batch channels *size"],
    *,
    valid: Bool[Tensor, "batch #channels *size"] | None = None,
    steps: int = 20,
    closeness: Float[Tensor, "batch"] | None = None,
    draws: int = 4,
    seed: int = 0,
    parts: Sequence[Part] = (),
    each: int = 1,
) -> Faithfulness:
    """Compare maps with the same maps at random places.

    Args:
        net: Its answer is (batch, scores).
        x: The inputs.
        targets: Number of the score of each sample.
        relevance: The maps.
        baseline: Inputs that say nothing.
        valid: What is part of a sample.
        steps: Steps of a curve.
        closeness: As in :func:`curves`.
        draws: Random places for each map.
        seed: Seed of the places.
        parts: The sources of packed inputs.
        each: Maps that follow each other and are of one sample.
    """
    generator = torch.Generator(x.device).manual_seed(seed)
    settings: dict[str, Any] = {"generator": generator, "valid": valid, "steps": steps, "closeness": closeness}
    own = curves(net, x, targets, relevance, baseline, **settings)

    def anywhere() -> Maps:
        return among_sources(relevance, parts, generator) if parts else at_random_places(relevance, valid, generator)

    others = [curves(net, x, targets, anywhere(), baseline, **settings) for _ in range(draws)]
    chance = Curves(
        own.share,
        torch.stack([other.deletion for other in others]).mean(0),
        torch.stack([other.insertion for other in others]).mean(0),
    )
    more = (own.gain() - chance.gain()).double().reshape(-1, each).mean(1)
    return Faithfulness(own, chance, float(more.mean()), reach_of([more]), len(more))
