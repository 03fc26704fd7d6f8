"""Sources that are read as they are: other streams, samples and frames."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.base import FrameSource, SampleSource, Source
from dlkit.data.raw.base import Progress, Raw
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.settings import plain_path
from dlkit.data.records import Frames, Samples, Stream


def class_path(thing: object) -> str:
    """Return the import path of a class."""
    return f"{type(thing).__module__}.{type(thing).__name__}"


class StreamsRaw(Raw):
    """The chunks of a source, with what it does about stamps.

    Args:
        source: The source.
        name: Its name among several.
    """

    kind = "table"

    def __init__(self, source: Source, name: str = "") -> None:
        self.streams, self.name, self.guessed = source, name, {}

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # known once a chunk has been read
        """Channels and their units."""
        first = next(self.streams.chunks(), None)
        channels, units, step = ((), (), 0) if first is None else (first.channels, first.units, first.step)
        return Layout(self.name, channels, units, self.streams.dated, step)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self.streams.size

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings, which are those of the config."""
        return class_path(self.streams), {}

    def chunks(self, progress: Progress | None = None) -> Iterator[tuple[Stream, int]]:
        """Yield the chunks with the number of their first row in the series."""
        counts: dict[str, int] = {}
        for stream in self.streams.chunks():
            first = counts.get(stream.name, 0)
            counts[stream.name] = first + len(stream.times)
            yield stream, first
            if progress is not None:
                progress(min(sum(counts.values()) * 4 * len(stream.channels), self.size), self.size)

    def findings(self) -> list[Finding]:
        """Return nothing: such a source refuses what it cannot read."""
        return []


class SamplesRaw(Raw):
    """Labelled images or traces.

    Args:
        source: The source; samples that cannot be used are left out.
        settings: Its settings where they were guessed.
        guessed: Those of them that were found in the files.
        name: Its name among several.
        size: Bytes of its files.
    """

    kind = "samples"

    def __init__(
        self,
        source: SampleSource,
        settings: Mapping[str, Any] | None = None,
        guessed: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        size: int = 0,
    ) -> None:
        self.given, self.name, self.guessed, self._size = source, name, dict(guessed or {}), size
        self.settings = {"path": plain_path(settings["path"]), **_without_path(settings)} if settings else {}
        self.strict = getattr(getattr(source, "settings", None), "bad", "") == "fail" and settings is None

    @cached_property
    def _samples(self) -> Samples:
        source = self.given
        known = getattr(source, "settings", None)
        if getattr(known, "bad", "") == "fail":
            source = copy.copy(source)
            vars(source)["settings"] = replace(known, bad="skip")  # type: ignore[type-var]  # a dataclass with `bad`
        return source.read()

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # known once the samples have been read
        """Channels and their units."""
        return Layout(self.name, tuple(self._samples.channels), tuple(self._samples.units), dated=False)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._size

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings."""
        skips = {"bad": "skip"} if self.settings and self._samples.skipped else {}
        return class_path(self.given), {**self.settings, **skips}

    def samples(self) -> Samples:
        """Return the samples that can be used; why others cannot is in ``skipped``."""
        return self._samples

    def findings(self) -> list[Finding]:
        """Return what was left out of traces; of images it is told with what is wrong with the others."""
        skipped = self._samples.skipped if isinstance(self._samples.values, np.ndarray) else {}
        return [
            Finding(
                kind="unusable samples", level="error" if self.strict else "warning", source=self.name,
                count=len(names), share=len(names) / (len(names) + len(self._samples)),
                what=f"{counted(len(names), 'sample')} cannot be used ({cause}), e.g. {names[0]}; left out here.",
                why="A sample without a value or a label teaches nothing, and a run refuses it unless told to skip.",
                places=tuple(Place(sample=one) for one in names[:MOST]),
                cures=(Cure(place="source", line="bad: skip"),),
            )
            for cause, names in skipped.items()
        ]  # fmt: skip


class FramesRaw(Raw):
    """Frames of a camera.

    Args:
        source: The source.
        settings: Its settings where they were guessed.
        guessed: Those of them that were found in the files.
        name: Its name among several.
        size: Bytes of its files.
    """

    kind = "frames"

    def __init__(
        self,
        source: FrameSource,
        settings: Mapping[str, Any] | None = None,
        guessed: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        size: int = 0,
    ) -> None:
        self.given, self.name, self.guessed, self._size = source, name, dict(guessed or {}), size
        self.settings = {"path": plain_path(settings["path"]), **_without_path(settings)} if settings else {}

    @cached_property
    def _frames(self) -> Sequence[Frames]:
        return self.given.read()

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # known once the frames have been read
        """Channels and their units."""
        first = self._frames[0]
        return Layout(self.name, tuple(first.channels), tuple(first.units), dated=not self._counts)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._size

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings."""
        return class_path(self.given), self.settings

    @property
    def _counts(self) -> bool:
        """Whether times count from a start."""
        stamps = getattr(self.given, "stamps", None)
        if stamps is None:
            return "rate" in self.settings
        known = stamps.plain()
        return known.get("time_format") == "relative" or (known.get("rate") is not None and not known.get("start"))

    def frames(self) -> Sequence[Frames]:
        """Return the frames of each series."""
        return self._frames

    def findings(self) -> list[Finding]:
        """Return nothing: frames are told with the images."""
        return []


def _without_path(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "path"}
