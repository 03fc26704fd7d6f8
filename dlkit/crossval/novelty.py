"""Does a fold interpolate or extrapolate? Distances in the space of standardized inputs."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

LARGEST = 4096  # values of an input; larger ones are averaged over neighbours first
COMPONENTS, KEPT = 16, 0.95  # principal components: at most so many, or those that hold this share of the variance
FEWEST = 20  # training inputs that must be apart from others, to say what is far
COMMON = 0.95  # share of the training windows that count as near each other


def shrunk(x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch values"]:
    """Return inputs as vectors of at most ``LARGEST`` values, by averages over time or pixels."""
    count, axes = x[0].numel(), x.ndim - 2
    if count <= LARGEST or axes == 0:
        return x.flatten(1)[:, :: -(-count // LARGEST)]
    factor = (LARGEST / count) ** (1 / axes)
    size = tuple(max(1, int(extent * factor)) for extent in x.shape[2:])
    pooled: Tensor = F.adaptive_avg_pool1d(x, size[0]) if axes == 1 else F.adaptive_avg_pool2d(x, (size[0], size[-1]))
    return pooled.flatten(1)


def principal(train: Float[Tensor, "train values"]) -> tuple[Tensor, Tensor]:
    """Return the mean of training vectors and their first principal directions, (values, components)."""
    mean = train.mean(0)
    centred = train - mean
    wide = train.shape[1] > train.shape[0]
    values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    share = values.cumsum(0) / values.sum().clamp_min(1e-30)
    count = min(int((share < KEPT).sum()) + 1, COMPONENTS, len(values))
    kept = vectors[:, :count]
    if wide:
        kept = centred.T @ kept / values[:count].sqrt().clamp_min(1e-15)
    return mean, kept


def nearest(
    points: Float[Tensor, "points space"],
    others: Float[Tensor, "others space"],
    excluded: Bool[Tensor, "points others"] | None = None,
    *,
    part: int = 512,
) -> Float[Tensor, " points"]:
    """Return the distance of each point to the nearest of the others; infinite where all are excluded.

    Args:
        points: Where from.
        others: Where to.
        excluded: Which others do not count.
        part: Points that are compared at once.
    """
    found = []
    for first in range(0, len(points), part):
        distance = torch.cdist(points[first : first + part], others, compute_mode="donot_use_mm_for_euclid_dist")
        if excluded is not None:
            distance = distance.masked_fill(excluded[first : first + part], torch.inf)
        found.append(distance.amin(1))
    return torch.cat(found)


def distances(
    train: Float[Tensor, "train values"],
    test: Float[Tensor, "test values"],
    close: Bool[Tensor, "train train"],
) -> tuple[Float[Tensor, " test"], float]:
    """Return how far test inputs lie from training, in the distance that few training inputs have from each other.

    Distances are Euclidean in the space of the first principal components of training.

    Args:
        train: Standardized training inputs, missing values 0.
        test: Standardized test inputs.
        close: Pairs of training inputs nearer than training and test are by construction (the same, windows that share
            a row, samples of a group); they do not count.

    Returns:
        The distance of each test input to the nearest training input over that which 95 % of training inputs have to
        the nearest other one at most, and the share of test inputs in which it is above 1; NaN where too few training
        inputs are apart from each other.
    """
    mean, directions = principal(train.double())
    own = (train.double() - mean) @ directions
    among = nearest(own, own, close)
    among = among[among.isfinite()]
    relative = nearest((test.double() - mean) @ directions, own)
    if len(among) < FEWEST:
        return torch.full_like(relative, torch.nan), math.nan
    relative /= max(float(among.quantile(COMMON)), 1e-12)
    return relative, float((relative > 1).double().mean())
