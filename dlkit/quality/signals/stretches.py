"""Stretches of rows in which something holds, across the borders of blocks."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int64

from dlkit.core.finding import Place
from dlkit.quality.signals.block import Block

LONGEST = 64  # stretches of a channel that are kept
PER_OCTAVE = 8
OCTAVES = 34


@dataclass(frozen=True)
class Stretch:
    """Rows in a row: how many, where, and the value in them."""

    rows: int
    place: Place
    value: float


class Stretches:
    """Counts stretches by their length, and keeps the longest of each channel.

    Args:
        channels: Number of channels.

    Attributes:
        count: Stretches of each channel, by whether they lie at an end of the values, and by length in eighths of an
            octave, (channels, 2, lengths).
        longest: The longest of each channel.
    """

    def __init__(self, channels: int) -> None:
        self.count = np.zeros((channels, 2, PER_OCTAVE * OCTAVES), np.int32)
        self.longest: list[list[Stretch]] = [[] for _ in range(channels)]
        self.open: dict[int, Stretch] = {}

    def add(
        self,
        holds: Bool[np.ndarray, "some rows"],
        channels: Int64[np.ndarray, " some"],
        block: Block,
        ends: Float32[np.ndarray, "channels values"],
        before: int = 0,
    ) -> None:
        """Take in whether it holds in each new row.

        Args:
            holds: Of some channels and each new row; false where it cannot go on, as where a series begins.
            channels: Which channels; in all others it holds nowhere.
            block: The block.
            ends: Values of each channel that are its ends, (channels, values).
            before: Rows before the first one in which it holds that belong to the stretch.
        """
        if len(block):
            begun = set(channels[holds[:, 0]].tolist())
            for channel in [one for one in self.open if one not in begun]:
                self._close(self.open.pop(channel), channel, ends[channel])
            for number in np.flatnonzero(holds.any(1)).tolist():
                channel = int(channels[number])
                self._channel(channel, holds[number], block, ends[channel], before)
        if block.last:
            for channel in list(self.open):
                self._close(self.open.pop(channel), channel, ends[channel])

    def _channel(self, channel: int, holds: np.ndarray, block: Block, ends: np.ndarray, before: int) -> None:
        edges = np.flatnonzero(holds[1:] != holds[:-1]) + 1
        starts, past = edges[int(holds[0]) :: 2], edges[1 - int(holds[0]) :: 2]
        if holds[0]:
            starts = np.append(0, starts)
        if holds[-1]:
            past = np.append(past, len(holds))
        if holds[0] and channel in self.open:
            going = self.open.pop(channel)
            last = int(block.times[block.halo + past[0] - 1])
            grown = replace(going, rows=going.rows + int(past[0]), place=replace(going.place, last=last))
            self._end(grown, channel, ends, whole=int(past[0]) == len(holds))
            starts, past = starts[1:], past[1:]
        if len(starts) and holds[-1]:
            self.open[channel] = self._stretch(channel, block, int(starts[-1]), int(past[-1]), before)
            starts, past = starts[:-1], past[:-1]
        self._count(channel, block, starts, past, ends, before)

    def _end(self, grown: Stretch, channel: int, ends: np.ndarray, *, whole: bool) -> None:
        if whole:
            self.open[channel] = grown
        else:
            self._close(grown, channel, ends)

    def _count(
        self, channel: int, block: Block, starts: np.ndarray, past: np.ndarray, ends: np.ndarray, before: int
    ) -> None:
        if not len(starts):
            return
        rows = past - starts + before
        at_end = (block.fresh[channel, starts][:, None] == ends).any(1).astype(int)
        for end in (0, 1):
            bins = length_bin(rows[at_end == end])
            self.count[channel, end] += np.bincount(bins, minlength=self.count.shape[2]).astype(np.int32)
        known = self.longest[channel]
        least = known[-1].rows if len(known) == LONGEST else 0
        best = np.flatnonzero(rows > least)
        best = best if len(best) <= LONGEST else np.sort(np.argsort(-rows[best], kind="stable")[:LONGEST])
        self._keep(channel, [self._stretch(channel, block, int(starts[i]), int(past[i]), before) for i in best])

    def _stretch(self, channel: int, block: Block, start: int, past: int, before: int) -> Stretch:
        rows = past - start + before
        return Stretch(rows, block.place(block.halo + start - before, rows), float(block.fresh[channel, start]))

    def _close(self, one: Stretch, channel: int, ends: np.ndarray) -> None:
        at_end = int(bool(np.isin(np.float32(one.value), ends)))
        self.count[channel, at_end, length_bin(np.array([one.rows]))[0]] += 1
        self._keep(channel, [one])

    def _keep(self, channel: int, new: list[Stretch]) -> None:
        if new:
            self.longest[channel] = sorted(self.longest[channel] + new, key=lambda one: -one.rows)[:LONGEST]


def length_bin(rows: np.ndarray) -> np.ndarray:
    """Return the bin of each length; neighbouring lengths share one from 16 rows on."""
    found: np.ndarray = (np.log2(np.maximum(rows, 1)) * PER_OCTAVE).astype(np.int64)
    return found


def bin_length(number: "np.ndarray | int") -> np.ndarray:
    """Return the smallest length of each bin."""
    return np.asarray(2 ** (np.asarray(number) / PER_OCTAVE))
