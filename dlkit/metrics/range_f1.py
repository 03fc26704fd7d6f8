"""Precision and recall of ranges (Tatbul et al., NeurIPS 2018, arXiv:1803.03639)."""

import numpy as np
from jaxtyping import Bool, Float, Int

from dlkit.metrics.runs import Borders, runs

EXISTENCE = 0.2  # weight of finding an event at all, as usual in benchmarks; precision knows no such reward


def range_scores(
    labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"], borders: Borders
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of ranges.

    Flat bias, cardinality 1 / (number of ranges that overlap one), 0.2 of the recall for an event's being found at all.
    NaN where there is no alarm (precision) or no event (recall); F1 is NaN without events, 0 where nothing is found.
    """
    events, found = runs(labels, borders), runs(alarms, borders)
    precision = rewards(found, events, existence=0.0)
    recall = rewards(events, found, existence=EXISTENCE)
    precise, complete = (float(part.mean()) if len(part) else np.nan for part in (precision, recall))
    if not len(events):
        return precise, complete, np.nan
    if not len(found) or precise + complete == 0:
        return precise, complete, 0.0
    return precise, complete, 2 * precise * complete / (precise + complete)


def rewards(
    ranges: Int[np.ndarray, "ranges 2"], others: Int[np.ndarray, "others 2"], *, existence: float
) -> Float[np.ndarray, " ranges"]:
    """Return what each range gets for its overlap with the others, between 0 and 1.

    Args:
        ranges: First and past last row of each.
        others: Likewise, in order, none touching another.
        existence: Weight of overlapping at all against the share that overlaps.
    """
    first, last = ranges.T
    count = np.searchsorted(others[:, 0], last) - np.searchsorted(others[:, 1], first, side="right")
    share = (covered(others, last) - covered(others, first)) / (last - first)
    reward: np.ndarray = existence * (count > 0) + (1 - existence) * share / np.maximum(count, 1)
    return reward


def covered(ranges: Int[np.ndarray, "ranges 2"], row: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """Return how many rows before each row lie in a range."""
    total: np.ndarray = np.concatenate([[0], np.cumsum(ranges[:, 1] - ranges[:, 0])])
    begun = np.searchsorted(ranges[:, 0], row)
    past = np.maximum(ranges[begun - 1, 1] - row, 0) * (begun > 0) if len(ranges) else 0
    before: np.ndarray = total[begun] - past
    return before
