"""The run folder: the unit of work. Every file is written under a temporary name and renamed."""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError, require, suggest


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, on failure it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield work
        with work.open("rb") as file:
            os.fsync(file.fileno())
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it becomes ``path``, on failure it is removed."""
    existed = path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    work.mkdir()  # others may read it as the umask says, which a folder of tempfile forbids
    try:
        yield work
        if not path.exists():
            work.replace(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not existed and not any(path.parent.iterdir()):
            path.parent.rmdir()


def write_json(path: Path, content: Any) -> None:
    """Write plain types as JSON, whole or not at all."""
    with atomic_file(path) as work:
        work.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def new_run(root: Path, name: str) -> Path:
    """Make and return the next free folder ``root/name-001``, ``-002``, ...; safe when several jobs ask at once."""
    require(
        re.fullmatch(r"[\w.\-]+", name) is not None,
        f"name='{name}' cannot name a folder: use letters, digits, '.', '_' and '-' in `name`.",
    )
    require(not root.is_file(), f"runs='{root}' is a file: give the folder of the run folders in `runs`.")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise InputError(f"The folder '{root}' cannot be made: set `runs` to a folder that can be written.") from error
    taken = [int(m.group(1)) for p in root.iterdir() if (m := re.fullmatch(rf"{re.escape(name)}-(\d+)", p.name))]
    number = max(taken, default=0)
    while True:
        number += 1
        folder = root / f"{name}-{number:03d}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder


@contextmanager
def fresh_run(root: Path, name: str) -> Iterator[Path]:
    """Yield a new run folder; when what is done first in it fails, it is removed again, and so is a new ``root``."""
    existed = root.exists()
    path = new_run(root, name)
    try:
        yield path
    except BaseException:
        discard_run(path, keep_root=existed)
        raise


def discard_run(path: Path, *, keep_root: bool = False, but: str = "") -> None:
    """Remove a run folder, and the folder that it stood in unless something else is there.

    Args:
        path: The folder.
        keep_root: The folder that it stood in stays.
        but: Name of a file that stays, and its folder with it.
    """
    if but and (path / but).is_file():
        for part in path.iterdir():
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            elif part.name != but:
                part.unlink(missing_ok=True)
        return
    shutil.rmtree(path, ignore_errors=True)
    if not keep_root:
        with suppress(OSError):
            path.parent.rmdir()


@contextmanager
def sole_user(path: Path) -> Iterator[None]:
    """Hold a run folder while a job writes into it; the system lets go when the job ends, however it ends.

    Raises:
        InputError: Another job that is alive holds it.
    """
    with (path / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"'{path}' is being written by another job that is alive: wait, or stop that job."
            ) from error
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing is not enough: workers that still live have the file open too


class RunFolder:
    """Names of what a run leaves behind.

    Args:
        path: The folder of a run.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.data = self.path / "data.json"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.metrics = self.path / "metrics.json"
        self.predictions = self.path / "predictions.parquet"
        self.figures = self.path / "figures"
        self.summary = self.path / "summary.txt"
        self.tracking = self.path / "mlflow.json"

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Return an existing run.

        Raises:
            InputError: There is no such folder, or it is not the folder of a run.
        """
        path = Path(path)
        require(not path.is_file(), f"'{path}' is a file: give the folder of a run, or a YAML file.")
        if not path.is_dir():
            near = [str(found.parent) for found in path.parent.glob("*/config.yaml")]
            known = suggest(str(path), near) if near else "give the folder that `dlkit run` or `dlkit fit` printed."
            raise InputError(f"There is no run folder '{path}'; {known}")
        run = cls(path)
        require(
            run.config.is_file(),
            f"'{path}' is not the folder of a run: it has no config.yaml; give the folder that `dlkit run` or `dlkit "
            "fit` printed.",
        )
        return run

    def checkpoint_files(self) -> list[Path]:
        """Return the checkpoints, the newest first."""
        return sorted(self.checkpoints.glob("*.ckpt"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
