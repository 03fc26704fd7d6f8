"""One series of several sources, tick by tick."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32

from dlkit.core.checks import InputError
from dlkit.data.align.feed import FOREVER, SILENT, Feed
from dlkit.data.align.held import Ticks
from dlkit.data.align.units import refuse_long_step, refuse_unused
from dlkit.data.clock import Clock

EARLY, LATE = "samples before all sources have begun", "samples after a source has ended"
SILENCE = "ticks without a sample of any source"


@dataclass(frozen=True, eq=False)
class Rows:
    """Ticks with the columns of all sources.

    Attributes:
        ticks: Rising times.
        values: NaN where missing or stale.
        continues: Whether the first tick follows the last one of the rows before without a seam.
    """

    ticks: Ticks
    values: Float32[np.ndarray, "ticks columns"]
    continues: bool


@dataclass
class Recorder:
    """Makes the rows of one series.

    Args:
        feeds: The sources.
        clock: Says where the ticks are.
        step: Time between ticks in nanoseconds.
        union: Whether ticks span the time of any source, or that in which all of them run.
        many: Ticks that are made at a time.
        lost: What was left out, per cause, is added here.
        whole: Read to the end, where what is left out is known, and refuse a record without ticks.
    """

    feeds: Sequence[Feed]
    clock: Clock
    step: int
    union: bool
    many: int
    lost: Counter[str] = field(default_factory=Counter)
    whole: bool = True

    def __post_init__(self) -> None:
        """Start where the sources do."""
        self._driver = next((feed for feed in self.feeds if feed.name == self.clock.driver), None)
        self._longest = self._driver.patience if self._driver is not None else SILENT * self.step  # time between ticks
        self._next = (min if self.union else max)(feed.first for feed in self.feeds)
        self._end = FOREVER
        self._last_tick: int | None = None

    def rows(self) -> Iterator[Rows]:
        """Yield the rows.

        Raises:
            InputError: The sources have no time in common.
        """
        for feed in self.feeds:
            self.lost[f"{feed.name}: {EARLY}"] += feed.start_at(self._next)
        seam = True
        while (end := self._read_on()) >= self._next:
            until = min(end, self._next + self.step * self.many - 1)
            ticks = self._ticks(self._next, until)
            self._next = until + 1
            if len(ticks):
                before = int(ticks[0]) - self.step if self._last_tick is None else self._last_tick
                values, alive = self._fill(ticks, before)
                seams = (np.diff(ticks, prepend=before) > self._longest) | ~np.concatenate([[not seam], alive[:-1]])
                self._last_tick, seam = int(ticks[-1]), not alive[-1]
                self.lost[SILENCE] += int((~alive).sum())
                yield from _cut(ticks, values, alive, seams)
        if self.whole:
            self._close()

    def _read_on(self) -> int:
        """Read until the next tick can be made, which is put off where all are silent; return up to when ticks can."""
        self._pull()
        if all(feed.last_seen(self._next) < self._next - feed.patience for feed in self.feeds):
            sample = min(feed.next_sample(self._next) for feed in self.feeds)
            if self._next < sample < FOREVER:
                self.lost[SILENCE] += self.clock.count(self._next, sample - 1)
                self._next = sample
                self._pull()
        ended = [feed.newest for feed in self.feeds if feed.ended]
        if len(ended) == len(self.feeds) or (ended and not self.union):
            self._end = max(ended) if self.union else min(ended)
        return min(self._end, *(feed.settled for feed in self.feeds))

    def _pull(self) -> None:
        known = self._next - self.step
        needed = known if self._last_tick is None else max(self._last_tick, self._next - self._longest)
        for feed in self.feeds:
            feed.skip_to(min(known, needed))
            while not feed.ended and feed.settled < self._next:
                feed.pull()
                feed.skip_to(min(known, needed))

    def _ticks(self, first: int, last: int) -> Ticks:
        return self.clock.ticks(first, last, None if self._driver is None else self._driver.stamps(first, last))

    def _fill(
        self, ticks: Ticks, before: int
    ) -> tuple[Float32[np.ndarray, "ticks columns"], Bool[np.ndarray, " ticks"]]:
        """Return the columns of all sources, and where one of them is not silent."""
        previous = np.concatenate([[before], ticks[:-1]])
        since = np.where(ticks - previous > self._longest, ticks - self.step, previous)
        values = np.empty((len(ticks), sum(len(feed.columns.names) for feed in self.feeds)), np.float32)
        alive, column = np.zeros(len(ticks), bool), 0
        for feed in self.feeds:
            columns = slice(column, column + len(feed.columns.names))
            newest = feed.fill(ticks, since, values[:, columns])
            alive |= newest >= ticks - feed.patience
            column = columns.stop
        return values, alive

    def _close(self) -> None:
        """Read to the end, so that what is left out is known."""
        for feed in self.feeds:
            self.lost[f"{feed.name}: {LATE}"] += feed.read_out(self._end)
        if self._last_tick is None:
            refuse_long_step(self.feeds, self.step if self._driver is None else 0, union=self.union)
            spans = "; ".join(
                f"'{feed.name}' from {feed.show(feed.first)} to {feed.show(feed.newest)}" for feed in self.feeds
            )
            raise InputError(
                f"The sources have no tick in common ({spans}): check `time_format` and `time_zone` of each, set "
                "`offset` in its `timing`, or `span: union`."
            )
        if not self.union:
            refuse_unused(self.feeds)


def _cut(ticks: Ticks, values: np.ndarray, alive: np.ndarray, seams: np.ndarray) -> Iterator[Rows]:
    """Yield the runs of ticks that are alive and follow each other."""
    if alive.all() and not seams[1:].any():
        yield Rows(ticks, values, continues=not seams[0])
        return
    borders = np.flatnonzero(seams | (np.diff(alive, prepend=alive[0])))
    for first, last in zip([0, *borders], [*borders, len(ticks)], strict=True):
        if first < last and alive[first]:
            yield Rows(ticks[first:last], values[first:last], continues=not seams[first])
