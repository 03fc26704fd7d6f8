"""From the cells of a column to numbers, words and codes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float32, Float64, Shaped

Decimal = Literal[".", ","]
BLANK = frozenset({"", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none"})


class CellError(Exception):
    """A cell that cannot be what its column is.

    Args:
        index: Row in the chunk.
        problem: What is wrong, after "row 7, column 'a': ".
    """

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(problem)
        self.index = index
        self.problem = problem


@dataclass(frozen=True)
class Missing:
    """How cells are written: words (in any case) and numbers that stand for missing, and the decimal mark of text."""

    words: frozenset[str] = BLANK
    numbers: tuple[float, ...] = ()
    decimal: Decimal = "."

    @classmethod
    def of(cls, sentinels: Iterable[float | int | str], decimal: Decimal = ".") -> "Missing":
        """Return the usual words for missing and the given sentinels."""
        given = list(sentinels)
        numbers = tuple(number for number in map(_number, given) if number is not None)
        return cls(BLANK | {str(item).strip().lower() for item in given}, numbers, decimal)


def _number(text: float | int | str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def text_of(cells: pd.Series, missing: Missing) -> Any:
    """Return the cells as an Arrow array of trimmed text, null where missing."""
    import pyarrow as pa

    if cells.dtype.kind in "iufb":
        cells = pd.Series([None if pd.isna(value) else f"{value:.15g}" for value in cells.tolist()], dtype="str")
    elif cells.dtype == object:
        cells = cells.map(str, na_action="ignore")
    return trimmed(pa.array(cells, type=pa.string(), from_pandas=True), missing)


def trimmed(text: Any, missing: Missing) -> Any:
    """Return Arrow text without blanks at its ends, null where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(text)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    blank = pc.is_in(pc.utf8_lower(text), value_set=pa.array(sorted(missing.words), pa.string()))
    return pc.if_else(blank, pa.scalar(None, pa.string()), text)


def is_numeric(cells: pd.Series, missing: Missing) -> bool:
    """Tell whether the column has a numeric type, or text of which more than half is numbers or nothing at all."""
    if cells.dtype.kind in "iufb":
        return True
    if cells.dtype.kind in "mMc" or isinstance(cells.dtype, pd.DatetimeTZDtype):
        return False
    text = pd.Series(pointed(text_of(cells, missing), missing.decimal).to_pandas(), dtype=object)
    present = text[text.notna()]
    return len(present) == 0 or bool(pd.to_numeric(present, errors="coerce").notna().mean() > 0.5)


def pointed(text: Any, decimal: Decimal) -> Any:
    """Return text with decimal points; a point beside decimal commas, as of thousands, makes a cell no number."""
    import pyarrow.compute as pc

    if decimal == ".":
        return text
    return pc.replace_substring(pc.replace_substring(text, ".", "?"), ",", ".")


def numbers(cells: pd.Series, missing: Missing) -> Float64[np.ndarray, " time"]:
    """Return the cells as numbers, NaN where missing; the first cell that is no number raises a :class:`CellError`."""
    known = cells.dtype.kind in "iufb"
    values = cells.to_numpy(dtype=np.float64, copy=True) if known else _parsed(cells, missing)
    # Compared as float32: that is what a float32 file holds of -999.9.
    narrow = _narrow(values)
    for number in missing.numbers:
        values[narrow == np.float32(number)] = np.nan
    return values


def _parsed(cells: pd.Series, missing: Missing) -> Float64[np.ndarray, " time"]:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = text_of(cells, missing)
    try:
        numeric = pc.cast(pointed(text, missing.decimal), pa.float64())
        return np.array(numeric.to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowInvalid:
        present = pd.Series(pointed(text, missing.decimal).to_pandas(), dtype=object)
        values = pd.to_numeric(present, errors="coerce")
        bad = np.flatnonzero(values.isna() & present.notna())
        if len(bad):
            raise CellError(int(bad[0]), _no_number(text[int(bad[0])].as_py(), missing.decimal)) from None
        return values.to_numpy(dtype=np.float64, copy=True)


def _no_number(found: str, decimal: Decimal) -> str:
    other: Decimal = "," if decimal == "." else "."
    hint = ""
    if decimal == "," and "." in found and "," in found:
        hint = " (remove points between thousands)"
    elif _number(found.replace(other, ".")) is not None:
        hint = f" with `decimal: '{decimal}'` (set it to '{other}' if all numbers are written like this one)"
    return f"'{found}' is not a number{hint}"


def _narrow(values: Float64[np.ndarray, " time"]) -> Float32[np.ndarray, " time"]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def finite32(values: Float64[np.ndarray, " time"]) -> Float32[np.ndarray, " time"]:
    """Return the numbers as float32; an infinite one, or one beyond 3.4e38, raises a :class:`CellError`."""
    narrow = _narrow(values)
    bad = np.flatnonzero(np.isinf(narrow))
    if len(bad):
        raise CellError(int(bad[0]), f"{values[bad[0]]:g} is not a finite number")
    return narrow


def words(cells: pd.Series, missing: Missing) -> Shaped[np.ndarray, " time"]:
    """Return the cells as text, None where missing."""
    return np.array(text_of(cells, missing).to_pylist(), dtype=object)


Encoding = Literal["onehot", "ordinal"]


def encode(
    found: Shaped[np.ndarray, " time"], values: Sequence[str], how: Encoding
) -> Float32[np.ndarray, "time codes"]:
    """Return words as codes, NaN where missing: one column of positions in ``values``, or 0 and 1 in a column each."""
    codes = pd.Index(list(values), dtype=object).get_indexer(pd.Index(found, dtype=object))
    missing = pd.isna(found)
    unseen = np.flatnonzero((codes < 0) & ~missing)
    if len(unseen):
        raise CellError(int(unseen[0]), f"'{found[unseen[0]]}' is not one of the categories {', '.join(values)}")
    if how == "ordinal":
        encoded = codes[:, None].astype(np.float32)
    else:
        encoded = (codes[:, None] == np.arange(len(values))).astype(np.float32)
    encoded[missing] = np.nan
    return encoded
