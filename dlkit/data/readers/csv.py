"""Delimited text."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dlkit.core.checks import InputError, require
from dlkit.data.base import Reader
from dlkit.data.tabular.encodings import UTF8, is_utf8, open_bytes
from dlkit.data.tabular.files import refuse_damage

BLOCK_BYTES = 4 << 20


class Csv(Reader):
    """Reads text with a header line, split at comma, semicolon, tab or bar, whichever the header has most.

    Every cell stays text, so that a cell which is no number can be shown as it stands in the file.

    Args:
        encoding: How bytes become letters.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

    def __init__(self, *, encoding: str = UTF8) -> None:
        self.encoding = encoding

    def columns(self, path: Path) -> list[str]:
        """Return the names in the header line."""
        line = header_of(path, self.encoding)
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter_of(line)))]
        require(
            not all(is_number(name) for name in names),
            f"{path.name} starts with numbers; put a line with the column names above them.",
        )
        require("" not in names, f"{path.name} has a column without a name in its first line; name every column.")
        return names

    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns as text."""
        ragged: list[Any] = []
        with refuse_damage(path, "CSV"):
            try:
                for batch in _batches(path, self.columns(path), columns, ragged, self.encoding):
                    for start in range(0, batch.num_rows, rows):
                        yield batch.slice(start, rows).to_pandas()
            except ValueError as error:
                if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in str(error):
                    raise InputError(other_encoding(path, self.encoding)) from error
                if not ragged:
                    raise
                row = ragged[0]
                raise InputError(
                    f"{path.name}, row {row.number - 1}: {row.actual_columns} cells under {row.expected_columns} "
                    "column names; give every row one cell for each column, or name another file in `path`."
                ) from error


def _batches(path: Path, names: list[str], columns: list[str], ragged: list[Any], encoding: str) -> Iterator[Any]:
    """Yield the columns as Arrow batches; a row of another length is put in ``ragged`` before Arrow gives up."""

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    stream = path
    if not is_utf8(encoding):
        import pyarrow as pa

        stream = pa.input_stream(str(path), compression="detect")
    return iter(arrow_blocks(path, stream, names, columns, note, encoding=encoding))


def arrow_blocks(
    path: Path,
    stream: Any,
    names: list[str],
    columns: list[str],
    note: Any,
    *,
    raw: bool = False,
    encoding: str = UTF8,
) -> Any:
    """Return the columns as Arrow batches of text.

    Args:
        path: The file.
        stream: What is read: the file or an open one.
        names: Names of all columns.
        columns: Those that are wanted.
        note: Says what becomes of a row with another number of cells, "error" or "skip".
        raw: Give bytes, which need not be UTF-8.
        encoding: How bytes become letters; where it is not UTF-8, ``stream`` is an open file.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    if not is_utf8(encoding):
        stream = pa.transcoding_input_stream(stream, encoding, UTF8)

    return arrow.open_csv(
        stream,
        # One thread: only then a ragged row knows its number.
        read_options=arrow.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows=1),
        parse_options=arrow.ParseOptions(delimiter=delimiter_of(header_of(path, encoding)), invalid_row_handler=note),
        convert_options=arrow.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(names, pa.binary() if raw else pa.string()),
            strings_can_be_null=False,
        ),
    )


def header_of(path: Path, encoding: str = UTF8) -> str:
    """Return the first line."""
    with refuse_damage(path, "text"), open_bytes(path) as content:
        text = TextIOWrapper(content, encoding="utf-8-sig" if is_utf8(encoding) else encoding)
        try:
            line = text.readline(BLOCK_BYTES).rstrip("\n")
        except UnicodeError as error:
            raise InputError(other_encoding(path, encoding)) from error
    require(bool(line.strip()), f"{path.name} has an empty first line; put the column names there.")
    require("\0" not in line, other_encoding(path, encoding))
    return line.removeprefix("\ufeff")


def other_encoding(path: Path, encoding: str) -> str:
    """Return that bytes are no text in an encoding, and what to set."""
    return (
        f"{path.name} cannot be read as {'UTF-8' if is_utf8(encoding) else encoding} text; set `encoding` to that of "
        f"the file, such as 'latin-1', 'cp1252' or 'utf-16': `dlkit check {path.name}` finds it; a file that holds no "
        "text at all is none for `path`."
    )


def delimiter_of(line: str) -> str:
    """Return what splits a header line."""
    best = max(";\t|,", key=line.count)  # the comma last: it also stands inside names and decimals
    if line.count(best):
        return best
    return " " if " " in line.strip() else ","


def is_number(text: str) -> bool:
    """Tell whether text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
