"""How many windows in a row tell as much as one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Borders = Sequence[tuple[int, int]]  # first and past the last window of each series, in the order of time


def integrated_time(values: Float[np.ndarray, "windows columns"], borders: Borders) -> Float[np.ndarray, " columns"]:
    """Return 1 + 2 x the sum of the autocorrelations of each column: the mean of n is as sure as n / that many apart.

    The sum stops where pairs of neighbouring lags are no longer positive, and never rises (Geyer 1992). NaN where a
    column does not vary.

    Args:
        values: Centered; 0 where unknown.
        borders: First and past the last window of each series.
    """
    lags = max(1, max(past - first for first, past in borders) // 2)
    products = np.sum([autocovariances(values[first:past], lags) for first, past in borders], 0)
    pairs = products[: len(products) // 2 * 2].reshape(-1, 2, products.shape[1]).sum(1)
    going = np.cumprod(pairs > 0, axis=0, dtype=bool)
    total = 2 * np.where(going, np.minimum.accumulate(pairs, 0), 0).sum(0) - products[0]
    varies = products[0] > 1e-12 * len(values)
    time: np.ndarray = np.divide(total, products[0], out=np.full(len(total), np.nan), where=varies)
    return time


def autocovariances(values: Float[np.ndarray, "windows columns"], lags: int) -> Float[np.ndarray, "lags columns"]:
    """Return the sums of products of values some windows apart, from 0 to ``lags``, not divided by their number."""
    found = np.zeros((lags + 1, values.shape[1]))
    known = min(lags + 1, len(values))
    size = 1 << int(2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(values, size, axis=0)
    found[:known] = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size, axis=0)[:known]
    return found
