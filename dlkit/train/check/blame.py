"""Which of several clocks is off, told by all pairs of sources at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

SURE = 4.0  # standard errors


@dataclass(frozen=True)
class Difference:
    """What two sources tell of their clocks: ``value`` brings source number ``own`` to number ``other``."""

    own: int
    other: int
    value: float
    error: float


@dataclass(frozen=True)
class Camp:
    """Sources whose clocks agree, against the others that are compared with them.

    Attributes:
        members: Numbers of the sources that agree.
        others: Numbers of those that do not.
        decided: Whether more sources agree here than anywhere else, so that the others are off.
    """

    members: tuple[int, ...]
    others: tuple[int, ...]
    decided: bool


def camps(count: int, pairs: Sequence[Difference]) -> list[Camp]:
    """Return of each set of sources that are compared with each other the largest camp, of equal ones the first.

    Clocks are placed by weighted least squares of all differences; two agree that lie within four standard errors of
    what the fit knows of the two.

    Args:
        count: Number of sources.
        pairs: What pairs of them tell.
    """
    linked, design = np.zeros((count, count)), np.zeros((len(pairs), count))
    for row, pair in zip(design, pairs, strict=True):
        linked[pair.own, pair.other] = 1
        row[[pair.own, pair.other]] = np.array([1.0, -1.0]) / pair.error
    covariance = np.linalg.pinv(design.T @ design)
    places = covariance @ design.T @ np.array([pair.value / pair.error for pair in pairs])
    variance = np.diag(covariance)
    errors = np.sqrt(np.maximum(variance[:, None] + variance[None] - 2 * covariance, 0.0))
    _, labels = connected_components(linked, directed=False)
    together = labels[:, None] == labels[None]
    agree = together & (np.abs(places[:, None] - places[None]) <= SURE * errors)
    return [_largest(np.flatnonzero(labels == label), agree) for label in dict.fromkeys(labels.tolist())]


def _largest(some: np.ndarray, agree: np.ndarray) -> Camp:
    sizes = agree[some].sum(1)
    members = agree[some[sizes.argmax()]]
    others = some[~members[some]]
    rivals = [int(agree[other].sum()) for other in others]
    return Camp(
        tuple(np.flatnonzero(members).tolist()), tuple(others.tolist()), max(rivals, default=0) < int(members.sum())
    )
