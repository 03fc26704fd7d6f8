"""Images of one size, in memory where they fit, else decoded when they are asked for."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from dlkit.core.checks import InputError, counted, require
from dlkit.data.batches.placement import free_memory
from dlkit.data.labelled.size import Size, resize_array
from dlkit.data.records import Pictures, Samples

TASK = 64  # images a thread takes at a time: handing over costs as much as decoding a small one
PART_OF_MEMORY = 4  # decoded images may take this part of the free memory


class SameSize(Pictures):
    """Images that are decoded when asked for, all of one size and type.

    Args:
        pictures: The images as they are.
        names: What each is called.
        size: Height and width that each is resized to; None takes them as they are.
    """

    def __init__(self, pictures: Pictures, names: list[str], size: Size | None) -> None:
        self.pictures, self.names, self.size = pictures, names, size
        first = pictures.decode(0)
        self.shape, self.dtype = (*first.shape[:1], *(size or first.shape[1:])), first.dtype

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pictures)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return int(self.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of all images once they are decoded."""
        return len(self) * int(np.prod(self.shape)) * self.dtype.itemsize

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width).

        Raises:
            InputError: It is not like the first one.
        """
        image = self.pictures.decode(number)
        image = image if self.size is None else resize_array(image, self.size)
        if image.shape != self.shape or image.dtype != self.dtype:
            is_, first = (f"{s[1]} x {s[2]} pixels, {counted(s[0], 'channel')} of " for s in (image.shape, self.shape))
            cure = (
                "set `size: [height, width]` to bring all images to one size"
                if image.dtype == self.dtype and len(image) == self.channels
                else "convert them to one type of pixel, or set the number of `channels` of the source"
            )
            raise InputError(
                f"'{self.names[number]}' is {is_}{image.dtype}, the first image {first}{self.dtype}: {cure}."
            )
        return image

    def decode_all(self) -> np.ndarray:
        """Decode all images into one array, with as many threads as there are processors: decoders run side by side."""
        table = np.empty((len(self), *self.shape), self.dtype)

        def fill(first: int) -> None:
            for number in range(first, min(first + TASK, len(self))):
                table[number] = self.decode(number)

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for _ in threads.map(fill, range(0, len(self), TASK)):
                pass
        return table


def load_pictures(samples: Samples, size: Size | None, placement: str) -> Samples:
    """Return the samples with images of one size, in memory unless ``placement`` is "files" or they are too many.

    Raises:
        InputError: The sizes differ and no size is set, or they are no images.
    """
    values = samples.values
    if isinstance(values, np.ndarray):
        require(values.ndim == 4, "The source gives traces, not images: use dlkit.data.sample_modules.TraceDataModule.")
        if size is None or values.shape[2:] == size:
            return samples
        parts = np.array_split(values, -(-len(values) // 64))
        return _with(samples, np.concatenate([resize_array(part, size) for part in parts]), size)
    return placed_pictures(samples, SameSize(values, list(samples.names), size), placement)


def placed_pictures(samples: Samples, same: SameSize, placement: str) -> Samples:
    """Return the samples with these images, in memory unless ``placement`` is "files" or they are too many."""
    in_memory = placement in ("host", "device") or (
        placement == "auto" and PART_OF_MEMORY * same.nbytes < free_memory()
    )
    return _with(samples, same.decode_all() if in_memory else same, (same.shape[1], same.shape[2]))


def _with(samples: Samples, values: np.ndarray | Pictures, size: Size) -> Samples:
    """Return the samples with other images, and their known truth brought to the same size."""
    truth = samples.informative
    if truth is not None:
        truth = resize_array(truth.astype(np.uint8), size, smooth=False).astype(bool)
    return replace(samples, values=values, informative=truth)
