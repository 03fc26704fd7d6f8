"""Make batches of windows: one vectorised copy a batch, everything else is a view of it."""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.table.arrange import Columns
from dlkit.data.table.blocks import NormalizedBlocks
from dlkit.data.table.windows import Geometry


class OneThread:
    """Copy memory with one thread: with busy neighbours two wait for each other and are a hundred times slower."""

    def __enter__(self) -> None:
        """Remember how many threads there are; a generator would take three times as long as this."""
        self._threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        """Give them back."""
        torch.set_num_threads(self._threads)


def _references(buffers: list[np.ndarray]) -> list[int]:
    return [sys.getrefcount(buffer) for buffer in buffers]


UNUSED = _references([np.empty(0)])[0]  # a list refers to it and this count does; how it counts depends on the version


class Buffers:
    """Output buffers that are used again once no tensor refers to them, which spares the page faults of new memory."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def take(self, rows: int, width: int, dtype: torch.dtype) -> Tensor:
        """Return memory for (rows, width) float32 or bool values, whatever is in it."""
        for number, references in enumerate(_references(self._kept)):
            # A tensor made from a buffer holds a reference to it, and so does every view of that tensor.
            if references == UNUSED and len(self._kept[number]) >= rows:
                return torch.from_numpy(self._kept[number][:rows])
        buffer: np.ndarray = np.empty((rows, width), np.float32 if dtype == torch.float32 else np.bool_)
        self._kept = [*self._kept[-2:], buffer]
        return torch.from_numpy(buffer)


@dataclass(eq=False)
class WindowGather:
    """Turns starts of windows into a batch.

    A row-major table is seen as ``(rows - length + 1, length * columns)`` with overlapping rows, so that each window is
    one uninterrupted run of memory.

    Attributes:
        values: (rows, columns), C-contiguous; normalized and filled, or raw when there are ``blocks``.
        observed: True where a value was measured, like values; None when nothing is missing.
        geometry: Extent of a window.
        columns: The parts of the columns.
        segments: Start of each segment, (segments,), to find the series of a window.
        static: Standardized constants of each segment's series, (segments, constants), or None.
        mask_channels: Give the observed mask to the network as further channels.
        blocks: Normalized rows of a raw table (on disk), from which windows are copied instead.
    """

    values: Tensor
    observed: Tensor | None
    geometry: Geometry
    columns: Columns
    segments: Tensor
    static: Tensor | None = None
    mask_channels: bool = False
    blocks: NormalizedBlocks | None = None

    def __post_init__(self) -> None:
        """Lay the overlapping views."""
        # A column-major array, as pandas makes them, would give wrong windows without a sound.
        assert self.values.is_contiguous(), "the table must be row-major"
        values, observed = (
            (self.values, self.observed) if self.blocks is None else (self.blocks.values, self.blocks.observed)
        )
        self._values, self._observed = self._view(values), None if observed is None else self._view(observed)
        self._buffers, self._mask_buffers = Buffers(), Buffers()
        self._ahead = torch.tensor(self.columns.future, dtype=torch.int64, device=self.values.device)

    def _view(self, table: Tensor) -> Tensor:
        rows, columns = table.shape
        runs = max(rows - self.geometry.length + 1, 0)
        return table.as_strided((runs, self.geometry.length * columns), (columns, 1))

    def _copy(self, view: Tensor, starts: Tensor, buffers: Buffers) -> Tensor:
        if view.device.type == "cpu":
            out = buffers.take(len(starts), view.shape[1], view.dtype)
            with OneThread():
                torch.index_select(view, 0, starts, out=out)
        else:
            out = view.index_select(0, starts)
        return out

    def _copy_from_blocks(self, starts: Tensor, blocks: NormalizedBlocks) -> tuple[Tensor, Tensor | None]:
        """Copy windows, as many at a time as may each need a block of their own."""
        rows, width = len(starts), self._values.shape[1]
        window = self._buffers.take(rows, width, torch.float32)
        observed = None if self._observed is None else self._mask_buffers.take(rows, width, torch.bool)
        with OneThread():
            for first in range(0, rows, blocks.kept):
                part = slice(first, first + blocks.kept)
                places = blocks.place(starts[part])
                torch.index_select(self._values, 0, places, out=window[part])
                if self._observed is not None and observed is not None:
                    torch.index_select(self._observed, 0, places, out=observed[part])
        return window, observed

    def to(self, device: torch.device) -> "WindowGather":
        """Return the same with its table on a device."""
        if device == self.values.device:
            return self
        values, segments = self.values.to(device), self.segments.to(device)
        observed, static = (None if part is None else part.to(device) for part in (self.observed, self.static))
        return replace(self, values=values, observed=observed, segments=segments, static=static)

    def __call__(self, starts: Tensor) -> Batch:
        """Return the windows that begin at these rows, (batch,); the batch lies where the starts lie."""
        if starts.device == self.values.device:
            return self._batch(starts)
        batch = self._batch(starts.to(self.values.device))
        return Batch._make(None if part is None else part.to(starts.device) for part in batch)

    def _batch(self, starts: Tensor) -> Batch:
        if self.blocks is not None:
            window, observed = self._copy_from_blocks(starts, self.blocks)
        else:
            window = self._copy(self._values, starts, self._buffers)
            observed = None if self._observed is None else self._copy(self._observed, starts, self._mask_buffers)
        x, y = self._parts(window)
        x_observed, y_observed = (None, None) if observed is None else self._parts(observed)
        if self.mask_channels:
            x = torch.cat([x, torch.ones_like(x) if x_observed is None else x_observed.to(x.dtype)], dim=1)
            x_observed = None if x_observed is None else torch.cat([x_observed, torch.ones_like(x_observed)], dim=1)
        return Batch(x, y, x_observed, y_observed, self._future(window), self._static(starts), starts)

    def _parts(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Return views of inputs, (batch, channels, time), and targets, (batch, horizon, targets)."""
        count, width = window.shape
        columns, (first, last) = width // self.geometry.length, self.columns.targets
        # Written as strides, because four slices take longer than the copy of a small batch.
        x = window.as_strided(
            (count, self.columns.inputs, self.geometry.look_back), (width, 1, self.geometry.dilation * columns)
        )
        ahead = (count, self.geometry.look_forward, last - first)
        return x, window.as_strided(ahead, (width, columns, 1), self.geometry.lead * columns + first)

    def _future(self, window: Tensor) -> Tensor | None:
        if not self.columns.future:
            return None
        rows = window.view(len(window), self.geometry.length, -1)
        return rows[:, self.geometry.lead :].index_select(2, self._ahead).transpose(1, 2)

    def _static(self, starts: Tensor) -> Tensor | None:
        if self.static is None:
            return None
        segment = torch.bucketize(starts, self.segments, right=True) - 1
        return self.static[segment]
