"""Errors of channels on a common scale, and one number for a row."""

from typing import Literal

import numpy as np
from jaxtyping import Float

Aggregate = Literal["mean", "max", "top3"]
NORMAL_MAD = 1.482602218505602  # standard deviation over median absolute deviation of the normal law
CHUNK = 65_536
MOST_ROWS = 1_000_000  # medians of more rows are taken from evenly spaced ones


def robust(values: Float[np.ndarray, "rows channels"]) -> tuple[np.ndarray, np.ndarray]:
    """Return median and scaled median absolute deviation of each channel; NaN does not count.

    A channel that hardly varies takes its mean absolute deviation, and 1 where that is zero too.
    """
    center, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for channel, column in enumerate(values.T.astype(np.float64)):
        known = column[~np.isnan(column)]
        if not len(known):
            continue
        center[channel] = np.median(known)
        off = np.abs(known - center[channel])
        spreads = (NORMAL_MAD * np.median(off), off.mean())
        scale[channel] = next((spread for spread in spreads if spread > 1e-12), 1.0)
    return center, scale


def thinned(normal: np.ndarray) -> np.ndarray:
    """Return the numbers of the rows that are marked, evenly thinned where they are too many for a median."""
    rows = np.flatnonzero(normal)
    return rows[:: -(-len(rows) // MOST_ROWS) or 1]


def standardized(
    errors: Float[np.ndarray, "rows channels"], center: np.ndarray, scale: np.ndarray
) -> Float[np.ndarray, "rows channels"]:
    """Return how far the root of each squared error lies above its normal median, in robust deviations."""
    return np.asarray((np.sqrt(errors) - center.astype(errors.dtype)) / scale.astype(errors.dtype))


def aggregated(z: Float[np.ndarray, "rows channels"], aggregate: Aggregate) -> Float[np.ndarray, "rows"]:
    """Return the mean, the largest, or the mean of the three largest over the channels; NaN where none is known."""
    if aggregate == "top3" and z.shape[1] > 3:
        # NaN would come last, among the largest.
        z = np.partition(np.where(np.isnan(z), -np.inf, z), z.shape[1] - 3, axis=1)[:, -3:]
        z = np.where(np.isneginf(z), np.nan, z)
    known = ~np.isnan(z)
    if aggregate == "max":
        best = z.max(1, where=known, initial=-np.inf)
        return np.where(known.any(1), best, np.nan).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(z.sum(1, where=known, dtype=np.float64) / known.sum(1))


def moving_average(scores: Float[np.ndarray, "rows"], width: int) -> Float[np.ndarray, "rows"]:
    """Return the mean of each row and the ``width - 1`` before it; NaN does not count, and stays.

    Sums run over two blocks of ``width`` rows at most, so an outlier costs no digits in what comes later.
    """
    if width == 1:
        return scores
    known = ~np.isnan(scores)
    room = -(-len(scores) // width) * width
    sums = np.zeros((2, room))
    sums[0, : len(scores)], sums[1, : len(scores)] = np.where(known, scores, 0), known
    blocks = sums.reshape(2, -1, width)
    up_to = blocks.cumsum(2)
    up_to[:, 1:, :-1] += blocks[:, :-1, ::-1].cumsum(2)[:, :, -2::-1]
    total, number = up_to.reshape(2, -1)[:, : len(scores)]
    return np.where(known, total / np.maximum(number, 1), np.nan)
