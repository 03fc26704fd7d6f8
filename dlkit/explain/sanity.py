"""Does a map depend on what was learned? Randomize the weights and look again (Adebayo et al., arXiv:1810.03292)."""

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.explain.decided import Decision, reach_of

LIMIT = 0.2
"""Largest rank correlation that a map may keep with that of a network without knowledge."""
ENOUGH = 4
"""Samples from which more random networks may decide what the first ones did not."""


class Sanity(NamedTuple):
    """How maps change while the weights are randomized from the answer towards the input.

    Attributes:
        layers: Name of the last layer randomized so far, in order.
        similarity: Mean rank correlation with the map of the trained network, for each of them.
        final: Mean rank correlation with the map of a network all of whose weights are random.
        reach: Half its 95 % interval over samples and random networks; infinity from one sample.
        samples: Samples whose maps were compared.
        networks: Networks all of whose weights are random.
        by_networks: Part of the variance of the mean that these bring, the rest is of the samples.
    """

    layers: tuple[str, ...]
    similarity: tuple[float, ...]
    final: float
    reach: float
    samples: int
    networks: int = 0
    by_networks: float = 0.0

    @property
    def decision(self) -> Decision:
        """Whether the map is destroyed with the weights: all of the interval is within the limit, none, or some."""
        if abs(self.final) + self.reach < LIMIT:
            return "holds"
        return "fails" if abs(self.final) - self.reach >= LIMIT else "not decided"


def ranks(values: Float[Tensor, "batch elements"]) -> Float[Tensor, "batch elements"]:
    """Return the rank of each value, equal values share the mean of theirs."""
    values = values.contiguous()
    ordered = values.sort(dim=1).values
    first = torch.searchsorted(ordered, values, right=False)
    behind = torch.searchsorted(ordered, values, right=True)
    return (first + behind - 1).double() / 2


def spearman(a: Float[Tensor, "batch elements"], b: Float[Tensor, "batch elements"]) -> Float[Tensor, "batch"]:
    """Return the rank correlation of each row; 0 where a row is constant."""
    a, b = (part - part.mean(1, keepdim=True) for part in (ranks(a), ranks(b)))
    norm = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(norm > 0, (a * b).sum(1) / norm.clamp_min(1e-300), torch.zeros_like(norm))


def similarity_of(a: Tensor, b: Tensor, valid: Tensor | None) -> Float[Tensor, "batch"]:
    """Return the rank correlation of each of the maps, (batch, *map), over what is valid of it."""
    if valid is None:
        return spearman(a.flatten(1), b.flatten(1))
    return torch.cat([spearman(one[part][None], two[part][None]) for one, two, part in zip(a, b, valid, strict=True)])


def by_sample(
    similarity: Float[Tensor, "networks batch"], sample: Int[Tensor, "batch"] | None
) -> Float[Tensor, "networks samples"]:
    """Return the means over the maps of each sample."""
    if sample is None:
        return similarity
    return torch.stack([similarity[:, sample == one].mean(1) for one in sample.unique()], 1)


@torch.no_grad()
def shuffle_parameters(module: nn.Module, generator: torch.Generator) -> None:
    """Put the module's own weights in random order: their distribution stays, what they learned is gone."""
    for parameter in module.parameters(recurse=False):
        order = torch.randperm(parameter.numel(), generator=generator)
        parameter.copy_(parameter.flatten()[order.to(parameter.device)].view_as(parameter))


def cascade(net: nn.Module, generator: torch.Generator, stages: int) -> Iterator[tuple[str, nn.Module]]:
    """Yield a copy of the network whose layers become random one after the other, the last first.

    Args:
        net: The trained network; it is not changed.
        generator: Draws the order of the weights; on the CPU.
        stages: Most times that it is yielded, at last with all weights random.
    """
    own = copy.deepcopy(net)
    layers = [(name, module) for name, module in own.named_modules() if any(True for _ in module.parameters(False))]
    layers.reverse()
    shown = {round((i + 1) * len(layers) / stages) - 1 for i in range(stages)} | {len(layers) - 1}
    for number, (name, module) in enumerate(layers):
        shuffle_parameters(module, generator)
        if number in shown:
            yield name.removeprefix("net."), own


def sanity_check(
    explain: Callable[[nn.Module], Float[Tensor, "batch *map"]],
    net: nn.Module,
    *,
    valid: Bool[Tensor, "batch *map"] | None = None,
    sample: Int[Tensor, "batch"] | None = None,
    stages: int = 6,
    draws: int = 5,
    most: int = 20,
    many: int = 80,
    seed: int = 0,
) -> Sanity:
    """Randomize a copy of the network layer by layer and compare the maps.

    Args:
        explain: Returns the maps of a network for fixed inputs and scores.
        net: The trained network.
        valid: What of each map is compared; padding is not.
        sample: Number of the sample of each map; None where each is of its own.
        stages: Stages of the cascade at which maps are made.
        draws: Networks with all weights random.
        most: The same, where fewer do not decide.
        many: The same, where these do not decide and it is for the networks more than for the samples.
        seed: Seed of the random weights.
    """
    truth = explain(net)
    generator = torch.Generator().manual_seed(seed)
    layers, similarity = [], []
    for name, other in cascade(net, generator, stages):
        layers.append(name)
        similarity.append(similarity_of(truth, explain(other), valid))

    def judged(last: list[Tensor], count: int) -> Sanity:
        while len(last) < count:
            last += [similarity_of(truth, explain(other), valid) for _, other in cascade(net, generator, 1)]
        told = by_sample(torch.stack(last), sample)
        means, sides = tuple(float(one.mean()) for one in similarity), [told.mean(0), told.mean(1)]
        errors = [float(side.var()) / len(side) if len(side) > 1 else 0.0 for side in sides]
        part, nets, samples = errors[1] / max(sum(errors), 1e-300), *told.shape
        return Sanity(tuple(layers), means, float(told.mean()), reach_of(sides), samples, nets, part)

    last = similarity[-1:]
    found = judged(last, draws)
    for count in (most, many):
        helps = count == most or found.by_networks > 0.5
        if found.decision == "not decided" and found.samples >= ENOUGH and helps:
            found = judged(last, max(draws, count))
    return found
