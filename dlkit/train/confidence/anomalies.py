"""Confidence of anomalies: p-values of rows or samples, and thresholds that keep false alarms rare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.anomaly.events import alarms_of
from dlkit.anomaly.thresholds import runs_of
from dlkit.confidence.p_values import PValues
from dlkit.confidence.risk import false_alarm_threshold
from dlkit.core.checks import require
from dlkit.train.anomalies.events import DAY
from dlkit.train.anomalies.tables import rows_of
from dlkit.train.confidence.answers import Order
from dlkit.train.confidence.checks import SURE, promise
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.anomalous_samples import AnomalousSamples
from dlkit.train.evaluation.reconstruct import ReconstructEvaluation

Borders = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of validation and test, NaN where a row is labelled as anomalous in validation.

    Attributes:
        val: Of each row, window or sample that validates.
        test: Of each that tests.
        normal: Which of the latter are not labelled as anomalous.
        clear: Which of these share no window, and no average, with one that is.
        val_borders: First and past the last of each run.
        order: Where those that test lie in time.
        per_day: Rows of a day, None for samples.
        join_gap: Rows between alarms that are one.
    """

    val: np.ndarray
    test: np.ndarray
    normal: np.ndarray
    clear: np.ndarray
    val_borders: Borders
    order: Order
    per_day: float | None
    join_gap: int


def packed(segments: Sequence[tuple[int, int]]) -> Borders:
    """Return the borders of segments once nothing lies between them."""
    ends = np.cumsum([past - first for first, past in segments]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def scored(evaluation: Any) -> Scored:
    """Return the scores of an evaluation that has found what it can.

    Raises:
        InputError: It has no scores: too few windows validate.
    """
    if isinstance(evaluation, AnomalousSamples):
        known = evaluation.labels("test")
        count = len(evaluation.scores)
        normal = np.ones(count, bool) if known is None else known != 1
        before = evaluation.labels("val")
        val = evaluation.val_scores if before is None else np.where(before == 1, np.nan, evaluation.val_scores)
        order = Order(np.arange(count), None, [(0, count)])
        return Scored(val, evaluation.scores, normal, normal, [(0, len(val))], order, None, 0)
    judged = evaluation.judged
    require(judged is not None, "Too few windows validate to say what is normal: give `split` a larger val part.")
    data = evaluation.moments if isinstance(evaluation, ReconstructEvaluation) else evaluation.data
    segments = {role: data.segments(role) for role in ("val", "test")}
    rows = {role: rows_of(segments[role]) for role in segments}
    val, test = evaluation.val_scores[rows["val"]], judged.scores[rows["test"]]
    labels = data.labels
    if labels is not None:
        val = np.where(labels[rows["val"]], np.nan, val)
    normal = clear = np.ones(len(test), bool)
    if labels is not None:
        reach = (data.geometry.look_back - 1) * data.geometry.dilation + judged.fitted.smooth
        normal, clear = (~near(labels.astype(bool), rows_off)[rows["test"]] for rows_off in (0, reach))
    names_of, overlap = data.prepared.table.names_of, data.geometry.look_back
    fitted, order = (
        Order(rows[role], names_of(rows[role]), packed(segments[role]), overlap) for role in ("val", "test")
    )
    step = data.prepared.table.step
    return Scored(val, test, normal, clear, fitted.borders, order.after(fitted), DAY / step, judged.fitted.join_gap)


def near(labels: np.ndarray, rows: int) -> np.ndarray:
    """Return which rows lie at most so many rows from a labelled one, or are labelled."""
    before = np.concatenate([[0], np.cumsum(labels)])
    places = np.arange(len(labels))
    found: np.ndarray = before[(places + rows + 1).clip(max=len(labels))] > before[(places - rows).clip(min=0)]
    return found


def fit_anomalies(evaluation: Any, wish: Wish) -> HeadConfidence:
    """Return p-values fitted on normal validation scores, a threshold where a risk is to be kept, and their check."""
    found = scored(evaluation)
    head = HeadConfidence("anomalies", normal=PValues.fit(found.val))
    count, fewest = head.normal.count, 1 / (1 - wish.level) - 1
    if count < fewest:
        head.notes.append(
            f"{count} normal scores cannot give a p-value of {1 - wish.level:.4g} or less: validate on more"
        )
    inside = np.where(found.clear & ~np.isnan(found.test), head.normal(found.test) > 1 - wish.level, np.nan)
    what = "a normal sample is called usual" if found.per_day is None else "a normal row is called usual"
    told = {"level": wish.level, "method": "p-value", "calibration": count}
    head.promises.append(promise(inside, found.order, what=what, target="", **told))
    if beside := int((found.normal & ~found.clear).sum()):
        head.notes.append(f"{beside} normal rows are left out of this: they share a window with a labelled one")
    if found.normal.all():
        head.notes.append("no test row is labelled: all of them were taken for normal")
    if wish.risk is not None:
        keep_risk(head, found, wish.risk)
    return head


def keep_risk(head: HeadConfidence, found: Scored, risk: dict[str, float]) -> None:
    """Add the threshold that keeps false alarms rare, and what the test saw of them."""
    from scipy import stats

    assert found.per_day is not None  # of samples, which have no days, refused before they train
    most = risk["false_alarms_per_day"]
    threshold = false_alarm_threshold(
        found.val, found.val_borders, found.per_day, per_day=most, failure=1 - SURE, join_gap=found.join_gap
    )
    borders = found.order.borders
    alarms = alarms_of(found.test, threshold, threshold, borders, found.join_gap, 1)
    runs = runs_of(alarms, borders).tolist()
    false = sum(bool(found.normal[first:past].all()) for first, past in runs)
    days = float(found.normal.sum()) / found.per_day
    low = stats.chi2.ppf(0.025, 2 * false) / 2 if false else 0.0
    high = stats.chi2.ppf(0.975, 2 * false + 2) / 2
    head.risk = {
        "false_alarms_per_day": most, "probability": SURE, "threshold": threshold, "seen": false / days,
        "low": float(low / days), "high": float(high / days), "days": days,
    }  # fmt: skip
    head.notes.append(
        f"scores above {threshold:.4g} raise at most {most:g} false alarms a day with {100 * SURE:g} % probability; "
        f"the test saw {false / days:.3g} ({low / days:.3g} to {high / days:.3g}) in {days:.3g} normal days"
        if np.isfinite(threshold)
        else f"no threshold keeps false alarms at {most:g} a day with {100 * SURE:g} % probability: validate on more "
        "normal data, or allow more"
    )
