"""NumPy's NPY and NPZ."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError
from dlkit.data.base import Reader
from dlkit.data.tabular.array_tables import array_chunks, parts
from dlkit.data.tabular.files import refuse_damage


class NumpyFile(Reader):
    """Reads structured, 1-d and 2-d arrays as columns; the array of an NPY file is called ``value``.

    An NPY file is memory-mapped; the wanted arrays of an NPZ file are held in memory while they are read.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npy", ".npz")

    def columns(self, path: Path) -> list[str]:
        """Return the columns of all arrays in the file."""
        with refuse_damage(path, "NumPy"):
            return [name for name, _ in parts(_arrays(path))]

    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns."""
        with refuse_damage(path, "NumPy"):
            yield from array_chunks(path.name, _arrays(path), columns, rows)


def _arrays(path: Path) -> Mapping[str, Any]:
    if path.suffix.lower() == ".npy":
        return {"value": np.load(path, mmap_mode="r", allow_pickle=False)}
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        raise InputError(f"{path.name} holds one array under the name of an archive; rename it to .npy in `path`.")
    with content:
        return {key: content[key] for key in content.files}
