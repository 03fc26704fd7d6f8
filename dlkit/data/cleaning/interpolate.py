"""Missing values between known ones, up to a limit."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.core.durations import nanoseconds
from dlkit.data.cleaning.base import CleanValues
from dlkit.data.cleaning.forward import Last, forward
from dlkit.data.cleaning.runs import Rows

Method = Literal["last", "nearest", "linear", "pchip"]


@dataclass(frozen=True, kw_only=True)
class Interpolate(CleanValues):
    """Fill missing values; rows that are missing are not made (set `gaps: fill` of the source for that).

    Args:
        channels: Names or globs of the channels.
        limit: Duration: "last" holds a value for so long; of the others a hole between known values that is longer
            stays, all of it.
        method: "last": the value before; "nearest"; "linear"; "pchip": a cubic that does not overshoot (Fritsch and
            Butland 1984). All but "last" need the value after, and `look_ahead: true`.
        look_ahead: Allow them to use it.
    """

    channels: list[str]
    limit: str
    method: Method = "last"
    look_ahead: bool = False

    def __post_init__(self) -> None:
        """Refuse methods that do not exist, or look ahead without leave."""
        require(
            self.method in get_args(Method),
            f"clean: Interpolate method='{self.method}' is not known: {suggest(self.method, get_args(Method))}",
        )
        require(
            self.method == "last" or self.look_ahead,
            f"clean: Interpolate method='{self.method}' uses values after the hole, which a forecast cannot know: take "
            "'last', or set `look_ahead: true` of the step.",
        )
        nanoseconds(self.limit, setting="clean: Interpolate.limit")

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values with holes filled; the state is what was known last."""
        limit = nanoseconds(self.limit, setting="clean: Interpolate.limit")
        if self.method != "last":
            return between(rows.values, rows.times, limit, self.method), state
        last = Last.nothing(rows.values.shape[1]) if state is None else state
        known = ~np.isnan(rows.values)
        held, stamps = forward(rows.values, rows.times, known, last)
        fresh = rows.times[:, None] - stamps <= limit
        return np.where(~known & fresh, held, rows.values), Last(held[-1], stamps[-1])

    def reach(self, step: int) -> int:
        """Return the rows for which a value is held."""
        return nanoseconds(self.limit, setting="clean: Interpolate.limit") // step


def between(values: np.ndarray, times: np.ndarray, limit: int, method: Method) -> np.ndarray:
    """Return values with holes filled that have a known value on both sides, no further apart than ``limit``.

    Args:
        values: A whole run, (time, channels), NaN where missing.
        times: int64 nanoseconds, (time,).
        limit: Nanoseconds.
        method: How; not "last".
    """
    new = values.copy()
    for channel in np.flatnonzero(np.isnan(values).any(0)):
        column = values[:, channel]
        known = np.flatnonzero(~np.isnan(column))
        holes = np.flatnonzero(np.isnan(column))
        after = np.searchsorted(known, holes)
        inside = (after > 0) & (after < len(known))
        holes, after = holes[inside], after[inside]
        short = times[known[after]] - times[known[after - 1]] <= limit
        holes, after = holes[short], after[short]
        if len(holes):
            new[holes, channel] = _filled(column, times, known, holes, after, method)
    return new


def _filled(
    column: np.ndarray, times: np.ndarray, known: np.ndarray, holes: np.ndarray, after: np.ndarray, method: Method
) -> np.ndarray:
    """Return the values of holes; of equal distances the earlier value is the nearest."""
    left, right = known[after - 1], known[after]
    if method == "nearest":
        return np.asarray(column[np.where(times[holes] - times[left] <= times[right] - times[holes], left, right)])
    if method == "pchip":
        from scipy.interpolate import PchipInterpolator

        stamps, first = np.unique(times[known], return_index=True)
        seconds, origin = (stamps - stamps[0]) / 1e9, stamps[0]
        curve = PchipInterpolator(seconds, column[known[first]].astype(np.float64))
        return np.asarray(curve((times[holes] - origin) / 1e9), np.float32)
    share = (times[holes] - times[left]) / np.maximum(times[right] - times[left], 1)
    return np.asarray(column[left] + share * (column[right].astype(np.float64) - column[left]), np.float32)
