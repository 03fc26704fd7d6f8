"""Rows of a chunk as runs of one series without a lost stamp between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int64

from dlkit.data.raw.cells import text_of

MOST_RUNS = 200  # of a chunk: beyond it, rows without a stamp no longer count in the numbers of rows
Known = Bool[np.ndarray, " time"] | None


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one series.

    Attributes:
        series: Its name.
        first: Number of the first row in the series, from 0.
        times: Nanoseconds.
        table: Values, NaN where missing.
    """

    series: str
    first: int
    times: Int64[np.ndarray, " time"]
    table: Float32[np.ndarray, "time channels"]


def cut(name: str, names: Any, part: Part, known: Known, counts: dict[str, int], *, step: int = 0) -> Iterator[Part]:
    """Yield the runs of a chunk.

    Args:
        name: Series of all rows, where no column names it.
        names: Arrow column of the name of each row.
        part: The rows.
        known: Which stamps can be read; None where all can.
        counts: Rows of each series so far; they are counted on.
        step: Time between rows without stamps; 0 where there are stamps.
    """
    series = [(name, slice(0, len(part.times)))]
    if names is not None:
        part, known, series = by_series(names, part, known)
    for own, rows in series:
        first, count = counts.get(own, 0), rows.stop - rows.start
        counts[own] = first + count
        times = (first + np.arange(count)) * step if step else part.times[rows]
        whole = Part(own, first, times, part.table[rows])
        if known is None or known[rows].all():
            yield whole
        else:
            yield from _with_stamp(whole, known[rows])


def by_series(names: Any, part: Part, known: Known) -> tuple[Part, Known, list[tuple[str, slice]]]:
    """Return rows, and where each run of a series stands; those of series that change all the time are put together."""
    found = pd.Series(text_of(names).to_pandas(), dtype=object).fillna("")
    codes, words = pd.factorize(found)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    if len(starts) > MOST_RUNS:
        order = np.argsort(codes, kind="stable")
        codes, known = codes[order], None if known is None else known[order]
        part = Part(part.series, part.first, part.times[order], part.table[order])
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
    stops = [*starts[1:].tolist(), len(codes)]
    runs = [(str(words[codes[start]]), slice(start, stop)) for start, stop in zip(starts.tolist(), stops, strict=True)]
    return part, known, runs


def _with_stamp(part: Part, known: Bool[np.ndarray, " time"]) -> Iterator[Part]:
    borders = np.flatnonzero(np.diff(known, prepend=False, append=False)).tolist()
    if len(borders) > 2 * MOST_RUNS:
        yield Part(part.series, part.first, part.times[known], part.table[known])
        return
    for start, stop in zip(borders[::2], borders[1::2], strict=True):
        yield Part(part.series, part.first + start, part.times[start:stop], part.table[start:stop])


def gathered(parts: Iterable[Part], rows: int) -> Iterator[Part]:
    """Yield each series whole, in chunks of about ``rows`` rows; all of them are in memory."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.series, []).append(part)
    for series, own in found.items():
        waiting: list[Part] = []
        for part in own:
            follows = waiting and waiting[-1].first + len(waiting[-1].times) == part.first
            if waiting and (not follows or sum(len(one.times) for one in waiting) >= rows):
                yield _joined(series, waiting)
                waiting = []
            waiting.append(part)
        if waiting:
            yield _joined(series, waiting)


def _joined(series: str, parts: list[Part]) -> Part:
    times = np.concatenate([part.times for part in parts])
    return Part(series, parts[0].first, times, np.concatenate([part.table for part in parts]))
