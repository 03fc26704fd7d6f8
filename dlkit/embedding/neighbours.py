"""Nearest neighbours of points, and whether a point is farther from all that is known than known points are."""

from dataclasses import dataclass

import numpy as np

ROWS = 512  # queries that are compared at once


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a space and where they come from.

    Attributes:
        places: In the space, (points, axes).
        starts: First row of each window, (points,); None for samples.
        length: Rows of a window: two of them that begin fewer rows apart share some.
    """

    places: np.ndarray
    starts: np.ndarray | None = None
    length: int = 1

    def some(self, chosen: np.ndarray) -> "Points":
        """Return some of the points."""
        return Points(self.places[chosen], None if self.starts is None else self.starts[chosen], self.length)

    def around(self, number: int) -> np.ndarray | int:
        """Return which points share rows with one of them: itself at least."""
        if self.starts is None:
            return number
        near: np.ndarray = np.abs(self.starts - self.starts[number]) < self.length
        return near


def distances(queries: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each pair, (queries, places)."""
    centre = places.mean(0)  # near the points, so that few digits are lost
    one, other = (queries - centre).astype(np.float64), (places - centre).astype(np.float64)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    found: np.ndarray = np.sqrt(np.maximum(squares, 0))
    return found


def nearest(query: Points, known: Points, count: int, *, own: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers and distances of the nearest points that share no row with the query or with a nearer one.

    Windows one row apart look alike and say nothing new, so that at most one of them is given.

    Args:
        query: One point.
        known: Where neighbours are looked for.
        count: How many are wanted; fewer are given where there are no more.
        own: Number of the query among the known points; None where it is none of them, nor of their table.
    """
    left = distances(query.places, known.places)[0]
    found: list[int] = []
    gone: list[float] = []
    if own is not None:
        left[known.around(own)] = np.inf
    while len(found) < count and np.isfinite(left.min(initial=np.inf)):
        best = int(left.argmin())
        found.append(best)
        gone.append(float(left[best]))
        left[known.around(best)] = np.inf
    return np.array(found, np.int64), np.array(gone)


def nearest_of_each(queries: Points, known: Points, *, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return number and distance of the nearest known point of each query, (queries,); -1 and infinity where none is.

    Args:
        queries: The points that are looked at.
        known: Where neighbours are looked for.
        own: Number of each query among the known points; what shares rows with it is then no neighbour of it. None
            where they are none of them, nor of their table.
    """
    numbers, gone = [np.empty(0, np.int64)], [np.empty(0)]
    for first in range(0, len(queries.places), ROWS):
        part = slice(first, first + ROWS)
        apart = distances(queries.places[part], known.places)
        for row, number in zip(apart, () if own is None else own[part].tolist(), strict=False):
            row[known.around(number)] = np.inf
        numbers.append(np.where(np.isfinite(apart.min(1)), apart.argmin(1), -1))
        gone.append(apart.min(1))
    return np.concatenate(numbers), np.concatenate(gone)


def rarity(gone: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the conformal p-value of each distance: how often known points are as far from the nearest other one.

    ``(1 + number of reference distances >= d) / (1 + number of reference distances)`` (Vovk et al. 2005): below ``a``
    for a share of at most ``a`` of new points that are exchangeable with the known ones.

    Args:
        gone: Distance of each new point to the nearest known one, (points,).
        reference: The same of known points, each to the others, (known,).
    """
    ranked = np.sort(reference)
    farther = len(ranked) - np.searchsorted(ranked, gone, side="left")
    found: np.ndarray = (1 + farther) / (1 + len(ranked))
    return found
