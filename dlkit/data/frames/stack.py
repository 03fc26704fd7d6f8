"""Frames side by side in an array of a file, read one by one."""

import os
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.records import Pictures
from dlkit.data.samples.array_files import HDF5, load_array
from dlkit.data.samples.layout import to_stored


class OpenStack:
    """A stack in a file, open in this process; in another one it is opened again.

    HDF5 reads the frames that are asked for, NPY is mapped into memory, and NPZ is held in memory as a whole.

    Args:
        path: The file.
        name: Name of the array.
        group: Group inside an HDF5 file.
    """

    def __init__(self, path: Path, name: str, group: str) -> None:
        self.path, self.name, self.group = path, name, group
        self._open: tuple[int, Any] | None = None
        self._lock = Lock()

    @property
    def array(self) -> Any:
        """What has a shape, a type, and frames by number."""
        with self._lock:
            if self._open is None or self._open[0] != os.getpid():
                self._open = (os.getpid(), self._load())
            return self._open[1]

    def _load(self) -> Any:
        if self.path.suffix.lower() not in HDF5:
            return load_array(self.path, self.name)
        import h5py

        return h5py.File(self.path, "r")[f"{self.group.rstrip('/')}/{self.name}"]

    def frame(self, number: int) -> np.ndarray:
        """Return one frame in the axes of the file.

        Raises:
            InputError: The file is damaged, or not there any more.
        """
        try:
            return np.asarray(self.array[number])
        except (OSError, ValueError) as error:
            raise InputError(
                f"Frame {number} of {self.path.name} cannot be read: give a whole file in `path`."
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name, "group": self.group}

    def __setstate__(self, state: dict[str, Any]) -> None:
        OpenStack.__init__(self, **state)


class StackPictures(Pictures):
    """Frames of one or several stacks.

    Args:
        stacks: The files.
        places: Stack and frame in it of each frame, (frames, 2).
        axes: Words of the axes of a frame.
        channels: Number of channels.
    """

    def __init__(self, stacks: list[OpenStack], places: np.ndarray, axes: str, channels: int) -> None:
        self.stacks, self.places, self.axes, self._channels = stacks, places, axes, channels

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.places)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._channels

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), as uint8, uint16 or float32, NaN where missing.

        Raises:
            InputError: It cannot be read, or a value is infinite.
        """
        stack, frame = (int(place) for place in self.places[number])
        image = channels_first(to_stored(self.stacks[stack].frame(frame)), self.axes)
        if image.dtype.kind == "f" and np.isinf(image).any():
            name = self.stacks[stack].path.name
            raise InputError(f"Frame {frame} of {name} holds an infinite value: write NaN where a pixel is missing.")
        return image


def channels_first(image: np.ndarray, axes: str) -> np.ndarray:
    """Return a frame as (channels, height, width)."""
    words = axes.split()
    return image[None] if "channels" not in words else np.moveaxis(image, words.index("channels"), 0)
