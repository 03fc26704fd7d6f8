"""All rows of a source as one table, in memory or memory-mapped, with the borders that windows must not cross."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.core.runfolder import atomic_folder, read_json, write_json
from dlkit.data.base import Source
from dlkit.data.records import Stream

CHUNK = 65_536


@dataclass(eq=False)
class Table:
    """Rows of all series, one after the other.

    Attributes:
        times: int64 nanoseconds UTC, (rows,).
        values: float32, C-contiguous, (rows, columns), NaN where missing; an array or a memory map.
        columns: Name of each column.
        units: Unit of each column.
        step: Nominal time between rows in nanoseconds.
        segments: First and past-the-last row of each uninterrupted run, (segments, 2).
        series: Series of each segment, an index into ``names``, (segments,).
        names: Name of each series.
        static: Constants of each series, (series, constants).
        static_names: Name of each constant.
    """

    times: np.ndarray
    values: np.ndarray
    columns: tuple[str, ...]
    units: tuple[str, ...]
    step: int
    segments: np.ndarray
    series: np.ndarray
    names: tuple[str, ...]
    static: np.ndarray
    static_names: tuple[str, ...]

    def chunks(self, ranges: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the rows of ``ranges``, (n, 2), in chunks of bounded size."""
        for start, stop in ranges:
            for row in range(int(start), int(stop), CHUNK):
                yield np.asarray(self.values[row : min(row + CHUNK, int(stop))])

    def series_ranges(self) -> list[tuple[str, np.ndarray]]:
        """Return the name and the segments, (n, 2), of each series."""
        return [(name, self.segments[self.series == i]) for i, name in enumerate(self.names)]


class _Growing:
    """Rows in memory that grow in place: the allocator moves pages, it does not copy them."""

    def __init__(self) -> None:
        self._array: np.ndarray | None = None
        self._rows = 0

    def append(self, part: np.ndarray) -> None:
        rows = self._rows + len(part)
        if self._array is None:
            self._array = np.empty(part.shape, part.dtype)
        if rows > len(self._array):
            capacity = max(rows, int(1.3 * len(self._array)))
            self._array.resize((capacity, *part.shape[1:]), refcheck=False)
        self._array[self._rows : rows] = part
        self._rows = rows

    def finish(self) -> np.ndarray:
        assert self._array is not None
        self._array.resize((self._rows, *self._array.shape[1:]), refcheck=False)
        return self._array


class _Appending:
    """Rows appended to a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def append(self, part: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(part).data)


@dataclass
class _Layout:
    """What is known of the table beside its rows, gathered while the streams pass by."""

    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    step: int = 0
    rows: int = 0
    segments: list[list[int]] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    static: list[dict[str, float]] = field(default_factory=list)

    def add(self, stream: Stream) -> None:
        if not self.names:
            self.columns, self.units, self.step = stream.channels, stream.units, stream.step
        require(
            stream.channels == self.columns,
            f"Series '{stream.name}' has the channels {list(stream.channels)}, the first series has "
            f"{list(self.columns)}: name the common ones in `channels` of the source.",
        )
        require(
            stream.step == self.step,
            f"Series '{stream.name}' has a step of {stream.step / 1e9:g} s, the first series has {self.step / 1e9:g} s: "
            "one data module needs one step; set `step` of the source or give the files to separate sources.",
        )
        if not stream.continues or not self.segments:
            self._open(stream)
        self.segments[-1][1] += len(stream.times)
        self.rows += len(stream.times)

    def _open(self, stream: Stream) -> None:
        if stream.name not in self.names:
            self.names.append(stream.name)
            self.static.append(stream.static)
        self.segments.append([self.rows, self.rows])
        self.series.append(self.names.index(stream.name))

    def table(self, times: np.ndarray, values: np.ndarray) -> Table:
        static_names = tuple(self.static[0])
        static = np.array([[s[name] for name in static_names] for s in self.static], np.float32)
        return Table(
            times=times,
            values=values,
            columns=self.columns,
            units=self.units,
            step=self.step,
            segments=np.array(self.segments, np.int64),
            series=np.array(self.series, np.int64),
            names=tuple(self.names),
            static=static.reshape(len(self.names), -1),
            static_names=static_names,
        )


def _fill(source: Source, times: Any, values: Any) -> _Layout:
    layout = _Layout()
    for stream in source.chunks():
        if len(stream.times):
            layout.add(stream)
            times.append(stream.times)
            values.append(stream.values)
    require(layout.rows > 0, "The source has no rows: check `path` and the policies of the source.")
    return layout


def read_table(source: Source) -> Table:
    """Return the table of a source, in memory."""
    times, values = _Growing(), _Growing()
    layout = _fill(source, times, values)
    return layout.table(times.finish(), values.finish())


def map_table(source: Source, cache: Path) -> Table:
    """Return the table of a source as a memory map, made once in bounded memory and kept in ``cache`` by fingerprint."""
    key = hashlib.sha256(json.dumps(source.fingerprint(), sort_keys=True, default=str).encode()).hexdigest()[:24]
    folder = cache / key
    if not folder.exists():
        with atomic_folder(folder) as work:
            with (work / "times.bin").open("wb") as times, (work / "values.bin").open("wb") as values:
                layout = _fill(source, _Appending(times), _Appending(values))
            write_json(work / "layout.json", vars(layout))
    layout = _Layout(**read_json(folder / "layout.json"))
    layout.columns, layout.units = tuple(layout.columns), tuple(layout.units)
    shape = (layout.rows, len(layout.columns))
    return layout.table(
        np.memmap(folder / "times.bin", np.int64, mode="r", shape=shape[:1]),
        np.memmap(folder / "values.bin", np.float32, mode="r", shape=shape),
    )


def choose_placement(size: int) -> str:
    """Return where a table from files of ``size`` bytes should lie; a table may take four times the size of its files."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if 4 * size > free:
        return "disk"
    import torch

    return "device" if torch.cuda.is_available() and 16 * size < torch.cuda.mem_get_info()[0] else "host"
