"""Scores and events of errors that come in row by row: the same as of all rows at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dlkit.anomaly.events import Event, shares
from dlkit.anomaly.fitted import FittedDetector


@dataclass
class OpenEvent:
    """An event that may go on.

    Attributes:
        first: Its first row.
        last: The last row above the lower threshold.
        peak: Largest score so far.
        peak_row: Its row.
        above: Deviations of each channel, summed up to the last row, (channels,).
        waiting: The same of the rows since, which count if it goes on.
        inside: The score did not fall below the lower threshold since.
    """

    first: int
    last: int
    peak: float
    peak_row: int
    above: np.ndarray
    waiting: np.ndarray
    inside: bool = True


@dataclass
class LiveDetector:
    """Follows one series.

    Attributes:
        fitted: What is normal.
        rows: Rows that came so far.
    """

    fitted: FittedDetector
    rows: int = 0
    open: OpenEvent | None = None
    _recent: np.ndarray | None = None  # errors that the next rows are smoothed over

    def scores(self, errors: Float[np.ndarray, "rows channels"]) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of the next rows, and the channel that lies furthest above normal in each."""
        rows = errors if self._recent is None else np.concatenate([self._recent, errors])
        back = len(rows) - len(errors)
        self._recent = rows[max(len(rows) - self.fitted.smooth + 1, 0) :]
        above = np.nan_to_num(self.fitted.contributions(rows)[back:], nan=-np.inf)
        return self.fitted.scores(rows)[back:], above.argmax(1)

    def deviations(self, errors: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "rows channels"]:
        """Return how far each error by itself lies above normal, 0 where it is unknown."""
        return np.asarray(np.nan_to_num(self.fitted.deviations(errors)))

    def step(self, score: float, above: Float[np.ndarray, "channels"]) -> tuple[bool, Event | None]:
        """Take in the next row; return whether it is an alarm, and the event that is over by now.

        An event is over once more than ``join_gap`` rows lie behind it, and is one from its ``min_duration``-th row on.

        Args:
            score: Of the row.
            above: What :meth:`deviations` says of its errors.
        """
        row, fitted, over = self.rows, self.fitted, None
        self.rows += 1
        event = self.open
        if event is not None and row - event.last - 1 > fitted.join_gap:
            over, event = self._closed(), None
        inside = score > fitted.threshold or (event is not None and event.inside and score > fitted.low)
        if inside:
            event = event or OpenEvent(row, row, score, row, np.zeros_like(above), np.zeros_like(above))
            event.above, event.waiting = event.above + event.waiting + above, np.zeros_like(above)
            event.last = row
            if score > event.peak:
                event.peak, event.peak_row = score, row
        elif event is not None:
            event.waiting = event.waiting + above
        if event is not None:
            event.inside = inside
        self.open = event
        return inside and event is not None and self._long_enough(event), over

    def end(self) -> Event | None:
        """End the series: what comes next does not follow; return the event that this ends."""
        over, self.open, self._recent = self._closed(), None, None
        return over

    def _long_enough(self, event: OpenEvent) -> bool:
        return event.last - event.first + 1 >= self.fitted.min_duration

    def _closed(self) -> Event | None:
        event = self.open
        if event is None or not self._long_enough(event):
            return None
        return Event(
            first=event.first,
            last=event.last,
            severity=event.peak / self.fitted.threshold,
            peak_row=event.peak_row,
            channels=shares(event.above),
            p_value=self.fitted.surprise.p_value(event.peak),
        )
