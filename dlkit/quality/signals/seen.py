"""All that one pass over the rows gathers."""

from functools import cached_property
from typing import Any

import numpy as np

from dlkit.data.raw.layout import Layout
from dlkit.quality.signals.block import Block
from dlkit.quality.signals.extremes import Extremes
from dlkit.quality.signals.facts import ChannelFacts
from dlkit.quality.signals.intervals import Intervals
from dlkit.quality.signals.kept import Kept
from dlkit.quality.signals.levels import Levels, levels_of
from dlkit.quality.signals.sentinels import Code, codes_of
from dlkit.quality.signals.spikes import Spikes
from dlkit.quality.signals.stretches import Stretches
from dlkit.quality.signals.tally import Tally

SHARES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
REPEATS = 3  # rows that repeat the one before, from which on a stretch of one value is counted


class Seen:
    """Gathers, block by block; what is derived from it is asked for when all rows are in.

    Args:
        layout: What is known of the source.
    """

    def __init__(self, layout: Layout) -> None:
        channels = len(layout.channels)
        self.layout, self.kept, self.intervals = layout, Kept(layout), Intervals()
        self.tally, self.extremes, self.spikes = Tally(channels), Extremes(channels), Spikes(channels)
        self.missing, self.same = Stretches(channels), Stretches(channels)
        self.repeats = np.zeros(channels, np.int64)
        self._levels: dict[int, Levels] = {}

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        for part in (self.intervals, self.kept, self.tally, self.extremes, self.spikes):
            part.add(block)
        ends = np.stack([self.tally.low, self.tally.high, np.zeros_like(self.tally.low)], 1)
        self.missing.add(np.isnan(block.fresh[block.holed]), block.holed, block, ends)
        self.same.add(self._repeated(block), np.arange(len(ends)), block, ends, before=REPEATS)

    def _repeated(self, block: Block) -> np.ndarray:
        """Return where a new row has the value of the three before it, (channels, rows)."""
        equal = np.zeros(block.columns.shape, bool)
        np.equal(block.columns[:, 1:], block.columns[:, :-1], out=equal[:, 1:])
        equal[:, block.seams] = False
        self.repeats += np.array([np.count_nonzero(one) for one in equal[:, block.halo :]], np.int64)
        longer = equal[:, block.halo :].copy()
        for back in range(1, REPEATS):
            first = min(back, block.halo)
            longer[:, back - first :] &= equal[:, block.halo - first : len(block.times) - back]
            longer[:, : back - first] = False
        return longer

    @cached_property
    def codes(self) -> list[list[Code]]:
        """Values of each channel that seem to stand for a missing one."""
        return [codes_of(self, channel) for channel in range(len(self.layout.channels))]

    def known(self, channel: int) -> np.ndarray:
        """Return the finite values of a channel in evenly spaced rows, codes for missing ones included."""
        column = self.kept.spread.columns[channel]
        return np.asarray(column[np.isfinite(column)])

    def measured(self, channel: int) -> np.ndarray:
        """Return :meth:`known` without the codes for missing values."""
        known = self.known(channel)
        codes = [code.value for code in self.codes[channel]]
        return known[~np.isin(known, [np.float32(code) for code in codes])] if codes else known

    def levels(self, channel: int) -> Levels:
        """Return the levels of :meth:`measured`."""
        if channel not in self._levels:
            self._levels[channel] = levels_of(self.measured(channel))
        return self._levels[channel]

    def facts(self, channel: int) -> ChannelFacts:
        """Return the facts of a channel, of its values as they stand."""
        tally, n = self.tally, int(self.tally.n[channel])
        level, known = self.levels(channel), self.known(channel)
        quantiles = np.quantile(known, SHARES) if len(known) else []
        return ChannelFacts(
            name=self.layout.channels[channel],
            unit=self.layout.units[channel],
            n=n,
            missing=int(tally.missing[channel]),
            infinite=int(tally.infinite[channel]),
            min=short(tally.low[channel]) if n else None,
            max=short(tally.high[channel]) if n else None,
            mean=short(tally.mean[channel]) if n else None,
            std=short(tally.std[channel]) if n else None,
            quantiles={share: short(value) for share, value in zip(SHARES, quantiles, strict=False)},
            resolution=level.step,
            levels=len(level.values),
        )


def short(value: float | np.floating[Any]) -> float:
    """Return a number with the digits of float32."""
    return float(f"{value:.7g}")
