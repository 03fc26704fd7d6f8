"""What must be known of the files before their rows can be read as numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError
from dlkit.data.tabular.cells import Missing, words
from dlkit.data.tabular.columns import Encoder, Roles, choose
from dlkit.data.tabular.file_tables import FileTables
from dlkit.data.tabular.opening import Opening, time_column
from dlkit.data.tabular.stamps import median_step
from dlkit.data.tabular.time_column import parse_step, parse_zone

HEAD_ROWS = 1_000
PROBE_ROWS = 100_000


class FileSurvey:
    """Finds channels, categories and step in the files, once, where the settings leave them open.

    Args:
        settings: Settings of :class:`dlkit.data.sources.files.Files`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        channels = settings["channels"]
        self.settings = settings
        self.roles = Roles(
            time=time_column(settings["time"]),
            series=settings["series"],
            static=tuple(settings["static"]),
            channels=(channels,) if isinstance(channels, str) else tuple(channels),
            categories=dict(settings["categories"] or {}),
        )
        self.missing = Missing.of(settings["missing_values"], settings["decimal"])
        self.zone = parse_zone(settings["time_zone"])
        self._columns: list[str] | None = None
        self._categories: dict[str, list[str]] | None = None
        self._step: int | None = None if settings["step"] is None else parse_step(settings["step"])

    def reading(self) -> FileTables:
        """Return a reader of the files, at their start."""
        form, opening = self.settings["time_format"], Opening.of(self.settings)
        return FileTables(self.roles, time_format=form, zone=self.zone, opening=opening, decimal=self.missing.decimal)

    def columns(self, files: list[Path]) -> list[str]:
        """Return the columns that become channels, chosen by the head of the first file."""
        if self._columns is None:
            head = self.reading().head(files[0], HEAD_ROWS)
            self._columns = choose(self.roles, head, self.missing, files[0].name)
        return self._columns

    def category_values(self, files: list[Path]) -> dict[str, list[str]]:
        """Return the values of each text column: as given, else all that the files hold, sorted."""
        if self._categories is None:
            given = {column: list(values) for column, values in (self.settings["category_values"] or {}).items()}
            scanned = self._scan(files, [column for column in self.roles.categories if column not in given])
            self._categories = {column: (given | scanned)[column] for column in self.roles.categories}
        return self._categories

    def _scan(self, files: list[Path], columns: list[str]) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {column: set() for column in columns}
        if columns:
            for _, frame in self.reading().frames(files, columns, PROBE_ROWS):
                for column in columns:
                    found[column].update(pd.Series(words(frame[column], self.missing)).dropna().unique())
        return {column: sorted(values) for column, values in found.items()}

    def encoder(self, files: list[Path]) -> Encoder:
        """Return what makes numbers of the channels."""
        return self._encoder(files, self.columns(files))

    def static_names(self, files: list[Path]) -> tuple[str, ...]:
        """Return the names of the static values."""
        return self._encoder(files, list(self.roles.static)).names

    def _encoder(self, files: list[Path], columns: list[str]) -> Encoder:
        values = self.category_values(files)
        return Encoder(columns=tuple(columns), categories=self.roles.categories, values=values, missing=self.missing)

    def step(self, files: list[Path]) -> int:
        """Return the nominal step in nanoseconds."""
        if self._step is None:
            self._step = median_step(self._first_times(files))
        if self._step is None:
            raise InputError(f"{files[0].name} has no two different stamps to tell a step; set `step`, e.g. '1h'.")
        return self._step

    def _first_times(self, files: list[Path]) -> np.ndarray:
        """Return the stamps of the first series, in the first rows."""
        reading = self.reading()
        files = files[:1] if self.settings["series_from"] == "file" else files
        columns = [column for column in (self.roles.time, self.roles.series) if column is not None]
        found: list[np.ndarray] = []
        series: Any = None
        for first, frame in reading.frames(files, columns, PROBE_ROWS):
            times = reading.times(first, frame[columns[0]])
            if len(columns) == 2:
                names = frame[columns[1]].to_numpy(dtype=object)
                series = names[0] if series is None else series
                times = times[names == series]
            found.append(times)
            if sum(map(len, found)) >= PROBE_ROWS:
                break
        return np.concatenate(found)[:PROBE_ROWS]
