"""From errors of reconstruction to scores, alarms and events of a table, whoever made the errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.events import Event
from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.overlap import Merge, RowErrors
from dlkit.core.checks import require
from dlkit.metrics.anomaly import anomaly_measures
from dlkit.train.anomalies.tables import event_table, rows_of

if TYPE_CHECKING:
    import pandas as pd

Squares = Callable[[Any], tuple[Tensor, Tensor | None]]
DAY = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Judged:
    """What a detector says of the rows that test.

    Attributes:
        fitted: The detector, fitted on normal validation rows.
        scores: Of each row of the table, NaN where none tests, (rows,).
        alarms: Whether a row belongs to an event, (rows,).
        found: The events.
        events: A line an event, see :func:`dlkit.train.anomalies.tables.event_table`.
        measures: Plain numbers by name; those that need labels only where there are some.
    """

    fitted: FittedDetector
    scores: np.ndarray
    alarms: np.ndarray
    found: list[Event]
    events: "pd.DataFrame"
    measures: dict[str, float]


def row_errors(task: Any, data: Any, role: str, *, merge: Merge = "overlap", stride: int | None = None) -> np.ndarray:
    """Return the squared standardized error of each row and channel, (rows, channels); NaN outside of the role.

    Args:
        task: A Reconstruct.
        data: Windows of one table.
        role: "train", "val" or "test".
        merge: How windows that overlap are merged.
        stride: Rows between the starts of neighbouring windows; None takes a quarter of a window, 1 where causal.
    """
    with evaluated(task):
        return merged_errors(task.squares, data, role, merge=merge, stride=stride, device=task.device)


def merged_errors(
    squares: Squares,
    data: Any,
    role: str,
    *,
    merge: Merge = "overlap",
    stride: int | None = None,
    device: torch.device | None = None,
) -> np.ndarray:
    """Return the same for whatever says of a batch which squared errors it has, and which of them count.

    Args:
        squares: Takes a batch, gives squared errors, (batch, channels, time), and what counts, or None for everything.
        data: Windows of one table.
        role: "train", "val" or "test".
        merge: How windows that overlap are merged.
        stride: Rows between the starts of neighbouring windows.
        device: Where the batches go.
    """
    geometry = data.geometry
    step = Detector(merge=merge, stride=stride).stride_of(geometry.look_back)
    found: RowErrors | None = None
    every = data.scoring_starts(role, step)
    require(len(every) > 0, data.missing(role))
    # Batches of equal size: a small one at the end takes other kernels, whose sums differ in the sixth digit.
    for starts in every.tensor_split(max(-(-len(every) // data.eval_batch_size), 1)):
        batch = data.make_batch(starts if device is None else starts.to(device))  # it lies where the starts lie
        errors, counts = squares(batch)
        found = found or RowErrors(
            len(data.prepared.table.times), errors.shape[1], geometry.look_back, merge=merge, dilation=geometry.dilation
        )
        found.add(starts, errors, counts)
    assert found is not None
    return found.result()


@contextmanager
def evaluated(task: Any) -> Iterator[None]:
    """The task measures and learns nothing; afterwards it is as it was."""
    training = task.training
    task.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        task.train(training)


def judge(val_errors: np.ndarray, test_errors: np.ndarray, data: Any, detector: Detector, *, look_back: int) -> Judged:
    """Fit a detector on normal validation rows and say what it finds in those that test; labels only measure.

    Args:
        val_errors: Squared standardized errors, (rows, channels), NaN where nothing validates.
        test_errors: The same, NaN where nothing tests.
        data: Windows of one table.
        detector: Its settings.
        look_back: Samples of a window: measures that forgive a small shift forgive this many rows.
    """
    return apply(fit(val_errors, data, detector), test_errors, data, look_back=look_back)


def fit(val_errors: np.ndarray, data: Any, detector: Detector) -> FittedDetector:
    """Return a detector fitted on the validation rows, which hold no labelled anomaly unless the data keep them."""
    return detector.fit(val_errors, data.rows_of("val"), data.segments("val"), step=data.prepared.table.step)


def apply(fitted: FittedDetector, errors: np.ndarray, data: Any, *, look_back: int) -> Judged:
    """Return what a fitted detector finds in the rows that test."""
    borders = data.segments("test")
    scores = fitted.scores(errors, borders)
    alarms = fitted.alarms(scores, borders)
    events = fitted.events(scores, errors, borders)
    plain = {"events": float(len(events)), "threshold": fitted.threshold}
    told = plain | measures(scores, alarms, data, look_back=look_back)
    return Judged(fitted, scores, alarms, events, event_table(events, data), told)


def measures(scores: np.ndarray, alarms: np.ndarray, data: Any, *, look_back: int) -> dict[str, float]:
    """Return which share of the test rows is in an event, and how well that fits the labels where there are any."""
    borders, step = data.segments("test"), data.prepared.table.step
    rows = rows_of(borders)
    found = {"alarmed_share": float(alarms[rows].mean()) if len(rows) else 0.0}
    if data.labels is None:
        return found
    reach = look_back * data.geometry.dilation
    return found | anomaly_measures(scores, data.labels, alarms, borders=borders, rows_per_day=DAY / step, window=reach)
