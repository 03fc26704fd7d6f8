"""Dead and hot pixels of a detector."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.samples.detector import ENOUGH, PixelSums, dead_pixels, hot_pixels
from dlkit.quality.images.about import About

MANY = 0.02  # share from which it is no longer single pixels that are meant
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
