"""Frames of a video, decoded from the key frame before them on."""

import os
from collections.abc import Iterator
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.frames.cache import FrameCache
from dlkit.data.records import Pictures

FORMATS = {("gray", False): "gray", ("gray", True): "gray16le", ("rgb", False): "rgb24", ("rgb", True): "rgb48le"}


def pyav() -> Any:
    """Return the package that reads videos.

    Raises:
        InputError: It is not installed.
    """
    try:
        return import_module("av")
    except ImportError as error:
        raise InputError(
            "Video needs PyAV, which is not installed: pip install 'dlkit[video]', or save the frames as images."
        ) from error


class OpenVideo:
    """A video that is open in this process, and where in it the last frame was decoded."""

    def __init__(self, path: Path) -> None:
        self.process = os.getpid()
        self.container = pyav().open(str(path))
        self.stream = self.container.streams.video[0]
        self.stream.thread_type = "AUTO"
        self.last: int | None = None
        self.coming: Iterator[Any] = iter(())

    def decode_to(self, stamp: int, key: int) -> Iterator[Any]:
        """Yield frames up to the one with this stamp, from where the video is or from the key frame before it on.

        Args:
            stamp: Stamp of the wanted frame, in units of the container.
            key: Where to go in the file to decode it.
        """
        if self.last is None or not key <= self.last < stamp:
            self.container.seek(key, stream=self.stream)
            self.coming = self.container.decode(self.stream)
        for frame in self.coming:
            self.last = frame.pts
            yield frame
            if frame.pts >= stamp:
                return
        self.last = None


class VideoPictures(Pictures):
    """Frames of a video; those that had to be decoded on the way to the wanted one are kept too, while there is room.

    Args:
        path: The file.
        stamps: Stamp of each frame, rising, in units of the container.
        keys: Where to go in the file to decode each, in units of the container.
        color: "gray" or "rgb".
        deep: Whether pixels have more than 8 bits; they are then scaled to 16.
        limit: Bytes of decoded frames that are kept.
    """

    def __init__(self, path: Path, stamps: np.ndarray, keys: np.ndarray, color: str, *, deep: bool, limit: int) -> None:
        self.path, self.stamps, self.keys, self.color, self.deep = path, stamps, keys, color, deep
        self.cache = FrameCache(limit)
        self._open: OpenVideo | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.stamps)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return 1 if self.color == "gray" else 3

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), uint8 or uint16.

        Raises:
            InputError: It cannot be decoded.
        """
        found = self.cache.get(number)
        if found is not None:
            return found
        with self._lock:
            return self._decode(number)

    def _decode(self, number: int) -> np.ndarray:
        if self._open is None or self._open.process != os.getpid():
            self._open = OpenVideo(self.path)
        stamp, image = int(self.stamps[number]), None
        try:
            for frame in self._open.decode_to(stamp, int(self.keys[number])):
                image = self._pixels(frame)
                self.cache.put(int(np.searchsorted(self.stamps, frame.pts)), image)
        except pyav().FFmpegError:
            self._open.last = None
        if image is None or self._open.last != stamp:
            raise InputError(f"Frame {number} of {self.path.name} cannot be decoded: give a whole video in `path`.")
        return image

    def _pixels(self, frame: Any) -> np.ndarray:
        values: np.ndarray = frame.to_ndarray(format=FORMATS[self.color, self.deep])
        return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_open": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=Lock())


def read_stamps(path: Path) -> tuple[np.ndarray, np.ndarray, Fraction]:
    """Return the stamps of the frames, where to go to decode each, and seconds a unit, without decoding.

    Raises:
        InputError: The file is no video, or its frames have no stamps.
    """
    av = pyav()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path.name} holds no video: give one in `path`.")
            stream = container.streams.video[0]
            packets = [(each.pts, each.dts, each.is_keyframe) for each in container.demux(stream) if each.size]
            unit = stream.time_base
    except av.FFmpegError as error:
        raise InputError(f"{path.name} cannot be read as a video ({error.strerror}): give a whole one.") from error
    if not packets or any(stamp is None for stamp, _, _ in packets):
        raise InputError(f"The frames of {path.name} have no stamps: save it in a container that has, such as MP4.")
    stamps = np.array([stamp for stamp, _, _ in packets], dtype=np.int64)
    order = np.argsort(stamps, kind="stable")
    return stamps[order], np.array(_key_frames(packets), dtype=np.int64)[order], unit


def _key_frames(packets: list[tuple[int, int | None, bool]]) -> list[int]:
    """Return where the key frame stands that each frame can be decoded from: in files, frames are found by that.

    Args:
        packets: Stamp, place, and whether it is a key frame, of each frame in the order of the file.
    """
    found: list[int] = []
    first = packets[0][0] if packets[0][1] is None else packets[0][1]
    before, (key, place) = first, (packets[0][0], first)
    for stamp, own, is_key in packets:
        if is_key:
            before, key, place = place, stamp, stamp if own is None else own
        found.append(before if stamp < key else place)  # shown before the key frame, it also needs the one before
    return found
