"""Bring the light of images to one scale, each by itself; what is left has no physical unit."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import require, suggest
from dlkit.data.cleaning.base import CleanPictures
from dlkit.data.cleaning.planes import as_stored, scikit_image

Method = Literal["histogram", "adaptive"]


class Exposure(CleanPictures):
    """A step that maps the brightness of each image from 0 to 1 to the same; channels of one image are mapped alike."""

    low: float | int = 0.0
    high: float | int = 1.0

    @abstractmethod
    def curve(self, values: Float[np.ndarray, "channels height width"]) -> Float[np.ndarray, "channels height width"]:
        """Return values from 0 to 1, mapped; NaN stays."""

    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return the images from 0 to the largest value of their type, of floats from 0 to 1."""
        found = np.empty_like(pictures)
        full = 1.0 if pictures.dtype.kind == "f" else float(np.iinfo(pictures.dtype).max)
        for place, image in enumerate(pictures):
            seen = image[~np.isnan(image)] if image.dtype.kind == "f" else image.ravel()
            if not len(seen):
                found[place] = image
                continue
            low, high = np.quantile(seen, [self.low, self.high])
            scaled = (image.astype(np.float32) - low) / max(float(high - low), 1e-30)
            found[place] = as_stored(self.curve(np.clip(scaled, 0, 1)) * full, pictures.dtype)
        return found


@dataclass(frozen=True, kw_only=True)
class Stretch(Exposure):
    """Stretch the brightness of each image over the whole scale.

    Args:
        low: Share of the pixels that become black.
        high: Share of the pixels below white.
    """

    low: float | int = 0.01
    high: float | int = 0.99

    def __post_init__(self) -> None:
        """Refuse shares that do not rise."""
        require(
            0 <= self.low < self.high <= 1,
            f"clean: Stretch low={self.low} and high={self.high} must rise from 0 to 1, e.g. 0.01 and 0.99.",
        )

    def curve(self, values: Float[np.ndarray, "channels height width"]) -> Float[np.ndarray, "channels height width"]:
        """Return the values."""
        return values


@dataclass(frozen=True, kw_only=True)
class Gamma(Exposure):
    """Stretch from darkest to brightest, and raise to a power: below 1 shadows become brighter.

    Args:
        gamma: The power.
    """

    gamma: float | int = 0.5

    def __post_init__(self) -> None:
        """Refuse powers that turn black into white."""
        require(self.gamma > 0, f"clean: Gamma gamma={self.gamma} must be positive, e.g. 0.5.")

    def curve(self, values: Float[np.ndarray, "channels height width"]) -> Float[np.ndarray, "channels height width"]:
        """Return the powers."""
        return np.asarray(values**self.gamma)


@dataclass(frozen=True, kw_only=True)
class Equalize(Exposure):
    """Make all brightness equally frequent: in the image, or around each pixel (CLAHE: Zuiderveld 1994).

    Args:
        method: "histogram" of the whole image, or "adaptive".
        limit: Largest contrast of the adaptive one, 0 to 1.
    """

    method: Method = "histogram"
    limit: float | int = 0.01

    def __post_init__(self) -> None:
        """Refuse methods that do not exist."""
        known = get_args(Method)
        require(self.method in known, f"clean: Equalize method='{self.method}': {suggest(self.method, known)}")
        require(0 < self.limit <= 1, f"clean: Equalize limit={self.limit} must be above 0 and at most 1, e.g. 0.01.")

    def curve(self, values: Float[np.ndarray, "channels height width"]) -> Float[np.ndarray, "channels height width"]:
        """Return the equalized values."""
        exposure = scikit_image("exposure", self)
        missing = np.isnan(values)
        filled = np.where(missing, np.nanmedian(values), values)
        if self.method == "histogram":
            equal = exposure.equalize_hist(filled)
        else:
            equal = np.stack([exposure.equalize_adapthist(plane, clip_limit=self.limit) for plane in filled])
        return np.where(missing, np.nan, equal).astype(np.float32)
