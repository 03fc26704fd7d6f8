"""Everything that is looked at in the rows of a source, in one pass."""

from collections.abc import Sequence

from dlkit.core.finding import Finding, ranked
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Stream
from dlkit.quality.scan import Scan
from dlkit.quality.signals.absent import absent_findings
from dlkit.quality.signals.angles import angle_findings
from dlkit.quality.signals.block import Blocks
from dlkit.quality.signals.clipping import clipping_findings
from dlkit.quality.signals.clock import clock_facts, clock_findings
from dlkit.quality.signals.coarse import coarse_findings
from dlkit.quality.signals.copies import copy_findings
from dlkit.quality.signals.facts import ChannelFacts, ClockFacts
from dlkit.quality.signals.kept import Kept
from dlkit.quality.signals.outliers import outlier_findings
from dlkit.quality.signals.seen import Seen
from dlkit.quality.signals.sentinels import sentinel_findings
from dlkit.quality.signals.stuck import stuck_findings

VALUES = (
    absent_findings, sentinel_findings, stuck_findings, clipping_findings, outlier_findings, coarse_findings,
    copy_findings, angle_findings,
)  # fmt: skip


class Signals(Scan):
    """Clock and values of a source."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._seen, self._blocks, self._done = Seen(layout), Blocks(len(layout.channels)), False

    def add(self, rows: Stream, first: int) -> None:
        """Look at the next rows."""
        for block in self._blocks.add(rows, first):
            self._seen.add(block)

    @property
    def seen(self) -> Seen:
        """All that was gathered; no rows can be added any more."""
        if not self._done:
            self._seen.add(self._blocks.rest())
            self._done = True
        return self._seen

    @property
    def kept(self) -> Kept:
        """A bounded part of the rows."""
        return self.seen.kept

    def clock(self) -> ClockFacts:
        """Return what the stamps are like."""
        return clock_facts(self.seen.intervals)

    def channels(self) -> list[ChannelFacts]:
        """Return what the values of each channel are like."""
        return [self.seen.facts(channel) for channel in range(len(self.layout.channels))]

    def findings(self) -> list[Finding]:
        """Return what is wrong with stamps and values."""
        found = clock_findings(self.seen.intervals, self.layout)
        return ranked([*found, *(finding for look in VALUES for finding in look(self.seen))])


def scans_of(layout: Layout) -> list[Scan]:
    """Return the scans of a source."""
    return [Signals(layout)]


def signals_of(scans: Sequence[Scan]) -> Signals:
    """Return the scan that has ``kept``, ``clock()`` and ``channels()``; no rows can be added after they are asked."""
    return next(scan for scan in scans if isinstance(scan, Signals))
