"""Images that are decoded when they are asked for."""

import copy
import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.records import Pictures
from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.decode import decode

Color = Literal["auto", "gray", "rgb", "all"]
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


class EncodedPictures(Pictures):
    """Images as files or bytes, decoded one by one; a worker gets the names, not the pixels.

    Args:
        names: What each image is called in messages.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.color: Color = "all"
        self.sizes = np.zeros((len(self.names), 2), dtype=np.int64)
        self.type = ""
        self._channels = 0

    @abstractmethod
    def data(self, number: int) -> np.ndarray:
        """Return the bytes of the file, uint8, writable."""

    @abstractmethod
    def take(self, numbers: np.ndarray) -> "EncodedPictures":
        """Return some of the images."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.names)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._channels

    @property
    @abstractmethod
    def bytes(self) -> int:
        """Bytes of all files."""

    def known_as(self, color: Color, channels: int, sizes: np.ndarray, kind: str = "") -> "EncodedPictures":
        """Return these images with what a check of them found.

        Args:
            color: Whether colours are made or dropped.
            channels: Number of channels.
            sizes: Height and width of each, (images, 2).
            kind: Name of the type of the pixels.
        """
        other = copy.copy(self)
        vars(other).update(color=color, _channels=channels, sizes=sizes, type=kind)
        return other

    def raw(self, number: int) -> np.ndarray:
        """Return one image with the channels of its file.

        Raises:
            BrokenImageError: It cannot be read.
        """
        return decode(self.data(number))

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), in the type of its file.

        Raises:
            InputError: It cannot be read any more.
        """
        try:
            return to_color(self.raw(number), self.color)
        except BrokenImageError as error:
            raise InputError(f"{self.names[number]} cannot be used ({error}); mend it, or set `bad: skip`.") from error


class FilePictures(EncodedPictures):
    """Images in files of their own.

    Args:
        names: What each image is called.
        files: Where each is.
    """

    def __init__(self, names: Sequence[str], files: Sequence[str | Path]) -> None:
        super().__init__(names)
        self.files = [str(file) for file in files]

    def data(self, number: int) -> np.ndarray:
        """Return the bytes of the file.

        Raises:
            BrokenImageError: There is no such file.
        """
        try:
            return read_bytes(self.files[number])
        except FileNotFoundError as error:
            raise BrokenImageError("no such file") from error
        except OSError as error:
            raise BrokenImageError("file cannot be opened") from error

    @property
    def bytes(self) -> int:
        """Bytes of all files that are there, each once."""
        return sum(file.stat().st_size for file in map(Path, set(self.files)) if file.is_file())

    def take(self, numbers: np.ndarray) -> "FilePictures":
        """Return some of the images."""
        return FilePictures([self.names[n] for n in numbers], [self.files[n] for n in numbers])


def read_bytes(path: str) -> np.ndarray:
    """Return the bytes of a file, uint8; for a small file in a third of the time that np.fromfile takes."""
    file = os.open(path, os.O_RDONLY)
    try:
        data = np.empty(os.fstat(file).st_size, np.uint8)
        return data[: os.readv(file, [data.data])] if len(data) else data
    finally:
        os.close(file)


class BytePictures(EncodedPictures):
    """Encoded images side by side in memory.

    Args:
        names: What each image is called.
        content: The bytes of all images, uint8.
        borders: First and past-the-last byte of each image, (images, 2).
    """

    def __init__(self, names: Sequence[str], content: np.ndarray, borders: np.ndarray) -> None:
        super().__init__(names)
        self.content, self.borders = content, borders

    def data(self, number: int) -> np.ndarray:
        """Return the bytes of one image."""
        start, stop = self.borders[number]
        return self.content[start:stop]

    @property
    def bytes(self) -> int:
        """Bytes of all images."""
        return int((self.borders[:, 1] - self.borders[:, 0]).sum())

    def take(self, numbers: np.ndarray) -> "BytePictures":
        """Return some of the images; the bytes are shared."""
        return BytePictures([self.names[n] for n in numbers], self.content, self.borders[numbers])


def to_color(image: np.ndarray, color: Color) -> np.ndarray:
    """Return an image as gray or red, green, blue; transparency is dropped, ``all`` leaves it as it is.

    Raises:
        BrokenImageError: It has neither 1 to 4 channels nor is it to be left as it is.
    """
    channels = len(image)
    if color in ("all", "auto") or (color, channels) in {("gray", 1), ("rgb", 3)}:
        return image
    if channels > 4:
        raise BrokenImageError(f"{channels} channels are no colours, set `color: all`")
    opaque = image[: channels - 1] if channels in (2, 4) else image
    if color == "gray":
        return opaque if len(opaque) == 1 else _gray(opaque)
    return opaque if len(opaque) == 3 else np.repeat(opaque, 3, axis=0)


def _gray(image: np.ndarray) -> np.ndarray:
    gray = np.tensordot(LUMINANCE, image.astype(np.float32), axes=1)[None]
    return gray if image.dtype.kind == "f" else np.round(gray).astype(image.dtype)
