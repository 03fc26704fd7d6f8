"""Images in memory that stay as they are."""

import numpy as np

from dlkit.data.records import Pictures


class Untouched(Pictures):
    """Images in an array, as they are.

    Args:
        values: (images, channels, height, width).
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.values)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return int(self.values.shape[1])

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width)."""
        return np.asarray(self.values[number])
