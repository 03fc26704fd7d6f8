"""The kept rows of a source as bins of each series: middle and spread of each channel, whatever single values do."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, Int64

from dlkit.core.finding import Place
from dlkit.quality.signals.kept import Kept

MOST = 1024  # bins of a series
FEWEST = 128  # rows of a series, below which nothing is said of changes


@dataclass(frozen=True, eq=False)
class Run:
    """Evenly spaced rows of one series.

    Attributes:
        name: Of the series.
        rows: Number of each row in its series, from 1, (rows,).
        stride: Rows of the source for each one.
        times: Stamp of each, (rows,).
        columns: Values, (channels, rows).
        several: There are other series.
    """

    name: str
    rows: Int64[np.ndarray, " rows"]
    stride: int
    times: Int64[np.ndarray, " rows"]
    columns: Float32[np.ndarray, "channels rows"]
    several: bool = False

    def place(self, row: int) -> Place:
        """Return where a row is."""
        stamp = int(self.times[row])
        return Place(series=self.name, first=stamp, last=stamp, row=int(self.rows[row]))


@dataclass(frozen=True, eq=False)
class Binned:
    """A channel of a series in bins that hold a value.

    Attributes:
        middle: Median of each bin, (bins,).
        spread: Half of the range of the middle two thirds of each bin, (bins,); 0 where it has few values.
        first: Row of the run at which each begins, (bins,).
        rows: Rows of a bin.
    """

    middle: Float[np.ndarray, " bins"]
    spread: Float[np.ndarray, " bins"]
    first: Int64[np.ndarray, " bins"]
    rows: int


def runs_of(kept: Kept) -> Iterator[Run]:
    """Yield the rows of each series that has enough of them."""
    part = kept.spread
    borders = np.searchsorted(part.numbers, [*(one[0] for one in kept.series), np.iinfo(np.int64).max])
    for (begin, name, number), (first, past) in zip(kept.series, pairwise(borders.tolist()), strict=True):
        if past - first >= FEWEST:
            inside = slice(first, past)
            rows = part.numbers[inside] - begin + number + 1
            yield Run(name, rows, part.stride, part.times[inside], part.columns[:, inside], len(kept.series) > 1)


def binned(values: Float32[np.ndarray, " rows"], most: int = MOST) -> Binned:
    """Return a channel in bins of equally many rows; infinite values count as missing."""
    rows = max(-(-len(values) // most), 1)
    count = len(values) // rows
    table = np.sort(np.where(np.isfinite(values), values, np.nan)[: count * rows].reshape(count, rows), axis=1)
    known = rows - np.isnan(table).sum(1)
    some = np.flatnonzero(known > 0)
    table, known = table[some].astype(np.float64), known[some]
    low, under, over, high = (
        table[np.arange(len(some)), np.rint(share * (known - 1)).astype(np.int64)] for share in (0.16, 0.49, 0.51, 0.84)
    )
    return Binned((under + over) / 2, np.where(known >= 6, (high - low) / 2, 0.0), some * rows, rows)
