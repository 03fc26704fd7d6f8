"""How far a training has come, in lines of a log where nobody looks at a terminal."""

import sys
from time import perf_counter as now
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar

from dlkit.report.words import clock
from dlkit.train.callbacks import QuietBar


def progress_bar() -> ProgressBar:
    """Return the bar of a terminal, or lines where the output goes into a file."""
    return QuietBar() if sys.stdout.isatty() else LogLines()


class LogLines(ProgressBar):
    """Writes a line at the end of an epoch, and within long ones, never more often than needed.

    Args:
        every: Least time between two lines, in s; the first and the last epoch are always told.
        within: Time between two lines within an epoch, in s.
    """

    content_with_several_batches = True

    def __init__(self, every: float = 10.0, within: float = 60.0) -> None:
        super().__init__()
        self.every, self.within, self.enabled = every, within, True
        self._began = self._told = now()
        self._first = (0, 0)

    def disable(self) -> None:
        """Write nothing: another process does."""
        self.enabled = False

    def enable(self) -> None:
        """Write again."""
        self.enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._began, self._told = now(), -float("inf")
        self._first = (trainer.current_epoch, trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell the step where an epoch takes long; nothing is read from the device."""
        if now() - max(self._told, self._began) >= self.within:
            self._tell(
                trainer, trainer.current_epoch + 1, f"step {batch_idx + 1:,} of {trainer.num_training_batches:,}"
            )

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the epoch before, of which all metrics are known now, if it is time."""
        if now() - self._told >= self.every:
            self._tell_epoch(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the last epoch."""
        self._tell_epoch(trainer, pl_module)

    def _tell_epoch(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the metrics of the last whole epoch, and about how long the rest takes."""
        if trainer.current_epoch == self._first[0] or not self.enabled:
            return
        metrics = self.get_metrics(trainer, pl_module).items()
        said = [f"{name} {value:.4g}" for name, value in sorted(metrics) if isinstance(value, float | int)]
        if 0 < (share := self._share(trainer)) < 1:
            said.append(f"about {clock(round((now() - self._began) * (1 / share - 1)))} left")
        self._tell(trainer, trainer.current_epoch, ", ".join(said))

    def _share(self, trainer: pl.Trainer) -> float:
        """Return which part of this training is done; 0 where nothing says when it ends."""
        done, most = (trainer.current_epoch, trainer.global_step), (trainer.max_epochs or -1, trainer.max_steps)
        shares = [(k - first) / (end - first) for k, end, first in zip(done, most, self._first, strict=True) if end > 0]
        return max(shares, default=0.0)

    def _tell(self, trainer: pl.Trainer, epoch: int, text: str) -> None:
        self._told = now()
        if self.enabled:
            epochs = f" of {trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
            print(f"epoch {epoch}{epochs}: {text}", flush=True)
