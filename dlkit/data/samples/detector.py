"""Dead and hot pixels of a detector, told from sums over images, pixel by pixel."""

import numpy as np
from jaxtyping import Bool, Float, Num

MOST = 2**24  # values of an image of which sums are kept
ENOUGH = 16  # images from which what a pixel does can be told
CHANCE = 0.01  # that any pixel of a sound detector is called hot
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


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


def dead_pixels(std: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which pixels never change, though nearly all of their neighbours do."""
    from scipy.ndimage import convolve

    moves = convolve((std > 0).astype(np.float32), RING / np.float32(8), mode="reflect")
    return np.asarray((std == 0) & (moves > 0.8))


def hot_pixels(mean: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which pixels are brighter or darker than all of their neighbours by more than the image explains.

    The step to the nearest of the neighbours is compared with how far these are apart, and with how far pixels around
    are from the median of theirs.
    """
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter
    from scipy.stats import norm

    values = np.where(np.isnan(mean), np.nanmedian(mean), mean)
    top, bottom = (f(values, footprint=RING, mode="reflect") for f in (maximum_filter, minimum_filter))
    step = np.where(values > top, values - top, np.where(values < bottom, bottom - values, 0.0))
    usual = median_filter(np.abs(values - median_filter(values, footprint=RING, mode="reflect")), 5)
    scale = np.maximum(usual, np.median(usual)) * 1.4826
    alone = step > 2.0 * (top - bottom)
    return np.asarray(alone & (step > norm.isf(CHANCE / values.size) * np.maximum(scale, 1e-12 * np.abs(values).max())))
