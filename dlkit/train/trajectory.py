"""The way of the weights during training, kept for the surface of the loss beside it."""

import pickle
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.explain.landscape.directions import Direction, movable

FOLDER = "trajectory"
DTYPES = {"float32": torch.float32, "float16": torch.float16}


class Trajectory(pl.Callback):
    """Keeps the weights every few epochs in RUN/trajectory/, for `dlkit landscape RUN --directions trajectory`.

    Args:
        every_n_epochs: Epochs between two snapshots; the weights before and after training are kept as well.
        dtype: "float16" takes half the space, with three to four digits of each weight.
    """

    content_with_several_batches = True

    def __init__(self, every_n_epochs: int = 1, dtype: Literal["float32", "float16"] = "float32") -> None:
        require(every_n_epochs >= 1, f"every_n_epochs={every_n_epochs} must be at least 1: change `every_n_epochs`.")
        self.every_n_epochs, self.dtype = every_n_epochs, DTYPES[dtype]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights before training; a resumed run has kept them already."""
        if trainer.current_epoch == 0:
            self._keep(trainer, pl_module, 0)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights when it is time."""
        if (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            self._keep(trainer, pl_module, trainer.current_epoch + 1)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the last weights."""
        self._keep(trainer, pl_module, trainer.current_epoch)

    def _keep(self, trainer: pl.Trainer, pl_module: pl.LightningModule, epoch: int) -> None:
        folder = _folder_of(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        weights = {name: weight.detach().to("cpu", self.dtype) for name, weight in movable(pl_module).items()}
        with atomic_file(folder / f"epoch-{epoch:05d}.pt") as work, work.open("wb") as file:
            torch.save(weights, file)


def _folder_of(trainer: pl.Trainer) -> Path | None:
    """Return where snapshots go: beside the checkpoints of the run; None where nothing is kept of the training."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath is not None:
            return Path(callback.dirpath).parent / FOLDER
    return None


def read_snapshots(run: RunFolder, end: Direction) -> dict[int, Direction]:
    """Return the weights by the epoch after which they were kept, in the order of training.

    Args:
        run: The run that trained.
        end: The weights whose way it is.

    Raises:
        InputError: There are none, one is damaged, or they belong to another network.
    """
    files = sorted((run.path / FOLDER).glob("epoch-*.pt"))
    require(
        len(files) > 0,
        f"'{run.path}' kept no trajectory: train with dlkit.train.trajectory.Trajectory in `trainer.callbacks`, or use "
        "`--directions random`.",
    )
    return {int(path.stem.partition("-")[2]): _read(path, end) for path in files}


def _read(path: Path, end: Direction) -> Direction:
    try:
        weights: Direction = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise InputError(f"The snapshot '{path}' is damaged: remove it, or use `--directions random`.") from error
    fits = weights.keys() == end.keys() and all(weights[name].shape == end[name].shape for name in end)
    require(
        fits,
        f"The snapshot '{path}' belongs to another network than the run's config: remove the folder, or use "
        "`--directions random`.",
    )
    return weights
