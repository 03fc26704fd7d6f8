"""All rows of a source as one table in memory, with the borders that windows must not cross."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.base import Source
from dlkit.data.records import Stream

CHUNK = 8_192  # rows that are worked on at once: their float64 copies are small beside a batch and stay in the cache


@dataclass(eq=False)
class Table:
    """Rows of all series, one after the other.

    Attributes:
        times: int64 nanoseconds UTC, (rows,).
        values: float32, C-contiguous, (rows, columns), in physical units, NaN where missing; an array or a memory map.
        columns: Name of each column.
        units: Unit of each column.
        step: Nominal time between rows in nanoseconds.
        segments: First and past-the-last row of each uninterrupted run, (segments, 2).
        series: Series of each segment, an index into ``names``, (segments,).
        names: Name of each series.
        static: Constants of each series, (series, constants), NaN where missing.
        static_names: Name of each constant.
        complete: True when no value is missing.
        lost: Rows that the source left out, per cause.
        cleaned: Each step of ``clean:`` and what it changed.
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
    complete: bool = False
    lost: dict[str, int] = field(default_factory=dict)
    cleaned: list[dict[str, Any]] = field(default_factory=list)

    def chunks(self, ranges: np.ndarray, *, overlap: int = 0) -> Iterator[np.ndarray]:
        """Yield the rows of ``ranges``, (n, 2), in chunks of bounded size.

        Args:
            ranges: First and past-the-last rows.
            overlap: Rows before each chunk, from the same range, that are given again.
        """
        assert len(self.values) == len(self.times), "the values were handed over, see Table.hand_over"
        size = max(CHUNK, overlap)
        for start, stop in ranges.tolist():
            for row in range(start, stop, size):
                yield np.asarray(self.values[max(row - overlap, start) : min(row + size, stop)])

    def hand_over(self) -> np.ndarray:
        """Give the rows away, to be changed in place; the table keeps none that could be mistaken for raw ones."""
        values, self.values = self.values, np.empty((0, len(self.columns)), np.float32)
        return values

    def names_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the name of the series that each row belongs to."""
        names: np.ndarray = np.array(self.names, dtype=object)[self.series_of(rows)]
        return names

    def series_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the series that each row belongs to."""
        return np.asarray(self.series[np.searchsorted(self.segments[:, 0], rows, side="right") - 1])

    def series_ranges(self) -> list[tuple[str, np.ndarray]]:
        """Return the name and the segments, (n, 2), of each series."""
        return [(name, self.segments[self.series == i]) for i, name in enumerate(self.names)]

    def series_borders(self) -> np.ndarray:
        """Return the first and past-the-last row of each run of segments that belong to one series, (runs, 2)."""
        first = np.concatenate([[True], self.series[1:] != self.series[:-1]])
        last = np.concatenate([first[1:], [True]])
        return np.stack([self.segments[first, 0], self.segments[last, 1]], 1)


@runtime_checkable
class Rows(Protocol):
    """Takes in rows one part after the other."""

    def append(self, part: np.ndarray) -> None:
        """Add rows at the end."""


class Growing:
    """Rows in memory that grow in place: the allocator moves pages, it does not copy them.

    Args:
        dtype: Type of the values.
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self._array, self._rows = np.empty(0, dtype), 0

    def append(self, part: np.ndarray) -> None:
        """Add rows at the end."""
        rows = self._rows + len(part)
        if not self._rows:
            self._array = np.empty(part.shape, self._array.dtype)
        if rows > len(self._array):
            spare = len(self._array) // 16  # new rows are written as zeros, so that spare ones cost memory
            self._array.resize((max(rows, len(self._array) + spare), *part.shape[1:]), refcheck=False)
        self._array[self._rows : rows] = part
        self._rows = rows

    def finish(self) -> np.ndarray:
        """Return all rows."""
        self._array.resize((self._rows, *self._array.shape[1:]), refcheck=False)
        return self._array


@dataclass
class Layout:
    """What is known of a table beside its rows, gathered while the streams pass by."""

    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    step: int = 0
    rows: int = 0
    segments: list[list[int]] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    static: list[dict[str, float]] = field(default_factory=list)
    complete: bool = True
    lost: dict[str, int] = field(default_factory=dict)
    cleaned: list[dict[str, Any]] = field(default_factory=list)

    def add(self, stream: Stream, *, seam: bool) -> None:
        """Take note of a stream.

        Raises:
            InputError: It does not fit the streams before it, or holds infinite values.
        """
        if not self.names:
            self.columns, self.units, self.step = stream.channels, stream.units, int(stream.step)
        self._check(stream)
        if seam or not self.segments or self.names[self.series[-1]] != stream.name:
            self._open(stream)
        self.segments[-1][1] += len(stream.times)
        self.rows += len(stream.times)

    def _check(self, stream: Stream) -> None:
        require(
            stream.channels == self.columns,
            f"Series '{stream.name}' has the channels {list(stream.channels)}, the first series has "
            f"{list(self.columns)}: name the common ones in `channels` of the source.",
        )
        require(
            stream.step == self.step,
            f"Series '{stream.name}' has a step of {stream.step / 1e9:g} s, the first series has "
            f"{self.step / 1e9:g} s: one data module needs one step; set `step` of the source or give the files to "
            "separate sources.",
        )
        if not np.isfinite(stream.values).all():
            self.complete = False
            _refuse_infinite(stream)

    def _open(self, stream: Stream) -> None:
        if stream.name not in self.names:
            static = {name: float(value) for name, value in stream.static.items()}
            for name in self.static[0] if self.static else ():
                require(name in static, f"Series '{stream.name}' has no static '{name}'; {suggest(name, static)}")
            self.names.append(stream.name)
            self.static.append(static)
        self.segments.append([self.rows, self.rows])
        self.series.append(self.names.index(stream.name))

    def table(self, times: np.ndarray, values: np.ndarray) -> Table:
        """Return the table of these rows."""
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
            complete=self.complete,
            lost=self.lost,
            cleaned=self.cleaned,
        )


def _refuse_infinite(stream: Stream) -> None:
    for row, column in np.argwhere(np.isinf(stream.values))[:1]:
        raise InputError(
            f"Channel '{stream.channels[column]}' of series '{stream.name}' is infinite at "
            f"{np.datetime64(int(stream.times[row]), 'ns')}: list the value in `missing_values` of the source."
        )


def fill(source: Source, times: Rows, values: Rows) -> Layout:
    """Pass all rows of a source on and return the layout of their table.

    Raises:
        InputError: There are no rows, or the streams do not fit together.
    """
    layout, seam = Layout(), True
    for stream in source.chunks():
        seam |= not stream.continues  # an empty stream may carry the seam
        if len(stream.times):
            layout.add(stream, seam=seam)
            times.append(stream.times)
            values.append(stream.values)
            seam = False
    require(layout.rows > 0, "The source has no rows: check `path` and the policies of the source.")
    layout.lost = {cause: int(rows) for cause, rows in source.lost.items()}
    layout.cleaned = source.cleaned
    return layout


def read_table(source: Source) -> Table:
    """Return the table of a source, in memory."""
    times, values = Growing(np.int64), Growing(np.float32)
    layout = fill(source, times, values)
    return layout.table(times.finish(), values.finish())
