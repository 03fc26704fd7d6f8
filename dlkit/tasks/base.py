"""What every task shares: one step, run and watched in training, validation, test and prediction."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from jsonargparse import set_parsing_settings
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError, require
from dlkit.core.likeness import difference, with_times_of
from dlkit.core.packing import channel_of
from dlkit.core.processes import gather, own_share
from dlkit.core.specs import Spec
from dlkit.data.batches.batching import Batching
from dlkit.data.batches.loader import Batches
from dlkit.tasks.denormals import WithoutDenormals
from dlkit.tasks.pace import batches_per_step
from dlkit.tasks.step import Step

set_parsing_settings(subclasses_enabled=[Spec])

OptimizerFactory = Callable[[Any], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler | ReduceLROnPlateau]


class DivergedError(InputError):
    """The loss is no longer a number."""


class Task(pl.LightningModule, ABC):
    """A network with a cost, an optimizer and measures of quality.

    Args:
        spec: Shapes and names of inputs and outputs.
        optimizer: Makes the optimizer of the parameters; None is Adam with a learning rate of 1e-3.
        scheduler: Makes the schedule of the learning rate.
        scheduler_interval: When the schedule moves on.
        lr: Learning rate that replaces the optimizer's; set by Lightning's LearningRateFinder.
        compile: Compile the network with torch.compile.
        graph: Train on a GPU with the network as a CUDA graph, for networks of many small kernels.
    """

    def __init__(
        self,
        *,
        spec: Spec,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
        scheduler_interval: str = "epoch",
        lr: float | None = None,
        compile: bool = False,  # noqa: A002 - the field's name for it
        graph: bool = False,
    ) -> None:
        super().__init__()
        require(
            scheduler_interval in ("epoch", "step"),
            f"scheduler_interval='{scheduler_interval}' must be 'epoch' or 'step'.",
        )
        self.spec, self.optimizer, self.scheduler = spec, optimizer or partial(Adam, lr=1e-3, fused=True), scheduler
        self.scheduler_interval, self.lr, self.compile_net = scheduler_interval, lr, compile
        self.graph_net = graph
        self.last_loss = torch.zeros(())
        self._loss_sum, self._loss_count = torch.zeros((), dtype=torch.float64), 0
        self._share = 1.0  # of this batch in the mean over all processes
        self.stops_at_once = True

    # ------------------------------------------------------------------ to be written by a task
    @abstractmethod
    def step(self, batch: Batch) -> Step:
        """Return cost, prediction and target of a batch."""

    # ------------------------------------------------------------------ training
    def configure_optimizers(self) -> Any:
        """Make the optimizer and its schedule."""
        parameters = [p for p in self.parameters() if p.requires_grad]
        require(len(parameters) > 0, "The network has no trainable parameters: use `dlkit test` instead of fitting it.")
        optimizer = self.optimizer(parameters)
        # A fused optimizer would unscale mixed-precision gradients itself, after they were clipped; Lightning refuses.
        optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]  # noqa: SLF001 - torch's only switch
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] if self.lr is None else self.lr
        if self.scheduler is None:
            return optimizer
        schedule = {"scheduler": self.scheduler(optimizer), "interval": self.scheduler_interval, "monitor": "val/loss"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def configure_callbacks(self) -> list[pl.Callback]:
        """Return what every training of this task does."""
        return [WithoutDenormals()]

    def setup(self, stage: str) -> None:
        """Compile when asked to."""
        if self.compile_net and stage == "fit":
            self.compile_net = False
            for child in self.children():
                if isinstance(child, torch.nn.Module) and any(True for _ in child.parameters()):
                    child.compile()

    def on_fit_start(self) -> None:
        """Choose how many batches Lightning sees as one step, unless it is set or was chosen before the run stopped."""
        data = getattr(self.trainer, "datamodule", None)
        if isinstance(data, Batching):
            if data.batches_per_step == "auto":
                data.batches_per_step = batches_per_step(self, self.step, self.trainer, data)
            self.automatic_optimization = data.batches_per_step == 1

    def on_train_epoch_start(self) -> None:
        """Begin a new mean of the loss."""
        self._loss_sum, self._loss_count = torch.zeros((), dtype=torch.float64, device=self.device), 0

    def training_step(self, batch: Batch | Batches, batch_idx: int) -> Tensor | None:
        """Train on a batch; on several of them when the data module hands out several a step."""
        if isinstance(batch, Batches):
            self._train_on(batch)
            return None
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined] # set by Lightning
        self._share = data.share(batch_idx) if isinstance(data, Batching) else 1.0
        self._watch(step := self.step(batch), batch)
        return step.loss if self._share == 1 else step.loss * self._share

    def _train_on(self, batches: Batches) -> None:
        """Take a step of the optimizer for each batch: what Lightning does, without its bookkeeping for every batch."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, Optimizer)
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        last = len(batches) - 1
        for number, batch in enumerate(batches):
            if 0 <= self.trainer.max_steps <= self.trainer.global_step:
                break
            optimizer.zero_grad()
            step = self.step(batch)
            self._watch(step, batch)
            step.loss.backward()
            if self.trainer.gradient_clip_val:
                self.clip_gradients(
                    optimizer, self.trainer.gradient_clip_val, self.trainer.gradient_clip_algorithm or "norm"
                )
            if number == last:
                for callback in self.trainer.callbacks:  # type: ignore[attr-defined] # set by Lightning
                    callback.on_before_optimizer_step(self.trainer, self, optimizer)
            optimizer.step()
            progress.increment_ready()
            progress.increment_completed()
            self._move_schedule("step")

    def _move_schedule(self, interval: str) -> None:
        """Move the schedule on where Lightning leaves it to the module."""
        schedule: Any = self.lr_schedulers()
        if self.automatic_optimization or self.scheduler_interval != interval or schedule is None:
            return
        if isinstance(schedule, ReduceLROnPlateau):
            monitored = self.trainer.callback_metrics.get("val/loss")
            if monitored is not None:
                schedule.step(float(monitored))
        else:
            schedule.step()

    def _watch(self, step: Step, batch: Batch) -> None:
        """Add to the mean of the epoch; stop when the loss is no longer a number."""
        self.last_loss = loss = step.loss.detach()
        if self.stops_at_once and loss.device.type == "cpu" and not math.isfinite(loss):
            raise self._diverged(batch)
        self._loss_sum += loss * self._share
        self._loss_count += 1

    def log_at_step(self, values: dict[str, Tensor], *, prog_bar: bool = False) -> None:
        """Log under the number of optimizer steps; Lightning counts its own steps, which may hold several batches."""
        self.log_dict(values, prog_bar=prog_bar)
        self.log("step", float(self.trainer.global_step))

    def check_finite(self, loss_sum: Tensor | None = None) -> None:
        """Stop when the loss was lost since the epoch began; waits for the device, so it is asked rarely.

        Args:
            loss_sum: The losses of this epoch; by default those of this process.
        """
        if not math.isfinite(self._loss_sum if loss_sum is None else loss_sum):
            raise DivergedError(
                f"The loss is not a number before step {self.trainer.global_step} (epoch {self.current_epoch}): lower "
                "the learning rate or set `gradient_clip_val`; the last good checkpoint is kept."
            )

    def _diverged(self, batch: Batch) -> DivergedError:
        """Say where the loss was lost."""
        largest, parts = batch.x.detach().abs().nan_to_num(nan=math.inf), self.spec.parts
        largest = largest[:, : -len(parts)] if parts else largest.amax(dim=tuple(range(2, largest.ndim)))
        number = int(largest.amax(0).argmax())
        channel = self.spec.channels[int(channel_of(parts)[number]) if parts else number]
        starts = [] if batch.start is None else batch.start[:3].tolist()
        of = "windows that start at rows" if self.spec.kind == "forecast" or parts else "samples with the numbers"
        return DivergedError(
            f"The loss is not a number at step {self.trainer.global_step} (epoch {self.current_epoch}, batch of the "
            f"{of} {starts}..., largest standardized input {largest.max():.3g} in channel "
            f"'{channel}'): lower the learning rate, set `gradient_clip_val`, or choose a normalizer for this channel; "
            "the last good checkpoint is kept."
        )

    def on_train_epoch_end(self) -> None:
        """Log the mean loss of the epoch."""
        if self._loss_count:
            mean = gather(self._loss_sum).mean(0) / self._loss_count
            self.check_finite(mean)
            self.log_at_step({"train/loss": mean.float()}, prog_bar=True)
        self._move_schedule("epoch")

    # ------------------------------------------------------------------ checkpoints
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the spec beside the weights, in every process; never those of a run that lost its loss."""
        sums = gather(self._loss_sum)
        self.check_finite(sums.sum())
        checkpoint["spec"] = self.spec.to_dict()
        checkpoint["epoch_loss"] = (sums.tolist() if len(sums) > 1 else float(sums), self._loss_count)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the weights of a network for other data.

        Raises:
            InputError: The checkpoint belongs to another spec.
        """
        if "spec" not in checkpoint:
            raise InputError(
                "This checkpoint was not written by dlkit: it has no spec; give a checkpoint of a run folder."
            )
        total, self._loss_count = checkpoint["epoch_loss"]
        self._loss_sum = own_share(total if isinstance(total, list) else [total]).to(self.device)
        saved = Spec.from_dict(self.spec.to_dict() | checkpoint["spec"])
        found = difference(saved, with_times_of(self.spec, saved, regular=True))
        require(
            found is None,
            f"The checkpoint was trained with {found}: use the data settings of the run that wrote it (its "
            "config.yaml), and data like those it was trained on.",
        )
