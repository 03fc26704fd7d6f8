"""One irregular stream, brought to given ticks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dlkit.data.align.between import linear, nearest
from dlkit.data.align.decimate import Filter, decimate
from dlkit.data.align.fold import AGGREGATES, aggregate
from dlkit.data.align.held import Ends, Held, Ticks, Times, Values, as_of, rows_until
from dlkit.data.inputs import AHEAD, Method

REACH = 1_000  # steps of the source that "nearest" and "linear" bridge where no `max_age` says otherwise
Found = Float32[np.ndarray, "ticks channels"]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What is known of a stream and of the clock, in nanoseconds.

    Attributes:
        spacing: Median time between samples.
        step: Time between ticks.
        origin: First stamp.
        max_age: Time after which a sample is too old; None never is.
        look_ahead: Whether samples after the tick may be used.
    """

    spacing: int
    step: int
    origin: int = 0
    max_age: int | None = None
    look_ahead: bool = False

    @property
    def reach(self) -> int:
        """How far a sample may be from a tick that lies between two."""
        return REACH * self.spacing if self.max_age is None else self.max_age

    @property
    def filter(self) -> Filter:
        """The filter of "decimate"."""
        return Filter(self.origin, self.spacing, self.step, self.look_ahead)

    def around(self, method: str) -> tuple[int, int]:
        """Return how long before a tick, and after it, a method needs samples; the held values reach farther back."""
        if method in AHEAD:
            return self.reach, self.reach
        if method == "decimate":
            return self.filter.behind, self.filter.beyond
        return 0, 0

    def delay(self, method: str) -> int:
        """Return by how much the value of a method is older than its tick."""
        return self.filter.delay if method == "decimate" else 0


def resample(
    ticks: Ticks,
    since: Ticks,
    times: Times,
    values: Values,
    methods: Sequence[Method],
    rates: Rates,
    held: Held | None = None,
    ends: Ends | None = None,
) -> dict[str, Found]:
    """Return the value of each tick by method; a sample that is NaN does not count.

    Every value depends on the samples around its tick alone, so ticks may be done in any parts. What does not look
    ahead depends on samples at or before its tick alone.

    Args:
        ticks: Rising times, int64 nanoseconds.
        since: Where the interval of each tick begins; a sample at this very time is not part of it.
        times: Stamps, not falling; of equal ones the last counts, in statistics each does.
        values: Samples, NaN where missing, as far back as :meth:`Rates.around` and ``since`` say, or more.
        methods: How a tick gets its value.
        rates: Time between samples and between ticks, and how old a sample may be.
        held: Last values before ``times``.
        ends: Number of stamps up to and with each tick, where it is known.
    """
    held = Held.nothing(values.shape[1]) if held is None else held
    over = [method for method in methods if method in AGGREGATES]
    found: dict[str, Found] = {}
    ends = rows_until(times, ticks) if ends is None else ends
    if over:
        found = aggregate(values, _starts(times, ticks, since, ends), ends, over)
    if "nearest" in methods:
        found["nearest"] = nearest(ticks, ends, times, values, rates.reach)
    if "linear" in methods:
        found["linear"] = linear(ticks, ends, times, values, rates.reach)
    if "decimate" in methods:
        idle = rates.filter.idle
        found["decimate"] = (
            as_of(ends, times, values, held)[0] if idle else decimate(ticks, times, values, rates.filter)
        )
    if "last" in methods or rates.max_age is not None:
        last, stamps = as_of(ends, times, values, held)
        found |= {"last": last} if "last" in methods else {}
        _forget_stale(found, ticks[:, None] - stamps, rates.max_age)
    return found


def _starts(times: Times, ticks: Ticks, since: Ticks, ends: Ends) -> Ends:
    """Return the first row of each interval; most begin where the one before ends."""
    starts = np.concatenate([rows_until(times, since[:1]), ends[:-1]])
    apart = np.flatnonzero(since[1:] != ticks[:-1]) + 1
    starts[apart] = rows_until(times, since[apart])
    return starts


def _forget_stale(found: dict[str, Found], age: np.ndarray, most: int | None) -> None:
    """Set what comes from samples that are too old to NaN; a count of nothing is still a count."""
    if most is not None and (stale := age > most).any():
        for method, result in found.items():
            if method not in (*AHEAD, "count"):
                result[np.broadcast_to(stale, result.shape)] = np.nan
