"""Directions in the space of the weights that mean the same for every network.

A step of a given length changes a network with small filters more than one with large filters, though scaling the
filters before a ReLU or a batch norm changes nothing that it computes. Filter-normalized directions (Li et al., NeurIPS
2018, arXiv:1712.09913) take that freedom out: in each filter the direction is as long as the weights.
"""

import torch
from torch import Tensor, nn

from dlkit.core.checks import require

Direction = dict[str, Tensor]
"""A step for each parameter that moves, by its name in the module."""


def movable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that directions move: trained, and of at least two axes.

    Biases and the scales of norms stay where they are, as in the paper: they are few, and moving them says more about
    the activations' scale than about the weights.

    Raises:
        InputError: There is none.
    """
    found = {name: p for name, p in module.named_parameters() if p.requires_grad and p.ndim >= 2}
    require(
        len(found) > 0,
        f"{type(module).__name__} has no trained weight matrix or filter, so its loss has no surface: choose a run "
        "whose network has some.",
    )
    return found


def filter_norms(weight: Tensor) -> Tensor:
    """Return the length of each filter, (filters, 1, ...): of what makes one output."""
    norms: Tensor = torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
    return norms


def normalized(direction: Tensor, weight: Tensor) -> Tensor:
    """Return the direction with each filter as long as the filter of the weights; a filter of zeros stays."""
    length = filter_norms(direction)
    return direction * (filter_norms(weight) / torch.where(length > 0, length, 1.0))


def without(direction: Tensor, other: Tensor) -> Tensor:
    """Return the direction without its part along the other one, filter by filter.

    Filters of one weight keep theirs: there every direction is parallel.
    """
    if direction[0].numel() == 1:
        return direction
    axes = tuple(range(1, direction.ndim))
    along, square = (direction * other).sum(axes, keepdim=True), other.square().sum(axes, keepdim=True)
    return direction - other * (along / torch.where(square > 0, square, 1.0))


def random_directions(module: nn.Module, generator: torch.Generator) -> tuple[Direction, Direction]:
    """Return two random filter-normalized directions, at right angles in each filter of more than one weight.

    They are drawn and scaled on the CPU, so that jobs on different devices agree on them.

    Args:
        module: The network at its weights.
        generator: Decides on the directions alone.
    """
    first, second = {}, {}
    for name, parameter in movable(module).items():
        weight = parameter.detach().cpu()
        drawn = torch.randn((2, *weight.shape), generator=generator, dtype=torch.float64).to(weight.dtype)
        first[name] = normalized(drawn[0], weight)
        second[name] = normalized(without(drawn[1], drawn[0]), weight)
    return first, second


def inner(one: Direction, other: Direction) -> float:
    """Return the inner product of two directions in float64."""
    return sum(float((one[name].double() * other[name].double()).sum()) for name in one)


def cosine(one: Direction, other: Direction) -> float:
    """Return the cosine of the angle between two directions; 0 where one has no length."""
    lengths = (inner(one, one) * inner(other, other)) ** 0.5
    return inner(one, other) / lengths if lengths > 0 else 0.0
