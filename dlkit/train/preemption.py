"""A training that is asked to stop saves and leaves; gone on with, it ends where it would have ended."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint, WeightAveraging

from dlkit.core.runfolder import RunFolder
from dlkit.train.agreement import Agreement
from dlkit.train.leaving import job_file, leave, leave_signals_alone, note


class Preemption(Checkpoint):
    """Stops where nothing is half done: after a step, between epochs, or in a validation, which is made again whole.

    A checkpoint, so that Lightning calls it after all others, which have then done what belongs to the step.

    Args:
        run: Where the checkpoint goes.
        command: What trains, "fit" or "run".
    """

    def __init__(self, run: RunFolder, command: str) -> None:
        self.run, self.command = run, command
        self._agreement = Agreement(None, 1)
        self._wanted, self._began, self._validated = False, 0, False
        self._place = ""  # where the training is being left, for the counts in the checkpoint
        self._validations, self._batches, self._random = 0, 0, torch.empty(0)
        self._common: int | float = math.inf

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Get ready to agree with the other processes."""
        leave_signals_alone(trainer)
        self._agreement = Agreement(job_file("stop"), trainer.world_size)

    # ------------------------------------------------------------------ where it can be stopped
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave at once when asked while everything was being made."""
        self._began = trainer.global_step
        if self._agreement.begin()[0]:
            self._leave(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave between two epochs."""
        self._validated = False
        if self._agreement.now() or self._wanted:
            self._leave(trainer, "between epochs")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Leave after a step of the optimizer, unless a validation or the next epoch is a better place."""
        if not self._wanted and not self._agreement.at_step():
            return
        self._wanted, loop = True, trainer.fit_loop.epoch_loop
        data = trainer.fit_loop._data_fetcher  # noqa: SLF001 - Lightning tells none of this in public
        assert data is not None
        if not (loop._is_training_done or loop._should_accumulate() or loop._should_check_val_fx(data)):  # noqa: SLF001
            self._leave(trainer, "in an epoch")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember what validation changes; leave before it when asked."""
        progress: Any = trainer.fit_loop.epoch_loop.val_loop.batch_progress.total
        progress.ready = progress.started = progress.processed = progress.completed  # one was left, it begins again
        self._validations, self._batches, self._random = progress.completed, 0, torch.get_rng_state()
        counts = trainer.num_sanity_val_batches if trainer.sanity_checking else trainer.num_val_batches
        stop, self._common = self._agreement.begin(sum(counts))
        if stop or self._wanted:
            self._leave_validation(trainer, pl_module, begun=False)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any, **more: Any
    ) -> None:
        """Leave the validation; the last batches are not those of every process."""
        self._batches += 1
        if self._batches < self._common and self._agreement.at_step():
            self._leave_validation(trainer, pl_module, begun=True)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Return to the pace of training."""
        self._validated = True
        self._wanted = self._agreement.begin()[0] or self._wanted

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let a schedule that waits for the validation have it, if it was made since the training was gone on with."""
        if self._validated:
            trainer.fit_loop._restarting = False  # noqa: SLF001 - else Lightning leaves out the step of the schedule

    # ------------------------------------------------------------------ how it is left
    def _leave_validation(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *, begun: bool) -> None:
        if trainer.sanity_checking:
            self._leave(trainer)
        if (
            0 <= trainer.max_steps <= trainer.global_step
        ):  # Lightning would not make it again: there is nothing to train
            return
        for callback in trainer.callbacks:  # type: ignore[attr-defined] # set by Lightning
            if begun and isinstance(callback, WeightAveraging):  # validation has exchanged the weights
                callback.on_validation_epoch_end(trainer, pl_module)
        torch.set_rng_state(self._random)
        self._leave(trainer, "in a validation")

    def _leave(self, trainer: pl.Trainer, place: str = "") -> None:
        """Save, unless nothing was learnt since the beginning, and leave; all processes do."""
        first, what = trainer.is_global_zero, "nothing new was learnt"
        if place and (trainer.global_step > self._began or place == "in an epoch"):
            self._place = place
            trainer.save_checkpoint(self.run.checkpoints / "last.ckpt", weights_only=False)
            what = f"saved at step {trainer.global_step} {place}"
        way = "--resume" if self.run.checkpoint_files() else "--into"  # which may begin
        leave(what, f"go on with `dlkit {self.command} {way} {self.run.path}`", first=first)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the counts of Lightning's loops where it goes on rightly; tell the script of the job how far it came."""
        if trainer.is_global_zero:
            note("progress", str(trainer.global_step))
        if self._place == "in a validation":
            before_validation(checkpoint["loops"]["fit_loop"], self._validations)
        elif self._place == "between epochs":
            before_epoch(checkpoint["loops"]["fit_loop"])


def before_validation(counts: dict[str, Any], done: int) -> None:
    """Let the counts of the loops say that a validation was begun: it is gone on with, from its first batch.

    Args:
        counts: State of the loop over epochs.
        done: Batches of earlier validations in the same epoch.
    """
    progress = counts["epoch_loop.val_loop.batch_progress"]
    progress["total"] |= {"ready": done + 1, "started": done + 1, "processed": done, "completed": done}
    progress["current"] |= dict.fromkeys(progress["current"], 0)
    progress["is_last_batch"] = False


def before_epoch(counts: dict[str, Any]) -> None:
    """Let the counts of the loops say that an epoch has ended and the next has not begun.

    Args:
        counts: State of the loop over epochs.
    """
    for part in ("total", "current"):
        counts["epoch_progress"][part]["ready"] -= 1
    progress = counts["epoch_loop.batch_progress"]
    progress["current"] |= dict.fromkeys(progress["current"], 0)
    progress["is_last_batch"] = False
