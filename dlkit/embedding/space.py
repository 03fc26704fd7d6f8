"""The space in which embeddings are compared: every feature counts alike, directions that say nothing are left out."""

from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.core.spread import evenly

MOST_AXES = 50
KEPT = 0.99  # share of the variance that the axes keep
FITTED = 20_000  # most vectors that the axes are fitted on


@dataclass(frozen=True, eq=False)
class Space:
    """Principal axes of standardized features.

    Attributes:
        mean: Of each feature, (features,).
        scale: Standard deviation of each feature, 1 for constant ones, (features,).
        axes: Principal axes by falling variance, (axes, features).
        shares: Share of the variance of each axis, (axes,).
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    shares: np.ndarray

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the place of each embedding, (points, axes), float32."""
        places: np.ndarray = ((embeddings - self.mean) / self.scale @ self.axes.T).astype(np.float32)
        return places


def fit_space(embeddings: np.ndarray) -> Space:
    """Fit the space to embeddings, (points, features).

    Axes that keep 99 % of the variance, 50 at most, are fitted on 20,000 vectors at most, spread evenly.

    Raises:
        InputError: There are fewer than three embeddings, some are no numbers, or all are equal.
    """
    from sklearn.decomposition import PCA

    require(
        len(embeddings) >= 3,
        f"{len(embeddings)} embeddings are too few to compare: at least 3 are needed; choose another `--role`.",
    )
    wrong = int((~np.isfinite(embeddings)).any(1).sum())
    require(
        wrong == 0,
        f"The network gives embeddings that are no finite numbers for {wrong} of {len(embeddings)} inputs: its "
        "training diverged, so train again with a lower learning rate.",
    )
    some = embeddings[evenly(len(embeddings), FITTED)].astype(np.float64)
    mean, deviation = some.mean(0), some.std(0)
    flat = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
    require(
        not flat.all(),
        "The network gives the same embedding for every input, so there is nothing to compare: it has not learned, or "
        "its features do not depend on the input.",
    )
    scale = np.where(flat, 1.0, deviation)
    fitted = PCA(min(MOST_AXES, len(some) - 1, some.shape[1]), random_state=0).fit((some - mean) / scale)
    kept = int(np.searchsorted(np.cumsum(fitted.explained_variance_ratio_), KEPT)) + 1
    return Space(mean, scale, fitted.components_[:kept], fitted.explained_variance_ratio_[:kept])
