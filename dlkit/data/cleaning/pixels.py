"""Repair dead and hot pixels."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import CleanPictures, Learner
from dlkit.data.cleaning.planes import as_stored
from dlkit.data.samples.detector import ENOUGH, PixelSums, dead_pixels, hot_pixels


@dataclass(frozen=True, kw_only=True)
class RepairPixels(CleanPictures):
    """Replace wrong pixels by the median of the sound ones around them.

    Args:
        pixels: Row and column of each, counted from 0; without any, dead and hot pixels are found in the training
            images.
    """

    pixels: list[tuple[int, int]] = field(default_factory=list)

    @property
    def learns(self) -> bool:
        """Whether the pixels are found in the training images."""
        return not self.pixels

    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return the images with the pixels replaced.

        Raises:
            InputError: A pixel is outside of the images.
        """
        wrong = np.array(self.pixels or (self.learnt or {})["pixels"], np.int64).reshape(-1, 2)
        height, width = pictures.shape[2:]
        outside = (wrong < 0).any(1) | (wrong[:, 0] >= height) | (wrong[:, 1] >= width)
        require(
            not outside.any(),
            f"clean: RepairPixels names the pixel {wrong[outside][:1].tolist()} outside of images of {height} x "
            f"{width} pixels: count rows and columns from 0.",
        )
        bad = np.zeros((height, width), bool)
        bad[wrong[:, 0], wrong[:, 1]] = True
        found = pictures.copy()
        for row, column in wrong.tolist():
            found[:, :, row, column] = _around(pictures, bad, row, column)
        return found

    def learner(self) -> Learner | None:
        """Return what finds the pixels."""
        return WrongPixels() if self.learns else None


def _around(pictures: np.ndarray, bad: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return the median of the sound pixels around one, (images, channels), in the smallest square that has any."""
    for reach in range(1, max(bad.shape)):
        part = (slice(max(row - reach, 0), row + reach + 1), slice(max(column - reach, 0), column + reach + 1))
        if not bad[part].all():
            values = pictures[(..., *part)][..., ~bad[part]]
            middle = np.nanmedian(values.astype(np.float32), axis=-1)
            return as_stored(middle, pictures.dtype)
    return pictures[:, :, row, column]


class WrongPixels:
    """Finds dead and hot pixels, as `dlkit check` does."""

    def __init__(self) -> None:
        self.sums = PixelSums()

    def add(self, part: np.ndarray) -> None:
        """Take in images, (images, channels, height, width)."""
        self.sums.add(part)

    def finish(self) -> dict[str, Any]:
        """Return row and column of each.

        Raises:
            InputError: There are too few images.
        """
        require(
            self.sums.count >= ENOUGH,
            f"clean: RepairPixels found {self.sums.count} training images, and {ENOUGH} are needed to tell a wrong "
            "pixel from what is seen: name its `pixels`, or leave it out.",
        )
        wrong = [dead_pixels(std) | hot_pixels(mean) for mean, std in zip(self.sums.mean, self.sums.std, strict=True)]
        return {"pixels": np.argwhere(np.any(wrong, axis=0)).tolist(), "images": self.sums.count}
