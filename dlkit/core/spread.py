"""Some of many, spread evenly."""

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """Return ``most`` of ``count`` numbers, spread evenly, or all where there are no more, int64.

    In float64: float32 does not tell whole numbers above 16.8 million apart and goes past the last one.
    """
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)
