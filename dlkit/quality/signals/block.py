"""Blocks of rows that are as long wherever the chunks of a file end, channel by channel in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int64

from dlkit.core.finding import Place
from dlkit.data.records import Stream

HALO = 64  # rows of the block before that are shown again
LONGEST = 1 << 16  # rows of a block
VALUES = 1 << 20  # of a block, where there are many channels
SHORTEST = 1 << 8


def block_length(channels: int) -> int:
    """Return the rows of a block, a power of two."""
    return min(LONGEST, max(SHORTEST, 1 << (VALUES // max(channels, 1)).bit_length() - 1))


@dataclass(frozen=True)
class Origin:
    """Where a series begins: its row of the block (below 0 in an earlier one), its name, and its row's number there."""

    at: int
    name: str
    number: int


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of one or several series.

    Attributes:
        times: int64 nanoseconds as they stand, the halo first, (halo + rows,).
        columns: float32 with NaN, the halo first, (channels, halo + rows); valid only until the next block.
        halo: Rows at the beginning that the block before had already.
        first: Number of the first new row over all series.
        origins: The series that have rows here, halo included, rising.
        last: No rows follow.
    """

    times: Int64[np.ndarray, " time"]
    columns: Float32[np.ndarray, "channels time"]
    halo: int
    first: int
    origins: tuple[Origin, ...]
    last: bool = False

    def __len__(self) -> int:
        """Return the number of new rows."""
        return len(self.times) - self.halo

    @property
    def fresh(self) -> Float32[np.ndarray, "channels rows"]:
        """Values of the new rows."""
        return self.columns[:, self.halo :]

    @cached_property
    def low(self) -> Float32[np.ndarray, " channels"]:
        """Smallest new value of each channel, NaN where one of them is NaN."""
        return np.asarray(self.fresh.min(1, initial=np.inf))

    @cached_property
    def high(self) -> Float32[np.ndarray, " channels"]:
        """Largest new value of each channel, NaN where one of them is NaN."""
        return np.asarray(self.fresh.max(1, initial=-np.inf))

    @cached_property
    def holed(self) -> Int64[np.ndarray, " some"]:
        """Channels with a new value that is no finite number."""
        return np.flatnonzero(~(np.isfinite(self.low) & np.isfinite(self.high)))

    @property
    def seams(self) -> list[int]:
        """Rows, halo included, that begin a series here."""
        return [origin.at for origin in self.origins if 0 <= origin.at < len(self.times)]

    def place(self, row: int, rows: int = 1) -> Place:
        """Return where a run of rows is; ``row`` counts the halo, and may lie before the block."""
        origin = next((one for one in reversed(self.origins) if one.at <= row), self.origins[0])
        inside = max(row, 0)
        return Place(
            series=origin.name,
            first=int(self.times[inside]),
            last=int(self.times[min(max(row + rows - 1, inside), len(self.times) - 1)]),
            row=origin.number + row - origin.at + 1,
        )


class Blocks:
    """Gathers chunks of rows into blocks.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self.length = block_length(channels)
        self.columns = np.empty((channels, HALO + self.length), np.float32)
        self.times = np.empty(HALO + self.length, np.int64)
        self.halo, self.filled, self.first = 0, 0, 0
        self.origins: list[Origin] = []

    def add(self, rows: Stream, first: int) -> Iterator[Block]:
        """Yield the blocks that become full; ``first`` is the number of the first row in its series."""
        if len(rows.times) and (not self.origins or self.origins[-1].name != rows.name or first == 0):
            self.origins.append(Origin(self.filled, rows.name, first))
        taken = 0
        while taken < len(rows.times):
            count = min(len(rows.times) - taken, self.halo + self.length - self.filled)
            here, there = slice(self.filled, self.filled + count), slice(taken, taken + count)
            self.times[here], self.columns[:, here] = rows.times[there], rows.values[there].T
            self.filled, taken = self.filled + count, taken + count
            if self.filled == self.halo + self.length:
                yield self._block(last=False)
                self._shift()

    def rest(self) -> Block:
        """Return what is left at the end, perhaps no new rows."""
        return self._block(last=True)

    def _block(self, *, last: bool) -> Block:
        filled = slice(0, self.filled)
        return Block(self.times[filled], self.columns[:, filled], self.halo, self.first, tuple(self.origins), last)

    def _shift(self) -> None:
        """Keep the last rows as the halo of the next block."""
        self.first += self.filled - self.halo
        moved = self.filled - HALO
        self.times[:HALO] = self.times[moved : self.filled].copy()
        self.columns[:, :HALO] = self.columns[:, moved : self.filled].copy()
        self.halo = self.filled = HALO
        origins = [Origin(one.at - moved, one.name, one.number) for one in self.origins]
        current = max((i for i, one in enumerate(origins) if one.at <= 0), default=0)
        self.origins = origins[current:]
