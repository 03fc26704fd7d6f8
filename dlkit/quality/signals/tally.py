"""Number, mean, spread and ends of the values of every channel."""

import numpy as np

from dlkit.quality.signals.block import Block


class Tally:
    """Adds up moments block by block (Chan, Golub and LeVeque 1979), so that large means lose no digits.

    Attributes:
        n: Finite values of each channel, (channels,).
        missing: NaN of each channel.
        infinite: Infinite values of each channel.
        low: Smallest finite value, infinite without any.
        high: Largest finite value.
        mean: Mean of the finite values.
    """

    def __init__(self, channels: int) -> None:
        self.n, self.missing, self.infinite = (np.zeros(channels, np.int64) for _ in range(3))
        self.low, self.high = np.full(channels, np.inf, np.float32), np.full(channels, -np.inf, np.float32)
        self.mean, self.squares = np.zeros(channels), np.zeros(channels)

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        if not len(block):
            return
        values, holed = block.fresh, block.holed
        n = np.full(len(values), len(block))
        low, high = block.low.copy(), block.high.copy()
        known = np.isfinite(values[holed])
        n[holed] = known.sum(1)
        low[holed] = np.where(known, values[holed], np.inf).min(1, initial=np.inf)
        high[holed] = np.where(known, values[holed], -np.inf).max(1, initial=-np.inf)
        some = n > 0
        middle = np.where(some, low, 0).astype(np.float64) / 2 + np.where(some, high, 0) / 2
        with np.errstate(invalid="ignore"):
            centred = values - middle[:, None]  # float64: beside a sentinel float32 sums lose the other values
        centred[holed] = np.where(known, centred[holed], 0)
        apart = centred.sum(1) / np.maximum(n, 1)
        squares = np.einsum("ij,ij->i", centred, centred) - n * apart**2
        self._merge(n, middle + apart, np.maximum(squares, 0))
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        nan = np.isnan(values[holed])
        self.missing[holed] += nan.sum(1)
        self.infinite[holed] += len(block) - n[holed] - nan.sum(1)

    def _merge(self, n: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
        total = np.maximum(self.n + n, 1)
        apart = mean - self.mean
        self.squares += squares + apart**2 * self.n * n / total
        self.mean += apart * n / total
        self.n += n

    @property
    def std(self) -> np.ndarray:
        """Standard deviation of the finite values, 0 without any, (channels,)."""
        return np.asarray(np.sqrt(self.squares / np.maximum(self.n, 1)))
