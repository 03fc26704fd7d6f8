r"""Camera frames in a folder, with the time in the name of each."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dlkit.core.checks import InputError, require
from dlkit.data.base import FrameSource
from dlkit.data.frames.images import image_frames
from dlkit.data.frames.other_files import ColorFiles
from dlkit.data.frames.settings import CACHE, FrameSettings
from dlkit.data.frames.stamps import Stamps
from dlkit.data.records import Frames
from dlkit.data.samples.folders import SUFFIXES, identify_images
from dlkit.data.samples.images import Check
from dlkit.data.samples.pictures import Color, FilePictures
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.files import fill_path


class FrameFolder(ColorFiles, FrameSource):
    r"""JPEG, PNG, TIFF, NPY, BMP or WebP frames below a folder, with the time or a count in the name of each.

    Images are those of :class:`dlkit.data.sources.image_folder.ImageFolder`, of 8 or 16 bits or floats. They are
    decoded when they are asked for.

    Args:
        path: The folder.
        pattern: Regular expression that finds the stamp in the path below the folder, without its suffix: what is in
            the brackets, several of them put together. ``(\d+)$`` is the number at the end of the name,
            ``(\d{8})_(\d{6})`` a date and a time for ``time_format: '%Y%m%d%H%M%S'``.
        time_format: How stamps are written, as for :class:`dlkit.data.sources.files.Files`.
        time_zone: Time zone of stamps without an offset.
        rate: Frames a second, where the pattern finds a count and no stamp.
        start: Date of the frame that is counted 0; without it times count from there.
        series: ``folder``: each folder in ``path`` is one series, named after it.
        color: ``gray``, ``rgb``, ``all`` channels of the files, or ``auto``: as in the files, colour where they differ.
        channels: Name of each channel.
        units: Physical unit of channels.
        check: ``all`` frames are decoded once at the start to find bad ones, or ``some`` of them (100).
        bad: Frames that cannot be read, differ in size or type from most, or have no stamp or that of another frame:
            ``fail``, or ``skip`` them.
        cache: MiB of decoded frames that are kept in each process, so that windows side by side decode a frame once.
    """

    def __init__(
        self,
        *,
        path: str | Path,
        pattern: str = "([^/]+)$",
        time_format: str = "auto",
        time_zone: str = "UTC",
        rate: float | int | None = None,
        start: str | None = None,
        series: Literal["folder"] | None = None,
        color: Color = "auto",
        channels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        check: Check = "all",
        bad: Policy = "fail",
        cache: int = CACHE,
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key != "self"}
        self.path, self.series = path, series
        require(series in (None, "folder"), f"`series: {series}` must be 'folder', or left out.")
        self.pattern = _compile(pattern)
        self.stamps = Stamps(time_format=time_format, time_zone=time_zone, rate=rate, start=start)
        self.settings = FrameSettings(
            color=color, channels=channels, units=units, disorder="sort", check=check, bad=bad, cache=cache
        )

    def _found(self) -> tuple[list[str], list[Path]]:
        """Return path below the folder and file of each image."""
        root = fill_path(self.path)
        require(root.is_dir(), f"`path: {self.path}` is no folder; give one that holds the frames.")
        found = []
        for place, folders, names in os.walk(root, followlinks=True):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            files = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
            found += [file for file in files if file.suffix.lower() in SUFFIXES]
        require(len(found) > 0, f"The folder {root.name} holds no image; give `path` one with {', '.join(SUFFIXES)}.")
        return [file.relative_to(root).as_posix() for file in found], found

    @cached_property
    def _frames(self) -> list[Frames]:
        names, files = self._found()
        problems = Problems(names, self.settings.bad, what="frames")
        matches = [self.pattern.search(name.removesuffix(Path(name).suffix)) for name in names]
        cells = pd.Series(["" if match is None else "".join(match.groups("")) for match in matches], dtype="str")
        times = self.stamps.read_known(cells, problems, "the stamp in its name", cause="no stamp that `pattern` finds")
        whole = fill_path(self.path).absolute().name
        series = [whole if self.series is None or "/" not in name else name.split("/")[0] for name in names]
        return image_frames(FilePictures(names, files), times, series, self.settings, problems)

    def read(self) -> list[Frames]:
        """Return the frames of each series.

        Raises:
            InputError: There are none, or frames cannot be used and ``bad`` is ``fail``.
        """
        return self._frames

    def with_path(
        self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> "FrameFolder":
        """Return this source for another folder; ``fitted`` is what :attr:`fitted` gave, else it is read here.

        Raises:
            InputError: There are several folders.
        """
        folders = [path] if isinstance(path, str | Path) else list(path)
        require(
            len(folders) == 1,
            f"The frames are in one folder, {len(folders)} came: give one, with a folder for each series in it.",
        )
        return super().with_path(folders[0], fitted=fitted)

    def fingerprint(self) -> dict[str, Any]:
        """Return number, bytes and a hash of the images, and the settings."""
        settings = self.settings.plain() | self.stamps.plain()
        settings |= {"pattern": self.pattern.pattern, "series": self.series}
        return {**identify_images(*self._found()), "settings": settings}


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise InputError(f"`pattern: {pattern}` is no regular expression ({error}); write e.g. '(\\d+)$'.") from error
    require(found.groups > 0, f"`pattern: {pattern}` has no brackets around the stamp; write e.g. '(\\d+)$'.")
    return found
