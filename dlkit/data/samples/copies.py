"""Images that are equal, or nearly: re-encoded, resized, brighter."""

import numpy as np
from jaxtyping import Float, Int, Num, Shaped, UInt8

from dlkit.data.samples.thumbnails import SIDE

KNOWN = 2_000  # images from which the usual distance to the nearest other one is learnt
DIMENSIONS = 12  # of the space in which neighbours are looked for
AT_ONCE = 20_000  # vectors that are compared in one go
ERROR = 0.01  # chance that any pair of different images is taken for a copy
LARGEST = 0.35  # distance of vectors of length 1 above which nothing is called a copy: a correlation below 0.94
DETAIL = 0.6  # the same of what is left without the means over 3 by 3 pixels: a correlation below 0.82


def same_content(digests: Shaped[np.ndarray, " images"]) -> Int[np.ndarray, " images"]:
    """Return the number of the first image with the same content as each, its own number where it is the first."""
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    return np.asarray(first[group])


def near_copies(thumbnails: UInt8[np.ndarray, "images pixels"], seed: int = 0) -> Int[np.ndarray, "pairs two"]:
    """Return pairs of images that are nearer to each other than different images of the set ever are by chance.

    They must be near as a whole and in detail, for many pictures of a horizon are alike as a whole.

    Args:
        thumbnails: Of :func:`dlkit.data.samples.thumbnails.thumbnails_of`.
        seed: Of the choice of images from which the usual distance is learnt.
    """
    numbers = np.flatnonzero(thumbnails.max(1, initial=0) > thumbnails.min(1, initial=255))
    content = np.ascontiguousarray(thumbnails[numbers]).view(f"V{thumbnails.shape[1]}").ravel()
    first = same_content(content)
    alike = np.stack([numbers[first], numbers], 1)[first != np.arange(len(numbers))]
    numbers = numbers[np.unique(first)]  # thousands of one picture would make millions of pairs
    if len(numbers) < 3:
        return np.asarray(alike)
    some = np.sort(np.random.default_rng(seed).permutation(len(numbers))[:KNOWN])
    known = normal_vectors(thumbnails[numbers[some]])
    pairs = pairs_within(thumbnails[numbers], known, min(nearest_by_chance(known, len(numbers)), LARGEST))
    known = normal_vectors(details_of(thumbnails[numbers[some]]))
    limit = min(nearest_by_chance(known, len(numbers)), DETAIL)
    one, other = (normal_vectors(details_of(thumbnails[numbers[part]])) for part in pairs.T)
    return np.concatenate([alike, numbers[pairs[np.linalg.norm(one - other, axis=1) <= limit]]])


def details_of(thumbnails: UInt8[np.ndarray, "images pixels"]) -> Float[np.ndarray, "images pixels"]:
    """Return what is left of thumbnails without the mean around each pixel."""
    from scipy.ndimage import uniform_filter

    values = thumbnails.reshape(-1, SIDE, SIDE).astype(np.float32)
    return np.asarray(values - uniform_filter(values, (0, 3, 3), mode="nearest")).reshape(-1, SIDE * SIDE)


def normal_vectors(values: Num[np.ndarray, "images pixels"]) -> Float[np.ndarray, "images pixels"]:
    """Return rows as float32 vectors of mean 0 and length 1."""
    vectors = values.astype(np.float32)
    vectors -= vectors.mean(1, keepdims=True)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6))


def nearest_by_chance(known: Float[np.ndarray, "some pixels"], count: int) -> float:
    """Return the distance below which fewer than ``ERROR`` pairs of ``count`` different images lie.

    In a cloud of dimension d the chance that the nearest of n images lies within r of one grows as n r^d, so that the
    usual distance to it and d tell how near the nearest pair of all comes. d is told by how much farther the second
    nearest is (TwoNN: Facco et al. 2017); medians make both indifferent to copies in up to half of the set.
    """
    squares = np.maximum(2 - 2 * (known @ known.T), 0)
    np.fill_diagonal(squares, np.inf)
    first, second = np.sqrt(np.partition(squares, 1, axis=1)[:, :2]).T
    apart = first > 1e-4
    if apart.sum() < 3:
        return 1e-4
    ratio = float(np.median(second[apart] / first[apart]))
    dimension = np.log(2) / max(np.log(ratio), 1e-6)
    usual = float(np.median(first[apart])) * (len(known) / count) ** (1 / dimension)
    return float(usual * (2 * ERROR / (count * np.log(2))) ** (1 / dimension))


def pairs_within(
    values: Num[np.ndarray, "images pixels"], known: Float[np.ndarray, "some pixels"], radius: float
) -> Int[np.ndarray, "pairs two"]:
    """Return all pairs of images whose vectors are at most ``radius`` apart.

    Projected onto the first principal components no distance is larger, so that no pair is missed: only neighbours
    there, found by a k-d tree, are compared in full. Vectors are made some thousands at a time, to save memory.

    Args:
        values: What :func:`normal_vectors` makes vectors of.
        known: Vectors from which the principal components are learnt.
        radius: The largest distance.
    """
    from scipy.spatial import cKDTree

    middle = known.mean(0)
    _, _, axes = np.linalg.svd(known - middle, full_matrices=False)
    parts = np.array_split(values, -(-len(values) // AT_ONCE))
    low = np.concatenate([(normal_vectors(part) - middle) @ axes[:DIMENSIONS].T for part in parts])
    near = cKDTree(low).query_pairs(radius * (1 + 1e-4), output_type="ndarray")
    kept = [np.zeros((0, 2), np.int64)]
    for part in np.array_split(near, max(len(near) // AT_ONCE, 1)):
        first, second = (normal_vectors(values[one]) for one in part.T)
        kept.append(part[np.einsum("np,np->n", first, second) >= 1 - radius**2 / 2 - 1e-6])
    found: np.ndarray = np.concatenate(kept)
    return found[np.lexsort((found[:, 1], found[:, 0]))].astype(np.int64)
