"""Streams of a source that is no table: its chunks as it gives them."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from dlkit.core.finding import Finding
from dlkit.data.base import Source
from dlkit.data.raw.base import Progress, Raw
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.of_source import class_path
from dlkit.data.records import Stream


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
