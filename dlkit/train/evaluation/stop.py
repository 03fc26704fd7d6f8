"""A test or a prediction that is asked to stop leaves; it is made again from its beginning."""

import math
from typing import Any

import pytorch_lightning as pl

from dlkit.train.agreement import Agreement
from dlkit.train.leaving import job_file, leave, leave_signals_alone


class StopEvaluation(pl.Callback):
    """Leaves between two batches of a test or a prediction when the job is asked to stop."""

    def __init__(self) -> None:
        self._agreement = Agreement(None, 1)
        self._batches = 0
        self._common: int | float = math.inf

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Get ready to agree with the other processes."""
        leave_signals_alone(trainer)
        self._agreement = Agreement(job_file("stop"), trainer.world_size)

    def _begin(self, trainer: pl.Trainer, counts: list[int | float]) -> None:
        self._batches = 0
        stop, self._common = self._agreement.begin(sum(counts))
        if stop:
            self._leave(trainer)

    def _count(self, trainer: pl.Trainer) -> None:
        self._batches += 1
        if self._batches < self._common and self._agreement.at_step():
            self._leave(trainer)

    def _leave(self, trainer: pl.Trainer) -> None:
        kept, further = "training has ended and is kept", "go on with `dlkit run --into` and the run folder"
        leave(kept, further, first=trainer.is_global_zero)

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave before a test."""
        self._begin(trainer, trainer.num_test_batches)

    def on_test_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any, **more: Any) -> None:
        """Leave in a test."""
        self._count(trainer)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave before a prediction."""
        self._begin(trainer, trainer.num_predict_batches)

    def on_predict_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any, **more: Any) -> None:
        """Leave in a prediction."""
        self._count(trainer)
