"""Camera frames in an array of a file."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.base import FrameSource
from dlkit.data.frames.cache import CachedPictures
from dlkit.data.frames.order import in_order
from dlkit.data.frames.other_files import OtherFiles
from dlkit.data.frames.settings import CACHE, FrameSettings
from dlkit.data.frames.stack import OpenStack, StackPictures, channels_first
from dlkit.data.frames.stamps import Stamps
from dlkit.data.records import Frames
from dlkit.data.samples.array_files import SUFFIXES, array_names, load_array
from dlkit.data.samples.images import NAMES
from dlkit.data.samples.layout import choose_layout
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.files import find_files, identify
from dlkit.data.tabular.stamps import Disorder
from dlkit.data.tabular.table_series import by_file, one_series


class FrameStack(OtherFiles, FrameSource):
    """Stacks of frames in HDF5, NPY or NPZ files, each with an array of times or at a constant rate.

    Frames are read from HDF5 and NPY when they are asked for; NPZ is held in memory. Values are numbers of 8 or 16 bits
    or floats with NaN for missing pixels.

    Args:
        path: File, folder or glob of files, or a list of these; several are one recording in this order, unless
            ``series`` says otherwise.
        frames: Name of the array of frames; an NPY file holds one, and needs none.
        times: Name of the array of stamps, one a frame, in the same file.
        time_format: How stamps are written, as for :class:`dlkit.data.sources.files.Files`.
        time_zone: Time zone of stamps without an offset.
        rate: Frames a second, where there are no stamps.
        start: Date of the first frame where there are no stamps; without it times count from there.
        group: Group inside HDF5 files.
        axes: Words of the axes of a frame, ``height width``, ``height width channels`` or ``channels height width``;
            told by the shape where it is clear.
        series: ``file``: each file is one series, named after it.
        channels: Name of each channel.
        units: Physical unit of channels.
        disorder: Stamps that go back: ``refuse``, or ``sort`` the frames.
        bad: Frames without a stamp or with that of another frame: ``fail``, or ``skip`` them.
        cache: MiB of frames that are kept in each process, so that windows side by side read a frame once.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        frames: str = "frames",
        times: str | None = None,
        time_format: str = "auto",
        time_zone: str = "UTC",
        rate: float | int | None = None,
        start: str | None = None,
        group: str = "/",
        axes: str | None = None,
        series: Literal["file"] | None = None,
        channels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        disorder: Disorder = "refuse",
        bad: Policy = "fail",
        cache: int = CACHE,
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key != "self"}
        self.path, self.frames, self.times, self.group, self.axes, self.series = (
            path,
            frames,
            times,
            group,
            axes,
            series,
        )
        require(
            (times is None) != (rate is None),
            "Frames need one kind of stamps: set `times` to an array of them, or `rate` to the frames a second.",
        )
        require(series in (None, "file"), f"`series: {series}` must be 'file', or left out.")
        self.stamps = Stamps(time_format=time_format, time_zone=time_zone, rate=rate, start=start)
        self.settings = FrameSettings(
            color="all", channels=channels, units=units, disorder=disorder, bad=bad, cache=cache
        )

    @cached_property
    def files(self) -> list[Path]:
        """Files in the order of reading."""
        files = find_files(self.path, SUFFIXES)
        strange = [file.name for file in files if file.suffix.lower() not in SUFFIXES]
        require(not strange, f"`path` names {', '.join(strange[:5])}; stacks are {', '.join(SUFFIXES)} files.")
        return files

    @cached_property
    def _frames(self) -> list[Frames]:
        parts = by_file(self.files) if self.series == "file" else one_series(self.files)
        return [self._recording(name, files) for name, files in parts]

    def _recording(self, name: str, files: list[Path]) -> Frames:
        stacks = [OpenStack(file, self._key(file, self.frames, "frames"), self.group) for file in files]
        shapes = {stack.array.shape[1:] for stack in stacks}
        require(len(shapes) == 1, f"The stacks hold frames of the shapes {sorted(shapes)}: give all one size.")
        axes, (channels, height, width) = self._layout(stacks[0])
        counts = [len(stack.array) for stack in stacks]
        require(sum(counts) > 0, f"{files[0].name} holds no frame in '{self.frames}': give a stack with frames.")
        owner = np.repeat(np.arange(len(stacks)), counts)
        places = np.stack([owner, np.concatenate([np.arange(count) for count in counts])], 1)
        problems = Problems(
            [f"{files[stack].name}, frame {n}" for stack, n in places], self.settings.bad, what="frames"
        )
        times = self._times(stacks, counts, problems)
        (numbers,) = in_order(times, [name] * len(times), problems, self.settings.disorder).values()
        names, units = self.settings.name_channels(channels, NAMES.get(channels))
        pictures = StackPictures(stacks, places[numbers], axes, channels)
        cached = CachedPictures(pictures, self.settings.cache_bytes)
        return Frames(name, times[numbers], cached, names, units, (height, width))

    def _key(self, file: Path, wanted: str, setting: str) -> str:
        there = array_names(file, group=self.group)
        if file.suffix.lower() == ".npy" and setting == "frames":
            return there[0]
        if wanted not in there:
            raise InputError(f"{file.name} has no array '{wanted}' for `{setting}`; {suggest(wanted, there)}")
        return wanted

    def _layout(self, stack: OpenStack) -> tuple[str, tuple[int, int, int]]:
        shape, kind = stack.array.shape, stack.array.dtype.kind
        require(kind in "fiub", f"'{stack.name}' of {stack.path.name} holds {stack.array.dtype}: give numbers.")
        require(
            len(shape) in (3, 4),
            f"'{stack.name}' has the shape {shape}: give (frames, height, width), with channels or not.",
        )
        axes = self.axes or ("height width" if len(shape) == 3 else None)
        layout = choose_layout(shape, pixels=False, axes=axes)
        require("time" not in layout, f"`axes: {layout}` is no frame: set it to 'height width', with channels or not.")
        return layout, channels_first(np.broadcast_to(np.uint8(0), shape[1:]), layout).shape

    def _times(self, stacks: list[OpenStack], counts: list[int], problems: Problems) -> np.ndarray:
        if self.times is None:
            return self.stamps.count(np.arange(sum(counts)))
        cells = []
        for stack, count in zip(stacks, counts, strict=True):
            found = load_array(stack.path, self._key(stack.path, self.times, "times"), group=self.group)
            require(
                found.shape == (count,),
                f"{stack.path.name} holds {count} frames, but '{self.times}' has the shape {found.shape}: give each "
                "frame one stamp.",
            )
            cells += [item.decode() if isinstance(item, bytes) else item for item in found.tolist()]
        return self.stamps.read_known(pd.Series(cells), problems, f"'{self.times}'")

    def read(self) -> list[Frames]:
        """Return the frames of each series.

        Raises:
            InputError: An array is absent or of another shape, or frames have no stamps.
        """
        return self._frames

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each file, and the settings."""
        own = {key: getattr(self, key) for key in ("frames", "times", "group", "axes", "series")}
        settings = self.settings.plain() | self.stamps.plain() | own
        return {"files": [identify(file) for file in self.files], "settings": settings}
