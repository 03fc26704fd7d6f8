"""Clusters of points by k-means, a mixture of normal laws, or density; how many, and how far apart they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from dlkit.core.checks import require, suggest
from dlkit.core.spread import evenly

MOST = range(2, 13)
"""Numbers of clusters that are tried where none is asked for."""
JUDGED = 3_000  # most points that a silhouette is taken of: it needs all pairs
FITTED = 10_000  # most points that clusters are fitted on
MIXTURE_AXES = 16  # of a mixture: a full covariance of more axes has too many numbers to be fitted


@dataclass(frozen=True, eq=False)
class Clusters:
    """Points in clusters.

    Attributes:
        method: How they were found.
        labels: Cluster of each point from 0, the largest first; -1 is noise, (points,).
        settings: What was chosen, and by what.
        tried: Score of each number of clusters that was tried.
    """

    method: str
    labels: np.ndarray
    settings: dict[str, Any]
    tried: dict[int, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of clusters, without noise."""
        return int(self.labels.max(initial=-1)) + 1


def silhouette(points: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the mean silhouette (Rousseeuw 1987) of the points that are no noise, on 3,000 at most, spread evenly.

    None where there are fewer than two clusters, or each point is its own.
    """
    inside = np.flatnonzero(labels >= 0)
    some = inside[evenly(len(inside), JUDGED)]
    count = len(np.unique(labels[some]))
    if not 2 <= count < len(some):
        return None
    return float(silhouette_score(points[some], labels[some]))


def by_size(labels: np.ndarray) -> np.ndarray:
    """Return clusters numbered from 0 by falling size; -1 stays."""
    names, sizes = np.unique(labels[labels >= 0], return_counts=True)
    order = np.full(int(labels.max(initial=-1)) + 2, -1)
    order[names[np.argsort(-sizes, kind="stable")]] = np.arange(len(names))
    ranked: np.ndarray = order[labels]
    return ranked


def k_means(points: np.ndarray, count: int | None, seed: int) -> Clusters:
    """Return the k-means clusters; without a ``count`` those with the largest silhouette.

    Fitted on 10,000 points at most, spread evenly.
    """
    some = points[evenly(len(points), FITTED)]
    made = {
        k: KMeans(k, n_init=5, random_state=seed).fit(some).predict(points) for k in counts_of(count, len(some))
    }  # fmt: skip
    tried = {k: -1.0 if (score := silhouette(points, labels)) is None else score for k, labels in made.items()}
    best = max(tried, key=lambda k: tried[k])
    how = "asked for" if count else "largest silhouette"
    settings = {"clusters": best, "chosen by": how, "fitted on": len(some)}
    return Clusters("kmeans", by_size(made[best]), settings, {} if count else tried)


def mixture(points: np.ndarray, count: int | None, seed: int) -> Clusters:
    """Return the most probable normal law of each point; number and form of the laws by the lowest BIC (Schwarz 1978).

    Fitted on 10,000 points at most, spread evenly, in their first 16 axes.
    """
    axes = points[:, :MIXTURE_AXES].astype(np.float64)
    some = axes[evenly(len(axes), FITTED)]
    made = {
        (k, form): GaussianMixture(k, covariance_type=form, n_init=2, reg_covar=1e-3, random_state=seed).fit(some)
        for k in counts_of(count, len(some))
        for form in ("full", "diag")
    }
    bic = {key: float(model.bic(some)) for key, model in made.items()}
    number, form = min(bic, key=lambda key: bic[key])
    tried = {k: min(bic[k, "full"], bic[k, "diag"]) for k, _ in bic}
    settings = {
        "clusters": number, "chosen by": "asked for" if count else "lowest BIC", "covariance": form,
        "axes": axes.shape[1], "fitted on": len(some), "bic": bic[number, form],
    }  # fmt: skip
    return Clusters("gmm", by_size(made[number, form].predict(axes)), settings, {} if count else tried)


def density(points: np.ndarray, smallest: int | None) -> Clusters:
    """Return clusters of high density (HDBSCAN, Campello et al. 2013) with at least ``smallest`` members, else noise.

    Found among 10,000 points at most, spread evenly; each further point goes with the nearest of them.
    """
    fitted = evenly(len(points), FITTED)
    least = smallest or max(5, len(fitted) // 50)
    require(
        2 <= least <= len(fitted),
        f"--smallest {least} members of a cluster cannot be had of {len(fitted)} points: give 2 to {len(fitted)}.",
    )
    found = HDBSCAN(min_cluster_size=least, min_samples=min(5, least), copy=True).fit(points[fitted]).labels_
    if len(fitted) < len(points):
        near = NearestNeighbors(n_neighbors=1).fit(points[fitted]).kneighbors(points, return_distance=False)[:, 0]
        found = found[near]
    labels = by_size(found)
    settings = {"clusters": int(labels.max(initial=-1)) + 1, "chosen by": "density", "smallest": least}
    return Clusters("hdbscan", labels, settings | {"fitted on": len(fitted)})


def counts_of(count: int | None, points: int) -> list[int]:
    """Return the numbers of clusters to try.

    Raises:
        InputError: There are fewer points than clusters.
    """
    if count is None:
        return [k for k in MOST if k < points]
    require(
        2 <= count <= points, f"--clusters {count} cannot be made of {points} points: give a number from 2 to {points}."
    )
    return [count]


Method = Callable[[np.ndarray, int | None, int], Clusters]
METHODS: dict[str, Method] = {"kmeans": k_means, "gmm": mixture}
NAMES = (*METHODS, "hdbscan")


def require_method(method: str) -> None:
    """Refuse what finds no clusters."""
    require(method in NAMES, f"--method {method} finds no clusters; {suggest(method, NAMES)}")


def find_clusters(
    method: str, points: np.ndarray, *, count: int | None = None, smallest: int | None = None, seed: int = 0
) -> Clusters:
    """Return the clusters of points, (points, axes).

    Args:
        method: "kmeans", "gmm" or "hdbscan".
        points: In a space in which distances mean something.
        count: Number of clusters of the first two; None tries 2 to 12.
        smallest: Fewest members of a cluster of the last; None is a fiftieth of the points.
        seed: Of the first two.

    Raises:
        InputError: There is no such method, or there are too few points.
    """
    require_method(method)
    return density(points, smallest) if method == "hdbscan" else METHODS[method](points, count, seed)
