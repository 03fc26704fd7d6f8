"""Decoded frames that are kept, so that neighbouring windows do not decode the same frame again."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

import numpy as np

from dlkit.data.records import Pictures
from dlkit.data.samples.around import Around

MEBIBYTE = 2**20


class FrameCache:
    """Keeps the frames that were used last, up to a number of bytes; threads may share it.

    In another process it starts empty: frames are not sent around.

    Args:
        limit: Bytes of all frames that are kept; a frame that is larger is not.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self._frames: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many frames are kept."""
        return len(self._frames)

    def get(self, number: Hashable) -> np.ndarray | None:
        """Return a copy of a frame, which may be written over, or None where it is not kept."""
        with self._lock:
            found = self._frames.get(number)
            if found is None:
                return None
            self._frames.move_to_end(number)
        return found.copy()

    def put(self, number: Hashable, frame: np.ndarray) -> None:
        """Keep a copy of a frame; those that were not used for longest go."""
        if frame.nbytes > self.limit:
            return
        kept = np.array(frame, order="C")
        with self._lock:
            before = self._frames.pop(number, None)
            self.size += kept.nbytes - (0 if before is None else before.nbytes)
            self._frames[number] = kept
            while self.size > self.limit:
                self.size -= self._frames.popitem(last=False)[1].nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {"limit": self.limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        FrameCache.__init__(self, state["limit"])


class CachedPictures(Around):
    """Images of which those that were decoded last are kept.

    Args:
        pictures: The images.
        limit: Bytes of all images that are kept.
    """

    def __init__(self, pictures: Pictures, limit: int) -> None:
        super().__init__(pictures)
        self.cache = FrameCache(limit)

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), in the type of its file."""
        found = self.cache.get(number)
        if found is None:
            found = self.pictures.decode(number)
            self.cache.put(number, found)
        return found
