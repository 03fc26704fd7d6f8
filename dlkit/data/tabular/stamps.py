"""What to do with stamps that go back, repeat, leave gaps, or miss the grid: pure functions of rows in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from dlkit.core.checks import InputError

Disorder = Literal["refuse", "sort"]
Duplicates = Literal["refuse", "first", "last", "mean", "keep"]
Gaps = Literal["refuse", "split", "fill", "keep"]
Irregular = Literal["refuse", "split", "keep", "snap"]
Times = Int64[np.ndarray, " time"]

REGULAR, GAP, OFF_GRID = 0, 1, 2
MOST_FILLED = 10_000_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one series: nanoseconds, values, and the number of each row in the source, -1 where inserted."""

    times: Int64[np.ndarray, " time"]
    values: Float32[np.ndarray, "time channels"]
    numbers: Int64[np.ndarray, " time"]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.times)

    def take(self, index: "slice | np.ndarray") -> "Rows":
        """Return some of the rows."""
        return Rows(self.times[index], self.values[index], self.numbers[index])


def join(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    return Rows(
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.numbers for part in parts]),
    )


def snap(times: Times, *, origin: int, step: int) -> Times:
    """Move each stamp to the nearest of ``origin + i * step``; half way goes to the later one.

    A stamp moves by at most half a step, so a value may stand up to half a step before it was measured.
    """
    return origin + (times - origin + step // 2) // step * step


def merge_duplicates(rows: Rows, how: Literal["first", "last", "mean"]) -> Rows:
    """Return one row for each run of equal stamps; ``mean`` averages what is not NaN in the run."""
    start = np.flatnonzero(np.diff(rows.times, prepend=rows.times[:1] - 1))
    if len(start) == len(rows):
        return rows
    end = np.append(start[1:], len(rows)) - 1
    if how != "mean":
        return rows.take(start if how == "first" else end)
    known = ~np.isnan(rows.values)
    total = np.add.reduceat(np.where(known, rows.values, 0).astype(np.float64), start, axis=0)
    with np.errstate(invalid="ignore"):
        mean = total / np.add.reduceat(known, start, axis=0, dtype=np.int64)
    return replace(rows.take(start), values=mean.astype(np.float32))


def step_kinds(gaps: Times, *, step: int, tolerance: float, loose: bool) -> np.ndarray:
    """Tell for each time between two rows whether it is one step, several steps (a gap), or off the grid.

    Args:
        gaps: Times between rows, 0 or more; 0, a duplicate that is kept, counts as one step.
        step: Nominal step.
        tolerance: How far from a multiple of the step is still on the grid, in steps.
        loose: Nothing is off the grid, and more than 1.5 steps are a gap.
    """
    multiple = (gaps + step // 2) // step
    kinds = np.where(multiple >= 2, GAP, REGULAR)
    if not loose:
        off = (np.abs(gaps - multiple * step) > tolerance * step) | ((multiple == 0) & (gaps > 0))
        kinds[off] = OFF_GRID
    return kinds


def fill_gaps(rows: Rows, missing: np.ndarray, before: Times) -> Rows:
    """Insert evenly spaced rows of NaN.

    Args:
        rows: Rows to insert into.
        missing: How many rows to insert before each row.
        before: Stamp of the row before each row.
    """
    extra = int(missing.sum())
    if extra == 0:
        return rows
    if extra > MOST_FILLED:
        raise InputError(f"Filling the gaps would insert {extra:,} rows; set `gaps: split` or mend `step`.")
    own = np.arange(len(rows)) + np.cumsum(missing)
    times = np.empty(len(rows) + extra, dtype=np.int64)
    values = np.full((len(times), rows.values.shape[1]), np.nan, dtype=np.float32)
    numbers = np.full(len(times), -1, dtype=np.int64)
    times[own], values[own], numbers[own] = rows.times, rows.values, rows.numbers
    inserted = np.flatnonzero(numbers < 0)
    owner = np.repeat(np.arange(len(rows)), missing)
    nth = inserted - (own - missing)[owner] + 1
    spacing = (rows.times - before)[owner] // (missing[owner] + 1)
    times[inserted] = before[owner] + nth * spacing
    return Rows(times, values, numbers)


def median_step(times: Times) -> int | None:
    """Return the median of the differences above 0 between stamps in order, None without any."""
    differences = np.diff(np.sort(times))
    differences = differences[differences > 0]
    return int(np.sort(differences)[(len(differences) - 1) // 2]) if len(differences) else None
