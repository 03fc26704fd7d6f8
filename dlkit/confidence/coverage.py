"""The coverage that was seen, with an interval that knows that neighbouring windows share rows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from dlkit.confidence.autocorrelation import Borders, integrated_time


@dataclass(frozen=True, eq=False)
class Coverage:
    """Share of truths inside their intervals, each (*shape,).

    Attributes:
        seen: The share; NaN where no truth is known.
        low: Lower bound of its interval.
        high: Upper bound.
        effective: Number of independent windows that tell as much.
        count: Number of known truths.
    """

    seen: np.ndarray
    low: np.ndarray
    high: np.ndarray
    effective: np.ndarray
    count: np.ndarray

    def holds(self, level: float) -> np.ndarray:
        """Return where a promised level is not refuted: the interval reaches it."""
        return np.asarray(self.high >= level)


def coverage(
    inside: Float[np.ndarray, "windows *shape"],
    borders: Borders | None = None,
    *,
    overlap: int = 1,
    confidence: float = 0.95,
) -> Coverage:
    """Return the share of truths inside, with the Clopper-Pearson interval at the effective number of windows.

    n windows tell as much as n / (1 + 2 sum of the autocorrelations of ``inside``) independent ones; the sum stops
    where pairs of neighbouring lags are no longer positive (Geyer 1992).

    Args:
        inside: 1 inside, 0 outside, NaN unknown, in the order of time; also shares of a window's values.
        borders: First and past the last window of each series; one series by default.
        overlap: Windows that share rows with one another, e.g. horizon over stride. Where no window, or every one, is
            inside, so that no autocorrelation can be seen, so many count as one.
        confidence: That the interval holds the true share.
    """
    shape = inside.shape[1:]
    columns = inside.reshape(len(inside), -1)
    count = (~np.isnan(columns)).sum(0)
    seen = np.divide(np.nansum(columns, 0, dtype=np.float64), count, out=np.full(len(count), np.nan), where=count > 0)
    effective = effective_number(columns, seen, count, borders or [(0, len(inside))], overlap)
    low, high = clopper_pearson(seen * effective, effective, confidence)
    return Coverage(*(np.asarray(part.reshape(shape)) for part in (seen, low, high, effective, count)))


def clopper_pearson(
    hits: Float[np.ndarray, " n"], tries: Float[np.ndarray, " n"], confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact interval of a share; numbers need not be whole."""
    tail = (1 - confidence) / 2
    misses = tries - hits
    low = stats.beta.ppf(tail, hits, misses + 1)
    high = stats.beta.ppf(1 - tail, hits + 1, misses)
    return np.where(hits <= 0, 0.0, low), np.where(misses <= 0, 1.0, high)


def effective_number(
    columns: Float[np.ndarray, "windows columns"],
    seen: Float[np.ndarray, " columns"],
    count: np.ndarray,
    borders: Borders,
    overlap: int,
) -> Float[np.ndarray, " columns"]:
    """Return the number of independent truths with a mean as sure as that of each column."""
    centered = np.nan_to_num(columns - seen)
    sure = (centered**2).sum(0) * integrated_time(centered, borders) / np.maximum(count, 1) ** 2  # variance of the mean
    varies = sure > 0  # not where NaN
    found = np.divide(seen * (1 - seen), sure, out=count / overlap, where=varies)
    return np.asarray(np.clip(found, np.minimum(1, count), None))
