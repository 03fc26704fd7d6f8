"""Stretches of two samples that hardly remember each other, to be dealt as wholes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlkit.confidence.autocorrelation import Borders
from dlkit.core.spread import evenly

FEWEST = 6  # independent stretches of each sample, below which nothing can be told
SHARED = 0.5  # least share of the items of either sample in series that both hold, for a comparison within series

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Stretches:
    """How two samples are dealt.

    Attributes:
        kept: Numbers of the items of each sample that are compared.
        member: Stretch of each of them, of each sample from 0.
        length: Items of a series in a stretch.
        counts: Stretches of each sample.
    """

    kept: Pair
    member: Pair
    length: int
    counts: tuple[int, int]


def memory(series: np.ndarray, borders: Borders | None = None) -> float:
    """Return the integrated autocorrelation time of a series in items, 1 without memory; of several axes the longest.

    ``1 + 2 sum of rho(k)``, summed over pairs of lags as long as a pair is positive (Geyer 1992).

    Args:
        series: In the order of time, (items,) or (items, axes).
        borders: First and past the last item of each series, where there are several: what they remember is measured
            about the mean of each, so that a difference between series is no memory.
    """
    columns = series.reshape(len(series), -1).astype(np.float64)
    borders = borders or [(0, len(columns))]
    longest = max(past - first for first, past in borders)
    if longest < 4:
        return 1.0
    covariance = np.zeros((longest, columns.shape[1]))
    for first, past in borders:
        centred = columns[first:past] - columns[first:past].mean(0)
        size = 1 << (2 * len(centred) - 1).bit_length()
        power = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
        covariance[: past - first] += np.fft.irfft(power, size, axis=0)[: past - first]
    moving = covariance[0] > 1e-12 * len(columns) * (np.abs(columns).max(0) ** 2 + 1e-300)
    if not moving.any():
        return 1.0
    rho = covariance[:, moving] / covariance[0, moving]
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2, rho.shape[1]).sum(1)
    going = np.cumprod(pairs > 0, axis=0)
    return float(max(1.0, (2 * (pairs * going).sum(0) - 1).max()))


def block_length(samples: Sequence[np.ndarray], borders: Sequence[Borders | None] = (None, None)) -> int:
    """Return a length beyond which items of each sample hardly remember each other: three times the longest memory."""
    longest = max(memory(sample, own) for sample, own in zip(samples, borders, strict=True))
    return 1 if longest < 1.5 else int(np.ceil(3 * longest))


def stretches(before: np.ndarray, after: np.ndarray, series: Pair | None = None) -> Stretches:
    """Return stretches longer than the memory of two samples, in the order of time.

    Args:
        before: (items, axes).
        after: (items, axes).
        series: Series of each item of both; one series after the other.
    """
    inside = None if series is None else within_series(before, after, series)
    if inside is not None:
        return inside
    length, sizes = block_length((before, after)), (len(before), len(after))
    counts = sizes[0] // length, sizes[1] // length
    one, other = (np.arange(size) * count // max(size, 1) for size, count in zip(sizes, counts, strict=True))
    return Stretches((np.arange(sizes[0]), np.arange(sizes[1])), (one, other), length, counts)


def within_series(before: np.ndarray, after: np.ndarray, series: Pair) -> Stretches | None:
    """Return stretches that hold the same part of every series; None where series are too short or are not the same.

    Every stretch has the same share of each series, so that their differences cancel when stretches are dealt, and
    series that go together stay together.
    """
    held = [np.isin(one, other) for one, other in (series, series[::-1])]
    if any(some.sum() < SHARED * max(len(some), 1) for some in held):
        return None
    kept = alike(*series)
    borders = [runs_of(own[some]) for some, own in zip(kept, series, strict=True)]
    length = block_length((before[kept[0]], after[kept[1]]), borders)
    one, other = (usual_size(own) // length for own in borders)
    if min(one, other) < FEWEST:
        return None
    members = [
        np.concatenate([np.arange(past - first) * count // (past - first) for first, past in own])
        for own, count in zip(borders, (one, other), strict=True)
    ]
    return Stretches(kept, (members[0], members[1]), length, (one, other))


def alike(before: np.ndarray, after: np.ndarray) -> Pair:
    """Return the items of series that both samples hold, as many as leave each series the same share of both.

    Args:
        before: Series of each item.
        after: The same of the other sample.
    """
    code = np.unique(np.concatenate([before, after]), return_inverse=True)[1]
    sides = code[: len(before)], code[len(before) :]
    sizes = [np.bincount(side, minlength=code.max(initial=0) + 1) for side in sides]
    least = np.minimum(*sizes)
    one, other = (thinned(side, size, least) for side, size in zip(sides, sizes, strict=True))
    return one, other


def thinned(series: np.ndarray, sizes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return as many items as there can be of each series in these proportions, spread evenly over it.

    Args:
        series: Number of the series of each item.
        sizes: Items of each series.
        wanted: Items of each series that are wanted, or a multiple of them.
    """
    some = np.flatnonzero(wanted)
    if not len(some):
        return np.empty(0, np.int64)
    most = np.floor((sizes[some] / wanted[some]).min() * wanted[some] + 1e-9).astype(int)
    parts = [np.flatnonzero(series == number) for number in some]
    return np.concatenate([part[evenly(len(part), count)] for part, count in zip(parts, most.tolist(), strict=True)])


def runs_of(series: np.ndarray) -> list[tuple[int, int]]:
    """Return first and past the last item of each series; its items stand side by side."""
    first = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
    return list(zip(first.tolist(), [*first[1:].tolist(), len(series)], strict=True))


def usual_size(borders: Borders) -> int:
    """Return how many items the series has in which the middle item lies, in the order of their sizes."""
    sizes = np.sort([past - first for first, past in borders])
    return int(sizes[np.searchsorted(sizes.cumsum(), sizes.sum() / 2)])
