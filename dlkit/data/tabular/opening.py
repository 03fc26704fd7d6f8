"""How the files of a table are opened, whatever their format, and which of their columns are one stamp."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.base import Reader
from dlkit.data.tabular.cells import Missing, trimmed
from dlkit.data.tabular.encodings import UTF8


@dataclass(frozen=True)
class Opening:
    """How tables are opened.

    Attributes:
        group: Group inside the files, for formats that have groups.
        encoding: How the bytes of a text file become letters.
        parts: Columns whose cells are one stamp together, in their order; they are read as one column.
    """

    group: str = ""
    encoding: str = UTF8
    parts: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Opening":
        """Return what settings of :class:`dlkit.data.sources.files.Files` say."""
        time = settings.get("time")
        parts = () if time is None or isinstance(time, str) else tuple(time)
        return cls(settings.get("group", ""), settings.get("encoding", UTF8), parts)


def time_column(time: str | Sequence[str] | None) -> str | None:
    """Return the name of the column of the stamps; of several columns that of the one that they make."""
    return time if time is None or isinstance(time, str) else " ".join(time)


class Joined(Reader):
    """Reads tables whose stamps stand in several columns as if they stood in one, with blanks between the parts.

    Args:
        reader: Reads the tables.
        parts: The columns.
    """

    def __init__(self, reader: Reader, parts: Sequence[str]) -> None:
        self.reader, self.parts, self.name = reader, tuple(parts), " ".join(parts)

    def columns(self, path: Path) -> list[str]:
        """Return the names of the columns, with one in place of the parts."""
        names = self.reader.columns(path)
        for part in self.parts:
            if part not in names:
                raise InputError(f"{path.name} has no column '{part}'; mend `time`: {suggest(part, names)}")
        others = [name for name in names if name not in self.parts]
        require(self.name not in others, f"{path.name} has a column '{self.name}' already; name that one in `time`.")
        return [self.name, *others]

    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns."""
        for frame in self.reader.chunks(path, with_parts(columns, self.parts), rows):
            if self.name not in columns:
                yield frame
                continue
            stamps = pd.Series(joined_cells([frame[part] for part in self.parts]).to_pandas(), dtype="str")
            yield frame.assign(**{self.name: stamps.set_axis(frame.index)})[columns]


def with_parts(columns: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Return columns with the parts in place of the one that they make."""
    name = " ".join(parts)
    found = [part for column in columns for part in (parts if parts and column == name else [column])]
    return list(dict.fromkeys(found))


def joined_cells(parts: Sequence[pd.Series]) -> Any:
    """Return cells side by side as Arrow text with blanks between them, null where one is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [trimmed(pa.array(as_text(part), type=pa.string(), from_pandas=True), Missing()) for part in parts]
    return pc.binary_join_element_wise(*texts, " ")


def as_text(cells: pd.Series) -> pd.Series:
    """Return cells as text: whole numbers without a point, days without a time."""
    if cells.dtype.kind == "M" or isinstance(cells.dtype, pd.DatetimeTZDtype):
        days = bool((cells.dropna() == cells.dropna().dt.normalize()).all())
        return cells.dt.strftime("%Y-%m-%d") if days else cells.map(pd.Timestamp.isoformat, na_action="ignore")
    if cells.dtype.kind == "f":
        whole = cells.dropna()
        if bool((whole == np.floor(whole)).all()):
            return cells.map("{:.0f}".format, na_action="ignore")
    return cells if cells.dtype == "str" else cells.map(str, na_action="ignore")
