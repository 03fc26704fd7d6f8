"""Classical methods for anomalies: what of a window or a sample is unlike the training ones."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.anomaly.components import Components
from dlkit.baselines.numbers import LONG, SHORT, components

MOST_COMPONENTS = 300


class Outliers(ABC):
    """Says how unlike the training inputs an input is; inputs are flattened, standardized, 0 where missing.

    Attributes:
        name: As in ``--only``.
        title: Name in tables.
        most: Training inputs at most.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    most: ClassVar[int]
    said = ""

    @abstractmethod
    def fit(self, x: Float[np.ndarray, "rows features"], *, seed: int) -> None:
        """Learn what is normal."""

    @abstractmethod
    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return squares, at least 0, of every number of the inputs; all the same where only the whole is judged."""


class Residual(Outliers):
    """Squared distance from the plane of the principal components: Q or SPE (Jackson and Mudholkar 1979).

    Args:
        size: Number of components; None takes those that hold 95 % of the variance.
    """

    name, title, most = "pca_q", "PCA residual Q", 20_000

    def __init__(self, size: int | None = None) -> None:
        self.size = size

    def fit(self, x: Float[np.ndarray, "rows features"], *, seed: int) -> None:
        """Find the components."""
        self.pca = Components(x, size=self.size, most=MOST_COMPONENTS, seed=seed)
        self.said = f"{len(self.pca)} components hold {100 * self.pca.held:.0f} % of the variance"

    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return the squared difference to the input that the components give back."""
        found: np.ndarray = self.pca.squares(torch.from_numpy(x)).numpy()
        return found


class Hotelling(Residual):
    """Squared distance from the mean in deviations of the principal components: T2 (Hotelling 1947)."""

    name, title = "pca_t2", "PCA Hotelling T2"

    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return the mean over the components, for every number."""
        scores = self.pca.scores(torch.from_numpy(x)).square() / self.pca.variance.clamp_min(1e-12)
        return alike(scores.mean(1).numpy(), x)


class Nearest(Outliers):
    """Squared difference to the nearest training input: a matrix profile between two series (Yeh et al. 2016).

    Windows are compared as they are, not each standardized by itself: a level or an amplitude may be the anomaly.
    """

    name, title, most = "nearest", "nearest window", 5000

    def fit(self, x: Float[np.ndarray, "rows features"], *, seed: int) -> None:  # noqa: ARG002 - nothing is random
        """Keep the inputs."""
        self.known = torch.from_numpy(x)

    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return the squared difference to the nearest one."""
        own = torch.from_numpy(x)
        found: np.ndarray = (own - self.known[torch.cdist(own, self.known).argmin(1)]).square().numpy()
        return found


class Whole(Outliers):
    """A judge of scikit-learn that gives one number to an input, on principal components of long ones."""

    @abstractmethod
    def judge(self, seed: int) -> Any:
        """Return the estimator."""

    def fit(self, x: Float[np.ndarray, "rows features"], *, seed: int) -> None:
        """Learn."""
        self.short = components(x, SHORT, seed) if x.shape[1] > LONG else None
        self.estimator = self.judge(seed).fit(self.shortened(x))
        self.said = "" if self.short is None else f"inputs as {self.short.n_components_} principal components"

    def shortened(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows short"]:
        """Return the inputs as the estimator gets them."""
        found: np.ndarray = x if self.short is None else self.short.transform(x)
        return found


class Forest(Whole):
    """How few random cuts set an input apart: isolation forest (Liu et al. 2008)."""

    name, title, most = "isolation_forest", "isolation forest", 20_000

    def judge(self, seed: int) -> Any:
        """Return the forest."""
        from sklearn.ensemble import IsolationForest

        return IsolationForest(n_estimators=200, random_state=seed)

    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return the score of the paper, between 0 and 1, for every number."""
        return alike(-self.estimator.score_samples(self.shortened(x)), x)


class OneClass(Whole):
    """How little an input is like the ones that bound the training inputs: one-class SVM (Schölkopf et al. 2001)."""

    name, title, most = "one_class_svm", "one-class SVM", 3000

    def judge(self, seed: int) -> Any:  # noqa: ARG002 - nothing is random
        """Return the machine."""
        from sklearn.svm import OneClassSVM

        return OneClassSVM(nu=0.01)

    def unlikeness(self, x: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
        """Return what the similarity falls short of its bound, at least 0, for every number."""
        bound = float(self.estimator.dual_coef_.sum())
        return alike(bound - self.estimator.score_samples(self.shortened(x)), x)


def alike(
    scores: Float[np.ndarray, " rows"], x: Float[np.ndarray, "rows features"]
) -> Float[np.ndarray, "rows features"]:
    """Return a score for every number of an input."""
    return np.broadcast_to(scores.astype(np.float32).clip(0)[:, None], x.shape)


def outlier_methods(size: int | None = None) -> list[Outliers]:
    """Return the methods; PCA with as many components as the bottleneck of the network has numbers, if there is one."""
    return [Residual(size), Hotelling(size), Forest(), OneClass(), Nearest()]


def squares_of(method: Outliers, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch channels *size"]:
    """Return the squares of a method for inputs."""
    found = np.ascontiguousarray(method.unlikeness(x.flatten(1).numpy()), np.float32)
    return torch.from_numpy(found).view(x.shape)
