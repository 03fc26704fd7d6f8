"""What is kept of all rows in bounded memory, for whoever looks at them longer than one pass allows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int64

from dlkit.core.finding import Place
from dlkit.data.records import Stream
from dlkit.quality.scan import Layout
from dlkit.quality.signals.block import Block

BINS = 4096  # of the pyramid
RUN = 1024  # consecutive rows that are kept together
ROWS = 1 << 16  # that are kept, of each kind
VALUES = 1 << 24  # that are kept, of each kind, where there are many channels


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All rows in at most 4,096 bins of equally many consecutive rows.

    Attributes:
        times: Stamp of the first row of each bin, int64 nanoseconds, (bins,).
        rows: Rows of a bin; the last one may have fewer.
        count: Finite values, (channels, bins).
        low: Smallest finite value, NaN where there is none, (channels, bins).
        high: Largest, (channels, bins).
        mean: Mean of the finite values, (channels, bins).
    """

    times: Int64[np.ndarray, " bins"]
    rows: int
    count: Int64[np.ndarray, "channels bins"]
    low: Float32[np.ndarray, "channels bins"]
    high: Float32[np.ndarray, "channels bins"]
    mean: Float32[np.ndarray, "channels bins"]


class Every:
    """Every first, second, fourth ... group of rows, so that at most ``most`` groups are kept.

    Args:
        channels: Number of channels.
        rows: Rows of a group.
        most: Largest number of groups.
    """

    def __init__(self, channels: int, rows: int, most: int) -> None:
        self.rows, self.most, self.stride = rows, max(most, 2), 1
        self.numbers = np.empty(0, np.int64)
        self.times = np.empty(0, np.int64)
        self.columns = np.empty((channels, 0), np.float32)

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        period = self.rows * self.stride
        numbers = np.arange(block.first, block.first + len(block))
        numbers = numbers[numbers % period < self.rows]
        within = numbers - block.first + block.halo
        self.numbers = np.concatenate([self.numbers, numbers])
        self.times = np.concatenate([self.times, block.times[within]])
        self.columns = np.concatenate([self.columns, block.columns[:, within]], 1)
        while len(self.numbers) > self.most * self.rows:
            self.stride *= 2
            stay = self.numbers % (self.rows * self.stride) < self.rows
            self.numbers, self.times = self.numbers[stay], self.times[stay]
            self.columns = np.ascontiguousarray(self.columns[:, stay])


class Bins:
    """Smallest, largest and mean value of each channel in bins of rows that double when they become too many."""

    def __init__(self, channels: int, most: int = BINS) -> None:
        self.most, self.width, self.seen = most, 1, 0
        self.times = np.zeros(most, np.int64)
        self.count = np.zeros((channels, most), np.int64)
        self.sum = np.zeros((channels, most), np.float64)
        self.low = np.full((channels, most), np.inf, np.float32)
        self.high = np.full((channels, most), -np.inf, np.float32)

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        while self.seen + len(block) > self.most * self.width:
            self._double()
        starts = np.arange((-self.seen) % self.width, len(block), self.width)
        borders = np.union1d([0], starts).astype(np.int64) if len(block) else starts
        if not len(borders):
            return
        bins = (self.seen + borders) // self.width
        self._reduce(block.fresh, borders, bins)
        self.times[(self.seen + starts) // self.width] = block.times[block.halo + starts]
        self.seen += len(block)

    def _reduce(self, values: np.ndarray, borders: np.ndarray, bins: np.ndarray) -> None:
        known = np.isfinite(values)
        if known.all():
            low = high = full = values
            count = np.diff(borders, append=values.shape[1])[None]
        else:
            low, high, full = (np.where(known, values, np.float32(fill)) for fill in (np.inf, -np.inf, 0))
            count = np.add.reduceat(known, borders, axis=1, dtype=np.int64)
        self.low[:, bins] = np.minimum(self.low[:, bins], np.minimum.reduceat(low, borders, axis=1))
        self.high[:, bins] = np.maximum(self.high[:, bins], np.maximum.reduceat(high, borders, axis=1))
        self.sum[:, bins] += np.add.reduceat(full, borders, axis=1, dtype=np.float64)
        self.count[:, bins] += count

    def _double(self) -> None:
        self.width *= 2
        half = self.most // 2
        self.times[:half] = self.times[::2]
        for numbers, merge, empty in (
            (self.count, np.add, 0), (self.sum, np.add, 0), (self.low, np.minimum, np.inf),
            (self.high, np.maximum, -np.inf),
        ):  # fmt: skip
            numbers[:, :half] = merge(numbers[:, ::2], numbers[:, 1::2])
            numbers[:, half:] = empty


class Kept:
    """A bounded part of the rows: runs of consecutive ones, evenly spaced ones, and all of them in bins.

    Args:
        layout: What is known of the source.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.rows = layout, 0
        channels = len(layout.channels)
        most = min(ROWS, max(VALUES // max(channels, 1), RUN))
        self.runs = Every(channels, RUN, most // RUN)
        self.spread = Every(channels, 1, most)
        self.bins = Bins(channels, min(BINS, most))
        self.series: list[tuple[int, str, int]] = []  # first row of all, name, its number

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        self.rows += len(block)
        before = block.first - block.halo
        known = self.series[-1][0] if self.series else -1
        self.series += [(before + o.at, o.name, o.number) for o in block.origins if before + o.at > known]
        for part in (self.runs, self.spread, self.bins):
            part.add(block)

    def streams(self) -> list[Stream]:
        """Return the runs of consecutive rows of one series, (time, channels) each; all rows where they are few."""
        numbers, names = self.runs.numbers, self._series_of(self.runs.numbers)
        broken = (np.diff(numbers) != 1) | (np.diff(names) != 0)
        borders = [0, *(np.flatnonzero(broken) + 1).tolist(), len(numbers)]
        return [
            self._stream(int(names[first]), self.runs, slice(first, last))
            for first, last in pairwise(borders) if last > first
        ]  # fmt: skip

    def spaced(self) -> Stream:
        """Return evenly spaced rows of all series, (time, channels); all rows where they are few."""
        return self._stream(0, self.spread, slice(None))

    def pyramid(self) -> Pyramid:
        """Return all rows in bins."""
        used = -(-self.bins.seen // self.bins.width)
        count = self.bins.count[:, :used]
        nothing = count == 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.bins.sum[:, :used] / count
        return Pyramid(
            times=self.bins.times[:used],
            rows=self.bins.width,
            count=count,
            low=np.where(nothing, np.float32("nan"), self.bins.low[:, :used]),
            high=np.where(nothing, np.float32("nan"), self.bins.high[:, :used]),
            mean=mean.astype(np.float32),
        )

    def place(self, spaced: int) -> Place:
        """Return where the row of a number of :meth:`spaced` is."""
        number = int(self.spread.numbers[spaced])
        first, name, row = self.series[int(self._series_of(np.array([number]))[0])]
        stamp = int(self.spread.times[spaced])
        return Place(series=name, first=stamp, last=stamp, row=row + number - first + 1)

    def _series_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the number of the series of each row."""
        found: np.ndarray = np.searchsorted([one[0] for one in self.series], numbers, side="right") - 1
        return found

    def _stream(self, series: int, rows: Every, which: slice) -> Stream:
        return Stream(
            name=self.series[series][1] if self.series else "",
            times=rows.times[which],
            values=np.ascontiguousarray(rows.columns[:, which].T),
            channels=self.layout.channels,
            units=self.layout.units,
            step=self.layout.step,
        )
