"""Batches of columns of a file as Arrow arrays, converted as little as possible."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from dlkit.core.checks import InputError
from dlkit.data.raw.cells import as_cells
from dlkit.data.readers.csv import Csv, arrow_blocks
from dlkit.data.readers.parquet import Parquet
from dlkit.data.tabular.files import plain_reader, refuse_damage
from dlkit.data.tabular.opening import Opening, joined_cells, with_parts

MOST_RAGGED = 10_000  # rows that are remembered


@dataclass(eq=False)
class Batch:
    """Some rows.

    Attributes:
        columns: Arrow array of each column; text of a CSV file is bytes.
        rows: How many rows.
        done: Bytes of the file that have been read.
    """

    columns: dict[str, Any]
    rows: int
    done: int


@dataclass(eq=False)
class Ragged:
    """Rows with too few or too many cells, which are left out.

    Attributes:
        count: How many.
        numbers: Number of each of the first, from 0 below the header.
        first: Cells and columns of the first one.
    """

    count: int = 0
    numbers: list[int] = field(default_factory=list)
    first: tuple[int, int] = (0, 0)

    def numbered(self, rows: Int64[np.ndarray, " rows"]) -> Int64[np.ndarray, " rows"]:
        """Return the numbers in the file of rows that are counted without these."""
        before = np.array(self.numbers, np.int64) - np.arange(len(self.numbers))  # rows above each
        return rows + np.searchsorted(before, rows, side="right")

    def note(self, row: Any) -> str:
        """Note a row that Arrow refuses."""
        if not self.count:
            self.first = (row.actual_columns, row.expected_columns)
        self.count += 1
        if len(self.numbers) < MOST_RAGGED:
            self.numbers.append(row.number - 2)
        return "skip"


def batches(path: Path, columns: Sequence[str], rows: int, *, opening: Opening, ragged: Ragged) -> Iterator[Batch]:
    """Yield the named columns in the order of the file, at most ``rows`` rows at a time.

    Raises:
        InputError: The file is damaged.
    """
    parts, name = opening.parts, " ".join(opening.parts)
    for batch in _batches(path, with_parts(columns, parts), rows, opening, ragged):
        if parts and name in columns:
            cells = [pd.Series(as_cells(batch.columns[part])) for part in parts]
            batch.columns[name] = joined_cells(cells)
        yield batch


def _batches(path: Path, columns: Sequence[str], rows: int, opening: Opening, ragged: Ragged) -> Iterator[Batch]:
    reader = plain_reader(path, opening)
    if isinstance(reader, Csv):
        yield from _csv(path, reader, columns, rows, ragged)
    elif isinstance(reader, Parquet):
        yield from _parquet(path, columns, rows)
    else:
        import pyarrow as pa

        size = path.stat().st_size
        for frame in reader.chunks(path, list(columns), rows):
            arrays = {name: _array(pa, frame[name]) for name in columns}
            yield Batch(arrays, len(frame), size if len(frame) < rows else 0)


def _array(pa: Any, cells: pd.Series) -> Any:
    """Return cells as an Arrow array; what Arrow does not know becomes text."""
    try:
        return pa.array(cells.to_numpy(), from_pandas=cells.dtype == object)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([str(cell) for cell in cells.tolist()], pa.string())


def _parquet(path: Path, columns: Sequence[str], rows: int) -> Iterator[Batch]:
    from pyarrow import parquet

    size, seen = path.stat().st_size, 0
    with refuse_damage(path, "Parquet"), parquet.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            seen += batch.num_rows
            arrays = {name: batch.column(name) for name in columns}
            yield Batch(arrays, batch.num_rows, size * seen // max(file.metadata.num_rows, 1))


def _csv(path: Path, reader: Csv, columns: Sequence[str], rows: int, ragged: Ragged) -> Iterator[Batch]:
    import pyarrow as pa

    names = reader.columns(path)

    with refuse_damage(path, "CSV"), _open(path) as (stream, tell):
        try:
            found = arrow_blocks(path, stream, names, list(columns), ragged.note, raw=True, encoding=reader.encoding)
        except pa.ArrowInvalid as error:
            raise InputError(f"{path.name} has no rows; give `path` a file with data.") from error
        for block in found:
            for start in range(0, block.num_rows, rows):
                part = block.slice(start, rows)
                yield Batch({name: part.column(name) for name in columns}, part.num_rows, tell())


class _open:  # noqa: N801 - used like the built-in one
    """Opens a text file, packed or not, and tells how much of it has been read."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.file = pa.OSFile(str(path))
        packed = path.name.lower().endswith(".gz")
        self.stream = pa.CompressedInputStream(self.file, "gzip") if packed else self.file

    def __enter__(self) -> tuple[Any, Callable[[], int]]:
        return self.stream, lambda: 0 if self.file.closed else self.file.tell()

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        if not self.file.closed:
            self.file.close()
