"""What is kept of a stream without end: a sample of its numbers, and how many samples came when."""

import numpy as np


class Kept:
    """Every first, second, fourth ... number of a stream, so that at most ``most`` are kept.

    Args:
        most: Largest number of numbers.
    """

    def __init__(self, most: int = 65_536) -> None:
        self.most, self.stride, self.seen = most, 1, 0
        self.values = np.empty(0)

    def add(self, values: np.ndarray) -> None:
        """Take in numbers, (numbers,)."""
        first = -self.seen % self.stride
        self.values = np.concatenate([self.values, values[first :: self.stride]])
        self.seen += len(values)
        while len(self.values) > self.most:
            self.values, self.stride = self.values[::2], 2 * self.stride

    def quantile(self, share: float) -> float:
        """Return a quantile, NaN of nothing."""
        return float(np.quantile(self.values, share)) if len(self.values) else float("nan")


class Coverage:
    """Samples in each of at most ``most`` equal spans of time; the spans double when the time outgrows them.

    Args:
        start: Where the first span begins, nanoseconds.
        width: Of a span, nanoseconds.
        most: Largest number of spans.
    """

    def __init__(self, start: int, width: int, most: int = 1024) -> None:
        self.start, self.width, self.most = start, max(width, 1), most
        self.counts = np.zeros(most, np.int64)

    def add(self, times: np.ndarray) -> None:
        """Count samples by their stamps, int64 nanoseconds; those before the start count to the first span."""
        while len(times) and (int(times.max()) - self.start) // self.width >= self.most:
            self.counts = np.concatenate([self.counts.reshape(-1, 2).sum(1), np.zeros(self.most // 2, np.int64)])
            self.width *= 2
        places = ((times - self.start) // self.width).clip(0)
        self.counts += np.bincount(places, minlength=self.most)
