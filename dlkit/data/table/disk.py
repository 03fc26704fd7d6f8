"""A table as a memory map: made once, in bounded memory, and found again by the fingerprint of its source."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from dlkit.core.checks import require
from dlkit.core.runfolder import atomic_folder, read_json, write_json
from dlkit.data.base import Source
from dlkit.data.table.tables import Layout, Table, fill

FORMAT = 1


class Appending:
    """Rows appended to a file.

    Args:
        file: Open for writing bytes.
        dtype: Type of the values in the file.
    """

    def __init__(self, file: IO[bytes], dtype: type[np.generic]) -> None:
        self._file, self._dtype = file, dtype

    def append(self, part: np.ndarray) -> None:
        """Add rows at the end."""
        self._file.write(np.ascontiguousarray(part, self._dtype).data)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time go on; the lock ends with the process that holds it, its file with the work."""
    existed = path.parent.exists()
    with _lock(path):
        try:
            yield
        finally:
            path.unlink()
            if not existed:
                with suppress(OSError):  # it is not empty
                    path.parent.rmdir()


def _lock(path: Path) -> IO[str]:
    """Return a file that is locked and still stands at ``path``; the one who had it before may have removed it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError), ExitStack() as stack:
            file = stack.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                stack.pop_all()
                return file


def map_table(source: Source, cache: Path) -> Table:
    """Return the table of a source as a memory map, made once and kept in ``cache``.

    Raises:
        InputError: The kept table is damaged.
    """
    content = json.dumps([FORMAT, source.fingerprint()], sort_keys=True, default=str)
    key = hashlib.sha256(content.encode()).hexdigest()[:24]
    folder = cache / key
    if not folder.exists():
        with locked(cache / f"{key}.lock"):
            if not folder.exists():
                _make(source, folder)
    return _open(folder)


def _make(source: Source, folder: Path) -> None:
    for left in folder.parent.glob(f".{folder.name}.*"):  # of a process that was killed
        shutil.rmtree(left)
    with atomic_folder(folder) as work:
        with (work / "times.bin").open("wb") as times, (work / "values.bin").open("wb") as values:
            layout = fill(source, Appending(times, np.int64), Appending(values, np.float32))
        write_json(work / "layout.json", vars(layout))


def _open(folder: Path) -> Table:
    kept = read_json(folder / "layout.json")
    layout = Layout(**kept | {"columns": tuple(kept["columns"]), "units": tuple(kept["units"])})
    shape = (layout.rows, len(layout.columns))
    for name, size in {"times": 8 * shape[0], "values": 4 * shape[0] * shape[1]}.items():
        require(
            (folder / f"{name}.bin").stat().st_size == size,
            f"The table kept in '{folder}' is damaged: remove this folder, it is made anew from the source.",
        )
    return layout.table(
        np.memmap(folder / "times.bin", np.int64, mode="r", shape=shape[:1]),
        np.memmap(folder / "values.bin", np.float32, mode="r", shape=shape),
    )
