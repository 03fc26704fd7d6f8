"""What simulators made, kept so that sources with the same settings make it once a process."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from dlkit.data.frames.cache import MEBIBYTE, FrameCache

KEPT = FrameCache(192 * MEBIBYTE)
"""What was used last; what does not fit is made again."""


def once(key: Hashable, count: int, make: Callable[[], Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Return arrays that may be written over: copies of those that were made before, else new ones.

    Args:
        key: Everything that decides about them.
        count: Number of arrays.
        make: Makes them.
    """
    kept = [found for part in range(count) if (found := KEPT.get((key, part))) is not None]
    if len(kept) == count:
        return kept
    made = list(make())
    for part, array in enumerate(made):
        KEPT.put((key, part), array)
    return made
