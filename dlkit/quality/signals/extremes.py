"""The smallest and the largest different values of every channel, with how often each comes."""

from dataclasses import dataclass, field

import numpy as np

from dlkit.core.finding import MOST
from dlkit.quality.signals.block import Block

VALUES = 8  # of each end


@dataclass
class End:
    """One value at an end: how often it comes, and the number over all series and the stamp of its first rows."""

    value: float
    count: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list)


class Extremes:
    """Exact counts of the values at the ends, in bounded memory.

    Args:
        channels: Number of channels.

    Attributes:
        low: The smallest values of each channel, rising.
        high: The largest values of each channel, falling.
    """

    def __init__(self, channels: int) -> None:
        self.low: list[list[End]] = [[] for _ in range(channels)]
        self.high: list[list[End]] = [[] for _ in range(channels)]
        self._limits = np.full((2, channels), np.inf, np.float32)

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        if not len(block):
            return
        values = block.fresh
        for sign, ends, limits in ((1, self.low, self._limits[0]), (-1, self.high, self._limits[1])):
            inside = values <= limits[:, None] if sign > 0 else values >= -limits[:, None]
            for channel in np.flatnonzero(inside.any(1)).tolist():
                known, column = ends[channel], values[channel]
                left = int(np.count_nonzero(inside[channel])) - self._count(known, column, block)
                if left:
                    rows = np.flatnonzero(inside[channel])
                    ends[channel] = self._merged(known, rows[np.isfinite(column[rows])], column, block, sign)
                if len(ends[channel]) == VALUES:
                    limits[channel] = sign * ends[channel][-1].value

    def _count(self, known: list[End], column: np.ndarray, block: Block) -> int:
        """Count values that are known already, and return how many rows have one."""
        total = 0
        for end in known:
            same = column == np.float32(end.value)
            count = int(np.count_nonzero(same))
            total, end.count = total + count, end.count + count
            if count and len(end.rows) < MOST:
                self._note(end, np.flatnonzero(same), block)
        return total

    def _merged(self, known: list[End], rows: np.ndarray, column: np.ndarray, block: Block, sign: int) -> list[End]:
        """Return the known values with those that are new, cut to as many as are kept."""
        found = column[rows]
        values, counts = np.unique(found, return_counts=True)
        first = slice(None, 2 * VALUES) if sign > 0 else slice(-2 * VALUES, None)  # some of them may be known
        old = {end.value for end in known}
        pairs = zip(values[first].tolist(), counts[first].tolist(), strict=True)
        new = [End(value, count) for value, count in pairs if value not in old][::sign][:VALUES]
        for end in new:
            self._note(end, rows[found == np.float32(end.value)], block)
        return sorted(known + new, key=lambda end: sign * end.value)[:VALUES]

    def _note(self, end: End, rows: np.ndarray, block: Block) -> None:
        """Note the first rows of a value."""
        first = rows[: MOST - len(end.rows)] + block.halo
        numbers = first - block.halo + block.first
        end.rows += zip(numbers.tolist(), block.times[first].tolist(), strict=True)
