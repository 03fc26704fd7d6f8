"""Errors of rows that come in piece by piece, each from the window that ends there."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from dlkit.anomaly.overlap import RowErrors
from dlkit.data.batches.gather import WindowGather
from dlkit.data.table.arrange import Columns
from dlkit.data.table.blocks import normalize_in_place
from dlkit.data.table.windows import Geometry
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import evaluated

BATCH = 256
FEWEST = 32  # few windows at once take other kernels, whose sums differ from those of many in the sixth digit


class LiveErrors:
    """Keeps the rows of one window, and gives the squared errors of those that follow.

    Args:
        task: A trained network.
        dilation: Rows between neighbouring samples of a window.
    """

    def __init__(self, task: Reconstruct, *, dilation: int = 1) -> None:
        self.task, spec = task, task.spec
        names = spec.channels[: spec.measured]
        self.geometry = Geometry(spec.size[0], 0, dilation=dilation)
        self.columns = Columns(names, len(names), (len(names), len(names)), (), len(names))
        self._rows = np.empty((0, len(names)), np.float32)
        self._known, self._needed = 0, self._first_known

    @property
    def _first_known(self) -> int:
        """Rows after which the first windows of all places between two samples are whole."""
        return self.geometry.length + self.geometry.dilation - 1

    def push(self, values: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "known channels"]:
        """Return the errors of the rows that are known now and were not before, in their order.

        These are the rows that came, but for the beginning of a series: its first window gives all its rows, so
        nothing is known before it is whole.

        Args:
            values: Rows in physical units, NaN where missing.
        """
        self._rows = np.concatenate([self._rows, values.astype(np.float32)])
        if len(self._rows) < self._needed:
            return values[:0]
        errors = self._errors()[self._known :]
        self._rows = self._rows[len(self._rows) - self.geometry.length + 1 :]
        self._known, self._needed = len(self._rows), self.geometry.length
        return errors

    def end(self) -> Float[np.ndarray, "known channels"]:
        """End the series; return the errors of the rows that were not known yet, NaN where no window holds them."""
        errors = self._errors() if self._known == 0 else self._rows[:0]
        self._rows, self._known, self._needed = self._rows[:0], 0, self._first_known
        return errors

    def _errors(self) -> np.ndarray:
        rows, names = self._rows.copy(), self.columns.names
        found = RowErrors(
            len(rows), len(names), self.geometry.look_back, merge="causal", dilation=self.geometry.dilation
        )
        gather, windows = self._gather(rows).to(self.task.device), max(len(rows) - self.geometry.length + 1, 0)
        with evaluated(self.task):
            for first in range(0, windows, BATCH):
                starts = torch.arange(first, min(first + BATCH, windows))
                padded = torch.cat([starts, starts[:1].expand(max(FEWEST - len(starts), 0))])
                squares, counts = self.task.squares(gather(padded.to(self.task.device)))
                found.add(starts, squares[: len(starts)], None if counts is None else counts[: len(starts)])
        return found.result()

    def _gather(self, rows: np.ndarray) -> WindowGather:
        scaling: Any = self.task.scaling
        return WindowGather(
            values=torch.from_numpy(rows),
            observed=normalize_in_place(rows, scaling.cpu()),
            geometry=self.geometry,
            columns=self.columns,
            segments=torch.zeros(1, dtype=torch.int64),
            mask_channels=self.task.spec.masks > 0,
        )
