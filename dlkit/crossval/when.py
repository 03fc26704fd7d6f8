"""Where the windows that a fold tests lie in time, beside those that trained."""

from typing import Any

import numpy as np
import torch

from dlkit.data.sample_modules import SampleDataModule


def when(data: Any) -> dict[str, Any]:
    """Return which shares of the test windows predict later and earlier than all training data, and in new series.

    Samples have no common time axis: nothing is returned for them.
    """
    if isinstance(data, SampleDataModule):
        return {}
    table, geometry = data.prepared.table, data.prepared.geometry
    first, last = extent(data, "train", 0, geometry.length)
    places = data.places("test")
    starts = places.starts(torch.arange(len(places))).numpy()
    times = table.times[starts + geometry.lead]
    trained = set(table.names_of(starts_of(data, "train")).tolist())
    tested = table.names_of(starts)
    return {
        "later than all training": float((times > last).mean()),
        "earlier than all training": float((times < first).mean()),
        "in series that never train": float(np.mean([name not in trained for name in tested])),
        "train": as_text(data, [first, last]),
        "test": as_text(data, list(extent(data, "test", geometry.lead, geometry.length))),
    }


def starts_of(data: Any, role: str) -> np.ndarray:
    """Return the first row of each run of windows of a role."""
    found: np.ndarray = data.places(role).first.numpy()
    return found


def extent(data: Any, role: str, begin: int, end: int) -> tuple[int, int]:
    """Return the earliest and the latest time of rows ``begin`` to ``end`` of the windows of a role."""
    table, windows = data.prepared.table, data.places(role)
    last = windows.first + (windows.count - 1) * windows.stride
    return int(table.times[windows.first.numpy() + begin].min()), int(table.times[last.numpy() + end - 1].max())


def as_text(data: Any, times: list[int]) -> list[str]:
    """Return int64 nanoseconds as dates, or as seconds where the data count from a start."""
    clock = data.clock(np.array(times, np.int64))
    dated = np.issubdtype(clock.dtype, np.datetime64)
    return [str(np.datetime64(one, "s")) if dated else f"{one:g} s" for one in clock]
