"""A table as it stands: every row that has a stamp, every value that is a number."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require
from dlkit.core.finding import Finding
from dlkit.data.raw.base import Progress, Raw
from dlkit.data.raw.batches import Batch, Ragged, batches
from dlkit.data.raw.cells import numbers, text_of, word_of
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.needs import Needs
from dlkit.data.raw.runs import Part, cut, gathered
from dlkit.data.raw.seen import Fault, Seen
from dlkit.data.raw.settings import DEFAULTS, found_settings
from dlkit.data.raw.stamps import stamps
from dlkit.data.raw.table_findings import table_findings
from dlkit.data.records import Stream
from dlkit.data.sources.files import Files
from dlkit.data.tabular.opening import Opening
from dlkit.data.tabular.stamps import median_step
from dlkit.data.tabular.table_series import by_file, one_series
from dlkit.data.tabular.time_column import SECOND

VALUES = 2**20  # values of a chunk, which the caches of a processor hold
LEAST = 256  # rows of a chunk
PROBE = 100_000  # rows whose stamps tell the step


class TableRaw(Raw):
    """Rows of tables of any format, read with the settings of a source.

    Args:
        source: Names files, columns and formats; its policies are not applied.
        channels: Columns that are numbers.
        texts: Columns of text whose values are counted.
        guessed: Settings of the source that were found in the files.
        name: Name of the source among several.
        own: The settings are those of a config: what they do not read is an error.
        notes: What was found while they were guessed.
    """

    kind = "table"

    def __init__(
        self,
        source: Files,
        *,
        channels: Sequence[str],
        texts: Sequence[str] = (),
        guessed: Mapping[str, Any] | None = None,
        name: str = "",
        own: bool = False,
        notes: Sequence[Finding] = (),
    ) -> None:
        self.files, self.reading = source, source.survey
        self.channels, self.texts, self.own, self.notes = tuple(channels), tuple(texts), own, tuple(notes)
        self.guessed = dict(guessed or {})
        units = source.settings["units"] or {}
        given = source.settings["step"]
        self.layout = Layout(
            name, self.channels, tuple(units.get(channel, "") for channel in self.channels), source.dated,
            0 if given is None else self.reading.step(source.files),
        )  # fmt: skip
        self.seen, self.needs = Seen(np.ones(len(self.channels), bool)), Needs(self.layout.step or SECOND)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes)

    @cached_property
    def sizes(self) -> list[int]:
        """Bytes of each file."""
        return [file.stat().st_size if file.exists() else 0 for file in self.files.files]

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings of the source that reads this."""
        path = f"{type(self.files).__module__}.{type(self.files).__name__}"
        given = {name: value for name, value in self.files.settings.items() if value != DEFAULTS.get(name)}
        if self.own:
            return path, given
        if not self.layout.step and self._median is None:
            given["step"] = "1s"  # two stamps are needed to tell one
        return path, found_settings(given, self.seen, self.needs.settings(), self.channels)

    @cached_property
    def step(self) -> int:
        """Median time between the first stamps in nanoseconds, as the source finds it; else a second."""
        return self.layout.step or self._median or SECOND

    @cached_property
    def _median(self) -> int | None:
        return None if self.reading.roles.time is None else median_step(self._first_times())

    def _first_times(self) -> np.ndarray:
        found: list[np.ndarray] = []
        columns = [name for name in (self.reading.roles.time, self.reading.roles.series) if name is not None]
        first: Any = None
        for _, file in self._places[: 1 if self._by_file else None]:
            for batch in self._batches(file, columns, Ragged(), PROBE):
                times, known = self._times(batch)
                keep = np.ones(len(times), bool) if known is None else known
                if len(columns) == 2:
                    names = text_of(batch.columns[columns[1]]).to_numpy(zero_copy_only=False)
                    first = names[0] if first is None and len(names) else first
                    keep = keep & (names == first)
                found.append(times[keep])
                if sum(map(len, found)) >= PROBE:
                    return np.concatenate(found)[:PROBE]
        return np.concatenate(found) if found else np.array([], np.int64)

    @property
    def _by_file(self) -> bool:
        return bool(self.files.settings["series_from"] == "file")

    @property
    def _places(self) -> list[tuple[str, Path]]:
        """Series and file of each file."""
        groups = by_file(self.files.files) if self._by_file else one_series(self.files.files)
        return [(name, file) for name, files in groups for file in files]

    def _batches(self, file: Path, columns: Sequence[str], ragged: Ragged, rows: int) -> Iterator[Batch]:
        yield from batches(file, columns, rows, opening=Opening.of(self.files.settings), ragged=ragged)

    def chunks(self, progress: Progress | None = None) -> Iterator[tuple[Stream, int]]:
        """Yield the rows; a whole pass also tells what :meth:`findings` are."""
        self.seen, self.needs = Seen(np.ones(len(self.channels), bool)), Needs(self.step)
        parts = self._parts(progress)
        if self.reading.roles.series is not None and self._scattered():
            parts = gathered(parts, self._rows_per_chunk)
        for part in parts:
            self.needs.add(part.series, part.times)
            self.seen.rows += len(part.times)
            yield self._stream(part), part.first
        require(self.seen.rows > 0 or self.seen.lost.count > 0, self._nothing())

    def _nothing(self) -> str:
        said = list(self.seen.broken.values())
        return said[0] if said else f"{self.files.files[0].name} has no rows; give `path` a file with data."

    def _stream(self, part: Part) -> Stream:
        return Stream(part.series, part.times, part.table, self.channels, self.layout.units, self.step)

    @property
    def _rows_per_chunk(self) -> int:
        return max(LEAST, VALUES // max(1, len(self.channels)))

    def _parts(self, progress: Progress | None) -> Iterator[Part]:
        done, counts = 0, dict[str, int]()
        for (name, file), size in zip(self._places, self.sizes, strict=True):
            for part, read in self._of_file(name, file, counts):
                yield part
                if progress is not None:
                    progress(done + min(read, size), self.size)
            done += size
        if progress is not None:
            progress(self.size, self.size)

    def _of_file(self, name: str, file: Path, counts: dict[str, int]) -> Iterator[tuple[Part, int]]:
        """Yield the rows of a file, with the bytes that have been read; one that breaks off is noted."""
        ragged = self.seen.ragged.setdefault(file.name, Ragged())
        first, row = counts.get(name, 0), 0
        try:
            for batch in self._batches(file, self._columns, ragged, self._rows_per_chunk):
                rows = ragged.numbered(np.arange(row, row + batch.rows))
                if self.reading.roles.series is None and batch.rows:
                    counts[name] = first + int(rows[0])
                for part in self._of_batch(name, file.name, rows, batch, counts):
                    yield part, batch.done
                row += batch.rows
        except InputError as error:
            self.seen.broken[file.name] = str(error)
        if not row and file.name not in self.seen.broken:
            self.seen.empty.append(file.name)

    @cached_property
    def _columns(self) -> list[str]:
        roles = self.reading.roles
        keys = [name for name in (roles.time, roles.series) if name is not None]
        return list(dict.fromkeys([*keys, *self.channels, *self.texts]))

    def _of_batch(self, name: str, file: str, rows: np.ndarray, batch: Batch, counts: dict[str, int]) -> Iterator[Part]:
        times, known = self._times(batch)
        if known is not None:
            lost = np.flatnonzero(~known)
            column = batch.columns[self.reading.roles.time or ""]
            self.seen.lost.add(file, rows[lost], [word_of(column[number].as_py()) for number in lost[:1000].tolist()])
        values = self._values(batch, file, rows)
        for text in self.texts:
            self.seen.note_text(text, text_of(batch.columns[text]))
        series = self.reading.roles.series
        names = None if series is None else batch.columns[series]
        step = self.step if self.reading.roles.time is None else 0
        yield from cut(name, names, Part(name, 0, times, values), known, counts, step=step)

    def _times(self, batch: Batch) -> tuple[np.ndarray, np.ndarray | None]:
        time = self.reading.roles.time
        if time is None:
            return np.zeros(batch.rows, np.int64), None
        return stamps(
            batch.columns[time], self.files.settings["time_format"], self.reading.zone, self.reading.missing.decimal
        )

    def _values(self, batch: Batch, file: str, rows: np.ndarray) -> np.ndarray:
        values = np.empty((batch.rows, len(self.channels)), np.float32)
        with np.errstate(over="ignore"):
            for number, channel in enumerate(self.channels):
                found = numbers(batch.columns[channel], self.reading.missing)
                values[:, number] = found.known
                if len(found.bad):
                    self.seen.unread.setdefault(channel, Fault()).add(file, rows[found.bad], found.text)
        self.seen.note_values(self.channels, values, file, rows)
        return values

    def _scattered(self) -> bool:
        """Tell whether rows of several series lie between each other, so that the table has to be in memory."""
        column = self.reading.roles.series or ""
        before, last = set[str](), None
        for _, file in self._places:
            for batch in self._batches(file, [column], Ragged(), PROBE):
                names = pd.Series(text_of(batch.columns[column]).to_pandas())
                for name in names[names.ne(names.shift())].tolist():
                    if name != last and name in before:
                        return True
                    before.add(name)
                    last = name
        return False

    def findings(self) -> list[Finding]:
        """Return what could not be read, and what had to be guessed."""
        return [*self.notes, *table_findings(self.seen, self.layout, self.files, own=self.own)]
