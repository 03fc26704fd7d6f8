"""Alarms and events from scores."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dlkit.anomaly.thresholds import Borders, runs_of


@dataclass(frozen=True)
class Event:
    """A run of anomalous rows.

    Attributes:
        first: Its first row.
        last: Its last row, which belongs to it.
        severity: Largest score over the threshold, at least 1.
        peak_row: Row of the largest score.
        channels: Share of each channel in what lies above normal; they sum to 1.
        p_value: Chance that a block of normal rows, as long as that of all events, peaks as high; 1 minus it is the
            confidence.
    """

    first: int
    last: int
    severity: float
    peak_row: int
    channels: tuple[float, ...]
    p_value: float

    @property
    def confidence(self) -> float:
        """1 - p_value."""
        return 1 - self.p_value


def alarms_of(
    scores: Float[np.ndarray, "rows"], high: float, low: float, borders: Borders, join_gap: int, min_duration: int
) -> Bool[np.ndarray, "rows"]:
    """Return the rows of events.

    Args:
        scores: NaN is no alarm.
        high: An event begins above it.
        low: An event ends below it, or at it.
        borders: First and past the last row of each series, over whose ends no event reaches.
        join_gap: Events with at most so many rows between them become one.
        min_duration: Shorter events are left out.
    """
    held = (scores > low) | (scores > high)
    runs = runs_of(held, borders)
    alarms = np.zeros(len(scores), bool)
    if not len(runs):
        return alarms
    number = np.arange(len(scores))
    begins = np.zeros(len(scores), np.int64)
    begins[runs[:, 0]] = runs[:, 0]
    crossed = np.maximum.accumulate(np.where(scores > high, number, -1))
    alarms = held & (crossed >= np.maximum.accumulate(begins))
    events = joined(runs_of(alarms, borders), borders, join_gap)
    events = events[events[:, 1] - events[:, 0] >= min_duration]
    change = np.zeros(len(scores) + 1, np.int64)
    np.add.at(change, events[:, 0], 1)
    np.add.at(change, events[:, 1], -1)
    return np.asarray(change[:-1].cumsum() > 0)


def joined(runs: np.ndarray, borders: Borders, join_gap: int) -> np.ndarray:
    """Return runs with at most ``join_gap`` rows between them as one, unless a border lies there."""
    if len(runs) < 2:
        return runs
    ends = np.unique([row for pair in borders for row in pair])
    crosses = np.searchsorted(ends, runs[1:, 0], "right") > np.searchsorted(ends, runs[:-1, 1] - 1, "right")
    apart = (runs[1:, 0] - runs[:-1, 1] > join_gap) | crosses
    return np.stack([runs[np.append(True, apart), 0], runs[np.append(apart, True), 1]], 1)


def shares(deviations: Float[np.ndarray, "channels"]) -> tuple[float, ...]:
    """Return the share of each channel in what lies above normal, from its deviations summed over an event."""
    above = np.maximum(deviations.astype(np.float64), 0)
    if above.sum() == 0:
        above = np.ones_like(above)
    return tuple((above / above.sum()).tolist())
