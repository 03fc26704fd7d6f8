"""From the errors of rows to scores, alarms and events; everything is learnt from normal rows."""

import numpy as np
from jaxtyping import Bool, Float

from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.overlap import Merge
from dlkit.anomaly.scaling import Aggregate, robust, smoothed, thinned
from dlkit.anomaly.surprise import Surprise
from dlkit.anomaly.thresholds import Borders, PeaksOverThreshold, Threshold
from dlkit.core.checks import require
from dlkit.core.durations import samples

SECOND = 10**9
DAY = 86_400 * SECOND
CURE = "give a number of rows"


class Detector:
    """How errors of a reconstruction become alarms and events.

    The roots of the squared errors are smoothed and measured in robust deviations of their channel on normal rows,
    channels are aggregated, and the result is measured in robust deviations of normal scores: their median is 0.

    Args:
        merge: How overlapping windows share a row: "overlap" localises best, "causal" is known at once.
        stride: Rows between windows that score; None takes a quarter of the look-back, 1 for "causal".
        aggregate: Over the channels: their "mean", the largest ("max") or the mean of the three largest ("top3").
        smooth: Rows, or a duration, of the average of each score and those before it.
        threshold: Chooses the threshold; by default peaks over threshold with one false alarm a day.
        hysteresis: An event ends when the score falls below this fraction of the way from the normal median to the
            threshold.
        min_duration: Rows, or a duration, that an event takes at least.
        join_gap: Events with at most so many rows, or a duration, between them are one.
    """

    def __init__(
        self,
        *,
        merge: Merge = "overlap",
        stride: int | None = None,
        aggregate: Aggregate = "mean",
        smooth: int | str = 1,
        threshold: Threshold | None = None,
        hysteresis: float = 0.5,
        min_duration: int | str = 1,
        join_gap: int | str = 0,
    ) -> None:
        require(stride is None or stride > 0, f"stride={stride} must be positive: change `stride` of the detector.")
        require(0 <= hysteresis <= 1, f"hysteresis={hysteresis} must lie between 0 and 1: change `hysteresis`.")
        self.merge, self.stride, self.aggregate, self.smooth = merge, stride, aggregate, smooth
        self.threshold, self.hysteresis = threshold or PeaksOverThreshold(), hysteresis
        self.min_duration, self.join_gap = min_duration, join_gap

    def with_merge(self, merge: Merge) -> "Detector":
        """Return the same with another merge and its default stride."""
        settings = vars(self) | {"merge": merge, "stride": self.stride if merge == self.merge else None}
        return Detector(**settings)

    def stride_of(self, look_back: int) -> int:
        """Return the rows between windows that score."""
        return self.stride or (1 if self.merge == "causal" else max(look_back // 4, 1))

    def in_rows(self, step: int) -> dict[str, int]:
        """Return the durations in rows of ``step`` nanoseconds.

        Raises:
            InputError: One is no whole number of rows, or too short.
        """
        return {
            "smooth": samples(self.smooth, step, setting="smooth", least=1, cure=CURE),
            "min_duration": samples(self.min_duration, step, setting="min_duration", least=1, cure=CURE),
            "join_gap": samples(self.join_gap, step, setting="join_gap", cure=CURE),
        }

    def fit(
        self,
        errors: Float[np.ndarray, "rows channels"],
        normal: Bool[np.ndarray, "rows"],
        borders: Borders,
        *,
        step: int = SECOND,
    ) -> FittedDetector:
        """Return the detector fitted to normal validation rows.

        Args:
            errors: Squared standardized errors, NaN where unknown.
            normal: Rows to learn from; those without an error do not count.
            borders: First and past the last row of each series, over whose ends nothing reaches.
            step: Nanoseconds between rows.

        Raises:
            InputError: No normal row has an error, or a setting does not fit the step.
        """
        rows, lengths = thinned(normal), self.in_rows(step)
        picked = np.zeros(len(normal), bool)
        picked[rows] = True
        parts = [roots[picked[first:past]] for first, past, roots in smoothed(errors, borders, lengths["smooth"])]
        center, scale = robust(np.concatenate([errors[:0], *parts]))
        fitted = FittedDetector(
            merge=self.merge,
            aggregate=self.aggregate,
            smooth=lengths["smooth"],
            min_duration=lengths["min_duration"],
            join_gap=lengths["join_gap"],
            hysteresis=self.hysteresis,
            center=center,
            scale=scale,
        )
        scores = fitted.scores(errors, borders)
        require(
            bool(normal.any()) and not np.isnan(scores[normal]).all(),
            "No normal row validates, so nothing says what is normal: give `val` a larger part in `split`, with rows "
            "that are not labelled as anomalies.",
        )
        location, spread = robust(scores[rows, None])
        fitted = fitted.measured_in(float(location[0]), float(spread[0]))
        scores = np.where(normal, (scores - location) / spread, np.nan)
        threshold = self.threshold.fit(scores, borders, DAY / step)
        require(
            threshold > 0,
            f"The threshold {threshold:.3g} does not lie above the median of normal scores: choose a higher quantile "
            "in `threshold`.",
        )
        return fitted.with_threshold(threshold, Surprise.fit(scores, threshold, borders))
