"""A question of the data, and how any method's answers to it are measured: as a network's."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import dlkit.train.evaluation.evaluate  # noqa: F401 - evaluation_of knows what was imported
from dlkit.baselines.reading import batches
from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.batches.batching import Batching
from dlkit.report.sample_tables import Better
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.network import NetTask
from dlkit.tasks.regress import Regress
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.combined import HeadData
from dlkit.train.evaluation.naive_sources import TrainingMean

Measures = dict[str, tuple[float, Better]]
TASKS: dict[str, type[Forecast | Regress]] = {"forecast": Forecast, "values": Regress}


@dataclass(frozen=True)
class Question:
    """What is asked, of data that a network gets as well.

    Attributes:
        data: Of the network.
        head: Which of several heads is asked; None where there is one.
    """

    data: Batching
    head: str | None = None

    @property
    def seen(self) -> Any:
        """The data as this head sees them."""
        return self.data if self.head is None else HeadData(self.data, self.head)

    @property
    def spec(self) -> Spec:
        """Shapes and names of inputs and answers."""
        spec: Spec = self.seen.spec
        return spec

    @property
    def targets(self) -> int:
        """Number of targets."""
        return len(self.spec.targets)

    def task(self) -> NetTask:
        """Return a task with sums of errors of its own and a network that learns nothing."""
        found = TASKS.get(self.spec.kind, Classify)(spec=self.spec, net=TrainingMean)
        found.take_scaling(self.seen)
        return found

    def measured(self, answer: Callable[[Batch], Tensor]) -> tuple[Measures, float]:
        """Return the errors of answers to everything that tests, and the seconds that the answers took.

        Args:
            answer: Standardized values, (batch, horizon, targets) or (batch, targets), or probabilities,
                (batch, classes).
        """
        task, seconds = self.task(), 0.0
        task.begin(task.test_scores)
        for batch in batches(self.data, "test", self.head):
            began = time.perf_counter()
            found = answer(batch)
            seconds += time.perf_counter() - began
            self.add(task, found, batch)
        return evaluation_of(task, self.seen).brief(task), seconds

    @staticmethod
    def add(task: Any, found: Tensor, batch: Batch) -> None:
        """Add the errors of a batch to those of a task."""
        scores, known = task.test_scores, batch.y_observed
        if isinstance(task, Classify):
            truth = batch.y if known is None else batch.y.where(known, torch.nan if task.spec.kind == "labels" else -1)
            scores.update(found, truth, *([known] if task.spec.kind == "labels" else []))
        else:
            scores.update(task.target_scaling, found.reshape(batch.y.shape), batch.y.float(), known, None)
