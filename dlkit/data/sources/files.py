"""Recordings in files of any readable format."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.tabular.cells import Decimal, Encoding
from dlkit.data.tabular.columns import check_units
from dlkit.data.tabular.file_settings import check_settings
from dlkit.data.tabular.file_spans import FileSpan, files_between, first_stamps
from dlkit.data.tabular.file_survey import FileSurvey
from dlkit.data.tabular.file_tables import FileTables, Table
from dlkit.data.tabular.files import find_files, identify
from dlkit.data.tabular.stamps import Disorder, Duplicates, Gaps, Irregular, Rows
from dlkit.data.tabular.table_series import by_file, by_name, constant, one_series, sort_tables, with_final
from dlkit.data.tabular.time_column import show_time
from dlkit.data.tabular.timeline import Policies, Timeline


class Files(Source):
    """Series in CSV, Parquet, HDF5 or NumPy files, checked row by row while they are read in bounded memory.

    Anything that would bend the time axis is refused until a setting says what to do with it. The whole table is held
    in memory only for ``series`` and ``disorder: sort``. Rows are counted from 1 below the header.

    Args:
        path: File, folder (its readable files by name), glob, or a list of these. Several files are one recording in
            this order, unless ``series`` or ``series_from`` says otherwise.
        time: Column of the stamps, or a list of columns that are one together, such as [date, clock]: they are joined
            by a blank before they are read. Without it rows are ``step`` apart.
        time_format: ``auto`` (dates, or ISO text), ``iso``, ``s``, ``ms``, ``us``, ``ns`` since 1970, ``s ms``,
            ``s us``, ``s ns`` (seconds in one column, what is left of them in another), ``relative`` (seconds since a
            start), or a pattern such as ``%d.%m.%Y %H:%M:%S,%f``.
        time_zone: Time zone of stamps without an offset: a name such as ``Europe/Berlin`` or an offset, ``+01:00``.
            Where the clock is set back, the order of the rows tells the first pass of the hour from the second.
        channels: ``numeric`` (every column with numbers, and those in ``categories``), names, or globs (``temp_*``).
        categories: How text columns become numbers: ``onehot`` (channels ``column=value``) or ``ordinal``.
        category_values: Values of each text column, in the order of their codes; found in the files when absent.
        units: Physical unit of columns or channels.
        missing_values: Numbers or words that stand for a missing value, besides empty cells, NaN, NA and null.
        decimal: Decimal mark of numbers written as text, ``.`` or ``,`` as in many European exports.
        series: Column that names the series of a row.
        series_from: ``file``: each file is one series, named after it.
        static: Columns that are constant for a series.
        step: Nominal step, a duration (``10min``) or seconds; by default the median of the first 100,000 of the first
            series.
        disorder: Stamps that go back: ``refuse``, or ``sort`` the rows of each series.
        duplicates: Stamps that come twice: ``refuse``, take the ``first``, the ``last`` or the ``mean``, or ``keep``.
        gaps: Several steps between two rows: ``refuse``, ``split`` (no window crosses it), ``fill`` with missing
            rows, or ``keep`` (as if the rows were consecutive).
        irregular: A step that is no multiple of ``step``: ``refuse``, ``split``, ``keep`` (more than 1.5 steps then
            count as a gap), or ``snap`` to the nearest grid point, which can move a value ahead of its time by up to
            half a step.
        tolerance: Share of a step by which a multiple may be missed.
        group: Group inside HDF5 files.
        encoding: How the bytes of CSV files become letters, e.g. ``latin-1``, ``cp1252`` or ``utf-16``.
        rows_per_chunk: Rows read at a time; changes memory and speed, never the result.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        time: str | Sequence[str] | None = None,
        time_format: str = "auto",
        time_zone: str = "UTC",
        channels: str | Sequence[str] = "numeric",
        categories: Mapping[str, Encoding] | None = None,
        category_values: Mapping[str, Sequence[str]] | None = None,
        units: Mapping[str, str] | None = None,
        missing_values: Sequence[float | int | str] = (),
        decimal: Decimal = ".",
        series: str | None = None,
        series_from: Literal["file"] | None = None,
        static: Sequence[str] = (),
        step: str | float | int | None = None,
        disorder: Disorder = "refuse",
        duplicates: Duplicates = "refuse",
        gaps: Gaps = "refuse",
        irregular: Irregular = "refuse",
        tolerance: float = 0.05,
        group: str = "",
        encoding: str = "utf-8",
        rows_per_chunk: int = 100_000,
    ) -> None:
        self.settings: dict[str, Any] = {key: value for key, value in locals().items() if key != "self"}
        check_settings(self.settings)
        self.policies = Policies(
            disorder=disorder, duplicates=duplicates, gaps=gaps, irregular=irregular, tolerance=tolerance
        )
        self.survey = FileSurvey(self.settings)
        self._lost: Counter[str] = Counter()

    @cached_property
    def files(self) -> list[Path]:
        """Files in the order of reading."""
        return find_files(self.settings["path"])

    @property
    def category_values(self) -> dict[str, list[str]]:
        """Values of each text column, in the order of their codes."""
        return self.survey.category_values(self.files)

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files, as plain types: with them, other files give the same channels."""
        step = self.settings["step"]
        return {
            "channels": self.survey.columns(self.files),
            "category_values": self.category_values,
            "step": f"{self.survey.step(self.files)}ns" if step is None else step,
        }

    def with_path(self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None) -> "Files":
        """Return this source for other files.

        Args:
            path: As for the class.
            fitted: What :attr:`fitted` gave; read from the files of this source when absent.
        """
        return type(self)(**{**self.settings, **(self.fitted if fitted is None else fitted), "path": path})

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each file, and the settings."""
        left_out = {"path", "rows_per_chunk"}
        settings = {key: _plain(value) for key, value in self.settings.items() if key not in left_out}
        return {"files": [identify(file) for file in self.files], "settings": settings}

    @property
    def dated(self) -> bool:
        """Whether times are dates; else they count from a start."""
        return self.settings["time"] is not None and self.settings["time_format"] != "relative"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)

    def spans(self) -> list[tuple[str, int]]:
        """Return series and first stamp of each file; nothing where one file must be read to understand another."""
        return [(span.series, span.first) for span in self._spans]

    def between(self, series: str, first: int | None, last: int | None) -> "Files":
        """Return a source of the files of a series from the one before ``first`` to the one after ``last``."""
        return self.with_path(files_between(self._spans, series, first, last)) if self._spans else self

    @cached_property
    def _spans(self) -> list[FileSpan]:
        time, settings = self.survey.roles.time, self.settings
        if time is None or settings["series"] is not None or self._sorts or "/" in settings["time_zone"]:
            return []
        by_each_file = settings["series_from"] == "file"
        recordings = by_file(self.files) if by_each_file else one_series(self.files)
        return first_stamps(recordings, self.survey.reading(), time)

    @property
    def lost(self) -> dict[str, int]:
        """Rows left out, per cause."""
        return dict(self._lost)

    def chunks(self) -> Iterator[Stream]:
        """Yield the series, checked and mended."""
        self._lost = Counter()
        reading = self.survey.reading()
        relative = self.survey.roles.time is None or self.settings["time_format"] == "relative"
        for name, tables in self._recordings(reading):
            timeline = Timeline(
                self.policies,
                step=self.survey.step(self.files),
                place=reading.place,
                show=show_time(relative=relative),
                guessed=self.settings["step"] is None,
                mixed=self.settings["series"] is None and self.settings["series_from"] is None,
            )
            yield from self._streams(name, tables, timeline, reading)
            self._lost.update(timeline.lost)

    def _recordings(self, reading: FileTables) -> Iterator[tuple[str, Iterator[Table]]]:
        by_each_file = self.settings["series_from"] == "file"
        encoder, step = self.survey.encoder(self.files), self.survey.step(self.files)
        for name, files in by_file(self.files) if by_each_file else one_series(self.files):
            tables = reading.tables(files, encoder, step=step, rows=self.settings["rows_per_chunk"])
            if self.survey.roles.series is not None:
                yield from by_name(tables, step=step if self.survey.roles.time is None else None, sort=self._sorts)
            else:
                yield name, sort_tables(tables) if self._sorts else tables

    @property
    def _sorts(self) -> bool:
        return self.policies.disorder == "sort"

    def _streams(self, name: str, tables: Iterator[Table], timeline: Timeline, reading: FileTables) -> Iterator[Stream]:
        names = self.survey.static_names(self.files)
        static: dict[str, float] = {}
        for table, final in with_final(tables):
            static = constant(table, names, static, name=name, place=reading.place)
            for rows, continues in timeline.push(table.rows, final=final):
                yield self._stream(name, rows, static, continues=continues)

    def _stream(self, name: str, rows: Rows, static: dict[str, float], *, continues: bool) -> Stream:
        channels = self._channels
        units = self.settings["units"] or {}
        return Stream(
            name=name,
            times=rows.times,
            values=rows.values,
            channels=channels,
            units=tuple(units.get(channel, "") for channel in channels),
            step=self.survey.step(self.files),
            static=static,
            continues=continues,
        )

    @cached_property
    def _channels(self) -> tuple[str, ...]:
        names = self.survey.encoder(self.files).names
        check_units(self.settings["units"] or {}, {*names, *self.survey.reading().columns(self.files[0])})
        return names


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
