"""HDF5."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dlkit.core.checks import InputError, suggest
from dlkit.data.base import Reader
from dlkit.data.tabular.array_tables import array_chunks, parts
from dlkit.data.tabular.files import refuse_damage


class Hdf5(Reader):
    """Reads the 1-d and 2-d datasets of a group as columns: ``name``, or ``name_0``, ``name_1``.

    Args:
        group: Group that holds the datasets.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5", ".hdf")

    def __init__(self, *, group: str = "/") -> None:
        self.group = group

    def columns(self, path: Path) -> list[str]:
        """Return the columns of all datasets in the group."""
        import h5py

        with refuse_damage(path, "HDF5"), h5py.File(path, "r") as file:
            return [name for name, _ in parts(self._datasets(file, path))]

    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns, reading only the rows of a chunk."""
        import h5py

        with refuse_damage(path, "HDF5"), h5py.File(path, "r") as file:
            yield from array_chunks(path.name, self._datasets(file, path), columns, rows)

    def _datasets(self, file: Any, path: Path) -> dict[str, Any]:
        import h5py

        groups: list[str] = []
        file.visititems(lambda name, item: groups.append(name) if isinstance(item, h5py.Group) else None)
        if self.group != "/" and self.group.strip("/") not in groups:
            options = suggest(self.group, groups)
            raise InputError(f"{path.name} has no group '{self.group}'; mend `group`: {options}")
        found = {name: item for name, item in file[self.group].items() if isinstance(item, h5py.Dataset)}
        if not found:
            options = suggest("", groups)
            raise InputError(f"{path.name} has no dataset in '{self.group}'; set `group` to one that has: {options}")
        return found
