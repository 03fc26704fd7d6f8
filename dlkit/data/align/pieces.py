"""Parts of a record that can be made by themselves, in other processes: together they are the record, to the bit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.align.feed import FOREVER, Feed
from dlkit.data.align.series import joined
from dlkit.data.inputs import Input, StreamInput
from dlkit.data.records import Stream

if TYPE_CHECKING:
    from dlkit.data.sources.aligned import Aligned


@dataclass(frozen=True, eq=False)
class Piece:
    """Some ticks of one series.

    Attributes:
        record: The record, its sources cut down to what these ticks depend on.
        series: Name of the series in the record.
        by_name: Of a source with several series, only the one of this name takes part.
        first: First tick that may belong to the piece; None has no border.
        last: Tick from which on it ends; None has no border.
        step: Time between ticks in nanoseconds; None where the piece tells it.
        origins: First stamp of the series of each source; None where the piece begins with it.
    """

    record: "Aligned"
    series: str
    by_name: bool = False
    first: int | None = None
    last: int | None = None
    step: int | None = None
    origins: dict[str, int] | None = None

    def streams(self) -> Iterator[Stream]:
        """Yield its rows."""
        own = {name: self._own(read()) for name, read in self.record.readers().items()}
        feeds = self.record.feeds(own, self.step, self.origins)
        for stream in self.record.rows(self.series, feeds, whole=False):
            low = 0 if self.first is None else int(np.searchsorted(stream.times, self.first))
            high = len(stream.times) if self.last is None else int(np.searchsorted(stream.times, self.last))
            if low < high:
                rows = slice(low, high)
                continues = stream.continues or low > 0
                yield replace(stream, times=stream.times[rows], values=stream.values[rows], continues=continues)
            if high < len(stream.times):
                return

    def _own(self, streams: Iterator[Stream]) -> Iterator[Stream]:
        return (stream for stream in streams if len(stream.times) and (not self.by_name or stream.name == self.series))


def cut_record(record: "Aligned", wanted: int) -> list[Piece]:
    """Return a record in about as many pieces as are wanted: its series, or spans of time that begin with a file.

    A source tells its pieces by :meth:`dlkit.data.base.Source.spans`; where none does, the record is one piece. One
    with steps of ``clean`` is read whole for each span of time, and values that may come from any time before (``last``
    without `max_age`, ``age``) make each piece read from the start.
    """
    spans = {name: given.source.spans() for name, given in record.sources.items() if isinstance(given, StreamInput)}
    leader = next(iter(spans.values()), [])
    names = list(dict.fromkeys(series for series, _ in leader))
    if len(names) > 1:
        return [Piece(_cut(record, name, [], None, None), name, by_name=not _alone(record, name)) for name in names]
    series, streams = next(joined(record.readers()))
    feeds = record.feeds(streams, None)
    spans = {name: [] if _cleans(record.sources[name]) else found for name, found in spans.items()}
    finest = max(spans, key=lambda name: len(spans[name]), default="")
    borders = _borders(finest, [first for _, first in spans.get(finest, [])], feeds, wanted)
    step, origins = feeds[0].rates.step, {feed.name: feed.origin for feed in feeds}
    context = _context(feeds)
    pieces = []
    for first, last in zip([None, *borders], [*borders, None], strict=True):
        since = None if first is None or context == FOREVER else first - context
        cut = _cut(record, None, feeds, since, last)
        pieces.append(Piece(cut, series, first=first, last=last, step=step, origins=origins))
    return pieces


def _cleans(given: Input) -> bool:
    return isinstance(given, StreamInput) and bool(given.clean)


def _alone(record: "Aligned", name: str) -> bool:
    """Say whether every source can be cut down to a series."""
    given = record.sources.values()
    return all(isinstance(one, StreamInput) and name in {series for series, _ in one.source.spans()} for one in given)


def _borders(name: str, firsts: list[int], feeds: list[Feed], wanted: int) -> list[int]:
    """Return the ticks at which pieces begin but the first, on the common clock."""
    if len(firsts) < 2 or wanted < 2:
        return []
    every = -(-len(firsts) // wanted)
    feed = next(feed for feed in feeds if feed.name == name)
    return [int(time) for time in feed.on_clock(np.array(firsts[every::every], np.int64))]


def _context(feeds: list[Feed]) -> int:
    """Return how long before a piece its samples must begin: silence and the tick before count too."""
    needed = max(feed.depends_on for feed in feeds)
    return FOREVER if needed == FOREVER else needed + 2 * max(feed.patience for feed in feeds)


def _cut(record: "Aligned", series: str | None, feeds: list[Feed], first: int | None, last: int | None) -> "Aligned":
    """Return the record with sources that read no more than they must for a span of the common clock."""
    clocks = {feed.name: feed for feed in feeds}

    def cut(name: str, given: Input) -> Input:
        given = replace(given, timing=record.timings[name])
        if not isinstance(given, StreamInput) or not (spans := given.source.spans()):
            return given
        if series is None and _cleans(given):  # what a step makes of a row may depend on any row before
            return given
        low, high = (None if time is None else clocks[name].off_clock(time) for time in (first, last))
        return replace(given, source=given.source.between(series or spans[0][0], low, high))

    sources = {name: cut(name, given) for name, given in record.sources.items()}
    return type(record)(clock=record.clock, sources=sources, span=record.span, rows_per_chunk=record.rows_per_chunk)
