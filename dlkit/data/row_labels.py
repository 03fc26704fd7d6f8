"""Which rows of a table are known to be anomalous: by a column of its source, or by a list of intervals."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require, suggest
from dlkit.data.around import Around
from dlkit.data.base import EventSource, Source
from dlkit.data.records import Events, Stream
from dlkit.data.several.labels import label_rows
from dlkit.data.table.arrange import Arranged
from dlkit.data.table.disk import map_table
from dlkit.data.table.tables import Table
from dlkit.data.tabular.time_column import show_time


class Unlabelled(Around):
    """A source without its column of labels, which it keeps aside while the streams pass by.

    Args:
        source: The source.
        label: Name of the column.
        optional: New data need not have it.
    """

    def __init__(self, source: Source, label: str, *, optional: bool = False) -> None:
        self.source, self.label, self.optional = source, label, optional
        self.found: list[np.ndarray] = []

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the source and the column."""
        return {"source": self.source.fingerprint(), "without": self.label}

    def chunks(self) -> Iterator[Stream]:
        """Yield the streams without the column.

        Raises:
            InputError: There is no such column, or it is the only one.
        """
        self.found = []
        for stream in self.source.chunks():
            if self.label not in stream.channels and self.optional:
                yield stream
                continue
            require(
                self.label in stream.channels,
                f"labels: no channel is named '{self.label}'; {suggest(self.label, stream.channels)} A column of text "
                "is none: write 0 and 1, or leave `labels` out.",
            )
            require(len(stream.channels) > 1, f"`labels: {self.label}` is the only channel: give the source others.")
            place = stream.channels.index(self.label)
            self.found.append(stream.values[:, place].copy())
            names, units = list(stream.channels), list(stream.units)
            del names[place], units[place]
            values = np.ascontiguousarray(np.delete(stream.values, place, axis=1))
            yield replace(stream, values=values, channels=tuple(names), units=tuple(units))


def column_labels(source: Unlabelled, table: Table, cache: Path) -> np.ndarray | None:
    """Return True at the rows of a table whose label is 1, bool, (rows,); None where the source has no labels.

    Args:
        source: What the table was read from.
        table: The rows.
        cache: Folder of memory maps, for a table that was made before.

    Raises:
        InputError: A label is neither 0 nor 1.
    """
    if isinstance(table.values, np.memmap) and not source.optional:
        roles: Any = {"inputs": [source.label], "targets": [source.label], "future": [], "calendar": ()}
        values = np.asarray(map_table(Arranged(source.source, roles), cache).values[:, 0])
    elif not source.found:
        return None
    else:
        values = np.concatenate(source.found)
    wrong = np.flatnonzero(~np.isin(values, (0, 1)) & ~np.isnan(values))
    if len(wrong):
        raise InputError(
            f"labels: '{source.label}' is {values[wrong[0]]:g} in row {wrong[0] + 1}: it must be 0 (normal) or 1 "
            "(anomalous) everywhere; name another column in `labels`."
        )
    return np.asarray(values == 1)


def interval_labels(intervals: EventSource, table: Table) -> np.ndarray:
    """Return True at the rows of a table that lie in an interval, bool, (rows,).

    A series without an interval is normal. Intervals that touch no row at all are warned of in one sentence.

    Raises:
        InputError: None of several series has an interval.
    """
    found = _of_all_series(list(intervals.read()), table.names)
    marked = np.asarray(label_rows("intervals", found, table) > 0)
    if not marked.any():
        _warn_apart(found, table.times)
    return marked


def _of_all_series(found: list[Events], names: Sequence[str]) -> list[Events]:
    """Return the intervals of each series, none for those that are not mentioned."""
    known = [one.name for one in found]
    if len(known) == len(names) == 1:
        return found
    require(
        bool({*known} & {*names}),
        f"`intervals` are of {', '.join(known[:3])}, which is none of the series {', '.join(names[:3])}: set `series` "
        "of the table of intervals to the column that names them.",
    )
    none, classes = np.empty(0, np.int64), found[0].classes
    return [*found, *(Events(name, none, none, none, classes) for name in names if name not in known)]


def _warn_apart(found: Sequence[Events], times: np.ndarray) -> None:
    """Say which times intervals and rows span."""
    show = show_time(relative=False)
    onset, offset = (np.concatenate([getattr(one, edge) for one in found]) for edge in ("onset", "offset"))
    if len(onset):
        warnings.warn(
            f"`intervals`: {counted(len(onset), 'interval')} from {show(int(onset.min()))} to "
            f"{show(int(offset.max()))} touch no row of the table, which spans {show(int(times.min()))} to "
            f"{show(int(times.max()))}: nothing is labelled; check `time_format` and `time_zone` of both.",
            stacklevel=2,
        )


def ranges_of(mask: np.ndarray) -> np.ndarray:
    """Return the first and the past-the-last row of each run of True, (n, 2)."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2).astype(np.int64)


def mask_of(ranges: np.ndarray, rows: int) -> np.ndarray:
    """Return True at the rows that ranges cover, bool, (rows,); undoes :func:`ranges_of`."""
    change = np.zeros(rows + 1, np.int64)
    np.add.at(change, ranges.ravel(), np.tile([1, -1], len(ranges)))
    return np.asarray(change[:-1].cumsum() > 0)
