"""Images that a step learnt, as plain types for JSON."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def packed(image: np.ndarray) -> dict[str, Any]:
    """Return an image as plain types: shape, type, and its deflated bytes in base 64."""
    data = zlib.compress(np.ascontiguousarray(image).tobytes(), 9)
    return {"shape": list(image.shape), "type": image.dtype.str, "deflated": base64.b64encode(data).decode()}


def unpacked(learnt: Mapping[str, Any]) -> np.ndarray:
    """Return the image of :func:`packed`."""
    data = zlib.decompress(base64.b64decode(learnt["deflated"]))
    return np.frombuffer(data, np.dtype(learnt["type"])).reshape(learnt["shape"])
