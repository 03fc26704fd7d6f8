"""Windows of several sources as rows of a table: one a window, at the moment that it is asked for."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from dlkit.core.specs import Spec

FEWEST = 20  # validation windows that can say what is normal


class Moments:
    """What :func:`dlkit.train.anomalies.events.judge` asks of data, for the errors of sources instead of channels.

    Args:
        data: Windows of several sources.
        rows: Row of the table that each window is asked for, by role: "val" and "test".
        names: Of the sources.
    """

    labels = None

    def __init__(self, data: Any, rows: dict[str, np.ndarray], names: tuple[str, ...]) -> None:
        table, count = data.prepared.table, len(names)
        self.spec = Spec(names, (1,), (count, 1, 1), units=("",) * count, kind="reconstruct")
        self.geometry, self.clock, self.lengths = SimpleNamespace(look_back=1, dilation=1), data.clock, {}
        self.rows, first, self.stride = np.concatenate([rows["val"], rows["test"]]), 0, data.geometry.stride
        for role in ("val", "test"):
            self.lengths[role] = (first, first + len(rows[role]))
            first += len(rows[role])
        made = {"times": table.times[self.rows], "names": table.names, "step": table.step * self.stride}
        self.series = table.names_of(self.rows)
        self.prepared = SimpleNamespace(table=SimpleNamespace(**made, names_of=lambda rows: self.series[rows]))

    def rows_of(self, role: str) -> np.ndarray:
        """Return True at the windows of a role, bool, (windows,)."""
        found = np.zeros(len(self.rows), bool)
        found[slice(*self.lengths[role])] = True
        return found

    def segments(self, role: str) -> list[tuple[int, int]]:
        """Return first and past-the-last window of each run that follow one another without a gap."""
        first, past = self.lengths[role]
        rows, series = self.rows[first:past], self.series[first:past]
        breaks = np.flatnonzero((np.diff(rows) != self.stride) | (series[1:] != series[:-1])) + 1
        edges = [first, *(first + breaks).tolist(), past]
        return [(a, b) for a, b in pairwise(edges) if a < b]
