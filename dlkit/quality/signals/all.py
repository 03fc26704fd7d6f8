"""Everything that is looked at in the rows of a source, in one pass."""

from collections.abc import Sequence

from dlkit.core.finding import Finding
from dlkit.data.records import Stream
from dlkit.quality.scan import Layout, Scan
from dlkit.quality.signals.block import Blocks
from dlkit.quality.signals.facts import ChannelFacts, ClockFacts
from dlkit.quality.signals.kept import Kept


class Signals(Scan):
    """Clock and values of a source.

    Attributes:
        kept: A bounded part of the rows.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.kept = Kept(layout)
        self._blocks, self._done = Blocks(len(layout.channels)), False

    def add(self, rows: Stream, first: int) -> None:
        """Look at the next rows."""
        for block in self._blocks.add(rows, first):
            self.kept.add(block)

    def finish(self) -> None:
        """Look at the rows that fill no block; called by whatever asks for a result."""
        if not self._done:
            self.kept.add(self._blocks.rest())
            self._done = True

    def clock(self) -> ClockFacts:
        """Return what the stamps are like."""
        self.finish()
        return ClockFacts(rows=self.kept.rows)

    def channels(self) -> list[ChannelFacts]:
        """Return what the values of each channel are like."""
        self.finish()
        return [ChannelFacts(name=name) for name in self.layout.channels]

    def findings(self) -> list[Finding]:
        """Return what is wrong with stamps and values."""
        self.finish()
        return []


def scans_of(layout: Layout) -> list[Scan]:
    """Return the scans of a source."""
    return [Signals(layout)]


def signals_of(scans: Sequence[Scan]) -> Signals:
    """Return the scan that has ``kept``, ``clock()`` and ``channels()``; complete, no rows can be added any more."""
    found = next(scan for scan in scans if isinstance(scan, Signals))
    found.finish()
    return found
