"""A detector that knows what is normal."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from dlkit.anomaly.events import Event, alarms_of, shares
from dlkit.anomaly.overlap import Merge
from dlkit.anomaly.scaling import Aggregate, aggregated, moving_average, smoothed, standardized
from dlkit.anomaly.surprise import Surprise
from dlkit.anomaly.thresholds import Borders, runs_of


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedDetector:
    """Scores, alarms and events of errors; plain numbers that travel as JSON.

    Attributes:
        merge: How the windows that it was fitted to shared a row.
        aggregate: Over the channels.
        smooth: Rows of the causal average.
        min_duration: Rows of the shortest event.
        join_gap: Rows between events that are one.
        hysteresis: An event ends below this fraction of the threshold.
        center: Normal median of the smoothed root of the squared error, (channels,).
        scale: Its robust deviation.
        location: Normal median of the aggregated score.
        spread: Its robust deviation.
        threshold: Of scores, in robust deviations above the normal median; may be infinite.
        surprise: How high normal scores peak.
    """

    merge: Merge
    aggregate: Aggregate
    smooth: int
    min_duration: int
    join_gap: int
    hysteresis: float
    center: np.ndarray
    scale: np.ndarray
    location: float = 0.0
    spread: float = 1.0
    threshold: float = math.inf
    surprise: Surprise = field(default_factory=Surprise)

    @property
    def low(self) -> float:
        """The score below which an event ends."""
        return self.hysteresis * self.threshold

    def measured_in(self, location: float, spread: float) -> "FittedDetector":
        """Return the same with scores in robust deviations above the normal median."""
        return replace(self, location=location, spread=spread)

    def with_threshold(self, threshold: float, surprise: Surprise) -> "FittedDetector":
        """Return the same with a threshold."""
        return replace(self, threshold=threshold, surprise=surprise)

    def contributions(self, errors: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "rows channels"]:
        """Return how far the errors of a series lie above normal, smoothed, in robust deviations; NaN where unknown."""
        return standardized(moving_average(np.sqrt(errors), self.smooth), self.center, self.scale)

    def scores(
        self, errors: Float[np.ndarray, "rows channels"], borders: Borders | None = None
    ) -> Float[np.ndarray, "rows"]:
        """Return the score of each row, in robust deviations above the normal median; NaN where nothing is known.

        Args:
            errors: Squared standardized errors.
            borders: First and past the last row of each series; None takes the rows as one. Rows outside have no score.
        """
        found = np.full(len(errors), np.nan)
        for first, past, roots in smoothed(errors, whole(errors) if borders is None else borders, self.smooth):
            found[first:past] = aggregated(standardized(roots, self.center, self.scale), self.aggregate)
        return (found - self.location) / self.spread

    def alarms(self, scores: Float[np.ndarray, "rows"], borders: Borders | None = None) -> Bool[np.ndarray, "rows"]:
        """Return the rows of events: hysteresis, then joined over short gaps, then the short ones left out."""
        borders = whole(scores) if borders is None else borders
        return alarms_of(scores, self.threshold, self.low, borders, self.join_gap, self.min_duration)

    def events(
        self,
        scores: Float[np.ndarray, "rows"],
        errors: Float[np.ndarray, "rows channels"],
        borders: Borders | None = None,
    ) -> list[Event]:
        """Return the events in order; they share no row."""
        borders = whole(scores) if borders is None else borders
        runs = runs_of(self.alarms(scores, borders), borders).tolist()
        return [self.event(first, scores[first:past], errors[first:past]) for first, past in runs]

    def event(self, first: int, scores: Float[np.ndarray, "rows"], errors: Float[np.ndarray, "rows channels"]) -> Event:
        """Return the event of some rows, the first of which has this number."""
        peak = int(np.nanargmax(scores))
        return Event(
            first=first,
            last=first + len(scores) - 1,
            severity=float(scores[peak] / self.threshold),
            peak_row=first + peak,
            channels=shares(np.nansum(self.deviations(errors), 0)),
            p_value=self.surprise.p_value(float(scores[peak])),
        )

    def deviations(self, errors: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "rows channels"]:
        """Return the contributions of each row alone: their sum over an event does not look at the rows before it."""
        return standardized(np.sqrt(errors.astype(np.float64)), self.center, self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types; an infinite threshold is None."""
        plain = {name: value for name, value in vars(self).items() if isinstance(value, str | int | float)}
        lists = {"center": self.center.tolist(), "scale": self.scale.tolist(), "surprise": self.surprise.to_dict()}
        return plain | lists | {"threshold": None if math.isinf(self.threshold) else self.threshold}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "FittedDetector":
        """Undo :meth:`to_dict`."""
        lists = {name: np.array(saved[name], np.float64) for name in ("center", "scale")}
        threshold = math.inf if saved["threshold"] is None else saved["threshold"]
        return cls(**(saved | lists | {"threshold": threshold, "surprise": Surprise.from_dict(saved["surprise"])}))


def whole(rows: np.ndarray) -> Borders:
    """Return the borders of rows that are one series."""
    return [(0, len(rows))]
