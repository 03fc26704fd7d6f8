"""How well clusters agree with known labels, none of which they were found with."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score


def contingency(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many points of each cluster, -1 first where there is noise, have each label, (clusters, labels)."""
    rows, row = np.unique(clusters, return_inverse=True)
    columns, column = np.unique(labels, return_inverse=True)
    table = np.zeros((len(rows), len(columns)), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def matched(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of points in the cluster that stands for their label, one cluster a label at best; noise never.

    The best assignment of clusters to labels is found exactly (Kuhn 1955).
    """
    inside = clusters >= 0
    if not inside.any():
        return 0.0
    table = contingency(clusters[inside], labels[inside])
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(labels))


def agreement(clusters: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return adjusted Rand index, normalized mutual information and matched accuracy; noise is a cluster of its own.

    Args:
        clusters: Cluster of each point, -1 for noise, (points,).
        labels: Class of each point, (points,); those below 0 are unknown and left out.
    """
    known = labels >= 0
    found, truth = clusters[known], labels[known]
    return {
        "ari": float(adjusted_rand_score(truth, found)),
        "nmi": float(normalized_mutual_info_score(truth, found)),
        "accuracy": matched(found, truth),
        "labelled": int(known.sum()),
    }
