"""How well scores and alarms find labelled anomalies."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from dlkit.metrics.affiliation import affiliation
from dlkit.metrics.detection import best_f1, false_alarms, found_events, point_adjusted, row_scores
from dlkit.metrics.range_f1 import range_scores
from dlkit.metrics.ranking import area, average_precision
from dlkit.metrics.runs import Borders, series_of
from dlkit.metrics.vus import volumes

SECONDS_A_DAY = 86400


def anomaly_measures(
    scores: Float[np.ndarray, " rows"],
    labels: Bool[np.ndarray, " rows"],
    alarms: Bool[np.ndarray, " rows"],
    *,
    borders: Borders,
    rows_per_day: float | None,
    window: int,
) -> dict[str, float]:
    """Return every measure of anomaly scores; NaN where one is not defined, such as without any event.

    Args:
        scores: Higher is more anomalous; rows with NaN have no score, and do not count in what is made of scores.
        labels: Whether a row is anomalous.
        alarms: Whether a row was called anomalous; it is only read, no threshold is chosen here but the oracle's.
        borders: First and past last row of each series; rows outside do not count.
        rows_per_day: Rows in a day. None where the clock says nothing: then the delay is in rows and the false alarms
            are those of 1000 normal rows.
        window: Longest buffer around events for the VUS measures, in rows.

    Returns:
        ``f1_point_adjusted (inflated)`` and ``f1_oracle_threshold (oracle)`` are there to be recognised in papers, not
        to be believed. ``detected`` is the share of events with an alarm in them, the delay the median over those.
    """
    inside = series_of(borders, len(scores)) >= 0
    scores, labels, alarms = np.where(inside, scores, np.nan), labels & inside, alarms & inside
    found = by_scores(scores, labels, borders, window)
    found |= dict(
        zip(("affiliation_precision", "affiliation_recall"), affiliation(labels, alarms, borders), strict=True)
    )
    found |= dict(
        zip(("range_precision", "range_recall", "range_f1"), range_scores(labels, alarms, borders), strict=True)
    )
    found |= dict(zip(("precision", "recall", "f1"), row_scores(labels, alarms), strict=True))
    found["f1_point_adjusted (inflated)"] = row_scores(labels, point_adjusted(labels, alarms, borders))[2]
    found["f1_oracle_threshold (oracle)"] = best_f1(scores, labels)
    return found | by_events(labels, alarms, borders, int(inside.sum()), rows_per_day)


def by_scores(
    scores: Float[np.ndarray, " rows"], labels: Bool[np.ndarray, " rows"], borders: Borders, window: int
) -> dict[str, float]:
    """Return the measures that need no threshold."""
    known = ~np.isnan(scores)
    order, true = torch.from_numpy(scores[known]), torch.from_numpy(labels[known])
    vus_roc, vus_pr = volumes(scores, labels, borders, window=window)
    return {
        "auroc": float(area(order, true)),
        "auprc": float(average_precision(order, true)),
        "vus_roc": vus_roc,
        "vus_pr": vus_pr,
    }


def by_events(
    labels: Bool[np.ndarray, " rows"],
    alarms: Bool[np.ndarray, " rows"],
    borders: Borders,
    rows: int,
    rows_per_day: float | None,
) -> dict[str, float]:
    """Return the share of events found, their delay, and how often an alarm was false."""
    found, delay = found_events(labels, alarms, borders)
    normal = rows - int(labels.sum())
    wait = float(np.nanmedian(delay)) if found.any() else np.nan
    false = false_alarms(labels, alarms, borders) / normal if normal else np.nan
    shares = {"detected": float(found.mean()) if len(found) else np.nan}
    if rows_per_day is None:
        return shares | {"delay_rows": wait, "false_alarms_per_1000_rows": 1000 * false}
    return shares | {"delay_s": wait * SECONDS_A_DAY / rows_per_day, "false_alarms_per_day": false * rows_per_day}
