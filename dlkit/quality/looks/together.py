"""Which channels move together: correlations with a significance that knows how few independent rows there are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import t as student

from dlkit.confidence.autocorrelation import autocovariances, integrated_time
from dlkit.quality.looks.memory import centred
from dlkit.quality.looks.pieces import Pieces

LEVEL = 0.01  # chance that any pair of unrelated channels is called significant
LAGS = 1024
PAIRS = 64  # that are looked at at a time


@dataclass(frozen=True, eq=False)
class Together:
    """Correlation of each pair of channels.

    Attributes:
        values: NaN where a channel does not vary, (channels, channels).
        effective: Independent pairs of rows that the pair of channels is worth, like values.
        significant: Whether chance explains the correlation less often than once in a hundred such maps.
    """

    values: Float[np.ndarray, "channels channels"]
    effective: Float[np.ndarray, "channels channels"]
    significant: Bool[np.ndarray, "channels channels"]


def together(known: Pieces) -> Together:
    """Return the correlations of all pairs over rows where both are known.

    A pair is worth n / (1 + 2 sum of the products of both autocorrelations) independent rows (Bartlett 1935); the test
    is that of Student with so many, corrected for the number of pairs (Bonferroni).
    """
    values = centred(known)
    seen = np.isfinite(known.values).astype(np.float64)
    both = seen.T @ seen
    # Means and deviations over the rows that both know, from sums of products.
    sums, squares, products = values.T @ seen, (values**2).T @ seen, values.T @ values
    count = np.maximum(both, 1)
    spread = squares / count - (sums / count) ** 2
    covariance = products / count - (sums / count) * (sums.T / count)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = covariance / np.sqrt(spread * spread.T)
    dead = ~(spread > 1e-9 * np.maximum(np.diagonal(squares / count)[:, None], 1e-30))
    found = np.where(dead | dead.T, np.nan, found.clip(-1, 1))
    effective = np.maximum(both / shared_memory(values, known.borders), 1.0)
    return Together(found, effective, surely(found, effective))


def shared_memory(values: Float[np.ndarray, "rows channels"], borders: list[tuple[int, int]]) -> np.ndarray:
    """Return by how much each pair of channels repeats itself, at least 1, (channels, channels)."""
    products = autocovariances(values, borders)[:LAGS]
    own = products / np.where(products[0] > 0, products[0], np.inf)
    channels = values.shape[1]
    first, second = np.triu_indices(channels)
    found = np.ones((channels, channels))
    for start in range(0, len(first), PAIRS):
        a, b = first[start : start + PAIRS], second[start : start + PAIRS]
        found[a, b] = found[b, a] = np.nan_to_num(integrated_time(own[:, a] * own[:, b]), nan=1.0).clip(1)
    return found


def surely(found: np.ndarray, effective: np.ndarray) -> Bool[np.ndarray, "channels channels"]:
    """Return which correlations chance does not explain."""
    pairs = max(1, len(found) * (len(found) - 1) // 2)
    free = np.maximum(effective - 2, 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(found) * np.sqrt(free / np.maximum(1 - found**2, 1e-12))
    chance = 2 * student.sf(size, np.maximum(free, 1.0))
    return np.asarray((effective > 3) & (chance < LEVEL / pairs) & ~np.eye(len(found), dtype=bool))
