"""Does a fold interpolate or extrapolate? Ranges of channels, and distances in the space of standardized inputs."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
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


@dataclass
class Extremes:
    """Least and largest observed value of each channel in training.

    Args:
        channel: Number of the channel of each value of an input, -1 for none, (values,).
        channels: How many there are.
    """

    channel: Int[Tensor, " values"]
    channels: int

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.low = torch.full((self.channels,), torch.inf)
        self.high = torch.full((self.channels,), -torch.inf)
        self.some = self.channel >= 0
        self.index = self.channel[self.some]

    def _observed(self, x: Tensor, observed: Tensor | None, fill: float) -> Tensor:
        flat = x.flatten(1)
        return (flat if observed is None else flat.masked_fill(~observed.flatten(1), fill))[:, self.some]

    def add(self, x: Float[Tensor, "batch ..."], observed: Bool[Tensor, "batch ..."] | None) -> None:
        """Take note of training inputs."""
        least = self._observed(x, observed, torch.inf).amin(0)
        most = self._observed(x, observed, -torch.inf).amax(0)
        self.low = self.low.scatter_reduce(0, self.index, least, "amin")
        self.high = self.high.scatter_reduce(0, self.index, most, "amax")

    def outside(
        self, x: Float[Tensor, "batch ..."], observed: Bool[Tensor, "batch ..."] | None
    ) -> Bool[Tensor, "batch channels"]:
        """Tell for each input and channel whether a value lies outside of what training saw."""
        flat = x.flatten(1)[:, self.some]
        out = (flat < self.low[self.index]) | (flat > self.high[self.index])
        if observed is not None:
            out &= observed.flatten(1)[:, self.some]
        found = torch.zeros(len(x), self.channels, dtype=torch.int32)
        return found.index_add(1, self.index, out.int()) > 0


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
