"""Rows of a table on disk, normalized block by block when windows want them."""

import math

import numpy as np
import torch
from torch import Tensor

from dlkit.data.normalize import ChannelScaling
from dlkit.data.table.tables import CHUNK

BLOCK_BYTES = 2 * 2**20  # far more than most windows, whose rows are kept twice where blocks meet
KEPT_BYTES = 192 * 2**20  # what the training order deals together, 16 times 8 MB that lie across these blocks
FEWEST_KEPT = 32  # the same where a block holds more, because windows are long


def normalize_in_place(values: np.ndarray, scaling: ChannelScaling) -> Tensor | None:
    """Normalize all rows where they lie and fill what is missing with 0.

    Returns:
        The observed mask, (rows, columns), or None when nothing is missing.
    """
    observed: Tensor | None = None
    for row in range(0, len(values), CHUNK):
        part = torch.from_numpy(values[row : row + CHUNK])
        holes = part.isnan()
        if holes.any():
            if observed is None:
                observed = torch.ones(values.shape, dtype=torch.bool)
            observed[row : row + CHUNK] = ~holes
        part.copy_(scaling(part).nan_to_num_(nan=0.0))
    return observed


class NormalizedBlocks:
    """Keeps the blocks that were used last, normalized and filled.

    Windows overlap: a row is in hundreds of them, but is worked on once while its block is kept. Each block ends with
    the first rows of the next one, so that every window lies in one block.

    Args:
        values: Raw rows, (rows, columns), most often a memory map.
        scaling: Brings them to the common scale.
        length: Rows of a window.
        complete: Nothing is missing, so that no mask is made.

    Attributes:
        values: Rows of the kept blocks, one block after the other, (kept * rows of a block, columns).
        observed: True where a value was measured, like values; None when nothing is missing.
        kept: How many blocks are kept.
    """

    def __init__(self, values: Tensor, scaling: ChannelScaling, length: int, *, complete: bool) -> None:
        self._raw, self._scaling = values, scaling
        rows, columns = values.shape
        self._new = min(max(BLOCK_BYTES // (4 * columns), length), rows)  # windows begin in these
        self._size = self._new + length - 1
        blocks = math.ceil(rows / self._new)
        self.kept = min(max(KEPT_BYTES // (4 * columns * self._size), FEWEST_KEPT), blocks)
        self.values = torch.empty(self.kept * self._size, columns)  # takes memory when it is written to
        self.observed = None if complete else torch.empty(self.kept * self._size, columns, dtype=torch.bool)
        self._slot, self._block = np.full(blocks, -1), np.full(self.kept, -1)  # of each block; of each slot
        self._used, self._turn = np.zeros(self.kept, np.int64), 0

    def place(self, starts: Tensor) -> Tensor:
        """Return the rows of the kept blocks where windows begin, at most as many as blocks are kept."""
        blocks, within = np.divmod(starts.numpy(), self._new)
        slots = self._slot[blocks]
        self._turn += 1
        self._used[slots[slots >= 0]] = self._turn
        missing = np.unique(blocks[slots < 0])
        for block, slot in zip(missing.tolist(), self._used.argsort()[: len(missing)].tolist(), strict=True):
            self._read(block, slot)
        return torch.from_numpy(self._slot[blocks] * self._size + within)

    def _read(self, block: int, slot: int) -> None:
        """Put a block in the place of the one that was not used for longest."""
        raw = self._raw[block * self._new : block * self._new + self._size]
        to = slice(slot * self._size, slot * self._size + len(raw))
        self.values[to] = raw
        observed = normalize_in_place(self.values[to].numpy(), self._scaling)
        if self.observed is not None:
            self.observed[to] = True if observed is None else observed
        if self._block[slot] >= 0:
            self._slot[self._block[slot]] = -1
        self._slot[block], self._block[slot], self._used[slot] = slot, block, self._turn
