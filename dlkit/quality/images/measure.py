"""What is measured of a stack of images of one shape, all at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from dlkit.data.samples.thumbnails import means_of_blocks

LEVELS = 256
SHARES = (0.01, 0.05, 0.5, 0.95, 0.99)


class Light(NamedTuple):
    """The distribution of the brightness of each image: its extremes, quantiles at ``SHARES``, and entropy in bits."""

    low: Float[np.ndarray, " images"]
    high: Float[np.ndarray, " images"]
    quantiles: Float[np.ndarray, "images shares"]
    entropy: Float[np.ndarray, " images"]


def light_of(gray: Float[np.ndarray, "images height width"], *, whole: bool) -> Light:
    """Return the distribution of the brightness from one histogram an image.

    Args:
        gray: Brightness.
        whole: Values are whole numbers of 8 bits, each a level of its own; else levels lie between the extremes.
    """
    flat = gray.reshape(len(gray), -1)
    low, high = flat.min(1), flat.max(1)
    first, step = (np.zeros_like(low), np.ones_like(low)) if whole else (low, (high - low) / (LEVELS - 1))
    scaled = (flat - first[:, None]) / np.where(step > 0, step, 1)[:, None]
    level = np.clip(np.rint(scaled), 0, LEVELS - 1).astype(np.int32)
    counts = np.bincount(
        (level + np.arange(len(flat), dtype=np.int32)[:, None] * LEVELS).ravel(), minlength=len(flat) * LEVELS
    ).reshape(-1, LEVELS)
    share = np.cumsum(counts, 1) / flat.shape[1]
    places = np.stack([(share < one).sum(1) for one in SHARES], 1)
    return Light(low, high, first[:, None] + places * step[:, None], entropy_of(counts))


def entropy_of(counts: Int[np.ndarray, "images levels"]) -> Float[np.ndarray, " images"]:
    """Return the Shannon entropy of each histogram in bits."""
    share = counts / counts.sum(1, keepdims=True)
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1))).sum(1))


def sharpness_of(gray: Float[np.ndarray, "images height width"]) -> Float[np.ndarray, " images"]:
    """Return the base-10 logarithm of the variance of the Laplacian over that of the image at half resolution.

    The variance of the Laplacian (Pech-Pacheco et al. 2000) alone is as much about contrast and content as about focus;
    its ratio between two scales is about focus. NaN for images without any contrast or below 8 pixels.
    """
    if min(gray.shape[1:]) < 8:
        return np.full(len(gray), np.nan)
    fine = laplacian_variance(gray)
    half = laplacian_variance(means_of_blocks(gray, gray.shape[1] // 2, gray.shape[2] // 2))
    seen = (half > 0) & (fine > 0)
    ratio = np.where(seen, fine, 1) / np.where(seen, half, 1)
    return np.where(seen, np.log10(ratio), np.nan)


def laplacian_variance(gray: Float[np.ndarray, "images height width"]) -> Float[np.ndarray, " images"]:
    """Return the variance of the four-neighbour Laplacian of each image."""
    middle = gray[:, 1:-1, 1:-1]
    found = gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:] - 4 * middle
    return np.asarray(found.var((1, 2)))
