"""Apache Parquet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dlkit.data.base import Reader
from dlkit.data.tabular.files import refuse_damage


class Parquet(Reader):
    """Reads Parquet, row group by row group."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def columns(self, path: Path) -> list[str]:
        """Return the names in the schema; a stored pandas index is a column too."""
        from pyarrow import parquet

        with refuse_damage(path, "Parquet"):
            return list(parquet.read_schema(path).names)

    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns in their own types; dates become stamps and decimals become numbers."""
        from pyarrow import parquet

        with refuse_damage(path, "Parquet"), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=rows, columns=columns):
                plain = {name: _plain(batch.column(name)) for name in columns}
                yield pd.DataFrame({name: column.to_pandas() for name, column in plain.items()})


def _plain(column: Any) -> Any:
    """Return the column in a type that pandas knows by number, stamp or text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("ms"))
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column
