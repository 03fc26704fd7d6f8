"""Dead and hot pixels of a detector."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import generic_filter, maximum_filter, median_filter, minimum_filter
from scipy.stats import norm

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.quality.images.about import About
from dlkit.quality.images.pixel_sums import PixelSums

ENOUGH = 16  # images from which what a pixel does can be told
CHANCE = 0.01  # that any pixel of a sound detector is called hot
MANY = 0.02  # share from which it is no longer single pixels that are meant
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
REPAIR = Cure(place="clean", line="{class_path: dlkit.data.cleaning.pixels.RepairPixels}")


def pixel_findings(about: About, sums: PixelSums) -> Iterator[Finding]:
    """Yield pixels that never change where their neighbours do, and those that stand out from all eight.

    Light that falls on one pixel falls on its neighbours as well: optics spread it. What stands out alone is the pixel.

    Args:
        about: What the images are called.
        sums: Sums over them, pixel by pixel.
    """
    if sums.count < ENOUGH or sums.shape is None or min(sums.shape[1:]) < 8:
        return
    mean, std = sums.mean, sums.std
    dead = np.stack([dead_pixels(one) for one in std])
    hot = np.stack([hot_pixels(one) for one in mean]) & ~dead
    yield from _said(about, sums, "dead pixels", dead, "never change, while the pixels around them do")
    yield from _said(about, sums, "hot pixels", hot, "stand out from all their neighbours in the mean of all images")


def dead_pixels(std: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which pixels never change, though nearly all of their neighbours do."""
    moves = generic_filter((std > 0).astype(np.float32), np.mean, footprint=RING, mode="reflect")
    return np.asarray((std == 0) & (moves > 0.8))


def hot_pixels(mean: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which pixels are brighter or darker than all of their neighbours by more than the image explains.

    The step to the nearest of the neighbours is compared with their own spread, with the photon noise that a pixel of
    this brightness has at most, and with such steps elsewhere.
    """
    values = np.where(np.isnan(mean), np.nanmedian(mean), mean)
    top, bottom = (f(values, footprint=RING, mode="reflect") for f in (maximum_filter, minimum_filter))
    step = np.where(values > top, values - top, np.where(values < bottom, bottom - values, 0.0))
    usual = median_filter(np.abs(values - median_filter(values, footprint=RING, mode="reflect")), 5)
    scale = np.maximum(usual, np.median(usual)) * 1.4826
    alone = step > 2.0 * (top - bottom)
    return np.asarray(alone & (step > norm.isf(CHANCE / values.size) * np.maximum(scale, 1e-12 * np.abs(values).max())))


def _said(about: About, sums: PixelSums, kind: str, found: np.ndarray, said: str) -> Iterator[Finding]:
    flat = found.any(0)
    number, total = int(flat.sum()), flat.size
    if not 0 < number <= MANY * total:
        return
    rows, columns = np.nonzero(flat)
    verb = "pixel of" if number == 1 else "pixels of"
    yield Finding(
        kind=kind,
        level="warning",
        what=f"{number:,} {verb} {total:,} {said}, over {sums.count:,} {about.noun}s: row {rows[0]}, column "
        f"{columns[0]}{' and others' if number > 1 else ''}, counted from 0.",
        why="A pixel that does not follow the light is seen in every image: it draws filters to its place, and it "
        "moves the scale of all others.",
        cures=(REPAIR,),
        source=about.source,
        count=number,
        share=number / total,
        places=tuple(Place(sample=f"row {row}, column {column}") for row, column in np.argwhere(flat)[:MOST]),
    )
