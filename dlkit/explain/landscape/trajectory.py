"""The plane that holds most of the way that the optimizer went (Li et al., arXiv:1712.09913, section 7)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.checks import require
from dlkit.explain.landscape.directions import Direction


class Trajectory(NamedTuple):
    """The way of the weights, seen in the plane of its two principal directions.

    Attributes:
        directions: Two directions of length 1, at right angles.
        positions: Where each snapshot is in the plane, the end of the way at 0, (snapshots, 2).
        explained: Share of the variance along each of the two directions, (2,).
    """

    directions: tuple[Direction, Direction]
    positions: Float[Tensor, "snapshots 2"]
    explained: Float[Tensor, "2"]


def principal_plane(snapshots: Sequence[Direction], end: Direction) -> Trajectory:
    """Return the two principal directions of the snapshots and the way in their plane.

    Works on the small matrix of inner products, so that only the snapshots themselves need memory.

    Args:
        snapshots: Weights during training, in their order.
        end: Weights at the end, from which distances are taken.

    Raises:
        InputError: The snapshots span no plane.
    """
    require(
        len(snapshots) >= 3,
        f"{len(snapshots)} snapshots span no plane: keep at least 3, by a smaller `every_n_epochs` of "
        "dlkit.train.trajectory.Trajectory or more epochs.",
    )
    products = sum((_products(snapshots, end, name) for name in end), torch.zeros(()))
    centred = _centred(products)
    values, vectors = torch.linalg.eigh(centred)
    values, vectors = values.flip(0).clamp_min(0.0), vectors.flip(1)
    require(
        bool(values[1] > 1e-12 * values[0]),
        "The snapshots of the weights lie on one line and span no plane: use `--directions random`.",
    )
    weights = (vectors[:, :2] - vectors[:, :2].mean(0)) / values[:2].sqrt()
    positions = products @ weights
    sign = torch.where(positions[0] < 0, -1.0, 1.0)  # the way begins to the upper right, whatever the solver returns
    weights, positions = weights * sign, positions * sign
    first, second = ({name: _combine(snapshots, end, name, weights[:, k]) for name in end} for k in range(2))
    return Trajectory((first, second), positions, values[:2] / values.sum())


def _steps(snapshots: Sequence[Direction], end: Direction, name: str) -> Float[Tensor, "snapshots weights"]:
    """Return one parameter of all snapshots, seen from the end, in float64."""
    return torch.stack([(s[name].double() - end[name].double().cpu()).flatten() for s in snapshots])


def _products(snapshots: Sequence[Direction], end: Direction, name: str) -> Float[Tensor, "snapshots snapshots"]:
    steps = _steps(snapshots, end, name)
    return steps @ steps.T


def _centred(products: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """Return the inner products of the snapshots seen from their mean."""
    rows = products.mean(0, keepdim=True)
    return products - rows - rows.T + products.mean()


def _combine(snapshots: Sequence[Direction], end: Direction, name: str, weights: Float[Tensor, " snapshots"]) -> Tensor:
    return (weights @ _steps(snapshots, end, name)).view(end[name].shape).to(end[name].dtype)
