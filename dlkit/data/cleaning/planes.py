"""What steps that filter images share: one plane at a time, in float, and back to the type of the pixels."""

from abc import abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import InputError
from dlkit.data.cleaning.base import CleanPictures


def as_stored(values: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return values in the type of pixels; whole numbers are rounded, and cut off at their ends."""
    if kind.kind == "f":
        return values.astype(kind, copy=False)
    ends = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(values), ends.min, ends.max).astype(kind))


class CleanPlanes(CleanPictures):
    """A step that filters each channel of each image by itself; missing pixels stay missing, and do not spread."""

    @abstractmethod
    def plane(self, values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        """Return a filtered plane, float32, none of whose values is missing."""

    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return the images with every plane filtered."""
        found = np.empty_like(pictures)
        for place in np.ndindex(pictures.shape[:2]):
            values = pictures[place].astype(np.float32)
            missing = np.isnan(values)
            if missing.all():
                found[place] = pictures[place]
                continue
            values[missing] = np.median(values[~missing])
            new = np.asarray(self.plane(values), np.float32)
            new[missing] = np.nan
            found[place] = as_stored(new, pictures.dtype)
        return found


def scikit_image(name: str, step: object) -> Any:
    """Return a module of scikit-image.

    Raises:
        InputError: It is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"skimage.{name}")
    except ImportError as error:
        raise InputError(
            f'clean: {type(step).__name__} needs scikit-image: install it with `pip install "dlkit[check]"`.'
        ) from error
