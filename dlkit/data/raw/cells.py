"""Cells become numbers where they can; those that cannot are told, never refused."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from dlkit.data.tabular.cells import Missing, pointed, trimmed


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as numbers.

    Attributes:
        known: The numbers, NaN where missing or unreadable.
        bad: Rows of the cells that are no numbers.
        text: What stands in them.
    """

    known: Shaped[np.ndarray, " time"]
    bad: np.ndarray
    text: list[str]


NONE = np.array([], np.int64)


def kind_of(column: Any) -> str:
    """Return what an Arrow column holds: "number", "stamp", "text", or "other"."""
    import pyarrow.types as known

    kind = column.type
    if known.is_dictionary(kind):
        kind = kind.value_type
    if known.is_timestamp(kind) or known.is_date(kind):
        return "stamp"
    numeric = (known.is_integer, known.is_floating, known.is_boolean, known.is_decimal, known.is_null)
    if any(is_kind(kind) for is_kind in numeric):
        return "number"
    text = (known.is_string, known.is_large_string, known.is_binary, known.is_large_binary, known.is_string_view)
    return "text" if any(is_kind(kind) for is_kind in text) else "other"


def numbers(column: Any, missing: Missing) -> Numbers:
    """Return an Arrow column as numbers."""
    is_text = kind_of(column) == "text"
    found = _parsed(text_of(column), missing) if is_text else Numbers(_known(column), NONE, [])
    if not missing.numbers:
        return found
    kept = found.known.copy() if found.known.dtype.kind == "f" else found.known.astype(np.float32)
    with np.errstate(over="ignore"):
        narrow = kept.astype(np.float32)  # as float32: that is what a float32 file holds of -999.9
    kept[np.isin(narrow, np.array(missing.numbers, np.float32))] = np.nan
    return Numbers(kept, found.bad, found.text)


def _known(column: Any) -> Shaped[np.ndarray, " time"]:
    import pyarrow as pa
    import pyarrow.types as known

    kind = column.type
    if known.is_null(kind):
        return np.full(len(column), np.nan, np.float32)
    if known.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif known.is_decimal(kind):
        column = column.cast(pa.float64())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def text_of(column: Any) -> Any:
    """Return text or bytes as an Arrow array of text; what is no UTF-8 keeps a sign in place of each such byte."""
    import pyarrow as pa
    import pyarrow.types as known

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if known.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        cells = [None if cell is None else cell.decode(errors="replace") for cell in column.to_pylist()]
        return pa.array(cells, pa.string())


def has(text: Any, mark: str) -> bool:
    """Tell whether a mark stands in Arrow text."""
    import pyarrow.compute as pc

    return pc.any(pc.match_substring(text, mark)).as_py() is True


def as_cells(column: Any) -> pd.Series:
    """Return an Arrow column as cells of pandas, bytes as text."""
    return pd.Series(text_of(column).to_pandas() if kind_of(column) == "text" else column.to_pandas())


def _parsed(text: Any, missing: Missing) -> Numbers:
    import pyarrow as pa
    import pyarrow.compute as pc

    if missing.decimal == ".":
        try:
            return Numbers(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), NONE, [])
        except pa.ArrowInvalid:
            pass  # blank cells, words for missing, or no numbers
    text = trimmed(text, missing)
    ready = pointed(text, missing.decimal)
    try:
        return Numbers(pc.cast(ready, pa.float64()).to_numpy(zero_copy_only=False), NONE, [])
    except pa.ArrowInvalid:
        present = pd.Series(ready.to_pandas(), dtype=object)
        values = pd.to_numeric(present, errors="coerce")
        bad = np.flatnonzero(values.isna() & present.notna())
        return Numbers(values.to_numpy(dtype=np.float64), bad, text.take(pa.array(bad)).to_pylist())


def word_of(cell: Any) -> str:
    """Return what stands in a cell."""
    return cell.decode(errors="replace") if isinstance(cell, bytes) else "" if cell is None else str(cell)
