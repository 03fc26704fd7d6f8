"""Checkpoints that are whole or not there, load without running code, and fall back to the one before."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import ModelCheckpoint

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file

logger = logging.getLogger(__name__)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name and renames; reads tensors and plain types only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint, whole or not at all."""
        with atomic_file(Path(path)) as work, work.open("wb") as file:
            torch.save(checkpoint, file)  # through Python's file: a full disk is then an OSError with its number

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Read a checkpoint."""
        return load_checkpoint(Path(path))


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


def weights_text(path: Path, trainer: pl.Trainer) -> str:
    """Say after training of which epoch the weights are that answer: the losses told last are mostly of others.

    Args:
        path: Their checkpoint.
        trainer: What trained.
    """
    epoch = int(load_checkpoint(path).get("epoch", 0)) + 1
    own = [one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint) and one.filename == "best"]
    score = own[0].best_model_score if own and own[0].monitor and path.name.startswith("best") else None
    why = "" if score is None else f" (least {own[0].monitor} {float(score):.4g})"
    return f"weights of epoch {epoch} of {max(epoch, trainer.current_epoch)}{why} answer"


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
