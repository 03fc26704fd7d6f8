"""What is kept of all rows in bounded memory, for whoever looks at them longer than one pass allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int64

from dlkit.core.finding import Place
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Stream
from dlkit.quality.signals.block import Block

REDUCED = (np.minimum, np.maximum, np.add)  # to what is kept of a bin
BINS = 4096  # of the pyramid
FINE = 1 << 16  # that are kept, so that a recording can be zoomed
FINE_VALUES = 1 << 19  # bins x channels where there are many channels
RUN = 1024  # consecutive rows that are kept together
ROWS = 1 << 16  # that are kept, of each kind
VALUES = 1 << 24  # that are kept, of each kind, where there are many channels


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All rows in bins of equally many consecutive rows.

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
        self.rows, self.most, self.stride, self.kept = rows, max(most, 2), 1, 0
        self._parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((channels, 0), np.float32))]

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        past, period = block.first + len(block), self.rows * self.stride
        starts = np.arange(block.first // period * period, past, period)
        numbers = (starts[:, None] + np.arange(self.rows)).ravel()
        numbers = numbers[(numbers >= block.first) & (numbers < past)]
        within = numbers - block.first + block.halo
        self._parts.append((numbers, block.times[within], block.columns[:, within]))
        self.kept += len(numbers)
        while self.kept > self.most * self.rows:
            self.stride *= 2
            stay = self.numbers % (self.rows * self.stride) < self.rows
            numbers, times, columns = self._joined
            self._parts = [(numbers[stay], times[stay], np.ascontiguousarray(columns[:, stay]))]
            self.kept = int(stay.sum())

    @property
    def _joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if len(self._parts) > 1:
            numbers, times, columns = zip(*self._parts, strict=True)
            self._parts = [(np.concatenate(numbers), np.concatenate(times), np.concatenate(columns, 1))]
        return self._parts[0]

    @property
    def numbers(self) -> Int64[np.ndarray, " kept"]:
        """Number of each row over all series."""
        return self._joined[0]

    @property
    def times(self) -> Int64[np.ndarray, " kept"]:
        """Stamp of each row."""
        return self._joined[1]

    @property
    def columns(self) -> Float32[np.ndarray, "channels kept"]:
        """Values, NaN where missing."""
        return self._joined[2]


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
        with np.errstate(invalid="ignore"):  # inf - inf in a sum that is made again
            self._reduce(block, borders, bins)
        self.times[(self.seen + starts) // self.width] = block.times[block.halo + starts]
        self.seen += len(block)

    def _reduce(self, block: Block, borders: np.ndarray, bins: np.ndarray) -> None:
        """Take in all channels as they are, and those with holes again with something neutral in them."""
        values, some = block.fresh, slice(int(bins[0]), int(bins[-1]) + 1)
        found = [reduce.reduceat(values, borders, axis=1) for reduce in REDUCED]
        count = np.broadcast_to(np.diff(borders, append=len(block)), found[0].shape).copy()
        if len(block.holed):
            holes, known = values[block.holed], np.isfinite(values[block.holed])
            for part, reduce, neutral in zip(found, REDUCED, (np.inf, -np.inf, 0), strict=True):
                part[block.holed] = reduce.reduceat(np.where(known, holes, np.float32(neutral)), borders, axis=1)
            count[block.holed] = np.add.reduceat(known, borders, axis=1, dtype=np.int64)
        self.low[:, some] = np.minimum(self.low[:, some], found[0])
        self.high[:, some] = np.maximum(self.high[:, some], found[1])
        self.sum[:, some] += found[2]
        self.count[:, some] += count

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
        fine = 1 << max(0, (FINE_VALUES // max(channels, 1)).bit_length() - 1)
        self.bins = Bins(channels, min(most, FINE, max(BINS, fine)))
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

    def pyramid(self, most: int = BINS) -> Pyramid:
        """Return all rows in at most so many bins."""
        used = -(-self.bins.seen // self.bins.width)
        wide = 1 << max(0, -(-used // most) - 1).bit_length()
        starts = np.arange(0, used, wide)

        def merged(how: np.ufunc, numbers: np.ndarray) -> np.ndarray:
            return numbers[:, :used] if wide == 1 else np.asarray(how.reduceat(numbers[:, :used], starts, axis=1))

        count = merged(np.add, self.bins.count)
        nothing = count == 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = merged(np.add, self.bins.sum) / count
        return Pyramid(
            times=self.bins.times[:used:wide],
            rows=self.bins.width * wide,
            count=count,
            low=np.where(nothing, np.float32("nan"), merged(np.minimum, self.bins.low)),
            high=np.where(nothing, np.float32("nan"), merged(np.maximum, self.bins.high)),
            mean=mean.astype(np.float32),
        )

    def places(self, rows: Iterable[tuple[int, int]]) -> tuple[Place, ...]:
        """Return where rows are, given by their numbers over all series, from 0, and their stamps."""
        found, all_rows = [], list(rows)
        series = self._series_of(np.array([number for number, _ in all_rows], np.int64)).tolist()
        for (number, stamp), of in zip(all_rows, series, strict=True):
            first, name, row = self.series[of]
            found.append(Place(series=name, first=stamp, last=stamp, row=row + number - first + 1))
        return tuple(found)

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
