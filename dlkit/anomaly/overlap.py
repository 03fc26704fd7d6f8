"""Errors of overlapping windows merged into one error for each row and channel."""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Num
from torch import Tensor

Merge = Literal["overlap", "causal"]
MOST_RUNS = 8  # evenly spaced runs of one batch that are added by views; more than these are added by their rows


class RowErrors:
    """Merges squared errors of windows into those of rows; windows come in the order of their starts.

    "overlap" takes the mean over all windows that hold a row, which is known ``look_back - 1`` rows later. "causal"
    takes the first window that holds it: of evenly spaced windows the one that ends there, up to ``stride - 1`` rows
    later; the first window of a segment gives all its rows.

    The sums lie where the errors come from, so that a GPU is never waited for.

    Args:
        rows: Rows of the table.
        channels: Channels of the errors.
        look_back: Samples of a window.
        merge: How windows share a row.
        dilation: Rows between neighbouring samples of a window.
        out: Zeros (rows, channels), float32, to fill instead of new memory, such as a memory map.
    """

    def __init__(
        self,
        rows: int,
        channels: int,
        look_back: int,
        *,
        merge: Merge,
        dilation: int = 1,
        out: np.ndarray | None = None,
    ) -> None:
        self.shape, self.look_back, self.merge, self.dilation = (rows, channels), look_back, merge, dilation
        self._out = out
        self._sums: Tensor | None = None
        self._counts: Tensor | None = None
        self._given = [-1] * dilation  # past the last sample that was given, of each residue of the dilation

    def add(
        self,
        starts: Int64[Tensor, "batch"],
        squares: Float[Tensor, "batch channels time"],
        observed: Bool[Tensor, "batch channels time"] | None = None,
    ) -> None:
        """Take in the squared errors of a batch.

        Args:
            starts: First row of each window, on the CPU.
            squares: Squared errors; float32.
            observed: Where they count; None counts all.
        """
        sums, counts = self._places(squares, observed)
        if observed is not None:
            squares = squares.where(observed, 0)
        for residue in range(self.dilation):
            part = slice(None) if self.dilation == 1 else starts % self.dilation == residue
            first = starts[part].numpy() // self.dilation
            if not len(first):
                continue
            lines, seen = sums[residue :: self.dilation], counts[residue :: self.dilation]
            # One column of ones where nothing is missing.
            marks = torch.ones_like(squares[part][:, :1]) if observed is None else observed[part]
            if self.merge == "overlap":
                fold(lines, first, squares[part])
                fold(seen, first, marks.to(seen.dtype))
            else:
                window, sample = self._fresh(first, residue)
                places = (first[window] + sample, window, sample)
                row, one, at = (torch.from_numpy(numbers).to(lines.device) for numbers in places)
                lines[row] = squares[part][one, :, at]
                seen[row] = marks[one, :, at].to(seen.dtype)

    def result(self) -> Float[np.ndarray, "rows channels"]:
        """Return the error of each row and channel, float32; NaN where no window lies or nothing was measured."""
        if self._sums is None or self._counts is None:
            return np.full(self.shape, np.nan, np.float32)
        for lines, seen in zip(self._sums.split(65_536), self._counts.split(65_536), strict=True):
            lines.div_(seen)  # 0 / 0 is NaN
        return self._sums.cpu().numpy() if self._out is None else self._out

    def _places(self, squares: Tensor, observed: Tensor | None) -> tuple[Tensor, Tensor]:
        rows, channels = self.shape
        if self._sums is None:
            new = torch.zeros(self.shape, device=squares.device)
            self._sums = new if self._out is None else torch.from_numpy(self._out)
        if self._counts is None:
            self._counts = torch.zeros(rows, 1, dtype=torch.int32, device=squares.device)
        if observed is not None and self._counts.shape[1] != channels:
            self._counts = self._counts.repeat(1, channels)
        return self._sums, self._counts

    def _fresh(self, first: np.ndarray, residue: int) -> tuple[np.ndarray, np.ndarray]:
        """Return window and sample of each row that no window before it held."""
        ends = first + self.look_back
        before = np.maximum.accumulate(np.concatenate([[self._given[residue]], ends[:-1]]))
        self._given[residue] = max(self._given[residue], int(ends.max()))
        count = np.clip(ends - before, 0, self.look_back)
        window = np.repeat(np.arange(len(first)), count)
        sample = np.arange(len(window)) - np.repeat(count.cumsum() - self.look_back, count)
        return window, sample


def fold(lines: Num[Tensor, "rows channels"], first: np.ndarray, values: Tensor) -> None:
    """Add windows, (batch, channels, time), to the rows that they hold; no loop over windows.

    Args:
        lines: What is added to; rows may lie apart in memory.
        first: First row of each window.
        values: Values of the windows.
    """
    steps = np.diff(first)
    stride = int(np.median(steps)) if len(steps) else 1
    edges = [0, *(np.flatnonzero(steps != stride) + 1).tolist(), len(first)]
    if len(edges) > MOST_RUNS or stride <= 0:
        for sample in range(values.shape[2]):
            rows = torch.from_numpy(first + sample).to(lines.device)
            lines.index_put_((rows,), values[:, :, sample], accumulate=True)
        return
    for begin, end in pairwise(edges):
        _fold_run(lines, int(first[begin]), stride, values[begin:end])


def _fold_run(lines: Tensor, first: int, stride: int, values: Tensor) -> None:
    """Add windows that begin every ``stride`` rows: the pieces of that length number k of all windows in one sum."""
    windows, _, length = values.shape
    far, near = lines.stride()
    assert first + (windows - 1) * stride + length <= len(lines), "a window reaches past the table"
    for offset in range(0, length, stride):
        piece = values[:, :, offset : offset + stride].transpose(1, 2)
        place = lines.storage_offset() + (first + offset) * far
        lines.as_strided(piece.shape, (stride * far, far, near), place).add_(piece)
