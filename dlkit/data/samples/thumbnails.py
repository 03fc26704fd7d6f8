"""Images as brightness, as a few means of blocks, and as a hash: by these they are compared."""

import hashlib

import numpy as np
from jaxtyping import Float, Int64, Num, UInt8

from dlkit.data.samples.pictures import LUMINANCE

LARGEST = 512  # pixels of the longer side of what is measured
SIDE = 16  # of a thumbnail


def gray_of(stack: Num[np.ndarray, "images channels height width"]) -> Float[np.ndarray, "images height width"]:
    """Return the brightness, float32, at most ``LARGEST`` pixels wide; a missing pixel gets the mean of its image."""
    stack = stack if max(stack.shape[2:]) <= LARGEST else shrink(stack, LARGEST)
    values = stack.astype(np.float32, copy=False)
    if stack.dtype.kind == "f" and np.isnan(values).any():
        known = ~np.isnan(values)
        mean = np.where(known, values, 0).sum((1, 2, 3)) / np.maximum(known.sum((1, 2, 3)), 1)
        values = np.where(known, values, mean[:, None, None, None])
    if values.shape[1] in (3, 4):
        return np.asarray(np.einsum("nchw,c->nhw", values[:, :3], LUMINANCE))
    return np.asarray(values[:, 0] if values.shape[1] <= 2 else values.mean(1))


def shrink(stack: Num[np.ndarray, "*any height width"], largest: int) -> Float[np.ndarray, "*any less lesser"]:
    """Return images as the means of square blocks, so that no side is longer than ``largest``."""
    every = -(-max(stack.shape[-2:]) // largest)
    return means_of_blocks(stack, stack.shape[-2] // every or 1, stack.shape[-1] // every or 1)


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


def digests_of(stack: Num[np.ndarray, "images channels height width"]) -> Int64[np.ndarray, " images"]:
    """Return a hash of shape, type and content of each image."""
    shape = str((stack.shape[1:], stack.dtype.str)).encode()
    found = [hashlib.blake2b(shape + one.tobytes(), digest_size=8).digest() for one in np.ascontiguousarray(stack)]
    return np.frombuffer(b"".join(found), np.int64)
