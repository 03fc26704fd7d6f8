"""Several files: one recording, or a series each."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError
from dlkit.data.raw.batches import Ragged, batches
from dlkit.data.raw.stamps import stamps
from dlkit.data.readers.csv import Csv
from dlkit.data.sources.files import Files
from dlkit.data.tabular.encodings import UTF8, guess_encoding
from dlkit.data.tabular.files import BROKEN, reader_for, suffix_of
from dlkit.data.tabular.opening import Opening

WHOLE = 200 << 20  # bytes of files of which all stamps are read


@dataclass(frozen=True)
class Group:
    """Files with the same columns.

    Attributes:
        files: The files, by name.
        columns: Names of their columns.
        encoding: How text files are written, where that was found in them.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    encoding: str = UTF8


def encoding_of(files: Sequence[Path]) -> str:
    """Return how text files are written; UTF-8 where they are not all written alike, or none is text."""
    texts = [file for file in files if suffix_of(file, Csv.suffixes)]
    found = set[str]()
    for file in texts:
        with suppress(*BROKEN):  # whoever reads it tells what is wrong
            found.add(guess_encoding(file))
    found.discard("")
    return found.pop() if len(found) == 1 else UTF8


def group_files(files: Sequence[Path], opening: Opening) -> tuple[list[Group], dict[Path, str]]:
    """Return files by their columns, in the order of their first file; and why others cannot be opened."""
    found: dict[tuple[str, ...], tuple[list[Path], list[str]]] = {}
    broken: dict[Path, str] = {}
    for file in files:
        try:
            columns = reader_for(file, opening).columns(file)
        except InputError as error:
            broken[file] = str(error)
            continue
        found.setdefault(tuple(sorted(columns)), ([], columns))[0].append(file)
    return [Group(tuple(own), tuple(columns), opening.encoding) for own, columns in found.values()], broken


def guess_order(source: Files) -> dict[str, Any]:
    """Return ``series_from: file`` where the times of several files overlap or are not known, else nothing."""
    time = source.survey.roles.time
    if len(source.files) == 1 or source.survey.roles.series is not None:
        return {}
    if time is None:
        return {"series_from": "file"}
    whole = source.size <= WHOLE
    spans = [span for file in source.files if (span := _span(source, file, time, whole=whole)) is not None]
    apart = all(before[1] <= after[0] for before, after in pairwise(spans))
    return {} if apart else {"series_from": "file"}


def _span(source: Files, file: Path, time: str, *, whole: bool) -> tuple[int, int] | None:
    """Return the first and the last stamp of a file; of a large one the first alone."""
    settings, reading, found = source.settings, source.survey, list[int]()
    rows = 100_000 if whole else 1_000
    try:
        for batch in batches(file, [time], rows, opening=Opening.of(settings), ragged=Ragged()):
            times, known = stamps(batch.columns[time], settings["time_format"], reading.zone, settings["decimal"])
            times = times if known is None else times[known]
            found += [int(times.min()), int(times.max())] if len(times) else []
            if found and not whole:
                return found[0], found[0]
    except InputError:
        return None
    return (min(found), max(found)) if found else None
