"""Checkpoints that are whole or not there, load without running code, and fall back to the one before."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_warn

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, atomic_file

BROKEN = (RuntimeError, EOFError, zipfile.BadZipFile, KeyError, OSError, ValueError)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name and renames; reads tensors and plain types only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:  # noqa: ARG002
        """Write a checkpoint, whole or not at all."""
        with atomic_file(Path(path)) as work:
            torch.save(checkpoint, work)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:  # noqa: ARG002
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
            f"The checkpoint '{path}' is refused: it is damaged or holds objects that would run code; dlkit reads tensors "
            "and plain types only."
        ) from error
    except BROKEN as error:
        raise InputError(
            f"The checkpoint '{path}' is damaged and cannot be read: use another one of the run."
        ) from error
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
        raise InputError(
            f"The checkpoint '{path}' is damaged or cut short ({error}): use another one of the run."
        ) from error
    if broken is not None:
        raise InputError(f"The checkpoint '{path}' is damaged in '{broken}': use another one of the run.")


def newest_whole(run: RunFolder) -> Path:
    """Return the newest checkpoint of a run that can be read, and say which ones cannot.

    Raises:
        InputError: There is none.
    """
    files = run.checkpoint_files()
    for path in files:
        try:
            load_checkpoint(path)
        except InputError as error:
            rank_zero_warn(f"{error} Falling back to the checkpoint before it.")
            continue
        return path
    raise InputError(
        f"'{run.path}' has no checkpoint that can be read ({len(files)} damaged): start again with `dlkit fit` and its "
        "config.yaml."
    )


def best_or_newest(run: RunFolder) -> Path:
    """Return the checkpoint with the best validation loss; where it is missing or damaged, the newest whole one."""
    for path in run.checkpoints.glob("best*.ckpt"):
        try:
            load_checkpoint(path)
        except InputError as error:
            rank_zero_warn(str(error))
            continue
        return path
    return newest_whole(run)
