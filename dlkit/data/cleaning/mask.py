"""Values that are none: sentinels, impossible values, stuck sensors, bad hours."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds
from dlkit.data.cleaning.base import CleanValues
from dlkit.data.cleaning.forward import Last, before, forward
from dlkit.data.cleaning.runs import Rows
from dlkit.data.cleaning.spans import intervals, within


@dataclass(frozen=True, kw_only=True)
class Mask(CleanValues):
    """Set values to missing: a network that is given the mask knows, losses and metrics leave them out.

    Args:
        channels: Names or globs of the channels.
        values: Values that stand for nothing, e.g. -9999.
        below: Values below this one are impossible.
        above: Values above this one are impossible.
        stuck: Duration; where a channel has kept one value for so long, it is stuck. Missing values do not end it.
        during: Intervals [first, last] in which all this holds, both included: dates in ISO, UTC by default, or seconds
            since the start. Without any other setting, all values in them are set to missing.
        look_ahead: Set a stuck value to missing from its first row on, not only once it has lasted too long.
    """

    channels: list[str] = field(default_factory=lambda: ["*"])
    values: list[float | int] = field(default_factory=list)
    below: float | int | None = None
    above: float | int | None = None
    stuck: str | None = None
    during: list[list[str | float | int]] = field(default_factory=list)
    look_ahead: bool = False

    def __post_init__(self) -> None:
        """Refuse a mask of nothing or everything."""
        require(
            self._judges or len(self.during) > 0,
            "clean: Mask masks nothing: set `values`, `below`, `above`, `stuck` or `during`.",
        )
        require(
            self.below is None or self.above is None or self.below <= self.above,
            f"clean: Mask below={self.below} above={self.above} masks every value: swap them.",
        )
        intervals(self.during, setting="clean: Mask.during")
        if self.stuck is not None:
            nanoseconds(self.stuck, setting="clean: Mask.stuck")

    @property
    def _judges(self) -> bool:
        return bool(self.values) or any(one is not None for one in (self.below, self.above, self.stuck))

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values with NaN in place of those that are none."""
        bad = np.full(rows.values.shape, not self._judges)
        for value in self.values:
            bad |= rows.values == np.float32(value)
        if self.below is not None:
            bad |= rows.values < np.float32(self.below)
        if self.above is not None:
            bad |= rows.values > np.float32(self.above)
        if self.stuck is not None:
            limit = nanoseconds(self.stuck, setting="clean: Mask.stuck")
            found, state = stuck(rows.values, rows.times, limit, state, look_ahead=self.look_ahead)
            bad |= found
        if self.during:
            bad &= within(rows.times, intervals(self.during, setting="clean: Mask.during"))[:, None]
        return np.where(bad, np.float32(np.nan), rows.values), state

    def reach(self, step: int) -> int:
        """Return the rows after which a value is stuck."""
        return 0 if self.stuck is None else nanoseconds(self.stuck, setting="clean: Mask.stuck") // step + 1


def stuck(
    values: np.ndarray, times: np.ndarray, limit: int, last: Last | None, *, look_ahead: bool
) -> tuple[np.ndarray, Last]:
    """Tell which values are part of a run of one value that has lasted too long, bool, (time, channels).

    Args:
        values: (time, channels), NaN where missing.
        times: int64 nanoseconds, (time,).
        limit: Nanoseconds after which a run has lasted too long.
        last: What the call for the rows before returned: the last value and when its run began.
        look_ahead: Count how long a run will last; else how long it has lasted.
    """
    last = Last.nothing(values.shape[1]) if last is None else last
    known = ~np.isnan(values)
    held, _ = forward(values, times, known, last)
    begins = known & (values != before(held, last.values))
    _, since = forward(values, times, begins, last)
    lasted = known & (times[:, None] - since >= limit)
    if look_ahead and len(values):
        _, later = forward(values[::-1], since[::-1], lasted[::-1], Last.nothing(values.shape[1]))
        lasted = known & (later[::-1] == since)
    return lasted, Last(held[-1], since[-1])
