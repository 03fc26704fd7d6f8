"""Tables that list images: their paths, or the bytes of whole files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dlkit.core.checks import InputError
from dlkit.data.raw.base import Raw
from dlkit.data.raw.cells import kind_of, text_of
from dlkit.data.raw.guess_samples import MOST_DECODED, by_role, raw_of
from dlkit.data.raw.guess_time import guess_times
from dlkit.data.readers.parquet import Parquet
from dlkit.data.samples.folders import SUFFIXES
from dlkit.data.sources.frame_table import FrameTable
from dlkit.data.sources.manifest import Manifest

MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"II*\x00", b"MM\x00*", b"BM", b"RIFF", b"\x93NUMPY")
LABELS = ("label", "labels", "class", "classes", "target", "y", "category", "species", "diagnosis")
MOST_CLASSES = 1_000
ROW_BYTES = 40  # of a path and a label in text


def image_column(head: Mapping[str, Any]) -> str | None:
    """Return the column that holds images or their paths, None where there is none."""
    found = [name for name, column in head.items() if _holds_images(column)]
    content = [name for name in found if _holds_images(head[name], content=True)]  # beside it, paths are but names
    return next(iter([*content, *found]), None)


def _holds_images(column: Any, *, content: bool = False) -> bool:
    import pyarrow.types as known

    if kind_of(column) != "text":
        return _is_pair(column)
    first = [cell for cell in column.slice(0, 20).drop_null().to_pylist() if cell]
    if known.is_binary(column.type) or known.is_large_binary(column.type):
        if first and all(cell.startswith(MAGIC) for cell in first):
            return True
        first = [cell.decode(errors="replace") for cell in first]
    return not content and bool(first) and all(str(cell).lower().endswith(SUFFIXES) for cell in first)


def _is_pair(column: Any) -> bool:
    """Tell whether cells hold bytes and path side by side."""
    import pyarrow.types as known

    return known.is_struct(column.type) and "bytes" in [field.name for field in column.type]


def open_pictures(files: Sequence[Path], head: Mapping[str, Any], given: Mapping[str, Any]) -> Raw | None:
    """Return labelled images, or frames with stamps; None where the table lists none."""
    image = image_column(head)
    if image is None:
        return None
    size = sum(file.stat().st_size for file in files)
    path = str(files[0]) if len(files) == 1 else by_role(files) or [str(file) for file in files]
    label = given.get("label") or _label(head, image)
    times = [guess for guess in guess_times(head) if guess.column not in (image, label)]
    if label is None and (times or "time" in given):
        found: dict[str, Any] = {"path": path, "image": image, "bad": "skip"}
        if "time" not in given:
            found |= {"time": times[0].column, "time_format": times[0].form}
        return raw_of(FrameTable, found, given, size=size, name="")
    if label is None:
        raise InputError(
            f"{files[0].name} lists images in '{image}', but no column with labels or stamps: give `--label COLUMN` or "
            "`--time COLUMN`."
        )
    check = "some" if sum(map(_rows, files)) > MOST_DECODED else "all"
    return raw_of(Manifest, {"path": path, "image": image, "label": label, "check": check}, given, size=size, name="")


def _rows(file: Path) -> int:
    """Return the rows of a table, of text about as many."""
    if file.suffix.lower() not in Parquet.suffixes:
        return file.stat().st_size // ROW_BYTES
    from pyarrow import parquet

    return int(parquet.read_metadata(file).num_rows)


def _label(head: Mapping[str, Any], image: str) -> str | None:
    """Return the column of labels: by its name, words before numbers; else one of few words that repeat."""
    named = [name for name in head if name.lower() in LABELS]
    words = [name for name in head if name != image and kind_of(head[name]) == "text"]
    repeated = [name for name in words if 2 <= pd.Series(text_of(head[name]).to_pandas()).nunique() <= _few(head[name])]
    both = [name for name in named if name in words]
    return next(iter([*both, *named, *repeated]), None)


def _few(column: Any) -> int:
    return min(MOST_CLASSES, len(column) // 2)
