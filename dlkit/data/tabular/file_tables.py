"""Read files, one after the other, as numbered chunks of numbers."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32, Shaped

from dlkit.core.checks import InputError, require
from dlkit.data.tabular.cells import CellError, Decimal, words
from dlkit.data.tabular.columns import Encoder, Roles
from dlkit.data.tabular.files import reader_for
from dlkit.data.tabular.opening import Opening
from dlkit.data.tabular.stamps import Rows, join
from dlkit.data.tabular.time_column import Times, may_occur_twice, parse_times


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with what stands beside the channels."""

    rows: Rows
    static: Float32[np.ndarray, "time static"]
    series: Shaped[np.ndarray, " time"] | None

    def take(self, index: np.ndarray) -> "Table":
        """Return some of the rows."""
        series = None if self.series is None else self.series[index]
        return Table(self.rows.take(index), self.static[index], series)


def concatenate(tables: Sequence[Table]) -> Table:
    """Return all rows in one table."""
    rows = join([table.rows for table in tables])
    series = [table.series for table in tables if table.series is not None]
    static = np.concatenate([table.static for table in tables])
    return Table(rows, static, np.concatenate(series) if series else None)


class FileTables:
    """Reads files in chunks and remembers which row came from where.

    Args:
        roles: Which columns are stamps, series and static values.
        time_format: How stamps are written.
        zone: Time zone of stamps without an offset.
        opening: How files are opened.
        decimal: Decimal mark of numbers written as text.
    """

    def __init__(
        self, roles: Roles, *, time_format: str, zone: tzinfo, opening: Opening, decimal: Decimal = "."
    ) -> None:
        self.roles = roles
        self.time_format = time_format
        self.zone = zone
        self.opening = opening
        self.decimal: Decimal = decimal
        self._starts: list[int] = []
        self._names: list[str] = []
        self._next = 0

    def columns(self, file: Path) -> list[str]:
        """Return the columns of a file, after checking that they can play their roles."""
        found = reader_for(file, self.opening).columns(file)
        self.roles.check(found, file.name)
        return found

    def head(self, file: Path, rows: int) -> pd.DataFrame:
        """Return the first rows of the columns that tell what can be a channel."""
        wanted = self.roles.to_look_at(self.columns(file))
        return next(self.frames([file], wanted, rows))[1]

    def frames(self, files: Sequence[Path], columns: list[str], rows: int) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield chunks of the columns as they are, each with the number of its first row."""
        for file in files:
            lacking = sorted(set(columns) - set(self.columns(file)))
            cure = "remove the file from `path` or the column from `channels`"
            require(not lacking, f"{file.name} has no column '{''.join(lacking[:1])}', which other files have; {cure}.")
            start = self._next
            self._starts.append(start)
            self._names.append(file.name)
            for frame in self._whole_changes(reader_for(file, self.opening).chunks(file, columns, rows)):
                yield self._next, frame
                self._next += len(frame)
            require(self._next > start, f"{file.name} has no rows; give `path` a file with data.")

    def _whole_changes(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Join chunks that meet in an hour that occurs twice: only all its rows tell summer from standard time."""
        waiting: pd.DataFrame | None = None
        for frame in frames:
            if waiting is not None and self._changes(pd.concat([waiting.iloc[-1:], frame.iloc[:1]])):
                waiting = pd.concat([waiting, frame], ignore_index=True)
                continue
            if waiting is not None:
                yield waiting
            waiting = frame
        if waiting is not None:
            yield waiting

    def _changes(self, rows: pd.DataFrame) -> bool:
        time = self.roles.time
        return time in rows.columns and may_occur_twice(rows[time], self.time_format, self.zone)

    def tables(self, files: Sequence[Path], encoder: Encoder, *, step: int, rows: int) -> Iterator[Table]:
        """Yield chunks as numbers; without a time column, rows are one step apart, from 0."""
        columns = list(dict.fromkeys([*self.roles.keys, *encoder.columns]))
        base = self._next
        for first, frame in self.frames(files, columns, rows):
            numbers = np.arange(first, first + len(frame))
            times = (numbers - base) * step if self.roles.time is None else self.times(first, frame[self.roles.time])
            values = self._encode(first, frame, encoder, encoder.columns)
            static = self._encode(first, frame, encoder, self.roles.static)
            yield Table(Rows(times, values, numbers), static, self._series(first, frame, encoder))

    def times(self, first: int, cells: pd.Series) -> Times:
        """Return stamps as nanoseconds; ``first`` is the number of the first row."""
        try:
            return parse_times(cells, self.time_format, self.zone, self.decimal)
        except CellError as error:
            where = self.place(first + error.index)
            raise InputError(f"{where}, column '{cells.name}': {error.problem}.") from error

    def place(self, number: int) -> str:
        """Say in which file and row the row of this number stands; the first row below the header is row 1."""
        index = bisect_right(self._starts, number) - 1
        return f"{self._names[index]}, row {number - self._starts[index] + 1}"

    def _encode(
        self, first: int, frame: pd.DataFrame, encoder: Encoder, columns: Sequence[str]
    ) -> Float32[np.ndarray, "time codes"]:
        values = np.empty((len(frame), sum(map(encoder.width, columns))), dtype=np.float32)
        at = 0
        for column in columns:
            try:
                values[:, at : at + encoder.width(column)] = encoder.encode(column, frame[column])
            except CellError as error:
                cure = "mend the cell or add it to `missing_values`"
                where = self.place(first + error.index)
                raise InputError(f"{where}, column '{column}': {error.problem}; {cure}.") from error
            at += encoder.width(column)
        return values

    def _series(self, first: int, frame: pd.DataFrame, encoder: Encoder) -> Shaped[np.ndarray, " time"] | None:
        if self.roles.series is None:
            return None
        names = words(frame[self.roles.series], encoder.missing)
        nameless = np.flatnonzero(pd.isna(names))
        if len(nameless):
            where = self.place(first + int(nameless[0]))
            raise InputError(f"{where} names no series; fill the column '{self.roles.series}' that `series` names.")
        return names
