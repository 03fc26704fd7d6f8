"""How many batches Lightning sees as one step.

Lightning spends about a millisecond a step on its own bookkeeping. A small network needs less than that for a batch, so
several batches are handed over at once and trained one after the other: the same numbers, the same order, one report.
"""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Checkpoint,
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    ModelSummary,
    ProgressBar,
    Timer,
)
from pytorch_lightning.strategies import FSDPStrategy

from dlkit.data.batches.batching import Batching

TARGET_SECONDS = 0.1
MOST = 32
PER_BATCH_HOOKS = (
    "on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "on_before_backward", "on_after_backward",
    "on_before_optimizer_step",
)  # fmt: skip
CONTENT = (Checkpoint, EarlyStopping, LearningRateMonitor, ModelSummary, ProgressBar, Timer)


def wants_every_batch(callback: pl.Callback) -> bool:
    """Tell whether a callback does something in every batch that it would miss."""
    if isinstance(callback, ModelCheckpoint) and (callback._every_n_train_steps or 0) > 0:  # noqa: SLF001 - no public name
        return True
    if isinstance(callback, CONTENT) or getattr(callback, "content_with_several_batches", False):
        return False
    return any(getattr(type(callback), hook) is not getattr(pl.Callback, hook) for hook in PER_BATCH_HOOKS)


def may_group(trainer: pl.Trainer) -> bool:
    """Tell whether grouping batches leaves every setting of the trainer with its meaning."""
    alone = trainer.world_size == 1 and not isinstance(trainer.strategy, FSDPStrategy)
    plain = alone and trainer.accumulate_grad_batches == 1 and not trainer.fast_dev_run  # type: ignore[attr-defined] # set by Lightning
    precise = str(trainer.precision) in ("32-true", "64-true", "bf16-mixed", "bf16-true")
    whole = trainer.limit_train_batches == 1.0 and trainer.val_check_interval == 1.0
    return plain and precise and whole and not any(map(wants_every_batch, trainer.callbacks))  # type: ignore[attr-defined] # same


def batches_per_step(
    module: pl.LightningModule, step: Callable[[Any], Any], trainer: pl.Trainer, data: Batching
) -> int:
    """Return how many batches to hand over at once, from the time that ``step``, a forward pass, takes.

    The pass runs without gradients, in evaluation mode and with the random state put back: it changes nothing.
    """
    if not may_group(trainer):
        return 1
    batch = data.transfer_batch_to_device(data.first_batch(), module.device, 0)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    seconds = 1.0
    with torch.random.fork_rng(), torch.no_grad(), trainer.precision_plugin.forward_context():
        for _ in range(3):
            begin = time.perf_counter()
            float(step(batch).loss)
            seconds = min(seconds, time.perf_counter() - begin)
    for part, training in modes:
        part.training = training
    return max(1, min(MOST, round(TARGET_SECONDS / (3 * seconds)), -(-data.count("train") // data.batch_size)))
