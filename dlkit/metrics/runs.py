"""Runs of true rows: the events of a label and the alarms of a detector."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int

from dlkit.core.checks import require

Borders = Sequence[tuple[int, int]]
"""First and past last row of each series; in order, and over whose ends nothing reaches."""


def series_of(borders: Borders, rows: int) -> Int[np.ndarray, " rows"]:
    """Return the number of the series of each row, -1 outside of all."""
    ends = [0, *(end for series in borders for end in series), rows]
    require(
        all(first <= second for first, second in pairwise(ends)),
        f"Borders of series need (first, past last) rows in order within {rows} rows, but came as {list(borders)}.",
    )
    number = np.full(rows, -1)
    for i, (first, last) in enumerate(borders):
        number[first:last] = i
    return number


def runs(mask: Bool[np.ndarray, " rows"], borders: Borders) -> Int[np.ndarray, "runs 2"]:
    """Return first and past last row of each run of true rows; a run ends where its series ends."""
    series = np.where(mask, series_of(borders, len(mask)), -1)
    change = np.flatnonzero(np.diff(series, prepend=-1, append=-1))
    first, last = change[:-1], change[1:]
    kept = series[first] >= 0 if len(first) else np.zeros(0, bool)
    return np.stack([first[kept], last[kept]], 1)
