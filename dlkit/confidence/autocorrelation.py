"""How many windows in a row tell as much as one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Borders = Sequence[tuple[int, int]]  # first and past the last window of each series, in the order of time
CHUNK = 2**22  # numbers that are better transformed at a time


def integrated_time(products: Float[np.ndarray, "lags columns"]) -> Float[np.ndarray, " columns"]:
    """Return 1 + 2 x the sum of the autocorrelations of each column: the mean of n is as sure as n / that many apart.

    The sum stops where pairs of neighbouring lags are no longer positive, and its terms never rise (Geyer 1992). NaN
    where a column does not vary.
    """
    pairs = products[: len(products) // 2 * 2].reshape(-1, 2, products.shape[1]).sum(1)
    going = np.cumprod(pairs > 0, axis=0, dtype=bool)
    total = 2 * np.where(going, np.minimum.accumulate(pairs, 0), 0).sum(0) - products[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(products[0] > 1e-9, total / products[0], np.nan))


def autocovariances(
    values: Float[np.ndarray, "windows columns"], borders: Borders
) -> Float[np.ndarray, "lags columns"]:
    """Return the sums of products of values 0, 1, 2, ... windows apart, to half of the longest series.

    Args:
        values: Centered; 0 where unknown.
        borders: First and past the last window of each series.
    """
    lags = max(1, max(past - first for first, past in borders) // 2)
    found = np.zeros((lags + 1, values.shape[1]))
    for first, past in borders:
        size, known = 1 << int(2 * (past - first) - 1).bit_length(), min(lags + 1, past - first)
        spectrum = np.fft.rfft(values[first:past], size, axis=0)
        found[:known] += np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size, axis=0)[:known]
    return found
