"""Stamps that can be read; the others are told, never refused."""

from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int64

from dlkit.data.raw.cells import as_cells, kind_of, numbers
from dlkit.data.tabular.cells import CellError, Decimal, Missing
from dlkit.data.tabular.cells import text_of as words_of
from dlkit.data.tabular.time_column import PAIRS, PLAIN_NUMBER, UNITS, WITH_OFFSET, halves, parse_times

Times = Int64[np.ndarray, " time"]
Known = Bool[np.ndarray, " time"]
FIRST, LAST = pd.Timestamp("1678-01-01").value, pd.Timestamp("2262-01-01").value - 1
PER_UNIT = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def stamps(column: Any, how: str, zone: tzinfo, decimal: Decimal = ".") -> tuple[Times, Known | None]:
    """Return the stamps of an Arrow column as nanoseconds, and which can be read; None where all can.

    Args:
        column: Stamps, text or numbers.
        how: As ``time_format`` of :class:`dlkit.data.sources.files.Files`.
        zone: Time zone of stamps without an offset.
        decimal: Decimal mark of numbers written as text.
    """
    if kind_of(column) == "stamp":
        column = _timestamps(column)
        if column.null_count == 0 and (zone is UTC or column.type.tz is not None):
            return _exact(column)
    cells = as_cells(column)
    try:
        return parse_times(cells, how, zone, decimal), None
    except CellError:
        return _readable(cells, how, zone, decimal)


def _timestamps(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.types as known

    return column.cast(pa.timestamp("ms")) if known.is_date(column.type) else column


def _exact(column: Any) -> tuple[Times, Known | None]:
    """Return stamps in UTC without looking at each."""
    import pyarrow as pa

    scale = PER_UNIT[column.type.unit]
    counts = column.view(pa.int64()).to_numpy()
    low, high = -(-FIRST // scale), LAST // scale
    if len(counts) and (counts.min() < low or counts.max() > high):
        known = (counts >= low) & (counts <= high)
        return np.where(known, counts, 0) * scale, known
    return counts * scale, None


def _readable(cells: pd.Series, how: str, zone: tzinfo, decimal: Decimal) -> tuple[Times, Known]:
    """Return stamps of which some cannot be read."""
    times, known = np.zeros(len(cells), np.int64), _may_be(cells, how, decimal)
    rows = np.flatnonzero(known)
    while len(rows):  # local times that do not exist or occur twice are told one by one, and are few
        try:
            times[rows] = parse_times(cells.iloc[rows].reset_index(drop=True), how, zone, decimal)
            break
        except CellError as error:
            known[rows[error.index]] = False
            rows = np.delete(rows, error.index)
            if (~known).sum() > len(cells) // 2:
                known[:] = False
                break
    return times, known


def _may_be(cells: pd.Series, how: str, decimal: Decimal) -> Known:
    """Tell which cells are stamps of this kind."""
    if cells.dtype.kind == "M" or isinstance(cells.dtype, pd.DatetimeTZDtype):
        if how in UNITS:
            return np.zeros(len(cells), bool)
        return np.asarray(cells.notna() & cells.dt.year.between(1678, 2261), bool)
    if how in PAIRS:
        known = [_may_be(half, "s", decimal) for half in halves(cells)]
        return np.asarray(known[0] & known[1], bool)
    if how in UNITS:
        found = _counts(cells, decimal)
        with np.errstate(over="ignore"):
            return np.asarray(np.isfinite(found) & (np.abs(found) * UNITS[how] < 9.2e18), bool)
    return _dates(cells, how)


def _counts(cells: pd.Series, decimal: Decimal) -> np.ndarray:
    import pyarrow as pa

    if cells.dtype.kind in "iufb":
        return cells.to_numpy(dtype=np.float64)
    found = numbers(pa.array(cells, pa.string(), from_pandas=True), Missing(decimal=decimal))
    return np.asarray(found.known, np.float64)


def _dates(cells: pd.Series, how: str) -> Known:
    import pyarrow.compute as pc

    text = words_of(cells, Missing())
    words = pd.Series(text.to_pandas(), dtype="str")
    pattern = "ISO8601" if how in {"auto", "iso"} else how
    aware = pc.fill_null(pc.match_substring_regex(text, WITH_OFFSET), False).to_numpy(zero_copy_only=False)
    aware = aware if pattern == "ISO8601" else np.full(len(words), "%z" in how)
    counts = pc.fill_null(pc.match_substring_regex(text, PLAIN_NUMBER), False).to_numpy(zero_copy_only=False)
    known = np.zeros(len(words), bool)
    for offset in (True, False):
        rows = np.flatnonzero(aware == offset)
        found = pd.to_datetime(words.iloc[rows], format=pattern, errors="coerce", utc=offset)
        known[rows] = found.notna() & found.dt.year.between(1678, 2261)
    return known & ~counts if how == "auto" else known
