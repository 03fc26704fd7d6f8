"""Probabilities of classes from estimators that give scores."""

from typing import Any

import numpy as np
from scipy.special import log_softmax

LEAST = 1e-6  # probability: a neighbour's certainty is no certainty
SHARPNESS = tuple(float(s) for s in 10.0 ** np.linspace(-2, 3, 51))


def scores_of(estimator: Any, x: np.ndarray) -> np.ndarray:
    """Return a score for each class that the estimator knows, (rows, classes)."""
    found: np.ndarray = estimator.decision_function(x)
    return np.stack([-found, found], 1) / 2 if found.ndim == 1 else found


def log_loss(logarithms: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean negative logarithm of the probability of the true class."""
    return float(-logarithms[np.arange(len(truth)), truth].mean()) if len(truth) else np.inf


def sharpness(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the factor of the scores whose softmax has the least log loss: a temperature (Guo et al. 2017)."""
    return min(SHARPNESS, key=lambda factor: log_loss(log_softmax(factor * scores, 1), truth))


def spread(probabilities: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Return probabilities of all classes, 0 for those that no training row had.

    Args:
        probabilities: (rows, known classes).
        known: Number of each known class.
        classes: Number of all classes.
    """
    found = np.zeros((len(probabilities), classes), np.float32)
    found[:, known] = probabilities
    return found
