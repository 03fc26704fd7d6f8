"""Out-of-fold predictions as one table, in the order of the data, each window or sample once (a repeat)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import atomic_file

AT_ONCE = 4096  # windows or samples that are sorted at once


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions of a fold.

    Attributes:
        path: Its table, with the same number of rows for each place, rising.
        places: Place of each window or sample in the data, rising, (places,).
        fold: Number of the fold, from 1.
    """

    path: Path
    places: np.ndarray
    fold: int


class Reader:
    """Gives the rows of a table from the front, as many as are asked for.

    Args:
        path: The table.
        places: How many windows or samples it has.
    """

    def __init__(self, path: Path, places: int) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path)
        rows = self._file.metadata.num_rows
        assert rows % max(places, 1) == 0, (path, rows, places)
        self.each = rows // max(places, 1)
        self._batches: Iterator[Any] = self._file.iter_batches()
        self._kept: list[Any] = []

    def take(self, places: int) -> Any:
        """Return the rows of the next places."""
        import pyarrow as pa

        wanted, have = places * self.each, sum(map(len, self._kept))
        while have < wanted:
            self._kept.append(next(self._batches))
            have += len(self._kept[-1])
        table = pa.Table.from_batches(self._kept, schema=self._file.schema_arrow)
        self._kept = table.slice(wanted).to_batches()
        return table.slice(0, wanted)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def merged(folds: Sequence[Predicted]) -> Iterator[Any]:
    """Yield the rows of all folds in the order of the data, with a column ``fold`` in front."""
    import pyarrow as pa

    places = np.concatenate([one.places for one in folds])
    owner = np.repeat(np.arange(len(folds)), [len(one.places) for one in folds])
    owner = owner[np.argsort(places, kind="stable")]
    readers = [Reader(one.path, len(one.places)) for one in folds]
    try:
        for first in range(0, len(owner), AT_ONCE):
            some = owner[first : first + AT_ONCE]
            parts = []
            for number in np.unique(some).tolist():
                table = readers[number].take(int((some == number).sum()))
                fold = pa.array(np.full(len(table), folds[number].fold, np.int32))
                parts.append(table.add_column(0, "fold", fold))
            table = pa.concat_tables(parts, promote_options="permissive")
            yield table.take(order_of(some, readers[0].each))
    finally:
        for reader in readers:
            reader.close()


def order_of(owner: np.ndarray, each: int) -> np.ndarray:
    """Return where the rows of each place are when those of every fold stand one after the other.

    Args:
        owner: Fold of each place, in the order of the data.
        each: Rows of a place.
    """
    place = np.empty(len(owner), np.int64)
    place[np.argsort(owner, kind="stable")] = np.arange(len(owner))
    return np.asarray((place[:, None] * each + np.arange(each)).ravel())


def write_merged(path: Path, repeats: Sequence[Sequence[Predicted]]) -> Iterator[Any]:
    """Write the table of all folds, and yield its parts on the way; of several repeats one after the other.

    Args:
        path: The table.
        repeats: The folds of each repeat, which have each place once.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_file(path) as work:
        writer = None
        try:
            for number, folds in enumerate(repeats, 1):
                for table in merged(folds):
                    if len(repeats) > 1:
                        table = table.add_column(0, "repeat", pa.array(np.full(len(table), number, np.int32)))  # noqa: PLW2901
                    writer = writer or pq.ParquetWriter(work, table.schema, compression="zstd")
                    writer.write_table(table.cast(writer.schema))
                    yield table
        finally:
            if writer is not None:
                writer.close()
