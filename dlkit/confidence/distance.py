"""How far features lie from those of training, in the distance that one in twenty of validation exceeds."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.checks import require

COMMON = 0.95  # share of validation that is nearer than 1
FEWEST = 5  # validation points; of fewer than 20 the farthest one is the unit
Method = Literal["nearest", "mahalanobis"]


@dataclass(frozen=True, eq=False)
class Places:
    """Where features lie: along the principal axes of standardized training features, and how far off these axes.

    The last coordinate is the length of what the axes leave out, as in virtual-logit matching (Wang et al. 2022):
    something new often goes where training never went, and a projection alone would put it among the known.

    Attributes:
        mean: Of each feature, (features,).
        scale: Standard deviation of each feature, 1 for constant ones, (features,).
        axes: Orthonormal, (axes, features).
    """

    mean: Tensor
    scale: Tensor
    axes: Tensor

    def __call__(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch places"]:
        """Return the place of each vector of features."""
        standard = (features - self.mean) / self.scale
        along = standard @ self.axes.T
        off = (standard - along @ self.axes).norm(dim=1, keepdim=True)
        return torch.cat([along, off], dim=1)


@dataclass(frozen=True, eq=False)
class Distance(ABC):
    """A distance to training, once it was fitted.

    Attributes:
        unit: The distance that counts as 1.
    """

    unit: float

    @abstractmethod
    def raw(self, places: Float[Tensor, "batch places"]) -> Float[Tensor, " batch"]:
        """Return the distances before they are divided by the unit."""

    def __call__(self, places: Float[Tensor, "batch places"]) -> Float[Tensor, " batch"]:
        """Return the distances; above 1 is farther than 95 % of validation."""
        return self.raw(places) / self.unit


@dataclass(frozen=True, eq=False)
class Nearest(Distance):
    """The Euclidean distance to the k-th nearest training point (Sun et al. 2022, arXiv:2204.06507).

    Attributes:
        known: Training points, (points, places).
        k: Which of the nearest ones counts.
    """

    known: Tensor
    k: int

    def raw(self, places: Float[Tensor, "batch places"]) -> Float[Tensor, " batch"]:
        """Return the distance to the k-th nearest known point."""
        apart = torch.cdist(places, self.known)  # kthvalue takes ten times as long as topk
        return apart.topk(self.k, dim=1, largest=False, sorted=False).values.amax(1)


@dataclass(frozen=True, eq=False)
class Mahalanobis(Distance):
    """The distance to the mean of training in units of its covariance.

    Attributes:
        mean: Of the training points, (places,).
        whitening: Inverse of the Cholesky factor of their covariance, (places, places).
    """

    mean: Tensor
    whitening: Tensor

    def raw(self, places: Float[Tensor, "batch places"]) -> Float[Tensor, " batch"]:
        """Return the length of the whitened difference to the mean."""
        white: Tensor = (places - self.mean) @ self.whitening.T
        return white.square().sum(1).sqrt()


def fit_distance(
    train: Float[Tensor, "train places"], val: Float[Tensor, "val places"], *, method: Method = "nearest", k: int = 5
) -> Distance:
    """Return the distance to training points, 1 where 95 % of validation are nearer.

    Raises:
        InputError: There are too few points, or all are equal.
    """
    require(
        len(val) >= FEWEST and len(train) > k,
        f"{len(train)} training and {len(val)} validation points are too few to say what is far: more than {k} and at "
        f"least {FEWEST} are needed; give `split` larger parts, or set `distance: false`.",
    )
    found: Distance
    if method == "nearest":
        found = Nearest(1.0, train, k)
    else:
        covariance = torch.cov(train.double().T)
        covariance.diagonal().add_(1e-6 * covariance.diagonal().mean() + 1e-12)
        whitening = torch.linalg.inv(torch.linalg.cholesky(covariance))
        found = Mahalanobis(1.0, train.mean(0), whitening.to(train.dtype))
    raw = torch.cat([found.raw(some) for some in val.split(1024)])
    unit = float(raw.double().quantile(COMMON, interpolation="higher"))
    require(
        0 < unit < float("inf"),
        "Validation has no distance to training: all features are equal, or some are no numbers; train longer, or set "
        "`distance: false`.",
    )
    return Nearest(unit, found.known, k) if isinstance(found, Nearest) else Mahalanobis(unit, *parts_of(found))


def parts_of(found: Distance) -> tuple[Tensor, ...]:
    """Return the tensors of a distance."""
    return tuple(value for value in vars(found).values() if isinstance(value, Tensor))
