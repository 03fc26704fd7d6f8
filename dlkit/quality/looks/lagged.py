"""Which channel leads which: cross-correlations of what each channel's own past does not tell."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm, rankdata

from dlkit.confidence.autocorrelation import autocovariances
from dlkit.quality.looks.interest import standardized
from dlkit.quality.looks.pieces import SECOND, Pieces
from dlkit.quality.looks.seasons import DAY
from dlkit.quality.looks.together import shared_memory

ORDER = 12
LAGS = 256
ROWS = 40_000
LEVEL = 0.01  # chance that any lag of any pair of unrelated channels stands out


@dataclass(frozen=True, eq=False)
class Lagged:
    """Cross-correlation of each pair of channels; at a positive lag the first channel comes first.

    Attributes:
        pairs: Numbers of the two channels, (pairs, 2).
        lags: In seconds, (lags,).
        values: (pairs, lags).
        band: Size beyond which chance does not explain a value of any pair and lag, (pairs, lags).
    """

    pairs: Int[np.ndarray, "pairs 2"]
    lags: Float[np.ndarray, " lags"]
    values: Float[np.ndarray, "pairs lags"]
    band: Float[np.ndarray, "pairs lags"]

    @property
    def best(self) -> Int[np.ndarray, " pairs"]:
        """Where each pair is largest beside its band."""
        return np.asarray((np.abs(self.values) / self.band).argmax(1))

    @property
    def peaks(self) -> Float[np.ndarray, " pairs"]:
        """The value there."""
        return np.asarray(np.take_along_axis(self.values, self.best[:, None], 1)[:, 0])

    @property
    def sure(self) -> Bool[np.ndarray, " pairs"]:
        """Whether chance does not explain it."""
        return np.asarray((np.abs(self.values) > self.band).any(1))


def lagged(known: Pieces, most: int = LAGS) -> Lagged:
    """Return the cross-correlations of prewhitened channels.

    Each channel becomes normal scores of its ranks, so that no spike passes for a relation, loses its mean course of
    the day, and is reduced to the innovations of its own autoregression (Haugh 1976), of order 12 at most by Akaike's
    criterion. What memory is left widens the band (Bartlett 1935).

    Args:
        known: Rows.
        most: Lags to either side in rows, fewer where pieces are short.
    """
    some = known.at_most(ROWS)
    borders, values = some.borders, some.values.astype(np.float64)
    reach = max(1, min(most, max(b - a for a, b in borders) // 4))
    scores = normal_scores(values)
    seen = np.isfinite(scores)
    left = whitened(np.where(seen, without_day(scores, some), 0.0), seen, borders)
    seen = np.isfinite(left)
    filled = standardized(left)
    first, second = np.triu_indices(values.shape[1], 1)
    sums = np.zeros((len(first), 2 * reach + 1))
    counts = np.zeros_like(sums)
    for a, b in borders:
        sums += crossed(filled[a:b], first, second, reach)
        counts += crossed(seen[a:b].astype(np.float64), first, second, reach).round()
    found = sums / np.maximum(counts, 1)
    counts = np.maximum(counts / shared_memory(filled, borders)[first, second][:, None], 1)
    band = norm.isf(LEVEL / 2 / max(sums.size, 1)) / np.sqrt(counts)
    lags = np.arange(-reach, reach + 1) * known.step
    return Lagged(np.stack([first, second], 1), lags, found, np.minimum(band, 1.0))


def without_day(values: Float[np.ndarray, "rows channels"], known: Pieces) -> Float[np.ndarray, "rows channels"]:
    """Return values without the mean of each channel in each half hour of the day, where there are dates.

    Two channels that follow the sun need not have to do with each other.

    Args:
        values: Of mean 0, NaN where missing.
        known: The rows, with their times.
    """
    times = known.times
    if not known.layout.dated or known.step > DAY / 8 or not len(times) or np.ptp(times) < 4 * DAY * SECOND:
        return values
    slot = (times // 10**9) % DAY // 1800
    seen = np.isfinite(values)
    means = [
        np.bincount(slot, np.where(here, column, 0.0), 48) / np.maximum(np.bincount(slot, here, 48), 1)
        for column, here in zip(values.T, seen.T, strict=True)
    ]
    return values - np.stack(means, 1)[slot] if means else values


def whitened(
    values: Float[np.ndarray, "rows channels"], seen: Bool[np.ndarray, "rows channels"], borders: list[tuple[int, int]]
) -> Float[np.ndarray, "rows channels"]:
    """Return what the past of each channel does not tell; NaN where its past is not known.

    Args:
        values: Centred, 0 where missing.
        seen: Where they are known.
        borders: First and past the last row of each piece.
    """
    products = autocovariances(values, borders)
    order = min(ORDER, len(products) - 1)
    weights = autoregression(products, order, seen.sum(0))
    left = np.full(values.shape, np.nan)
    for a, b in borders:
        piece = np.where(seen[a:b], values[a:b], np.nan)
        if b - a <= order:
            continue
        told = piece[order:].copy()
        for lag in range(1, order + 1):
            told -= np.where(weights[lag - 1] == 0, 0.0, weights[lag - 1] * piece[order - lag : len(piece) - lag])
        left[a + order : b] = told
    return left


def autoregression(
    products: Float[np.ndarray, "lags channels"], order: int, count: np.ndarray
) -> Float[np.ndarray, "order channels"]:
    """Return the weights of the past of each channel (Yule-Walker by Levinson, order by Akaike).

    Args:
        products: Sums of products of values 0, 1, 2, ... rows apart.
        order: The largest that is tried.
        count: Known rows of each channel.
    """
    channels = products.shape[1]
    error = np.maximum(products[0], 1e-30)
    weights, best = np.zeros((order, channels)), np.zeros((order, channels))
    lowest = np.log(error) * count
    for k in range(order):
        told = (weights[:k] * products[k:0:-1]).sum(0)
        reflection = ((products[k + 1] - told) / error).clip(-0.9999, 0.9999)
        weights[:k] = weights[:k] - reflection * weights[:k][::-1]
        weights[k] = reflection
        error = error * (1 - reflection**2)
        criterion = np.log(error) * count + 2 * (k + 1)
        better = criterion < lowest
        best[:, better], lowest[better] = weights[:, better], criterion[better]
    return best


def normal_scores(values: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "rows channels"]:
    """Return for each value the quantile of the normal distribution of its rank, of variance 1; NaN stays."""
    found = np.full(values.shape, np.nan)
    for channel, column in enumerate(values.T):
        known = np.isfinite(column)
        if known.any() and np.ptp(column[known]) > 0:
            scores = norm.ppf((rankdata(column[known]) - 0.5) / known.sum())
            found[known, channel] = (scores - scores.mean()) / scores.std()
    return found


def crossed(
    values: Float[np.ndarray, "rows channels"], first: np.ndarray, second: np.ndarray, reach: int
) -> Float[np.ndarray, "pairs lags"]:
    """Return the sums of products of the first channel and the second one ``lag`` rows later, from -reach to reach."""
    size = 1 << int(len(values) + reach).bit_length()
    spectrum = np.fft.rfft(values, size, axis=0)
    sums = np.empty((len(first), 2 * reach + 1))
    for pair, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        whole = np.fft.irfft(spectrum[:, a].conj() * spectrum[:, b], size)
        sums[pair] = np.concatenate([whole[-reach:], whole[: reach + 1]])
    return sums
