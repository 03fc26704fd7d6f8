"""Which files hold which time, told by the first stamp of each, so that some of them can be read by themselves."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dlkit.data.tabular.file_tables import FileTables


@dataclass(frozen=True)
class FileSpan:
    """A file of a series.

    Attributes:
        series: Name of the series.
        first: Stamp of its first row, nanoseconds.
        file: The file.
    """

    series: str
    first: int
    file: Path


def first_stamps(recordings: Sequence[tuple[str, Sequence[Path]]], reading: FileTables, time: str) -> list[FileSpan]:
    """Return the files of each series; nothing where those of a series are not in the order of time."""
    found = [
        FileSpan(name, int(reading.times(first, frame[time])[0]), file)
        for name, files in recordings
        for file in files
        for first, frame in [next(reading.frames([file], [time], 1))]
    ]
    back = [one.series == two.series and two.first < one.first for one, two in pairwise(found)]
    return [] if any(back) else found


def files_between(spans: Sequence[FileSpan], series: str, first: int | None, last: int | None) -> list[Path]:
    """Return the files of a series from the one before ``first`` to the one after ``last``; None is no border."""
    own = [span for span in spans if span.series == series]
    stamps = [span.first for span in own]
    low = 0 if first is None else max(bisect_left(stamps, first) - 1, 0)
    high = len(own) if last is None else bisect_right(stamps, last) + 1
    return [span.file for span in own[low:high]]
