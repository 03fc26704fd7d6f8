"""Volume under the surface of ROC and precision-recall curves (Paparrizos et al., PVLDB 15, 2022).

Labels of events are rarely exact to the row. So each event gets a buffer of `length / 2` rows on both sides, in which
a row counts `sqrt(1 - distance / length)`, and the area under the curve is averaged over the lengths 0 to `window`.
A threshold's recall is also multiplied by the share of events that it touches at all.
"""

import numpy as np
from jaxtyping import Bool, Float

from dlkit.metrics.runs import Borders, runs, series_of
from dlkit.metrics.thresholds import falling

LENGTHS = 33  # evenly spaced lengths stand for all of a wide window


def volumes(
    scores: Float[np.ndarray, " rows"], labels: Bool[np.ndarray, " rows"], borders: Borders, *, window: int
) -> tuple[float, float]:
    """Return VUS-ROC and VUS-PR; NaN where there are no events or nothing else.

    Args:
        scores: Higher is more anomalous; NaN where a row has none and does not count. Every distinct score is a
            threshold.
        labels: Whether a row belongs to an event.
        borders: First and past last row of each series.
        window: Longest buffer in rows, such as the usual length of an event or the look-back.
    """
    known = ~np.isnan(scores) & (series_of(borders, len(scores)) >= 0)
    if not (labels & known).any() or (labels | ~known).all():
        return np.nan, np.nan
    order, last = falling(scores, known)
    lengths = np.unique(np.linspace(0, window, min(window + 1, LENGTHS)).round().astype(int))
    behind, ahead = distances(labels, borders)
    areas = [
        areas_at(scores, labels & known, buffered(behind, ahead, int(length)), borders, order, last)
        for length in lengths
    ]
    roc, pr = np.mean(areas, axis=0)
    return float(roc), float(pr)


def distances(
    labels: Bool[np.ndarray, " rows"], borders: Borders
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Return how many rows ago the last labelled row of the series was, and after how many the next one comes."""
    rows, behind, ahead = np.arange(len(labels)), *np.full((2, len(labels)), np.inf)
    for first, end in borders:
        own, row = labels[first:end], rows[first:end].astype(np.float64)
        behind[first:end] = row - np.maximum.accumulate(np.where(own, row, -np.inf))
        ahead[first:end] = np.minimum.accumulate(np.where(own, row, np.inf)[::-1])[::-1] - row
    return behind, ahead


def buffered(
    behind: Float[np.ndarray, " rows"], ahead: Float[np.ndarray, " rows"], length: int
) -> Float[np.ndarray, " rows"]:
    """Return how much each row counts as anomalous: 1 in an event, falling in its buffers, 0 elsewhere."""
    if length == 0:
        return np.where(behind == 0, 1.0, 0.0)
    before, after = (np.sqrt(1 - np.where(d <= length // 2, d, length) / length) for d in (behind, ahead))
    weights: np.ndarray = np.minimum(before + after, 1)
    return weights


def areas_at(
    scores: Float[np.ndarray, " rows"],
    labels: Bool[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    borders: Borders,
    order: np.ndarray,
    last: np.ndarray,
) -> tuple[float, float]:
    """Return the areas under both curves for one length of the buffers."""
    counted, said = weights[order], last + 1.0
    hits, true = np.cumsum(counted)[last], labels.sum()
    positives = (true + true + np.cumsum(np.where(labels[order], 0, counted))[last]) / 2
    recall = np.minimum(hits / positives, 1) * touched(scores, weights, borders, scores[order][last])
    false = (said - hits) / (len(order) - positives)
    precision = hits / said
    true_rate, false_rate = (np.concatenate([[0], part, [1]]) for part in (recall, false))
    roc = np.trapezoid(true_rate, false_rate)
    return float(roc), float(np.sum(np.diff(recall, prepend=0) * precision))


def touched(
    scores: Float[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    borders: Borders,
    thresholds: Float[np.ndarray, " thresholds"],
) -> Float[np.ndarray, " thresholds"]:
    """Return the share of buffered events in which a score reaches each threshold; the thresholds fall."""
    events = runs(weights > 0, borders)
    inside = np.append(np.where(np.isnan(scores), -np.inf, scores), -np.inf)
    peaks = np.sort(np.maximum.reduceat(inside, events.ravel())[::2])
    return 1 - np.searchsorted(peaks, thresholds) / len(peaks)
