"""Answers of a linear model to rows that it was not fitted on, for all penalties at once."""

import numpy as np
from jaxtyping import Float, Int

MOST_AXES = 800
PENALTIES = tuple(float(p) for p in 10.0 ** np.linspace(-5, 1, 13))
"""In units of the mean variance of the axes, a row."""


def axes_of(x: Float[np.ndarray, "rows features"], most: int = MOST_AXES) -> Float[np.ndarray, "rows axes"]:
    """Return the places of rows on the principal axes of their standardized features, which need no answers."""
    mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
    kept = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    scaled = ((x - mean)[:, kept] / deviation[kept]).astype(np.float32)
    tall = len(scaled) >= scaled.shape[1]
    values, vectors = np.linalg.eigh((scaled.T @ scaled if tall else scaled @ scaled.T).astype(np.float64))
    best = np.argsort(-values)[:most]
    best = best[values[best] > 1e-7 * max(values.max(initial=0), 1e-12)]
    found = scaled @ vectors[:, best] if tall else vectors[:, best] * np.sqrt(values[best])
    return np.asarray(found, np.float64)


def out_of_fold(
    x: Float[np.ndarray, "rows axes"], y: Float[np.ndarray, "rows answers"], fold: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "rows answers"], float]:
    """Return the answers to each row of ridge regression on the other folds, and the penalty that gave the best.

    Args:
        x: Inputs.
        y: Answers.
        fold: Number of the fold of each row; at least two.
    """
    found = np.zeros((len(PENALTIES), *y.shape))
    scale = np.square(x).mean() if x.size else 1.0
    for number in np.unique(fold):
        out = fold == number
        inputs, answers = x[~out], y[~out]
        centre, level = inputs.mean(0), answers.mean(0)
        values, vectors = np.linalg.eigh((inputs - centre).T @ (inputs - centre))
        projected, asked = vectors.T @ ((inputs - centre).T @ (answers - level)), (x[out] - centre) @ vectors
        for place, penalty in enumerate(PENALTIES):
            found[place, out] = asked @ (projected / (values + penalty * scale * len(inputs))[:, None]) + level
    errors = np.square(found - y).mean((1, 2))
    best = int(errors.argmin())
    return found[best], PENALTIES[best]
