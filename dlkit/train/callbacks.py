"""What is watched and kept while a network trains."""

import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.model_summary.model_summary import ModelSummary
from torch.optim import Optimizer

from dlkit.core.runfolder import RunFolder
from dlkit.tasks.base import Task
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.samples import SampleTask
from dlkit.train.preemption import Preemption
from dlkit.train.random_state import RandomState
from dlkit.train.together import deals_out_weights


def run_callbacks(run: RunFolder, *, monitored: bool, command: str) -> list[pl.Callback]:
    """Return the callbacks of every run: the best and the last checkpoint, random state, telemetry, preemption."""
    best = ModelCheckpoint(
        dirpath=run.checkpoints,
        filename="best",
        monitor="val/loss" if monitored else None,
        save_last=True,
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
    return [best, RandomState(), Telemetry(), Preemption(run, command)]


def keep_in(run: RunFolder, trainer: pl.Trainer) -> None:
    """Let checkpoints that a user asked for stand beside the others, where a resumed run finds them."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
            callback.dirpath = str(run.checkpoints)


def network_text(module: pl.LightningModule, depth: int) -> str:
    """Return a table of the parts of a network and their numbers of parameters."""
    found = ModelSummary(module, max_depth=depth)
    rows = [("part", "class", "parameters")]
    rows += [
        (*row[:2], f"{row[2]:,}") for row in zip(found.layer_names, found.layer_types, found.param_nums, strict=True)
    ]
    wide = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [f"{row[0]:<{wide[0]}}  {row[1]:<{wide[1]}}  {row[2]:>{wide[2]}}" for row in rows]
    return "\n".join(
        [*lines, f"{found.total_parameters:,} parameters, {found.trainable_parameters:,} of them trainable"]
    )


class ShortSummary(pl.callbacks.ModelSummary):
    """Prints what the network is made of: its parts and their parameters."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the table once."""
        if self._max_depth and trainer.is_global_zero:
            print(network_text(pl_module, self._max_depth), flush=True)


class QuietBar(TQDMProgressBar):
    """The progress bar, drawn at most a few times a second."""

    content_with_several_batches = True

    def __init__(self, refresh_rate: int = 10, process_position: int = 0) -> None:
        super().__init__(refresh_rate, process_position, leave=False)

    @property
    def total_train_batches(self) -> int | float:
        """Batches of an epoch, also where Lightning sees several of them as one step."""
        steps, several = super().total_train_batches, self._several()
        if several == 1:
            return steps
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined] # set by Lightning
        batches: int = -(-data.count("train") // data.batch_size)
        return min(steps * several, batches)

    def _several(self) -> int:
        several = getattr(self.trainer.datamodule, "batches_per_step", 1)  # type: ignore[attr-defined] # same
        return several if isinstance(several, int) else 1

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batches of the step."""
        several = self._several()
        if several == 1:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        elif self.is_enabled:
            self.train_progress_bar.n = int(min((batch_idx + 1) * several, self.total_train_batches))
            self.train_progress_bar.set_postfix(self.get_metrics(trainer, pl_module))

    def init_validation_tqdm(self) -> Tqdm:
        """Leave the line to the training: validation is short."""
        return Tqdm(disable=True)


class Telemetry(pl.Callback):
    """Writes loss, gradient norm, learning rate and samples/s every ``log_every_n_steps`` steps.

    Goes to the logger directly: one read from the device each time, nothing in between.
    """

    content_with_several_batches = True

    def __init__(self) -> None:
        self._logged, self._began = 0, time.perf_counter()
        self._norm: torch.Tensor | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what the network is made of."""
        summary = network_text(pl_module, 3)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_text("network", f"```\n{summary}\n```", trainer.global_step)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._logged, self._began = trainer.global_step, time.perf_counter()

    def _is_due(self, trainer: pl.Trainer) -> bool:
        return trainer.logger is not None and trainer.global_step - self._logged >= trainer.log_every_n_steps - 1  # type: ignore[attr-defined] # set by Lightning

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Take the norm of the gradient, once it is due."""
        if self._is_due(trainer):
            gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            self._norm = torch.nn.utils.get_total_norm(gradients)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write what is due."""
        if self._norm is None or not isinstance(pl_module, Task):
            return
        pl_module.check_finite()
        now, steps = time.perf_counter(), trainer.global_step - self._logged
        data: Any = trainer.datamodule  # type: ignore[attr-defined] # set by Lightning
        values = {"train/loss_step": float(pl_module.last_loss), "train/gradient_norm": float(self._norm)}
        values["train/samples_per_second"] = (
            steps * getattr(data, "batch_size", 1) * trainer.world_size / (now - self._began)
        )
        values["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)
        self._logged, self._began, self._norm = trainer.global_step, now, None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock."""
        self._paused = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock again: validation is no training time."""
        self._began += time.perf_counter() - self._paused


def may_draw(trainer: pl.Trainer) -> bool:
    """Tell whether this process draws: the first one, unless it would need weights that the others hold."""
    return trainer.is_global_zero and not deals_out_weights(trainer)


class ForecastPanels(pl.Callback):
    """Draws the same validation windows and the error per horizon into TensorBoard while a forecast trains.

    Args:
        windows: Number of windows, spread evenly over validation.
        every_n_epochs: Epochs between two drawings.
    """

    content_with_several_batches = True

    def __init__(self, windows: int = 3, every_n_epochs: int = 5) -> None:
        self.windows, self.every_n_epochs = windows, every_n_epochs

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw when it is due."""
        due = trainer.current_epoch % self.every_n_epochs == 0 and not trainer.sanity_checking
        if not isinstance(pl_module, Forecast):
            return
        boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not due or not boards or not may_draw(trainer):
            return
        from dlkit.train.views.panels import draw_windows, horizon_panel

        step = trainer.global_step
        for board in boards:
            for target, figure in draw_windows(pl_module, trainer.datamodule, "val", self.windows):  # type: ignore[attr-defined]
                board.experiment.add_figure(f"forecast/{target}", figure, step)
            board.experiment.add_figure(
                "error per horizon", horizon_panel({"model": pl_module.val_scores}, pl_module.spec), step
            )


class SamplePanels(pl.Callback):
    """Draws into TensorBoard what is taken for what, and the most confident mistakes, while classes or values train.

    Args:
        every_n_epochs: Epochs between two drawings.
    """

    content_with_several_batches = True

    def __init__(self, every_n_epochs: int = 5) -> None:
        self.every_n_epochs = every_n_epochs

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw when it is due."""
        due = trainer.current_epoch % self.every_n_epochs == 0 and not trainer.sanity_checking
        boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not isinstance(pl_module, SampleTask) or not due or not boards or not may_draw(trainer):
            return
        from dlkit.train.evaluation.evaluate import panels

        for name, figure in panels(pl_module, trainer.datamodule):  # type: ignore[attr-defined] # set by Lightning
            for board in boards:
                board.experiment.add_figure(name, figure, trainer.global_step)
