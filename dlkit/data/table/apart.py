"""Keep the windows of different roles apart: no row in common, and no time shorter than the purge between them."""

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds
from dlkit.data.table.rows import join, without
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry

Ranges = dict[str, np.ndarray]


def nanoseconds_of(purge: int | str, step: int) -> int:
    """Return a purge, in rows of ``step`` nanoseconds or a duration, in nanoseconds.

    Raises:
        InputError: It is negative, or no duration.
    """
    text = str(purge).strip()
    rows = int(text) if text.lstrip("-").isdigit() else None
    require(rows is None or rows >= 0, f"purge={purge} must not be negative: give rows, or a duration such as 1d.")
    return nanoseconds(text, setting="purge") if rows is None else rows * step


def apart(ranges: Ranges, table: Table, geometry: Geometry, purge: int) -> Ranges:
    """Return the ranges to predict such that windows of different roles share no row and lie ``purge`` apart.

    A test window belongs to the range in which its first predicted row lies; the range grows by what the last of them
    predicts beyond it. Inputs of a test window may lie before its range: rows that they touch neither validate nor
    train, and what validates keeps the same distance to what trains.

    Args:
        ranges: Rows to predict of each role.
        table: Times and segments.
        geometry: Extent of a window.
        purge: Nanoseconds.
    """
    test = whole_windows(ranges["test"], table.segments, geometry)
    tested = near(touched(test, table.segments, geometry), table, purge)
    val = without(ranges["val"], later(tested, table.segments, geometry.lead))
    validated = near(touched(val, table.segments, geometry), table, purge)
    return {"train": without(ranges["train"], join([tested, validated])), "val": val, "test": test}


def owners(ranges: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the segment, (n, 2), that each range lies in."""
    return np.asarray(segments[np.searchsorted(segments[:, 0], ranges[:, 0], side="right") - 1])


def whole_windows(ranges: np.ndarray, segments: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return ranges in which exactly those windows fit, of all in the segments, whose first predicted row was in one.

    Windows of a segment begin every ``stride`` rows from its first row, whatever the ranges.
    """
    borders = owners(ranges, segments)
    first = np.maximum(ranges[:, 0] - borders[:, 0] - geometry.lead, 0)
    steps = -(-first // geometry.stride) * geometry.stride
    start = np.maximum(borders[:, 0] + geometry.lead + steps, ranges[:, 0])
    start = np.where(first > 0, start, ranges[:, 0])
    stop = np.minimum(ranges[:, 1] + geometry.look_forward - 1, borders[:, 1])
    found = np.stack([start, stop], 1)
    return np.asarray(found[start < ranges[:, 1]])


def touched(ranges: np.ndarray, segments: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the rows that windows which predict in the ranges use."""
    begin = owners(ranges, segments)[:, 0]
    return np.stack([np.maximum(ranges[:, 0] - geometry.lead, begin), ranges[:, 1]], 1)


def near(ranges: np.ndarray, table: Table, purge: int) -> np.ndarray:
    """Return the ranges with all rows of the same series that lie at most ``purge`` nanoseconds from one of theirs."""
    if purge == 0:
        return ranges
    borders, found = owners(ranges, table.series_borders()), []
    for (start, stop), (low, high) in zip(ranges.tolist(), borders.tolist(), strict=True):
        times = table.times[low:high]
        first = low + np.searchsorted(times, table.times[start] - purge, side="left")
        last = low + np.searchsorted(times, table.times[stop - 1] + purge, side="right")
        found.append((int(first), int(last)))
    return np.array(found, np.int64).reshape(-1, 2)


def later(ranges: np.ndarray, segments: np.ndarray, rows: int) -> np.ndarray:
    """Return the ranges with ``rows`` more at their ends, within the segment of their last row."""
    last = owners(ranges[:, 1:] - 1, segments)[:, 1] if len(ranges) else ranges[:, 1]
    return np.stack([ranges[:, 0], np.minimum(ranges[:, 1] + rows, last)], 1)
