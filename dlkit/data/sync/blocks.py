"""Correlation of two signals in blocks, at all shifts at once."""

from dataclasses import dataclass

import numpy as np

FEW = 16  # blocks, which give too few scores of what cannot match
LEAST_OVERLAP = 0.5  # share of the samples of a block that must find a value of the other signal


@dataclass(frozen=True, eq=False)
class Blocks:
    """How well blocks of one signal match another one that is shifted.

    Attributes:
        centres: Seconds of the middle of each block, (blocks,).
        lags: Seconds added to the times of the other signal, (lags,).
        scores: Correlation coefficient, 0 where too little overlaps, (blocks, lags).
        aside: Seconds by which the samples of a block lie beside their grid points in the mean, (blocks,).
        foreign: Scores of what cannot match: blocks turned back in time, and blocks against another one's time,
            (pairs, lags).
    """

    centres: np.ndarray
    lags: np.ndarray
    scores: np.ndarray
    aside: np.ndarray
    foreign: np.ndarray

    @property
    def step(self) -> float:
        """Seconds between neighbouring lags."""
        return float(self.lags[1] - self.lags[0])

    @property
    def from_middle(self) -> np.ndarray:
        """Seconds of each block from the middle of the record, (blocks,)."""
        return np.asarray(self.centres - (self.centres.min() + self.centres.max()) / 2)


def correlate(samples: np.ndarray, signal: np.ndarray, reach: int) -> np.ndarray:
    """Return the correlation coefficient of a block of samples with a signal at each shift.

    Missing values on either side are left out (Padfield, "Masked object registration in the Fourier domain", 2012).

    Args:
        samples: A block, NaN where there is no sample, (points,).
        signal: The other signal from ``reach`` points before the block to as many after it, (points + 2 * reach,).
        reach: Largest shift in points.

    Returns:
        Coefficients for shifts of the signal by ``-reach`` to ``reach`` points, (2 * reach + 1,).
    """
    seen, there = np.isfinite(samples), np.isfinite(signal)
    x, y = np.where(seen, samples, 0.0), np.where(there, signal, 0.0)
    length = 1 << int(np.ceil(np.log2(len(signal) + len(samples))))
    of_x = np.fft.rfft(np.stack([x, x * x, seen.astype(float)]), length).conj()
    of_y = np.fft.rfft(np.stack([y, y * y, there.astype(float)]), length)
    pairs = ((0, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))  # products, sums and squares over what both have
    sums = np.fft.irfft(np.stack([of_x[i] * of_y[j] for i, j in pairs]), length)[:, 2 * reach :: -1]
    product, sum_x, sum_y, square_x, square_y, count = sums
    count = np.maximum(np.round(count), 1.0)
    spread_x, spread_y = square_x - sum_x**2 / count, square_y - sum_y**2 / count
    least = (1e-9 * float((x * x).sum()), 1e-9 * float((y * y).sum()))
    enough = (count >= max(LEAST_OVERLAP * seen.sum(), 4)) & (spread_x > least[0]) & (spread_y > least[1])
    score = (product - sum_x * sum_y / count) / np.sqrt(np.where(enough, spread_x * spread_y, 1.0))
    return np.where(enough, score, 0.0).clip(-1.0, 1.0)


def correlate_blocks(
    samples: np.ndarray, aside: np.ndarray, signal: np.ndarray, grid: np.ndarray, length: int, reach: int
) -> Blocks:
    """Correlate blocks that lie side by side, so that the errors of neighbours have nothing in common.

    Args:
        samples: One source on the grid, NaN where it has no sample, (points,).
        aside: Seconds from the grid point to the sample, NaN where there is none, (points,).
        signal: The other source on the grid, NaN in gaps, (points,).
        grid: Seconds, (points,).
        length: Points of a block.
        reach: Largest shift in points.
    """
    padded = np.pad(signal, reach, constant_values=np.nan)
    starts = np.array([
        s for s in range(0, len(samples) - length + 1, length) if np.isfinite(samples[s : s + length]).sum() > 3
    ])  # fmt: skip
    blocks = [samples[s : s + length] for s in starts]
    signals = [padded[s : s + length + 2 * reach] for s in starts]
    foreign = [(block[::-1], own) for block, own in zip(blocks, signals, strict=True)]
    if len(blocks) <= FEW:
        others = [(block, other) for block, other in zip(blocks, signals[1:] + signals[:1], strict=True)]
        foreign += [*others, *((block[::-1], other) for block, other in others)]
    step = float(grid[1] - grid[0])
    return Blocks(
        centres=grid[starts] + (length - 1) / 2 * step,
        lags=np.arange(-reach, reach + 1) * step,
        scores=np.stack([correlate(*pair, reach) for pair in zip(blocks, signals, strict=True)]),
        aside=np.array([np.nanmean(aside[s : s + length]) for s in starts]),
        foreign=np.stack([correlate(*pair, reach) for pair in foreign]),
    )
