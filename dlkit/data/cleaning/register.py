"""Move images onto each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import require
from dlkit.data.cleaning.arrays import unpacked
from dlkit.data.cleaning.background import Background
from dlkit.data.cleaning.base import CleanPictures, Learner
from dlkit.data.cleaning.planes import as_stored, scikit_image


@dataclass(frozen=True, kw_only=True)
class Register(CleanPictures):
    """Shift each image so that it lies on the median of the training images, by their correlation.

    The shift is found to a fraction of a pixel (Guizar-Sicairos et al. 2008), from all frequencies as strong as they
    are, so that noise does not count as much as what is seen; what comes in from outside repeats the border.

    Args:
        upsample: Parts of a pixel to which the shift is found.
        max_shift: Pixels; a larger shift is taken for an image of something else, which stays where it is.
    """

    upsample: int = 10
    max_shift: float | int = 10.0

    def __post_init__(self) -> None:
        """Refuse shifts of nothing."""
        require(self.upsample > 0, f"clean: Register upsample={self.upsample} must be positive, e.g. 10.")
        require(self.max_shift > 0, f"clean: Register max_shift={self.max_shift} pixels must be positive, e.g. 10.")

    @property
    def learns(self) -> bool:
        """The reference comes from the training images."""
        return True

    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return the images shifted."""
        from scipy.ndimage import shift

        reference = unpacked((self.learnt or {})["background"]).mean(0)
        found = pictures.copy()
        for place, image in enumerate(pictures):
            offset = self.offset(reference, plain(image[None])[0])
            if np.any(offset != 0):
                moved = [shift(plane.astype(np.float32), offset, order=1, mode="nearest") for plane in image]
                found[place] = as_stored(np.stack(moved), pictures.dtype)
        return found

    def offset(
        self, reference: Float[np.ndarray, "height width"], image: Float[np.ndarray, "height width"]
    ) -> Float[np.ndarray, "2"]:
        """Return rows and columns by which an image must be moved; 0 where they are too many."""
        registration = scikit_image("registration", self)
        parts = (windowed(reference), windowed(image))
        found, *_ = registration.phase_cross_correlation(*parts, upsample_factor=self.upsample, normalization=None)
        return np.where(np.hypot(*found) <= self.max_shift, found, 0.0)

    def learner(self) -> Learner | None:
        """Return what finds the reference."""
        return Reference("median")


class Reference(Background):
    """Finds the median of the brightness of images."""

    def add(self, part: np.ndarray) -> None:
        """Take in images, (images, channels, height, width)."""
        super().add(plain(part)[:, None])


def windowed(image: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    """Return an image about its mean that fades out towards its border, which would not move with what is seen."""
    rows, columns = (np.hanning(side + 2)[1:-1] for side in image.shape)
    return np.asarray((image - image.mean()) * rows[:, None] * columns, np.float32)


def plain(pictures: np.ndarray) -> np.ndarray:
    """Return the brightness of images at full size, float32, nothing missing."""
    gray = pictures.astype(np.float32).mean(1)
    return np.where(np.isnan(gray), np.nanmean(gray) if not np.isnan(gray).all() else 0.0, gray)
