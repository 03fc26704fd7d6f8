"""Images as a few means of blocks, by which they are compared."""

import numpy as np
from jaxtyping import Float, Num, UInt8

SIDE = 16  # of a thumbnail


def means_of_blocks(stack: Num[np.ndarray, "*any height width"], rows: int, columns: int) -> np.ndarray:
    """Return means over ``rows`` by ``columns`` blocks that cover the image, float32; blocks are as equal as can be."""
    found = stack
    for axis, parts in ((-2, rows), (-1, columns)):
        edges = np.arange(parts) * stack.shape[axis] // parts
        widths = np.diff(np.append(edges, stack.shape[axis])).astype(np.float32)
        found = np.add.reduceat(found, edges, axis, dtype=np.float32) / (widths[:, None] if axis == -2 else widths)
    return np.asarray(found)


def thumbnails_of(gray: Float[np.ndarray, "images height width"]) -> UInt8[np.ndarray, "images pixels"]:
    """Return each image as 16 by 16 means between its darkest and its brightest, uint8, (images, 256)."""
    rows, columns = (min(SIDE, side) for side in gray.shape[1:])
    small = means_of_blocks(gray, rows, columns)
    low, high = (extreme((1, 2), keepdims=True) for extreme in (small.min, small.max))
    scaled = np.rint((small - low) * (255 / np.maximum(high - low, 1e-30))).astype(np.uint8)
    places = np.arange(SIDE)
    wide = scaled[:, places * rows // SIDE][:, :, places * columns // SIDE]
    return np.asarray(wide.reshape(len(gray), SIDE * SIDE))
