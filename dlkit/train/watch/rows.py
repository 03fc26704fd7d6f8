"""Lines of a followed file as rows of numbers; a line that is none costs one sentence."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, counted, require, suggest
from dlkit.core.specs import Spec
from dlkit.data.readers.csv import delimiter_of
from dlkit.data.sources.files import Files
from dlkit.data.tabular.cells import CellError
from dlkit.data.tabular.columns import Encoder
from dlkit.data.tabular.local_time import localize_after
from dlkit.data.tabular.opening import joined_cells
from dlkit.data.tabular.stamps import Rows
from dlkit.data.tabular.time_column import may_occur_twice, parse_times
from dlkit.train.new_recordings import plain_files


class WatchedRows:
    """Reads rows as :class:`dlkit.data.sources.files.Files` does, line by line.

    Args:
        source: Says how files are written.
        spec: Says which channels are wanted.
        name: Of the file, for sentences.
    """

    def __init__(self, source: Files, spec: Spec, name: str) -> None:
        settings = source.settings
        require(
            settings["series"] is None and not spec.static,
            "dlkit watch follows the rows of one series, but the run has several in one file (`series`): write a file "
            "for each and watch them one by one.",
        )
        encoding = settings["encoding"]
        require(
            "\n".encode(encoding) == b"\n",
            f"dlkit watch reads lines that end with one byte, not text in `encoding: {encoding}`: write the file as "
            "UTF-8.",
        )
        self.settings, self.name, self.wanted = settings, name, spec.channels[: len(spec.channels) - spec.masks]
        self.step, self.zone = round(spec.step * 1e9), source.survey.zone
        self.encoder = Encoder(
            columns=tuple(settings["channels"]),
            categories=source.survey.roles.categories,
            values=settings["category_values"] or {},
            missing=source.survey.missing,
        )
        self.columns = [column for column in self.encoder.columns if {*self._names(column)} & {*self.wanted}]
        self.header: list[str] = []
        self.problems: list[str] = []
        self.line, self._rows, self._delimiter = 0, 0, ","
        self._last: int | None = None

    def begin(self, line: str) -> bool:
        """Take in the first line of a file; return False where it is a row, as after a rotation without a header.

        Raises:
            InputError: It does not name the columns that the network needs.
        """
        self.line = 0
        self._delimiter = delimiter_of(line)
        names = [name.strip() for name in self._cells(line)]
        keys = self._stamp_columns
        lacking = [column for column in (*keys, *self.columns) if column not in names]
        if lacking and self.header and len(names) == len(self.header) and not set(names) & set(self.header):
            return False
        require(
            not lacking,
            f"{self.name} has no column '{''.join(lacking[:1])}', which the network needs; its first line must name "
            f"the columns: {suggest(''.join(lacking[:1]), names)}",
        )
        self.header = names
        return True

    def rows(self, lines: Sequence[str]) -> Rows:
        """Return the rows of some lines; what is wrong with the others is added to ``problems``."""
        first, width, cells = self.line + 1, len(self.header), [self._cells(line) for line in lines]
        self.line += len(lines)
        for number, row in enumerate(cells):
            if row and len(row) != width:
                self._complain(first + number, f"{len(row)} cells under {counted(width, 'column name')}")
        good = [number for number, row in enumerate(cells) if len(row) == width]
        frame = pd.DataFrame([cells[number] for number in good], columns=self.header, dtype=object)
        return self._numbers(frame, first + np.array(good, np.int64))

    def _cells(self, line: str) -> list[str]:
        """Return the cells of a line by itself: a quotation mark that is never closed spoils no other line."""
        try:
            return next(csv.reader([line], delimiter=self._delimiter), [])
        except csv.Error:
            return [line]

    def _numbers(self, frame: pd.DataFrame, numbers: np.ndarray) -> Rows:
        """Return a table of cells as numbers, without the rows that hold anything else."""
        while True:
            try:
                values = self._values(frame)
                return Rows(self._times(frame), values, numbers)
            except CellError as error:
                self._complain(int(numbers[error.index]), error.problem)
                frame = frame.drop(index=frame.index[error.index]).reset_index(drop=True)
                numbers = np.delete(numbers, error.index)

    def _values(self, frame: pd.DataFrame) -> np.ndarray:
        encoded: dict[str, np.ndarray] = {}
        for column in self.columns:
            codes = self.encoder.encode(column, frame[column])
            encoded |= dict(zip(self._names(column), codes.T, strict=True))
        return np.stack([encoded[name] for name in self.wanted], 1)

    def _times(self, frame: pd.DataFrame) -> np.ndarray:
        parts = self._stamp_columns
        if not parts:
            self._rows += len(frame)
            return np.arange(self._rows - len(frame), self._rows, dtype=np.int64) * self.step
        text = joined_cells([frame[part] for part in parts]).to_pandas()
        cells = frame[parts[0]] if len(parts) == 1 else pd.Series(text, dtype="str")
        how, decimal = self.settings["time_format"], self.settings["decimal"]
        if not may_occur_twice(cells, how, self.zone):
            times = parse_times(cells, how, self.zone, decimal)
        else:
            if self._last is None:
                self._last = int(parse_times(cells.iloc[:1], how, self.zone, decimal)[0]) - self.step
            local = pd.Series(parse_times(cells, how, UTC, decimal).view("datetime64[ns]"))
            times = localize_after(local, self.zone, last=self._last, step=self.step)
        self._last = int(times[-1]) if len(times) else self._last
        return times

    @property
    def _stamp_columns(self) -> list[str]:
        time = self.settings["time"]
        return [] if time is None else [time] if isinstance(time, str) else list(time)

    def _names(self, column: str) -> tuple[str, ...]:
        return replace(self.encoder, columns=(column,)).names

    def _complain(self, number: int, problem: str) -> None:
        self.problems.append(f"{self.name}, row {number}: {problem}; the row is left out.")


def files_like(source: Any, path: str, fitted: dict[str, Any], spec: Spec) -> Files:
    """Return how the file to watch is written: as the files of the run, or as plain CSV where the run has none.

    Raises:
        InputError: The source reads files that are not followed line by line.
    """
    with_path = getattr(source, "with_path", None)
    if with_path is None:
        return plain_files(path, spec)
    found = with_path(path, fitted=fitted)
    if not isinstance(found, Files):
        raise InputError(
            f"dlkit watch follows a CSV file, but the run reads {type(source).__name__}: train on "
            "dlkit.data.sources.files.Files."
        )
    return found
