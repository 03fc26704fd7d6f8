"""Sums over images, pixel by pixel, from which dead and hot pixels are told."""

import numpy as np
from jaxtyping import Float, Num

MOST = 2**24  # values of an image of which sums are kept


class PixelSums:
    """Mean, spread and extremes of every pixel over images of one shape; images of another shape do not count.

    Attributes:
        count: Images that were taken in.
    """

    def __init__(self) -> None:
        self.count = 0
        self.shape: tuple[int, ...] | None = None

    def add(self, stack: Num[np.ndarray, "images channels height width"]) -> None:
        """Take in images of one shape."""
        if self.shape is None and np.prod(stack.shape[1:]) <= MOST:
            self.shape = stack.shape[1:]
            self._first = stack[0].astype(np.float64)
            self._sum, self._squares = np.zeros((2, *self.shape))
            self._low, self._high = self._first.copy(), self._first.copy()
        if stack.shape[1:] != self.shape:
            return
        off = stack - self._first
        self._sum += off.sum(0)
        self._squares += np.einsum("nchw,nchw->chw", off, off)
        np.minimum(self._low, stack.min(0), out=self._low)
        np.maximum(self._high, stack.max(0), out=self._high)
        self.count += len(stack)

    @property
    def mean(self) -> Float[np.ndarray, "channels height width"]:
        """Mean of each pixel; NaN where one was missing."""
        return np.asarray(self._first + self._sum / self.count)

    @property
    def std(self) -> Float[np.ndarray, "channels height width"]:
        """Standard deviation of each pixel over the images; 0 exactly where it never changed."""
        variance = np.maximum(self._squares / self.count - (self._sum / self.count) ** 2, 0)
        return np.where(self._low == self._high, 0.0, np.sqrt(variance))
