"""The smallest and the largest different values of every channel, with how often each comes."""

from dataclasses import dataclass, field

import numpy as np

from dlkit.core.finding import MOST, Place
from dlkit.quality.signals.block import Block

VALUES = 8  # of each end


@dataclass
class End:
    """One value at an end: how often it comes, and where first."""

    value: float
    count: int = 0
    places: list[Place] = field(default_factory=list)


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
                rows = np.flatnonzero(inside[channel])
                ends[channel] = self._merged(ends[channel], rows, channel, block, sign)
                if len(ends[channel]) == VALUES:
                    limits[channel] = sign * ends[channel][-1].value

    def _merged(self, known: list[End], rows: np.ndarray, channel: int, block: Block, sign: int) -> list[End]:
        values = block.fresh[channel]
        for end in known:
            same = rows[values[rows] == end.value]
            if len(same):
                self._seen(end, same, block)
                rows = rows[values[rows] != end.value]
        if not len(rows):
            return known
        found = values[rows]
        new = []
        for value in np.unique(found[np.isfinite(found)])[::sign][:VALUES].tolist():
            new.append(End(value))
            self._seen(new[-1], rows[found == value], block)
        return sorted(known + new, key=lambda end: sign * end.value)[:VALUES]

    def _seen(self, end: End, rows: np.ndarray, block: Block) -> None:
        end.count += len(rows)
        if len(end.places) < MOST:
            end.places += [block.place(block.halo + row) for row in rows[: MOST - len(end.places)].tolist()]
