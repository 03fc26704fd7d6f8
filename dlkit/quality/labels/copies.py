"""Samples with the same content: of two that differ in their labels one at least is wrong."""

import numpy as np
from jaxtyping import Float, Int

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Finding, Place

ALIKE = 0.1  # of the distance to the mean of all: more is another recording
CHANCE = 0.01  # expected number of accidental near copies
AXES = 50
PLANE = 1.7  # a dimension that is estimated and is two

WHY = "One content cannot have two labels: whatever a network answers, it is wrong for one of them."


def contents(values: np.ndarray) -> Int[np.ndarray, " samples"]:
    """Return a number for each sample, the same for those with equal values."""
    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
    return np.asarray(np.unique(whole, return_inverse=True)[1].reshape(-1))


def patterns_of(labels: np.ndarray) -> Int[np.ndarray, " samples"]:
    """Return a number for each sample, the same for those with equal labels or values."""
    if labels.ndim == 1:
        return labels.astype(np.int64)
    return np.asarray(np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1))


def conflicting(
    content: Int[np.ndarray, " samples"], pattern: Int[np.ndarray, " samples"]
) -> list[Int[np.ndarray, " members"]]:
    """Return the numbers of the samples of each content that has several labels, largest first."""
    pairs = np.unique(np.stack([content, pattern], 1), axis=0)
    several = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    found = [np.flatnonzero(content == one) for one in several.tolist()]
    return sorted(found, key=len, reverse=True)


def near_copies(
    axes: Float[np.ndarray, "samples axes"], content: Int[np.ndarray, " samples"]
) -> Int[np.ndarray, "pairs 2"]:
    """Return pairs of samples that are closer than chance allows, equal ones left out.

    With the distance r to the nearest neighbour, whose median is R, and the dimension d of the data (from the ratio of
    the distances to the first two neighbours, Facco et al., Sci. Rep. 7, 2017), chance brings log(2) n (r / R)^d of n
    samples closer than r; r is where that is 0.01, and a tenth of the distance to the mean at most. Points on a
    line (d < 2) are always close to others: none is a copy.
    """
    from sklearn.neighbors import NearestNeighbors

    first = np.unique(content, return_index=True)[1]
    points = axes[first][:, :AXES]
    if len(points) < 10:
        return np.empty((0, 2), np.int64)
    away, near = NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)
    one, two = np.maximum(away[:, 1], 1e-12), np.maximum(away[:, 2], 1e-12)
    dimension = np.log(2) / max(float(np.median(np.log(two / one))), 1e-3)
    if dimension < PLANE:
        return np.empty((0, 2), np.int64)
    limit = np.median(one) * min(1.0, (CHANCE / (np.log(2) * len(points))) ** (1 / dimension))
    size = np.linalg.norm(points - points.mean(0), axis=1)
    close = np.flatnonzero(one < np.minimum(limit, ALIKE * np.minimum(size, size[near[:, 1]])))
    pairs = np.sort(np.stack([first[close], first[near[close, 1]]], 1), 1)
    return np.asarray(np.unique(pairs, axis=0).astype(np.int64).reshape(-1, 2))


def conflict_findings(
    content: Int[np.ndarray, " samples"],
    near: Int[np.ndarray, "pairs 2"],
    labels: np.ndarray,
    names: np.ndarray,
    words: np.ndarray,
    source: str,
) -> list[Finding]:
    """Return the findings of copies that differ in their labels.

    Args:
        content: From :func:`contents`.
        near: From :func:`near_copies`.
        labels: Of each sample.
        names: Of each sample.
        words: Label of each sample in words.
        source: Name of the source.
    """
    pattern = patterns_of(labels)
    equal, differ = conflicting(content, pattern), pattern[near[:, 0]] != pattern[near[:, 1]]
    found = []
    for how, kind, sets in (
        ("the same values", "conflicting copies", equal),
        ("nearly the same values", "conflicting near copies", list(near[differ])),
    ):
        if not sets:
            continue
        count, (one, other) = sum(map(len, sets)), differing(sets[0], words)
        what = (
            f"{count} samples in {counted(len(sets), 'set')} have {how} and different labels, such as "
            f"'{names[one]}' ({words[one]}) and '{names[other]}' ({words[other]})."
        )
        places = tuple(Place(sample=str(names[number])) for members in sets for number in members)[:MOST]
        found.append(
            Finding(kind=kind, level="warning", what=what, why=WHY, source=source, count=count,
                    share=count / len(labels), places=places)
        )  # fmt: skip
    return found


def differing(members: np.ndarray, words: np.ndarray) -> tuple[int, int]:
    """Return two of the samples that have different labels."""
    other = next((one for one in members.tolist() if words[one] != words[members[0]]), int(members[-1]))
    return int(members[0]), other
