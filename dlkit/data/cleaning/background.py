"""Take away what is in every image: the dark current and the lamp, or the still scene."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.cleaning.arrays import packed, unpacked
from dlkit.data.cleaning.base import CleanPictures, Learner
from dlkit.data.cleaning.planes import as_stored

Of = Literal["median", "mean", "darkest"]
KEPT = 2**28  # bytes of images that are kept to find a median
DARKEST = 0.05


@dataclass(frozen=True, kw_only=True)
class SubtractBackground(CleanPictures):
    """Subtract an image: a dark frame in a file, or what the training images have in common.

    Args:
        path: NPY, PNG or TIFF file of the dark frame, its pages averaged; without one it is learnt.
        of: "median" of each pixel over the training images, their "mean", or the "darkest": the 5 % quantile.
        pedestal: What is added, so that noise around 0 is not cut off in images of whole numbers.
    """

    path: str | None = None
    of: Of = "median"
    pedestal: float | int = 0

    def __post_init__(self) -> None:
        """Refuse words that are not known."""
        require(self.of in get_args(Of), f"clean: SubtractBackground of='{self.of}': {suggest(self.of, get_args(Of))}")

    @property
    def learns(self) -> bool:
        """Whether the background comes from the training images."""
        return self.path is None

    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return the images without the background."""
        dark = self.background(pictures.shape[1:])
        return as_stored(pictures.astype(np.float32) - dark + np.float32(self.pedestal), pictures.dtype)

    def background(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the background, float32, (channels, height, width).

        Raises:
            InputError: It is of another size than the images.
        """
        dark = unpacked((self.learnt or {})["background"]) if self.path is None else read_image(self.path)
        if self.path is not None and len(dark) != shape[0]:
            dark = dark.mean(0, keepdims=True)
        require(
            dark.shape[1:] == shape[1:],
            f"clean: SubtractBackground has a background of {dark.shape[1]} x {dark.shape[2]} pixels, the images have "
            f"{shape[1]} x {shape[2]}: give one of their size.",
        )
        return dark

    def learner(self) -> Learner | None:
        """Return what finds the background."""
        return Background(self.of) if self.learns else None


class Background:
    """Finds what images have in common, pixel by pixel; from evenly spread ones where they are too many to be kept.

    Args:
        of: What of them.
    """

    def __init__(self, of: Of) -> None:
        self.of, self.every, self.seen = of, 1, 0
        self.kept: list[np.ndarray] = []

    def add(self, part: np.ndarray) -> None:
        """Take in images, (images, channels, height, width)."""
        for image in part:
            if self.seen % self.every == 0:
                self.kept.append(image.copy())
            self.seen += 1
            if len(self.kept) > 2 and len(self.kept) * image.nbytes > KEPT:
                self.kept, self.every = self.kept[::2], self.every * 2

    def finish(self) -> dict[str, Any]:
        """Return the background.

        Raises:
            InputError: There is no image.
        """
        require(bool(self.kept), "clean: SubtractBackground found no training images to learn from: change `split`.")
        parts = np.stack(self.kept).astype(np.float32)
        level = {"median": 0.5, "darkest": DARKEST}
        found = np.nanmean(parts, 0) if self.of == "mean" else np.nanquantile(parts, level[self.of], 0)
        found = np.nan_to_num(found)
        return {"background": packed(found.astype(np.float32)), "images": len(parts)}


@lru_cache(maxsize=4)  # a step asks for its image at every picture
def _decoded(file: str, changed: int) -> np.ndarray:  # noqa: ARG001 - a file that has changed is read again
    from dlkit.data.samples.decode import decode
    from dlkit.data.samples.pictures import read_bytes

    image = decode(read_bytes(file)).astype(np.float32)
    image.flags.writeable = False
    return image


def read_image(path: str) -> np.ndarray:
    """Return the image in a file as float32, (channels, height, width), not to be written to.

    Raises:
        InputError: It cannot be read.
    """
    from dlkit.data.samples.broken import BrokenImageError
    from dlkit.data.tabular.files import fill_path

    try:
        file = fill_path(path)
        return _decoded(str(file), file.stat().st_mtime_ns)
    except (BrokenImageError, OSError) as error:
        reason = str(error) if isinstance(error, BrokenImageError) else "there is no such file"
        raise InputError(
            f"clean: SubtractBackground path='{path}' cannot be read ({reason}): give an image "
            "file, or leave `path` out."
        ) from error
