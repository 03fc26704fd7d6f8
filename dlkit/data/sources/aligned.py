"""Several sources on one clock."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from dlkit.data.base import Source
from dlkit.data.clock import Clock
from dlkit.data.inputs import Input
from dlkit.data.records import Stream

Span = Literal["overlap", "union"]


class Aligned(Source):
    """Brings sources with rates and clocks of their own to one clock; a row a tick, a column ``source.channel`` each.

    Args:
        clock: Says where the ticks are.
        sources: What is wanted of each source, by name.
        span: Take the time in which all sources run ("overlap"), or any ("union").
        rows_per_chunk: Ticks that are made at a time; changes memory and speed, never the result.
    """

    def __init__(
        self, *, clock: Clock, sources: dict[str, Input], span: Span = "overlap", rows_per_chunk: int = 65_536
    ) -> None:
        self.clock, self.sources, self.span, self.rows_per_chunk = clock, sources, span, rows_per_chunk

    def chunks(self) -> Iterator[Stream]:
        """Yield the series, tick by tick."""
        raise NotImplementedError

    def fingerprint(self) -> dict[str, Any]:
        """Return the clock, and content and settings of each source."""
        raise NotImplementedError

    def with_sources(self, sources: Mapping[str, Source], *, fitted: Mapping[str, Any] | None = None) -> "Aligned":
        """Return this for new recordings of the sources."""
        raise NotImplementedError
