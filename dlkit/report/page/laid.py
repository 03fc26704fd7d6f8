"""The time axis of a trace: stretches without a gap, laid side by side where gaps would leave no room for them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

OPEN = 0.4  # share of the axis that gaps may take before they are closed
WIDE = 3  # usual steps beyond which there is a gap
UNITS = (86_400e3, 3_600e3, 1e3)  # ms


@dataclass(frozen=True, eq=False)
class Laid:
    """Rows on a time axis; all times in ms.

    Attributes:
        place: Where each row is drawn, rising, (rows,).
        when: Its time: since 1970 (UTC) where it is dated, else since the start, (rows,).
        stretch: Number of the uninterrupted stretch of each row, rising, (rows,).
        dated: Whether times are dates.
        closed: Whether gaps are drawn shorter than they are.
    """

    place: Float[np.ndarray, " rows"]
    when: Float[np.ndarray, " rows"]
    stretch: Int[np.ndarray, " rows"]
    dated: bool
    closed: bool

    @property
    def starts(self) -> Int[np.ndarray, " stretches"]:
        """First row of each stretch."""
        return np.flatnonzero(np.diff(self.stretch, prepend=-1))

    def some(self, rows: Int[np.ndarray, " chosen"] | Bool[np.ndarray, " rows"]) -> "Laid":
        """Return the axis of some rows, in their order."""
        _, numbers = np.unique(self.stretch[rows], return_inverse=True)
        return Laid(self.place[rows], self.when[rows], numbers, self.dated, self.closed)


def lay(
    times: Shaped[np.ndarray, " rows"], series: Shaped[np.ndarray, " rows"] | None = None, step: float | None = None
) -> Laid:
    """Lay rows on a time axis.

    Gaps that take more than 40 % of the axis, and series beside each other, are moved together by whole days (hours,
    seconds), so that the hours on the axis stay those of the clock.

    Args:
        times: datetime64, or seconds; rising within each series.
        series: Name of the series of each row; series follow each other.
        step: Usual seconds between rows; None takes their median, which is no step of a stream in bursts. Then rows
            may have equal times.
    """
    dated = np.issubdtype(times.dtype, np.datetime64)
    when = times.astype("datetime64[ns]").astype(np.int64) / 1e6 if dated else times.astype(np.float64) * 1e3
    if len(when) < 2:
        return Laid(when.copy(), when, np.zeros(len(when), np.int64), dated, closed=False)
    steps = np.diff(when)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
    usual = usual if step is None else 1e3 * step
    breaks = (steps > WIDE * usual) | (steps <= 0 if step is None else steps < 0)
    if series is not None:
        breaks |= series[1:] != series[:-1]
    stretch = np.concatenate([[0], np.cumsum(breaks)])
    hidden = steps[breaks]
    length = float(steps[~breaks].sum())
    span = length + float(np.abs(hidden).sum())
    if (hidden > 0).all() and float(hidden.sum()) <= OPEN * span:
        return Laid(when.copy(), when, stretch, dated, closed=False)
    unit = next((one for one in UNITS if length > 3 * one), UNITS[-1])
    pad = max(0.01 * length, 2 * usual)
    moved = np.where(breaks, -unit * np.floor((steps - pad) / unit), 0.0)
    place = when + np.concatenate([[0.0], np.cumsum(moved)])
    return Laid(place, when, stretch, dated, closed=True)
