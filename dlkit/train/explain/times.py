"""When the last input of a window was and of when its answer is: what samples are called, what figures say of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.core.batch import Batch
from dlkit.report.canvas import duration_text
from dlkit.tasks.forecast import Forecast


def issued_rows(data: Any, batch: Batch) -> np.ndarray:
    """Return the row of the last input of each window, (batch,)."""
    assert batch.start is not None
    rows: np.ndarray = batch.start.cpu().numpy() + data.geometry.lead - data.geometry.gap - 1
    return rows


def sample_names(task: Any, data: Any, batch: Batch) -> list[str]:
    """Return what each sample or window is called, as the prediction table has it.

    Forecasts are called by the time of the last input, windows with one answer by the time of the answer.
    """
    assert batch.start is not None
    starts = batch.start.cpu().numpy()
    if isinstance(task, Forecast) or task.spec.parts:
        table = data.prepared.table
        rows = issued_rows(data, batch) + (0 if isinstance(task, Forecast) else task.spec.gap)
        stamps = [stamp(time, table.step) for time in data.clock(table.times[rows])]
        several = len(table.names) > 1
        return [f"{data.series_of(int(s))} {when}" if several else when for s, when in zip(starts, stamps, strict=True)]
    names = data.prepared.samples.names
    return [str(names[int(number)]) for number in starts]


def stamp(time: Any, step: int) -> str:
    """Return a date, or seconds, as precise as a clock whose step is this many nanoseconds."""
    if not isinstance(time, np.datetime64):
        return f"{time:.6g} s"
    return str(time.astype("datetime64[s]" if step % 10**9 == 0 else "datetime64[ms]")).replace("T", " ")


def later_text(ahead: Sequence[float]) -> str:
    """Return how long after the last input the targets are, "" where they are of that moment.

    Args:
        ahead: Seconds from the last input to each target.
    """
    if not any(ahead):
        return ""
    first, last = duration_text(min(ahead)), duration_text(max(ahead))
    return f"target {last} later" if first == last else f"targets {first} to {last} later"


def moments(times: np.ndarray | None, ahead: Sequence[float], number: int) -> list[dict[str, Any]]:
    """Return for each score of a window the moments of its last input and of its target, none without a clock.

    Args:
        times: Time of the last input of each window, (batch,), or of all inputs, (batch, time).
        ahead: Seconds from the last input to each target; none where samples have no clock.
        number: Of the window.
    """
    if times is None or not ahead:
        return []
    issued = times[number] if times.ndim == 1 else times[number, -1]
    dated = isinstance(issued, np.datetime64)
    return [
        {"issued": str(issued), "target_time": str(issued + np.timedelta64(round(1e9 * one), "ns"))}
        if dated
        else {"issued": float(issued), "target_time": float(issued + one)}
        for one in ahead
    ]
