"""What is found in the embeddings of a run, and what is asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.core.spread import evenly
from dlkit.embedding.agreement import agreement
from dlkit.embedding.clusters import NAMES, Clusters, find_clusters, silhouette
from dlkit.embedding.neighbours import Points, nearest_of_each, rarity
from dlkit.embedding.space import Space, fit_space
from dlkit.train.embedding.points import Embedded

RARE = 0.01  # p-value below which a new point is like nothing known
REFERENCE = 2_000  # known points whose distance to the nearest other one is known


@dataclass(frozen=True)
class Wish:
    """What is asked for; see `dlkit embed --help`."""

    role: str = "test"
    methods: tuple[str, ...] = NAMES
    clusters: int | None = None
    smallest: int | None = None
    like: tuple[str, ...] = ()
    neighbours: int = 5
    most: int = 50_000
    tsne: int = 3_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Found:
    """Embeddings in their space, and their clusters.

    Attributes:
        known: Embeddings of the run's own data.
        new: Those of new files, or None.
        space: Fitted to the known ones.
        points: The known ones in the space.
        new_points: The new ones in the space, or None.
        clusters: Of the known ones, by each method.
        nearest: For some known points, spread evenly: its number, that of its nearest neighbour, the distance.
        new_nearest: For each new point the number of the nearest known one and the distance, or None.
    """

    known: Embedded
    new: Embedded | None
    space: Space
    points: Points
    new_points: Points | None
    clusters: tuple[Clusters, ...]
    nearest: tuple[np.ndarray, np.ndarray, np.ndarray]
    new_nearest: tuple[np.ndarray, np.ndarray] | None

    def rarity(self, gone: np.ndarray) -> np.ndarray:
        """Return how often known points are as far from all others, for points at these distances."""
        reference = self.nearest[2]
        return rarity(gone, reference[np.isfinite(reference)])

    def labels(self, clusters: Clusters) -> np.ndarray:
        """Return the cluster of each point, new ones last: these go with the nearest known one."""
        if self.new_nearest is None:
            return clusters.labels
        return np.concatenate([clusters.labels, clusters.labels[self.new_nearest[0]]])

    def places(self) -> np.ndarray:
        """Return all points in the space, new ones last."""
        parts = [self.points, *([self.new_points] if self.new_points is not None else [])]
        return np.concatenate([part.places for part in parts])


def search(known: Embedded, new: Embedded | None, wish: Wish) -> Found:
    """Find space, clusters and neighbours.

    Raises:
        InputError: There is too little to compare, or more is asked for than there is.
    """
    space = fit_space(known.vectors)
    points = known.points(space(known.vectors))
    clusters = tuple(
        find_clusters(method, points.places, count=wish.clusters, smallest=wish.smallest, seed=wish.seed)
        for method in wish.methods
    )
    some = evenly(len(points.places), REFERENCE)
    nearest = (some, *nearest_of_each(points.some(some), points, own=some))
    if new is None:
        return Found(known, None, space, points, None, clusters, nearest, None)
    others = new.points(space(new.vectors))
    return Found(known, new, space, points, others, clusters, nearest, nearest_of_each(others, points))


def same_label(found: Found) -> dict[str, float] | None:
    """Return how often a known point and its nearest neighbour have the same class, and how often two at random do.

    None where no class is known.
    """
    truth, (own, other, _) = found.known.truth, found.nearest
    if not truth.classes:
        return None
    own, other = own[other >= 0], other[other >= 0]
    both = (truth.values[own] >= 0) & (truth.values[other] >= 0)
    if not both.any():
        return None
    shares = np.bincount(truth.values[truth.values >= 0]) / (truth.values >= 0).sum()
    same = float((truth.values[own] == truth.values[other])[both].mean())
    return {"nearest": same, "by_chance": float((shares**2).sum())}


def summary_of(found: Found, wish: Wish) -> dict[str, Any]:
    """Return what ``clusters.json`` says."""
    known, truth = found.known, found.known.truth
    return {
        "role": wish.role,
        "embedded": len(known.starts),
        "of": known.total,
        "features": known.vectors.shape[1],
        "axes": len(found.space.shares),
        "variance_kept": float(found.space.shares.sum()),
        "seed": wish.seed,
        "label": truth.name if truth.classes else None,
        "same_label": same_label(found),
        "methods": {one.method: measures(found, one) for one in found.clusters},
    }


def measures(found: Found, clusters: Clusters) -> dict[str, Any]:
    """Return how many clusters a method found, how far apart they are, what they agree with and what is in each."""
    truth, labels = found.known.truth, clusters.labels
    scores: dict[str, Any] = {
        "silhouette": silhouette(found.points.places, labels),
        "noise": float((labels < 0).mean()),
    }
    if truth.classes and bool((truth.values >= 0).any()):
        scores |= agreement(labels, truth.values)
    tried = {"tried": {str(k): score for k, score in clusters.tried.items()}} if clusters.tried else {}
    return clusters.settings | tried | scores | {"members": [member(found, labels, k) for k in range(clusters.count)]}


def member(found: Found, labels: np.ndarray, number: int) -> dict[str, Any]:
    """Return how many points a cluster has, the most typical one, and how many have each label."""
    inside, truth = np.flatnonzero(labels == number), found.known.truth
    told = {
        "cluster": number,
        "count": len(inside),
        "share": len(inside) / len(labels),
        "typical": found.known.names(typical(found.points.places, inside, 1))[0],
    }
    if not truth.classes:
        return told
    counts = np.bincount(truth.values[inside][truth.values[inside] >= 0], minlength=len(truth.classes))
    order = np.argsort(-counts, kind="stable")
    return told | {"labels": {truth.classes[k]: int(counts[k]) for k in order.tolist() if counts[k]}}


def typical(places: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
    """Return the members of a cluster that are nearest to its mean."""
    apart = ((places[inside] - places[inside].mean(0)) ** 2).sum(1)
    return inside[np.argsort(apart, kind="stable")[:count]]
