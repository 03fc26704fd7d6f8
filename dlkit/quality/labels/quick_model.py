"""Answers out of fold of a quick built-in model: what is known of a sample without its own label."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import softmax

from dlkit.confidence.scaling import Temperature, Vector
from dlkit.data.samples.dealing import deal_groups
from dlkit.quality.labels.ridge import out_of_fold

FOLDS = 5
MANY = 20  # samples of each class from which probabilities are scaled class by class

Folds = Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class Quick:
    """The built-in model, in words and numbers.

    Attributes:
        name: What it is.
        penalty: Of the ridge regression, chosen by its errors out of fold.
        folds: Number of folds.
    """

    name: str
    penalty: float
    folds: int


def folds_of(strata: Int[np.ndarray, " rows"], together: Int[np.ndarray, " rows"], seed: int) -> Folds:
    """Deal rows to five folds, fewer where there are fewer groups: classes alike, what belongs together together.

    Args:
        strata: Class of each row.
        together: Number of the group of each row.
        seed: Of the draw.
    """
    random = np.random.default_rng(seed)
    count = min(FOLDS, len(np.unique(together)))
    if len(np.unique(together)) == len(together):
        shuffled = random.permutation(len(strata))
        order = shuffled[np.argsort(strata[shuffled], kind="stable")]
        fold = np.empty(len(strata), np.int64)
        fold[order] = np.arange(len(strata)) % count
        return fold
    dealt = deal_groups(together, strata, {str(k): 1 / count for k in range(count)}, random, sizes=True)
    fold = np.zeros(len(strata), np.int64)
    for k in range(count):
        fold[dealt[str(k)]] = k
    return fold


def class_probabilities(
    x: Float[np.ndarray, "rows axes"], labels: Int[np.ndarray, " rows"], classes: int, fold: Folds
) -> tuple[Float[np.ndarray, "rows classes"], float]:
    """Return the probability of each class for rows of the other folds' model, and its penalty.

    Ridge regression on -1 and 1 of each class; scores become probabilities by the scaling of least log loss.
    """
    hot = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)
    scores, penalty = out_of_fold(x, hot, fold)
    counts = np.bincount(labels, minlength=classes)
    scaling = Vector() if counts.min() >= MANY else Temperature()
    raw = torch.from_numpy(softmax(4 * scores, 1))
    fitted = scaling.fit(raw, torch.from_numpy(labels))
    return np.asarray(fitted.probabilities(raw).numpy()), penalty


def label_probabilities(
    x: Float[np.ndarray, "rows axes"], labels: Float[np.ndarray, "rows labels"], fold: Folds
) -> tuple[Float[np.ndarray, "rows labels"], float]:
    """Return the same for any number of labels, each alone; one that is unknown counts as absent."""
    scores, penalty = out_of_fold(x, np.where(labels > 0.5, 1.0, -1.0), fold)
    raw = torch.from_numpy(1 / (1 + np.exp(-4 * scores)))
    fitted = Vector().fit(raw, torch.from_numpy(np.asarray(labels, np.float64)))
    return np.asarray(fitted.probabilities(raw).numpy()), penalty
