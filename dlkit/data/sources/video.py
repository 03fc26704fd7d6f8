"""Camera frames in videos."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import FrameSource
from dlkit.data.frames.other_files import ColorFiles
from dlkit.data.frames.settings import CACHE, FrameSettings
from dlkit.data.frames.stamps import Stamps
from dlkit.data.frames.video import OpenVideo, VideoPictures, pyav, read_stamps
from dlkit.data.records import Frames
from dlkit.data.samples.images import NAMES
from dlkit.data.tabular.files import find_files, identify
from dlkit.data.tabular.table_series import by_file
from dlkit.data.tabular.time_column import SECOND

SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts", ".m4v", ".mpg", ".mpeg")


class Video(ColorFiles, FrameSource):
    """Videos of any format that PyAV reads (``pip install 'dlkit[video]'``), with the stamps of their container.

    Frames are decoded when they are asked for, from the key frame before them on, so key frames a second or so apart
    make windows quick. Each file is one series, named after it.

    Args:
        path: File, folder or glob of files, or a list of these.
        start: Date of the first frame; without it times count from there.
        time_zone: Time zone of a start without an offset.
        color: ``gray``, ``rgb``, or ``auto``: as in the first file.
        channels: Name of each channel.
        units: Physical unit of channels.
        cache: MiB of decoded frames that are kept in each process.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        start: str | None = None,
        time_zone: str = "UTC",
        color: Literal["auto", "gray", "rgb"] = "auto",
        channels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        cache: int = CACHE,
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key != "self"}
        pyav()
        self.path = path
        require(color in ("auto", "gray", "rgb"), f"`color: {color}` is not known; set it to auto, gray or rgb.")
        self.stamps = Stamps(time_zone=time_zone, start=start)
        self.settings = FrameSettings(color=color, channels=channels, units=units, cache=cache)

    @cached_property
    def files(self) -> list[Path]:
        """Files in the order of reading."""
        return find_files(self.path, SUFFIXES)

    @cached_property
    def _frames(self) -> list[Frames]:
        found = [self._recording(name, file) for name, (file,) in by_file(self.files)]
        kinds = sorted({frames.channels for frames in found})
        require(len(kinds) == 1, "Some videos are gray and some have colours: set `color` to gray or rgb.")
        return found

    def _recording(self, name: str, file: Path) -> Frames:
        stamps, keys, unit = read_stamps(file)
        since = (stamps - stamps[0]) * unit.numerator * SECOND
        times = self.stamps.origin + (2 * since + unit.denominator) // (2 * unit.denominator)
        stream = OpenVideo(file).stream
        gray = stream.format.name.startswith("gray") if self.settings.color == "auto" else self.settings.color == "gray"
        deep = max(component.bits for component in stream.format.components) > 8
        pictures = VideoPictures(
            file, stamps, keys, "gray" if gray else "rgb", deep=deep, limit=self.settings.cache_bytes
        )
        names, units = self.settings.name_channels(pictures.channels, NAMES[pictures.channels])
        return Frames(name, times.astype(np.int64), pictures, names, units, (stream.height, stream.width))

    def read(self) -> list[Frames]:
        """Return the frames of each video.

        Raises:
            InputError: A file is no video, or its frames have no stamps.
        """
        return self._frames

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each file, and the settings."""
        settings = self.settings.plain() | self.stamps.plain()
        return {"files": [identify(file) for file in self.files], "settings": settings}
