"""Take noise out of images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import require
from dlkit.data.cleaning.planes import CleanPlanes, scikit_image

SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16  # B3
NORMAL = 1.4826  # standard deviation of a normal law in units of its median absolute deviation


@dataclass(frozen=True, kw_only=True)
class Median(CleanPlanes):
    """Replace each pixel by the median around it: against single wrong pixels (salt and pepper).

    Args:
        width: Pixels of the square, an odd number.
    """

    width: int = 3

    def __post_init__(self) -> None:
        """Refuse a square without a middle."""
        require(self.width > 1 and self.width % 2 == 1, f"clean: Median width={self.width} must be odd and above 1.")

    def plane(self, values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        """Return the medians."""
        from scipy.ndimage import median_filter

        return np.asarray(median_filter(values, self.width, mode="nearest"))


@dataclass(frozen=True, kw_only=True)
class TotalVariation(CleanPlanes):
    """Make images flat between sharp edges (Rudin et al. 1992, by Chambolle's method).

    Args:
        weight: How much noise goes, beside the standard deviation of the image: 0.1 is little, 0.5 much.
    """

    weight: float | int = 0.1

    def __post_init__(self) -> None:
        """Refuse a weight that does nothing."""
        require(self.weight > 0, f"clean: TotalVariation weight={self.weight} must be positive, e.g. 0.1.")

    def plane(self, values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        """Return the flattened plane."""
        restoration = scikit_image("restoration", self)
        middle, spread = values.mean(), max(float(values.std()), 1e-30)
        flat = restoration.denoise_tv_chambolle((values - middle) / spread, weight=self.weight)
        return np.asarray(flat * spread + middle, np.float32)


@dataclass(frozen=True, kw_only=True)
class NonLocalMeans(CleanPlanes):
    """Replace each pixel by the mean of those whose surroundings look alike (Buades et al. 2005).

    Args:
        patch: Pixels of the surroundings.
        distance: Pixels within which likenesses are looked for.
        strength: How unlike they may be, in standard deviations of the noise, which is told from the image.
    """

    patch: int = 5
    distance: int = 6
    strength: float | int = 0.8

    def __post_init__(self) -> None:
        """Refuse a search of nothing."""
        least = min(self.patch, self.distance, self.strength)
        require(least > 0, "clean: NonLocalMeans patch, distance and strength must be positive.")

    def plane(self, values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        """Return the means."""
        restoration = scikit_image("restoration", self)
        noise = noise_of(values)
        if noise == 0:
            return values
        return np.asarray(
            restoration.denoise_nl_means(
                values, self.patch, self.distance, h=self.strength * noise, sigma=noise, fast_mode=True
            )
        )


@dataclass(frozen=True, kw_only=True)
class Wavelet(CleanPlanes):
    """Drop wavelet coefficients within the noise (isotropic undecimated, "starlet": Starck and Murtagh 2006).

    Args:
        levels: Scales that are looked at: 1, 2, 4, ... pixels.
        threshold: In standard deviations of the noise at each scale.
    """

    levels: int = 3
    threshold: float | int = 3.0

    def __post_init__(self) -> None:
        """Refuse no scale at all."""
        require(self.levels > 0, f"clean: Wavelet levels={self.levels} must be positive, e.g. 3.")
        require(self.threshold > 0, f"clean: Wavelet threshold={self.threshold} must be positive, e.g. 3.0.")

    def plane(self, values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        """Return what is left of the coefficients."""
        found, smooth = np.zeros_like(values), values
        for level in range(self.levels):
            smoother = spline(smooth, 2**level)
            detail = smooth - smoother
            noise = NORMAL * float(np.median(np.abs(detail)))
            found += np.where(np.abs(detail) > self.threshold * noise, detail, 0)
            smooth = smoother
        return np.asarray(found + smooth)


def spline(values: Float[np.ndarray, "height width"], step: int) -> Float[np.ndarray, "height width"]:
    """Return values smoothed by a B3 spline with holes: its points are ``step`` pixels apart."""
    from scipy.ndimage import convolve1d

    weights = np.zeros(4 * step + 1, np.float32)
    weights[::step] = SPLINE
    return np.asarray(convolve1d(convolve1d(values, weights, 0, mode="nearest"), weights, 1, mode="nearest"))


def noise_of(values: Float[np.ndarray, "height width"]) -> float:
    """Return the standard deviation of white noise (Immerkaer 1996, by the median)."""
    from scipy.ndimage import convolve

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(NORMAL * np.median(np.abs(convolve(values, mask, mode="nearest"))) / 6)
