"""Slow drift of a sensor."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds
from dlkit.data.cleaning.base import CleanValues, Learner
from dlkit.data.cleaning.despike import window_rows
from dlkit.data.cleaning.known import require_known
from dlkit.data.cleaning.rolling import around, rolling_median
from dlkit.data.cleaning.runs import Rows, select
from dlkit.data.records import Stream

DAY = 86_400e9  # nanoseconds


@dataclass(frozen=True, kw_only=True)
class Detrend(CleanValues):
    """Subtract a trend: a line through the training rows, or a running median.

    Args:
        channels: Names or globs of the channels.
        method: "linear": the line of least squares through all training rows over their time, which goes on beyond
            them; "median": that of the values of the last ``width``.
        width: Duration of the window of "median", its rows counted by the nominal step.
        look_ahead: Let the window lie about the value.
    """

    channels: list[str]
    method: Literal["linear", "median"] = "linear"
    width: str | None = None
    look_ahead: bool = False

    def __post_init__(self) -> None:
        """Refuse a method without what it needs."""
        require(
            self.method in ("linear", "median"), f"clean: Detrend method='{self.method}' must be 'linear' or 'median'."
        )
        require(
            (self.width is not None) == (self.method == "median"),
            f"clean: Detrend method='{self.method}' with width={self.width}: 'median' needs a `width`, 'linear' none.",
        )
        require(
            not self.look_ahead or self.method == "median",
            "clean: Detrend look_ahead belongs to 'median': a line is fitted on training rows; leave it out.",
        )
        if self.width is not None:
            nanoseconds(self.width, setting="clean: Detrend.width")

    @property
    def learns(self) -> bool:
        """Whether the trend is a line through the training rows."""
        return self.method == "linear"

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values without their trend; the state is the rows of a window before."""
        if self.width is None:
            return (rows.values - self._line(rows)).astype(np.float32), state
        width = window_rows(self.width, rows.step, setting="clean: Detrend.width")
        values = around(rows.values, width, state, look_ahead=self.look_ahead)
        return (rows.values - rolling_median(values, width)).astype(np.float32), values[len(values) - width + 1 :]

    def _line(self, rows: Rows) -> np.ndarray:
        """Return the line at each row; a channel that was not there in training has none."""
        learnt = self.learnt or {}
        level, slope = (
            np.array([learnt.get(part, {}).get(name, 0.0) for name in rows.channels])
            for part in ("level", "slope per day")
        )
        days = (rows.times - np.int64(learnt.get("origin", 0))) / DAY
        return np.asarray(level + days[:, None] * slope)

    def learner(self) -> Learner | None:
        """Return what fits the line."""
        return Line(self) if self.learns else None

    def reach(self, step: int) -> int:
        """Return the rows of a window before its value."""
        return 0 if self.width is None else window_rows(self.width, step, setting="clean: Detrend.width") - 1


class Line:
    """Fits a line of least squares to each channel, part by part (Chan et al. 1983).

    Args:
        step: Says which channels.
    """

    def __init__(self, step: Detrend) -> None:
        self.step, self.origin = step, 0
        self._names: tuple[str, ...] = ()
        self._sums = np.zeros((5, 0))

    def add(self, part: Stream) -> None:
        """Take in rows."""
        rows = select(part, self.step.places(part.channels))
        if not self._names and len(rows.times):
            self._names, self.origin = rows.channels, int(rows.times[0])
            self._sums = np.zeros((5, len(rows.channels)))
        if len(rows.times):
            self._merge((rows.times - self.origin) / DAY, rows.values.astype(np.float64))

    def _merge(self, days: np.ndarray, values: np.ndarray) -> None:
        """Add rows to count, means of time and value, and their sums of squares and products about the means."""
        known = ~np.isnan(values)
        count = known.sum(0)
        time = np.where(known, days[:, None], 0).sum(0) / np.maximum(count, 1)
        mean = np.where(known, values, 0).sum(0) / np.maximum(count, 1)
        off, away = np.where(known, days[:, None] - time, 0), np.where(known, values - mean, 0)
        n, t, x, tt, tx = self._sums
        total = np.maximum(n + count, 1)
        later, higher = time - t, mean - x
        weight = n * count / total
        self._sums = np.stack([
            n + count,
            t + later * count / total,
            x + higher * count / total,
            tt + (off**2).sum(0) + later**2 * weight,
            tx + (off * away).sum(0) + later * higher * weight,
        ])  # fmt: skip

    def finish(self) -> dict[str, Any]:
        """Return origin, level there and slope of each channel.

        Raises:
            InputError: A channel has no value in the training rows.
        """
        n, t, x, tt, tx = self._sums
        require_known(self.step, self._names, n > 0)
        slope = np.where(tt > 0, tx / np.where(tt > 0, tt, 1), 0.0)
        level = x - slope * t
        found = {"level": level.tolist(), "slope per day": slope.tolist()}
        by_name = {part: dict(zip(self._names, values, strict=True)) for part, values in found.items()}
        return {"origin": self.origin, **by_name}
