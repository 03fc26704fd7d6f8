"""Checkpoints that are whole or not there, load without running code, and fall back to the one before."""

import logging
import pickle
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file

logger = logging.getLogger(__name__)
BROKEN = (RuntimeError, EOFError, zipfile.BadZipFile, KeyError, OSError, ValueError)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name and renames; reads tensors and plain types only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint, whole or not at all."""
        with atomic_file(Path(path)) as work, work.open("wb") as file:
            torch.save(checkpoint, file)  # through Python's file: a full disk is then an OSError with its number

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Read a checkpoint."""
        return load_checkpoint(Path(path))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint on the CPU.

    Raises:
        InputError: There is no such file, it is damaged, or it holds objects that would run code.
    """
    if not path.is_file():
        raise InputError(f"There is no checkpoint '{path}': give the folder of a run that was trained.")
    check_whole(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"The checkpoint '{path}' is refused: it is damaged or holds objects that would run code; dlkit reads "
            "tensors and plain types only."
        ) from error
    except BROKEN as error:
        raise InputError(f"The checkpoint '{path}' is damaged and cannot be read.") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise InputError(f"'{path}' is no checkpoint of dlkit: it has no state_dict.")
    return content


def check_whole(path: Path) -> None:
    """Compare every part of a checkpoint with its checksum.

    Raises:
        InputError: A part is missing or changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except BROKEN as error:
        raise InputError(f"The checkpoint '{path}' is damaged or cut short ({error}).") from error
    if broken is not None:
        raise InputError(f"The checkpoint '{path}' is damaged in '{broken}'.")


@cache
def warn_once(text: str) -> None:
    """Tell the user, once in a job."""
    logger.warning(text)


def newest_whole(run: RunFolder) -> Path:
    """Return the newest checkpoint of a run that can be read, and say which ones cannot.

    Raises:
        InputError: There is none.
    """
    return first_whole(run, run.checkpoint_files())


def best_or_newest(run: RunFolder) -> Path:
    """Return the checkpoint with the best validation loss; where it is missing or damaged, the newest whole one."""
    return first_whole(run, sorted(run.checkpoint_files(), key=lambda path: not path.name.startswith("best")))


def first_whole(run: RunFolder, files: list[Path]) -> Path:
    """Return the first file that can be read; say why those before it cannot.

    Raises:
        InputError: There is none.
    """
    problems: list[str] = []
    for path in files:
        try:
            load_checkpoint(path)
        except InputError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warn_once(f"{problem} Falling back to '{path}'.")
        return path
    again = f"start again with `dlkit fit {run.config}`."
    require(bool(files), f"'{run.path}' has no checkpoint: {again}")
    why = problems[0].rstrip(".")
    raise InputError(f"None of the {len(files)} checkpoints of '{run.path}' can be read ({why}); {again}")
