"""A source looked at again as a config yields it: what its settings and the steps of its list ``clean`` left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.data.batches.sample_batching import SampleBatching
from dlkit.data.cleaning.base import Step
from dlkit.data.cleaning.cleaned import cleaned
from dlkit.data.cleaning.images import CleanedPictures, as_pictures, of_pictures
from dlkit.data.cleaning.leave_out import leave_out
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.open import lenient
from dlkit.data.records import Frames, Samples, Stream
from dlkit.data.sources.aligned import Aligned
from dlkit.data.table.tables import Table
from dlkit.quality.checked import SourceFacts
from dlkit.quality.signals.all import Signals
from dlkit.train.check.seen import Seen, Wanted, few, is_image, row_findings, see_frames
from dlkit.train.check.sources import roles_of, sized
from dlkit.train.check.traces import trace_findings

VALUES = 2**20  # values of a chunk of a table
EVERY = 2**62  # values, where rows came or went


def steps_of(data: Any, source: str) -> Sequence[Step]:
    """Return the steps that clean a source of a data module."""
    record = getattr(data, "source", None)
    if isinstance(record, Aligned):
        given = record.sources.get(source)
        return given.clean if isinstance(given, StreamInput | FrameInput) else []
    return getattr(data, "clean", None) or []


def changed_by(data: Any, source: str) -> dict[str, int]:
    """Return how many values of each channel the steps changed once a source was looked at again, at most.

    "" stands for all channels where rows came or went.
    """
    record = getattr(data, "source", None)
    ready = getattr(data, "prepared", None)
    told = record.cleaned if isinstance(record, Aligned) else getattr(getattr(ready, "table", data), "cleaned", [])
    found: dict[str, int] = {}
    for one in told:
        if one.get("source", source) == source:
            for name, count in one.get("values changed", {}).items():
                found[name] = found.get(name, 0) + count
            found |= {"": EVERY} if "rows" in one else {}
    return found


def look_again(data: Any, before: Seen, wanted: Wanted) -> Seen:
    """Look at a source as its steps leave it, in the way it was looked at before.

    Args:
        data: The data module, which knows what its steps learn.
        before: What was seen of the source as it stands.
        wanted: How.

    Raises:
        InputError: The source refuses its data.
    """
    facts, wanted = SourceFacts(name=before.facts.name), sized(wanted, data, before.facts.name)
    if before.signals is not None:
        signals = scanned(rows_of(data, before), before.signals.layout)
        return Seen(facts=facts, signals=signals, findings=row_findings(signals, wanted))
    if isinstance(data, SampleBatching):
        return Seen(facts=facts, findings=sample_findings(data, wanted, facts))
    given = data.source.sources[facts.name]
    return see_frames([cleaned_frames(one, given.clean) for one in given.source.read()], wanted, facts)


def scanned(rows: Iterable[Stream], layout: Layout) -> Signals:
    """Return all that is gathered of rows.

    Args:
        rows: The streams of a source, cleaned.
        layout: What is known of the source as it stands.
    """
    signals, counts = Signals(replace(layout, channels=(), units=())), dict[str, int]()
    for stream in rows:
        first = counts.get(stream.name, 0)
        if not counts:
            step = stream.step if layout.step else 0
            signals = Signals(replace(layout, channels=stream.channels, units=stream.units, step=step))
        counts[stream.name] = first + len(stream.times)
        signals.add(stream, first)
    return signals


def rows_of(data: Any, before: Seen) -> Iterator[Stream]:
    """Return the cleaned rows of a source: those of the table of a data module that has one, else they are read."""
    assert before.signals is not None
    if isinstance(data.source, Aligned):
        return iter(data.source.readers()[before.facts.name]())
    table = data.prepared.table
    if len(table.values) == len(table.times):
        return table_rows(table, before.signals.layout.channels)
    return cleaned(data.source, data.clean).chunks()


def table_rows(table: Table, channels: Sequence[str]) -> Iterator[Stream]:
    """Yield the rows of a table, with the channels that it has of the given ones in their order."""
    names = tuple(name for name in channels if name in table.columns)
    places = [table.columns.index(name) for name in names]
    units, rows = tuple(table.units[place] for place in places), max(1, VALUES // max(len(places), 1))
    for series, ranges in table.series_ranges():
        for first, stop in ranges.tolist():
            for row in range(first, stop, rows):
                some = slice(row, min(row + rows, stop))
                values = np.ascontiguousarray(table.values[some][:, places])
                yield Stream(series, table.times[some], values, names, units, table.step)


def sample_findings(data: Any, wanted: Wanted, facts: SourceFacts) -> list[Any]:
    """Return what is wrong with labelled images or traces that were cleaned."""
    samples = data.prepared.samples
    if not is_image(samples):
        return trace_findings(samples, facts.name)[0]
    from dlkit.quality.images.samples import image_findings

    samples = cleaned_images(lenient(data.source).samples(), steps_of(data, ""))
    samples, roles = few(samples, roles_of(data, samples), wanted, facts)
    return image_findings(samples, roles, facts.name, size=wanted.size)


def cleaned_images(samples: Samples, steps: Sequence[Step]) -> Samples:
    """Return images that went through steps, in their own size."""
    left = leave_out(steps, samples)
    pictures = CleanedPictures(as_pictures(left.values), of_pictures(steps))
    return replace(left, values=pictures if pictures.steps else left.values, skipped=samples.skipped)


def cleaned_frames(frames: Frames, steps: Sequence[Step]) -> Frames:
    """Return frames that went through steps."""
    return replace(frames, pictures=CleanedPictures(frames.pictures, of_pictures(steps)))
