"""Confident learning: which labels are wrong, from probabilities that were predicted without them.

C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", J. Artif. Intell.
Res. 70, 2021, arXiv:1911.00068. Class i is the label that a sample was given, class j the one that it should have.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

ROUNDING = 1e-6  # a mean of equal probabilities may lie above each of them

Labels = Int[np.ndarray, " samples"]
Probabilities = Float[np.ndarray, "samples classes"]
Counts = Float[np.ndarray, "classes classes"]


@dataclass(frozen=True, eq=False)
class Confident:
    """What confident learning says of each sample.

    Attributes:
        confidence: Probability of the given label, (samples,).
        margin: The same less that of the likeliest other class, -1 to 1, (samples,).
        suggested: The likeliest class, (samples,).
        suspect: Whether the label is taken to be wrong, (samples,).
        joint: Estimated share of each pair of given and true class, (classes, classes); sums to 1.
    """

    confidence: np.ndarray
    margin: np.ndarray
    suggested: np.ndarray
    suspect: np.ndarray
    joint: np.ndarray

    @property
    def wrong(self) -> float:
        """Estimated share of wrong labels."""
        return float(1 - np.trace(self.joint))


def thresholds(labels: Labels, p: Probabilities) -> Float[np.ndarray, " classes"]:
    """Return the mean probability of each class among the samples that are labelled with it (equation 2)."""
    counts = np.bincount(labels, minlength=p.shape[1])
    own = np.bincount(labels, p[np.arange(len(p)), labels], p.shape[1])
    return np.where(counts > 0, own / np.maximum(counts, 1), np.inf)


def confident_joint(labels: Labels, p: Probabilities) -> Counts:
    """Count the samples of each given class that reach the threshold of a class; the likeliest of several (eq. 1)."""
    above = np.where(p >= thresholds(labels, p) - ROUNDING, p, -np.inf)
    sure = np.isfinite(above).any(1)
    joint = np.zeros((p.shape[1], p.shape[1]))
    np.add.at(joint, (labels[sure], above[sure].argmax(1)), 1.0)
    return joint


def calibrated_joint(counts: Counts, labels: Labels) -> Counts:
    """Return shares that sum to 1, and to the share of each given class in its row (equation 3)."""
    given = np.bincount(labels, minlength=len(counts)).astype(np.float64)
    filled = counts + np.diag(np.where(counts.sum(1) == 0, 1.0, 0.0))  # nobody sure: taken as right
    joint = filled / filled.sum(1, keepdims=True) * given[:, None]
    return np.asarray(joint / joint.sum())


def margins(labels: Labels, p: Probabilities) -> Float[np.ndarray, " samples"]:
    """Return the probability of the given label less that of the likeliest other class."""
    rows = np.arange(len(p))
    others = p.astype(np.float64)
    own = others[rows, labels]
    others[rows, labels] = -np.inf
    return np.asarray(own - others.max(1))


def noisiest(labels: Labels, p: Probabilities, joint: Counts) -> Bool[np.ndarray, " samples"]:
    """Return the samples of each pair of classes that look most like the other one, as many as the joint estimates.

    "Prune by noise rate": for each i != j the n * joint[i, j] samples labelled i with the largest p[j] - p[i].
    """
    found = np.zeros(len(p), bool)
    wanted = np.rint(joint * len(p)).astype(np.int64)
    for i, j in np.argwhere(wanted > 0).tolist():
        own = np.flatnonzero(labels == i)
        if i != j:
            excess = p[own, j] - p[own, i]
            found[own[np.argsort(-excess, kind="stable")[: wanted[i, j]]]] = True
    return np.asarray(found & (p.argmax(1) != labels))


def confident(labels: Labels, p: Probabilities) -> Confident:
    """Judge labels by probabilities out of fold.

    Args:
        labels: Class number of each sample; every one is known.
        p: Probabilities of a model that was not trained on the sample.
    """
    joint = calibrated_joint(confident_joint(labels, p), labels)
    own = p[np.arange(len(p)), labels].astype(np.float64)
    return Confident(own, margins(labels, p), p.argmax(1), noisiest(labels, p, joint), joint)
