"""Rows, events and alarms counted: precision and recall, events found, delay and false alarms."""

import numpy as np
from jaxtyping import Bool, Float

from dlkit.metrics.runs import Borders, runs
from dlkit.metrics.thresholds import falling


def row_scores(labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of rows: NaN where nothing was said, nothing is true, or neither."""
    true, said, hits = float(labels.sum()), float(alarms.sum()), float((labels & alarms).sum())
    return (
        hits / said if said else np.nan,
        hits / true if true else np.nan,
        2 * hits / (true + said) if true else np.nan,
    )


def point_adjusted(
    labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"], borders: Borders
) -> Bool[np.ndarray, " rows"]:
    """Return alarms as if every row of an event were found with its first one: it flatters even random scores.

    Known from many papers, and meaningless (Kim et al., AAAI 2022).
    """
    adjusted = alarms.copy()
    for first, last in runs(labels, borders):
        adjusted[first:last] = alarms[first:last].any()
    return adjusted


def best_f1(scores: Float[np.ndarray, " rows"], labels: Bool[np.ndarray, " rows"]) -> float:
    """Return the highest F1 of rows over all thresholds, an oracle that knows the labels; NaN without any."""
    known = ~np.isnan(scores)
    true = labels[known].sum()
    if not true:
        return np.nan
    order, last = falling(scores, known)
    hits = np.cumsum(labels[order])[last]
    return float((2 * hits / (true + last + 1)).max())


def found_events(
    labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"], borders: Borders
) -> tuple[Bool[np.ndarray, " events"], Float[np.ndarray, " events"]]:
    """Return whether each event has an alarm in it, and after how many rows the first one comes (NaN without)."""
    first, last = runs(labels, borders).T
    rows = np.append(np.flatnonzero(alarms), len(labels))
    alarm = rows[np.searchsorted(rows, first)]
    found = alarm < last
    return found, np.where(found, alarm - first, np.nan).astype(np.float64)


def false_alarms(labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"], borders: Borders) -> int:
    """Return how many runs of alarms touch no event."""
    before = np.concatenate([[0], np.cumsum(labels)])
    first, last = runs(alarms, borders).T
    return int((before[last] == before[first]).sum())
