"""Labelled intervals held against the signals, on the clock that the data module brought them to."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.data.inputs import EventInput
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.records import Events, Stream
from dlkit.data.several.ticks import on_clock
from dlkit.data.sources.aligned import Aligned
from dlkit.data.table.tables import Table
from dlkit.quality.labels.report import LabelReport
from dlkit.train.check.answers import judged_intervals
from dlkit.train.check.seen import Wanted

LABEL = "label"
MOST = 2_000_000  # values of a table whose intervals are judged


def intervals_of(data: Any, wanted: Wanted) -> dict[str, LabelReport]:
    """Return what is wrong with the labelled intervals of a data module, by source; nothing where it has none.

    Raises:
        InputError: The data module refuses its data.
    """
    events = dict(events_of(data))
    if not events:
        return {}
    table = data.prepared.table
    if table.values.size > MOST or len(table.values) != len(table.times):
        return {}
    streams = list(streams_of(table))
    return {
        name: judged_intervals(named_alike(found, streams), streams, wanted.run, wanted.seed, name)
        for name, found in events.items()
    }


def events_of(data: Any) -> Iterator[tuple[str, list[Events]]]:
    """Yield the labelled intervals of a data module by the name of their source."""
    source: Any = getattr(data, "source", None)
    if isinstance(data, ReconstructionDataModule) and data.labels is not None:
        yield "", list(marked(data.prepared.table, data.labels))
    for name, given in source.sources.items() if isinstance(source, Aligned) else ():
        if isinstance(given, EventInput):
            timing = source.timings[name]
            yield (
                name,
                [
                    replace(one, onset=on_clock(one.onset, timing), offset=on_clock(one.offset, timing))
                    for one in given.source.read()
                ],
            )


def marked(table: Table, anomalous: np.ndarray) -> Iterator[Events]:
    """Yield rows that are labelled anomalous as intervals, for each uninterrupted run of rows.

    Args:
        table: The rows.
        anomalous: bool, (rows,).
    """
    from dlkit.quality.labels.check_segments import column_events

    values = anomalous[:, None].astype(np.float32)
    for rows in streams_of(replace(table, values=values, columns=(LABEL,), units=("",))):
        yield replace(column_events(rows, LABEL)[0], classes=("normal", "anomalous"))


def streams_of(table: Table) -> Iterator[Stream]:
    """Yield each uninterrupted run of rows."""
    for name, ranges in table.series_ranges():
        for first, stop in ranges.tolist():
            times, values = table.times[first:stop], np.ascontiguousarray(table.values[first:stop])
            yield Stream(name, times, values, table.columns, table.units, table.step)


def named_alike(events: list[Events], streams: list[Stream]) -> list[Events]:
    """Return events with the name of the series, where there is one of each whatever they are called."""
    names = {one.name for one in streams}
    return [replace(events[0], name=names.pop())] if len(names) == 1 and len(events) == 1 else events
