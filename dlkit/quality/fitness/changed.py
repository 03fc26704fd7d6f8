"""A change of a channel: where it is, and what it is made of."""

from dataclasses import dataclass

from dlkit.core.finding import Place
from dlkit.quality.fitness.bins import Run
from dlkit.quality.fitness.units import Change


@dataclass(frozen=True, eq=False)
class Changed:
    """A change of a channel.

    Attributes:
        channel: Its number.
        run: The rows of its series.
        row: First row of the run after it.
        change: What it is.
        level: Whether the level changed; else the spread alone.
        before: Middle and spread before.
        after: Afterwards.
        since: Row of the run at which the level before began.
        until: Row of the run at which the level changes again, or past its last.
        several: There are other series, which may share the times.
    """

    channel: int
    run: Run
    row: int
    change: Change
    level: bool
    before: tuple[float, float]
    after: tuple[float, float]
    since: int
    until: int
    several: bool = False

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.run.place(self.row)

    @property
    def rest(self) -> tuple[int, int]:
        """First and past the last row of the side that is shorter, which is more likely the wrong one."""
        after = self.until - self.row <= self.row - self.since
        return (self.row, self.until) if after else (self.since, self.row)

    @property
    def wrong_after(self) -> bool:
        """Whether the side after it is the shorter one."""
        return self.rest[0] == self.row

    @property
    def size(self) -> float:
        """How far the level moves, in spreads."""
        return abs(self.after[0] - self.before[0]) / max(self.before[1], self.after[1], 1e-30)
