"""How long a channel remembers: autocorrelations and how many independent values its rows are worth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dlkit.confidence.autocorrelation import autocovariances, integrated_time
from dlkit.quality.looks.pieces import Pieces

LAGS = 4096


@dataclass(frozen=True, eq=False)
class Memory:
    """Autocorrelation of each channel.

    Attributes:
        lags: In seconds, from 0, (lags,).
        values: NaN for a channel that does not vary, (lags, channels).
        band: Two standard errors of each where there is no correlation from that lag on (Bartlett 1946), like values.
        time: Seconds in which a channel tells something new (integrated autocorrelation time), (channels,).
        count: Rows that are known of each channel, (channels,).
    """

    lags: Float[np.ndarray, " lags"]
    values: Float[np.ndarray, "lags channels"]
    band: Float[np.ndarray, "lags channels"]
    time: Float[np.ndarray, " channels"]
    count: Float[np.ndarray, " channels"]


def centred(known: Pieces) -> Float[np.ndarray, "rows channels"]:
    """Return the rows without the mean of each channel, 0 where missing."""
    values = known.values.astype(np.float64)
    seen = np.isfinite(values)
    mean = np.where(seen, values, 0).sum(0) / np.maximum(seen.sum(0), 1)
    return np.where(seen, values - mean, 0.0)


def memory_of(known: Pieces) -> Memory:
    """Return the autocorrelation of each channel, to half of the longest piece.

    Products are divided by how many pairs of rows are so far apart and known, so that gaps do not look like a loss of
    memory.
    """
    values, borders = centred(known), known.borders
    seen = np.isfinite(known.values).astype(np.float64)
    sums, pairs = autocovariances(values, borders)[:LAGS], autocovariances(seen, borders)[:LAGS].round()
    means = sums / np.maximum(pairs, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where((pairs > 0) & (means[0] > 0), means / means[0], np.nan)
    usual = np.nan_to_num(found)
    before = np.cumsum(usual**2, axis=0) - usual**2
    band = 2 * np.sqrt((2 * before - 1).clip(1.0) / np.maximum(pairs[0], 1))
    time = integrated_time(usual)
    lags = np.arange(len(found)) * known.step
    return Memory(lags, found, band, np.where(np.isnan(found[0]), np.nan, time.clip(1) * known.step), pairs[0])


def decay_lag(values: Float[np.ndarray, " lags"], level: float = 0.8) -> int:
    """Return the first lag at which an autocorrelation is below a level, at least 1."""
    below = np.flatnonzero(values < level)
    return max(1, int(below[0])) if len(below) else max(1, len(values) // 4)
