"""Events that a table lists: onset, end and label."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.base import EventSource
from dlkit.data.frames.intervals import first_overlap, last_begun
from dlkit.data.frames.other_files import OtherFiles
from dlkit.data.frames.stamps import Stamps, missing_cells
from dlkit.data.records import Events
from dlkit.data.samples.labels import as_text
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.cells import CellError, Missing, numbers
from dlkit.data.tabular.files import find_files, identify, reader_for
from dlkit.data.tabular.table_series import one_series
from dlkit.data.tabular.time_column import SECOND

ROWS = 50_000


class EventTable(OtherFiles, EventSource):
    """Labels over intervals of time, from CSV, Parquet, HDF5 or NumPy tables.

    An event holds from its onset on until just before its end; one without duration marks a moment. Rows are counted
    from 1 below the header.

    Args:
        path: Table, folder or glob of tables, or a list of these.
        onset: Column with the time at which each event begins.
        offset: Column with the time at which it is over.
        duration: Column with the seconds that it takes, instead of ``offset``.
        label: Column with its class; None takes all as one class, ``event``.
        classes: Names of the classes in their order, without the background; by default those found, sorted.
        background: Name of the class that holds where there is no event; it comes first.
        time_format: How times are written, as for :class:`dlkit.data.sources.files.Files`.
        time_zone: Time zone of times without an offset.
        series: Column that names the series of a row; by default all are of one series, named after the file.
        overlap: Events that overlap: ``refuse``, or the one that began ``last`` holds, until it is over.
        bad: Rows without a time, with the end before the onset, or without a known label: ``fail``, or ``skip`` them.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        onset: str = "onset",
        offset: str | None = None,
        duration: str | None = None,
        label: str | None = "label",
        classes: Sequence[str] | None = None,
        background: str = "none",
        time_format: str = "auto",
        time_zone: str = "UTC",
        series: str | None = None,
        overlap: Literal["refuse", "last"] = "refuse",
        bad: Policy = "fail",
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key != "self"}
        self.settings: dict[str, Any] = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.given.items()
            if key != "path"
        }
        require(
            (offset is None) != (duration is None),
            "Events need one kind of end: set `offset` to the column of their ends, or `duration` to that of seconds.",
        )
        require(overlap in ("refuse", "last"), f"`overlap: {overlap}` is not known; set it to 'refuse' or 'last'.")
        require(bad in ("fail", "skip"), f"`bad: {bad}` is not known; set it to 'fail' or 'skip'.")
        self.path, self.overlap, self.policy = path, overlap, bad
        self.stamps = Stamps(time_format=time_format, time_zone=time_zone)
        wanted = {"onset": onset, "offset": offset, "duration": duration, "label": label, "series": series}
        self.columns = {setting: column for setting, column in wanted.items() if column is not None}
        named = list(self.columns.values())
        twice = [f"`{setting}: {column}`" for setting, column in self.columns.items() if named.count(column) > 1]
        require(not twice, f"{' and '.join(twice)} name one column twice: give each its own.")

    @cached_property
    def files(self) -> list[Path]:
        """Tables in the order of reading."""
        return find_files(self.path)

    def _table(self) -> tuple[pd.DataFrame, list[str]]:
        """Return all rows, their columns called by their part, and what each row is called."""
        tables, places = [], []
        for file in self.files:
            reader = reader_for(file)
            there = reader.columns(file)
            for setting, column in self.columns.items():
                if column not in there:
                    cure = " Or set `label: null`, which takes all events as one class." if setting == "label" else ""
                    raise InputError(
                        f"{file.name} has no column '{column}' for `{setting}`; {suggest(column, there)}{cure}"
                    )
            chunks = list(reader.chunks(file, list(self.columns.values()), ROWS))
            rows = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=[*self.columns.values()])
            tables.append(rows.rename(columns={column: setting for setting, column in self.columns.items()}))
            places += [f"{file.name}, row {number + 1}" for number in range(len(rows))]
        require(len(places) > 0, f"{self.files[0].name} lists no event: give a table with rows.")
        return pd.concat(tables, ignore_index=True), places

    @cached_property
    def _events(self) -> list[Events]:
        table, places = self._table()
        problems = Problems(places, self.policy, what="events")
        onset, offset = self._times(table, problems)
        cells = table["label"] if "label" in table.columns else pd.Series(np.full(len(table), "event", dtype=object))
        classes, labels = self._labels(cells, problems)
        series = np.full(len(table), one_series(self.files)[0][0], dtype=object)
        if "series" in table.columns:
            series, nameless = as_text(table["series"].to_numpy(dtype=object))
            problems.mark("series missing", nameless)
        good = problems.settle()
        found = []
        for name in pd.unique(series[good]):
            own = good[series[good] == name]
            own = own[np.argsort(onset[own], kind="stable")]
            start, stop, number = self._apart(onset[own], offset[own], [places[row] for row in own])
            found.append(Events(str(name), start, stop, labels[own][number], classes))
        return found

    def _times(self, table: pd.DataFrame, problems: Problems) -> tuple[np.ndarray, np.ndarray]:
        """Return onset and end of each event; those without, or with the end first, are marked."""
        column = self.columns
        onset = self.stamps.read_known(table["onset"], problems, f"column '{column['onset']}'", cause="no onset")
        if "offset" in column:
            end = self.stamps.read_known(table["offset"], problems, f"column '{column['offset']}'", cause="no end")
        else:
            end = onset + self._durations(table["duration"], problems)
        problems.mark("end before the onset", end < onset)
        return onset, end

    def _durations(self, cells: pd.Series, problems: Problems) -> np.ndarray:
        problems.mark("no duration", missing_cells(cells))
        try:
            seconds = numbers(cells, Missing())
        except CellError as error:
            where = f"{problems.names[error.index]}, column '{self.columns['duration']}'"
            raise InputError(f"{where}: {error.problem}; write seconds as a number.") from error
        return np.asarray(np.rint(np.nan_to_num(seconds) * SECOND), dtype=np.int64)

    def _labels(self, cells: pd.Series, problems: Problems) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the names of the classes, the background first, and the number of the class of each event."""
        background, given = self.settings["background"], self.settings["classes"]
        text, missing = as_text(cells.to_numpy(dtype=object))
        problems.mark("label missing", missing)
        known = sorted(set(text[~missing])) if given is None else given
        require(len(set(known)) == len(known), f"`classes` {known} names one twice: give each its own name.")
        classes = (background, *(name for name in known if name != background))
        order = {name: number for number, name in enumerate(classes)}
        labels = np.array([order.get(word, -1) for word in text], dtype=np.int64)
        problems.mark(f"label that is none of {', '.join(classes)}", (labels < 0) & ~missing)
        return classes, labels

    def _apart(
        self, onset: np.ndarray, offset: np.ndarray, places: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return events that do not overlap, and the number of the row of each."""
        wrong = first_overlap(onset, offset)
        if wrong is None:
            return onset, offset, np.arange(len(onset))
        if self.overlap == "refuse":
            raise InputError(
                f"{places[wrong]}: the event begins before one above it is over; set `overlap: last` to let the one "
                "that began last hold."
            )
        return last_begun(onset, offset)

    def read(self) -> list[Events]:
        """Return the events of each series.

        Raises:
            InputError: A column is absent, events overlap, or rows cannot be used and ``bad`` is ``fail``.
        """
        return self._events

    @property
    def fitted(self) -> dict[str, Any]:
        """The classes in their order, without the background."""
        return {"classes": list(self.read()[0].classes[1:])}

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each table, and the settings."""
        return {"files": [identify(file) for file in self.files], "settings": self.settings}
