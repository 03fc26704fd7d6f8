"""Images that a step learnt, as plain types for JSON."""

import base64
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np


def packed(image: np.ndarray) -> dict[str, Any]:
    """Return an image as plain types: shape, type, and its deflated bytes in base 64."""
    data = zlib.compress(np.ascontiguousarray(image).tobytes(), 9)
    return {"shape": list(image.shape), "type": image.dtype.str, "deflated": base64.b64encode(data).decode()}


def unpacked(learnt: Mapping[str, Any]) -> np.ndarray:
    """Return the image of :func:`packed`, not to be written to."""
    return _inflated(learnt["deflated"], learnt["type"], tuple(learnt["shape"]))


@lru_cache(maxsize=16)  # a step asks for its image at every picture
def _inflated(deflated: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(deflated)), np.dtype(kind)).reshape(shape)
