"""The half of a data module that makes batches of windows."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from dlkit.data.batches.batching import Batching
from dlkit.data.batches.gather import WindowGather
from dlkit.data.batches.loader import Fetch
from dlkit.data.batches.placement import place_table
from dlkit.data.table.prepare import Prepared
from dlkit.data.table.windows import Windows

BLOCK_BYTES = 8 * 2**20  # read from disk in one go
CACHED_BLOCK_BYTES = 2**19  # the 16 blocks that are dealt together stay in the cache of the processor
LARGE_TABLE_BYTES = 64 * 2**20  # does not stay in that cache as a whole


class WindowBatching(Batching, ABC):
    """Hands out batches of the windows that a subclass prepares.

    Args:
        mask_channels: Give "was it measured" to the network as further channels.
        batching: What :class:`dlkit.data.batches.batching.Batching` takes.
    """

    def __init__(self, *, mask_channels: bool, **batching: Any) -> None:
        super().__init__(**batching)
        self.mask_channels = mask_channels
        self._gather: WindowGather | None = None

    @property
    @abstractmethod
    def prepared(self) -> Prepared:
        """The table with its split, windows and scaling."""

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's name
        """Place the table; one in memory is normalized where it lies."""
        if self._gather is None:
            self._gather = place_table(self.prepared, mask_channels=self.mask_channels)
        self._gather = self._gather.to(self.device())

    def places(self, role: str) -> Windows:
        """Return the windows of a role."""
        return self.prepared.windows[role]

    def maker(self, role: str) -> Fetch:  # noqa: ARG002 - all roles alike
        """Return what makes a batch of the windows that begin at some rows of the table."""
        assert self._gather is not None
        return self._gather

    def block(self) -> int | None:
        """Return the windows of a block: memory that does not fit the next faster one is read block by block."""
        assert self._gather is not None
        values, on_disk = self._gather.values, self.prepared.on_disk
        if values.is_cuda or (not on_disk and values.nbytes < LARGE_TABLE_BYTES):
            return None
        window_bytes = 4 * values.shape[1] * self.prepared.geometry.stride
        wanted, fewest = (BLOCK_BYTES, 1) if on_disk else (CACHED_BLOCK_BYTES, self.batch_size * self.processes)
        return max(wanted // window_bytes, fewest)

    def missing(self, role: str) -> str:
        """Return the sentence that says what to do when a role is empty."""
        return f"There is no {role} window: give {role} more rows in `split`, or shorten the window."

    def series_of(self, row: int) -> str:
        """Return the name of the series that a row of the table belongs to."""
        table = self.prepared.table
        segment = int(np.searchsorted(table.segments[:, 0], row, side="right")) - 1
        return table.names[int(table.series[segment])]
