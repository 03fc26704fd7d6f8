"""Camera frames that a table lists with their times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import FrameSource
from dlkit.data.frames.images import image_frames
from dlkit.data.frames.other_files import ColorFiles
from dlkit.data.frames.settings import CACHE, FrameSettings
from dlkit.data.frames.stamps import Stamps
from dlkit.data.records import Frames
from dlkit.data.samples.folders import identify_images
from dlkit.data.samples.images import Check
from dlkit.data.samples.labels import as_text
from dlkit.data.samples.listing import Columns, Listing, read_listing
from dlkit.data.samples.pictures import Color, FilePictures
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.files import fill_path, find_files, identify
from dlkit.data.tabular.stamps import Disorder
from dlkit.data.tabular.table_series import one_series

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


@dataclass(frozen=True)
class FrameColumns(Columns):
    """The columns of a table of frames."""

    time: str = "time"
    series: str | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """Every column to read, with the setting that names it."""
        return {self.time: "time", self.image: "image"} | ({} if self.series is None else {self.series: "series"})


class FrameTable(ColorFiles, FrameSource):
    """Frames in Parquet or CSV tables: the time of each, and its path or the bytes of its JPEG, PNG, ... file.

    Images are those of :class:`dlkit.data.sources.image_folder.ImageFolder`, of 8 or 16 bits or floats. Their encoded
    bytes are held in memory; they are decoded when they are asked for.

    Args:
        path: Table, folder or glob of tables, or a list of these; several are one recording in this order.
        time: Column of the stamps.
        image: Column with the path or the bytes of each frame.
        time_format: How stamps are written, as for :class:`dlkit.data.sources.files.Files`.
        time_zone: Time zone of stamps without an offset.
        series: Column that names the series of a row.
        root: Folder that paths start from; by default that of the table.
        color: ``gray``, ``rgb``, ``all`` channels of the files, or ``auto``: as in the files, colour where they differ.
        channels: Name of each channel.
        units: Physical unit of channels.
        disorder: Stamps that go back: ``refuse``, or ``sort`` the frames.
        check: ``all`` frames are decoded once at the start to find bad ones, or ``some`` of them (100).
        bad: Frames that cannot be read, differ in size or type from most, or have no stamp or that of another frame:
            ``fail``, or ``skip`` them.
        cache: MiB of decoded frames that are kept in each process, so that windows side by side decode a frame once.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        time: str = "time",
        image: str = "path",
        time_format: str = "auto",
        time_zone: str = "UTC",
        series: str | None = None,
        root: str | Path | None = None,
        color: Color = "auto",
        channels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        disorder: Disorder = "refuse",
        check: Check = "all",
        bad: Policy = "fail",
        cache: int = CACHE,
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key != "self"}
        self.path, self.root = path, root
        self.columns = FrameColumns(image=image, labels=(), time=time, series=series)
        require(
            len(self.columns.wanted) == (2 if series is None else 3),
            f"`time: {time}`, `image: {image}` and `series: {series}` name one column twice: give each its own.",
        )
        self.stamps = Stamps(time_format=time_format, time_zone=time_zone)
        self.settings = FrameSettings(
            color=color, channels=channels, units=units, disorder=disorder, check=check, bad=bad, cache=cache
        )

    @cached_property
    def files(self) -> list[Path]:
        """Tables in the order of reading."""
        files = find_files(self.path, TABLES)
        strange = [file.name for file in files if file.suffix.lower() not in TABLES]
        require(not strange, f"`path` names {', '.join(strange[:5])}; only {', '.join(TABLES)} can list frames.")
        return files

    @cached_property
    def _listing(self) -> Listing:
        root = None if self.root is None else fill_path(self.root)
        return read_listing([(None, self.files)], self.columns, root)

    @cached_property
    def _frames(self) -> list[Frames]:
        listing = self._listing
        problems = Problems(listing.pictures.names, self.settings.bad, what="frames")
        problems.mark("image missing", listing.missing)
        time = self.columns.time
        times = self.stamps.read_known(listing.rows[time], problems, f"column '{time}'")
        series = np.full(len(times), one_series(self.files)[0][0], dtype=object)
        if self.columns.series is not None:
            series, nameless = as_text(listing.rows[self.columns.series].to_numpy(dtype=object))
            problems.mark("series missing", nameless)
        return image_frames(listing.pictures, times, series, self.settings, problems)

    def read(self) -> list[Frames]:
        """Return the frames of each series.

        Raises:
            InputError: A column is absent, or frames cannot be used and ``bad`` is ``fail``.
        """
        return self._frames

    def with_path(
        self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> "FrameTable":
        """Return this source for other tables; ``fitted`` is what :attr:`fitted` gave, else it is read here.

        A ``root`` in the folder of the first table is looked for beside the first new one; any other stays.
        """
        other = super().with_path(path, fitted=fitted)
        if self.root is None:
            return other
        root, folder = fill_path(self.root).absolute(), _folder_of(self.path)
        if root.is_relative_to(folder):
            other.root = other.given["root"] = other.files[0].absolute().parent / root.relative_to(folder)
        return other

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each table, number, bytes and a hash of listed files, and the settings."""
        pictures, listed = self._listing.pictures, {}
        if isinstance(pictures, FilePictures):
            listed = identify_images(pictures.names, [Path(file) for file in pictures.files])
        settings = self.settings.plain() | self.columns.plain() | self.stamps.plain()
        return {"tables": [identify(file) for file in self.files], **listed, "settings": settings}


def _folder_of(path: str | Path | Sequence[str | Path]) -> Path:
    """Return the folder of the first table, which need not be there any more."""
    place = fill_path(path if isinstance(path, str | Path) else path[0]).absolute()
    return place.parent if place.suffix.lower() in TABLES else place
