"""Convolutions that are not learned, and a linear classifier: after MiniRocket (Dempster et al., KDD 2021)."""

import numpy as np
from scipy.special import softmax

from dlkit.baselines.method import Fitted, Method
from dlkit.baselines.probabilities import sharpness, spread
from dlkit.baselines.reading import Rows
from dlkit.core.specs import Spec
from dlkit.embedding.convolutions import Convolutions

PENALTIES = tuple(float(p) for p in 10.0 ** np.linspace(-3, 3, 10))


class Rocket(Method):
    """A ridge classifier on convolutions that are not learned; its penalty is chosen by leaving out one training trace.

    Args:
        spec: Of traces.
        classes: Number of classes.
    """

    whole = True

    def __init__(self, spec: Spec, classes: int) -> None:
        super().__init__("rocket", most=4000)
        self.spec, self.classes = spec, classes

    @property
    def title(self) -> str:
        """Name in tables."""
        return "random convolutions"

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:  # noqa: ARG002 - needs no validation
        """Learn."""
        learned = np.unique(train.y[:, 0].astype(int))
        if len(learned) == 1:
            return Fitted(lambda x: spread(np.ones((len(x), 1)), learned, self.classes), "one class in training")
        maps = Convolutions(self.spec, seed).fit(train.x)
        features = maps.transform(train.x)
        mean, std = features.mean(0), features.std(0) + 1e-8
        truth = np.searchsorted(learned, train.y[:, 0])
        model = LeaveOneOut((features - mean) / std, truth, len(learned))

        def answer(x: np.ndarray) -> np.ndarray:
            scores = model.scores((maps.transform(x) - mean) / std)
            return spread(softmax(model.factor * scores, 1), learned, self.classes)

        return Fitted(answer, f"{features.shape[1]:,} features, penalty {model.penalty:.3g} by leaving one out")


class LeaveOneOut:
    """Ridge regression on -1 and 1 of each class; penalty and sharpness by the answers to rows that were left out.

    The answer to a row that is left out follows from the fit with it (Hastie et al. 2009, equation 7.64).

    Args:
        x: Features without their mean, (rows, features).
        truth: Number of the class of each row.
        classes: Number of classes.
    """

    def __init__(self, x: np.ndarray, truth: np.ndarray, classes: int) -> None:
        y = np.where(truth[:, None] == np.arange(classes), 1.0, -1.0)
        self.x, self.mean = x.astype(np.float64), y.mean(0)
        values, vectors = np.linalg.eigh(self.x @ self.x.T)
        found = {}
        for penalty in PENALTIES:
            inverse = (vectors / (values.clip(0) + penalty)) @ vectors.T
            inverse_y = inverse @ (y - self.mean)
            left_out = y - penalty * inverse_y / (penalty * np.diag(inverse) - 1 / len(y))[:, None]
            found[penalty] = ((left_out.argmax(1) != truth).sum(), np.square(left_out - y).mean(), inverse_y, left_out)
        self.penalty = min(found, key=lambda penalty: found[penalty][:2])
        *_, inverse_y, self.left_out = found[self.penalty]
        self.weights = self.x.T @ inverse_y
        self.factor = sharpness(self.left_out, truth)

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return a score for each class."""
        scores: np.ndarray = x @ self.weights + self.mean
        return scores
