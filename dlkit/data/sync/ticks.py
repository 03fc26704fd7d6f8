"""What the ticks of a clock get from a source."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.durations import nanoseconds
from dlkit.data.records import Stream
from dlkit.data.sync.kept import Kept


@dataclass
class Clocked:
    """The ticks themselves."""

    ticks: int = 0
    seams: int = 0
    step: int = 0
    series: set[str] = field(default_factory=set)
    first: int | None = None
    last: int = 0

    def add(self, stream: Stream) -> None:
        """Count the rows of a stream."""
        new = stream.name not in self.series
        self.seams += int(not stream.continues and not new)
        self.series.add(stream.name)
        self.ticks, self.step = self.ticks + len(stream.times), stream.step
        if len(stream.times):
            first, last = int(stream.times[0]), int(stream.times[-1])
            self.first, self.last = first if self.first is None else min(self.first, first), max(self.last, last)

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "step_seconds": self.step / 1e9, "ticks": self.ticks, "series": len(self.series), "seams": self.seams,
            "first_ns": self.first, "last_ns": self.last,
        }  # fmt: skip


@dataclass
class AtTicks:
    """What a source gives at the ticks.

    Attributes:
        limit: Age in seconds from which on a value is too old.
        ticks: Number of ticks.
        before: Ticks before its first value.
        stale: Ticks at which its last value is too old.
        used: Samples that are the last one at a tick.
        oldest: Largest age, seconds.
        ages: Age of the last value, seconds.
    """

    limit: float = float("inf")
    ticks: int = 0
    before: int = 0
    stale: int = 0
    used: int = 0
    oldest: float = 0.0
    ages: Kept = field(default_factory=Kept)
    newest: int | None = None

    @classmethod
    def of(cls, max_age: str | None) -> "AtTicks":
        """Return a count of nothing yet."""
        return cls() if max_age is None else cls(nanoseconds(max_age, setting="max_age") / 1e9)

    def add(self, ticks: np.ndarray, ages: np.ndarray) -> None:
        """Count ticks, int64 nanoseconds, with the age in seconds of the last value at each, NaN before the first."""
        known = ~np.isnan(ages)
        old = ages[known]
        self.ticks, self.before = self.ticks + len(ticks), self.before + int((~known).sum())
        if len(old):
            self.stale += int((old > self.limit).sum())
            self.oldest = max(self.oldest, float(old.max()))
            self.ages.add(old)
            stamps = ticks[known] - np.round(old * 1e9).astype(np.int64)
            before = stamps[0] - 10**9 if self.newest is None else self.newest
            self.used += int((np.abs(np.diff(stamps, prepend=before)) > 1e3 * (1 + old)).sum())  # ages are float32
            self.newest = int(stamps[-1])

    def plain(self, samples: int) -> dict[str, Any]:
        """Return plain types for JSON; ``samples`` is how many the source has."""
        lost = {"before the first value": self.before, "older than max_age": self.stale}
        ages = {f"{100 * share:g} %": float(f"{self.ages.quantile(share):.6g}") for share in (0.5, 0.95, 0.99)}
        return {
            "age_seconds": ages | {"largest": float(f"{self.oldest:.6g}")} if self.ages.seen else {},
            "ticks_without_a_value": {cause: round(count / max(self.ticks, 1), 6) for cause, count in lost.items()},
            "samples_never_last": round(1 - min(self.used / max(samples, 1), 1.0), 6),
        }
