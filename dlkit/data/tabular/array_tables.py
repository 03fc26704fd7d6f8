"""Tables made of named arrays."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import require


@dataclass(frozen=True)
class Part:
    """Where a column is: in the array ``key``, whole, in column ``index``, or in ``field``."""

    key: str
    index: int | None = None
    field: str | None = None

    def take(self, block: np.ndarray) -> np.ndarray:
        """Return the column from rows of the array."""
        if self.field is not None:
            return np.asarray(block[self.field])
        return block if self.index is None else np.asarray(block[:, self.index])


def parts(arrays: Mapping[str, Any]) -> list[tuple[str, Part]]:
    """Return name and place of each column: fields, 1-d arrays, and columns of 2-d arrays as ``name_0``, ``name_1``."""
    found: list[tuple[str, Part]] = []
    for key, array in arrays.items():
        if array.dtype.names and array.ndim == 1:
            found += [(field, Part(key, field=field)) for field in array.dtype.names]
        elif array.ndim == 1:
            found.append((key, Part(key)))
        elif array.ndim == 2:
            found += [(f"{key}_{index}", Part(key, index=index)) for index in range(array.shape[1])]
    return found


def array_chunks(name: str, arrays: Mapping[str, Any], columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the named columns, reading each array once a chunk.

    Args:
        name: Name of the file, for messages.
        arrays: Arrays that can be sliced along their first axis.
        columns: Names of the columns.
        rows: Rows in a chunk, at most.
    """
    wanted = {column: part for column, part in parts(arrays) if column in columns}
    lengths = {part.key: len(arrays[part.key]) for part in wanted.values()}
    require(
        len(set(lengths.values())) <= 1,
        f"{name} holds arrays of unequal length ({', '.join(f'{key}: {n}' for key, n in list(lengths.items())[:8])}"
        f"{', ...' if len(lengths) > 8 else ''}); "
        f"{other_reader(lengths)}name arrays of one length in `channels`.",
    )
    for start in range(0, max(lengths.values(), default=0), rows):
        blocks = {key: np.asarray(arrays[key][start : start + rows]) for key in lengths}
        yield pd.DataFrame({column: _plain(wanted[column].take(blocks[wanted[column].key])) for column in columns})


def other_reader(names: Collection[str]) -> str:
    """Return the source that reads arrays of these names, as a way out; "" where none is known."""
    smap = any(name.endswith("_train_telemetry") for name in names)
    return "read it with dlkit.data.sources.smap.SMAP in a `source` block, or " if smap else ""


def _plain(values: np.ndarray) -> np.ndarray:
    """Return values in the byte order of the machine, bytes as text."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8").astype(object)
    if values.dtype.kind == "O":
        return np.array([item.decode() if isinstance(item, bytes) else item for item in values], dtype=object)
    if values.dtype.kind == "U":
        return values.astype(object)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
