"""What the evaluation of every kind of task has in common: the interface, and the way to the prediction table."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities import move_data_to_device
from torch import Tensor

from dlkit.core.checks import InputError, require
from dlkit.core.processes import gather_on_first
from dlkit.core.runfolder import RunFolder
from dlkit.metrics.joining import in_turn
from dlkit.report.sample_tables import Better
from dlkit.tasks.network import NetTask
from dlkit.train.confidence import confidence
from dlkit.train.confidence.columns import Followed, calibrated_answers, sure_columns
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.novelty import Novelty
from dlkit.train.confidence.novelty_files import read_novelty
from dlkit.train.evaluation.stop import StopEvaluation
from dlkit.train.together import its_devices, watched

if TYPE_CHECKING:
    import matplotlib.figure


@dataclass(frozen=True)
class Tested:
    """A tested task beside its baselines.

    Attributes:
        table: The summary as text.
        measures: All measures as plain types, for ``metrics.json``.
        headline: The measures of the model that are compared between runs.
    """

    table: str
    measures: dict[str, Any]
    headline: dict[str, float]


class Evaluation(ABC):
    """How one kind of task is measured, drawn and written down.

    Args:
        task: The trained task.
        data: What it is measured on.
    """

    thing: ClassVar[str] = "sample"
    """What is counted."""
    sometimes: ClassVar[tuple[str, ...]] = ()
    """Names of figures that are only drawn when there is something to draw."""

    keeps: ClassVar[bool] = False
    """Whether all predictions are needed at once."""

    def __init__(self, task: Any, data: Any) -> None:
        self.task, self.data = task, data
        self.confidence: HeadConfidence | None = None
        self.novelty: Novelty | None = None
        self.followed: Followed | None = None

    def test(self, trainer: pl.Trainer) -> Tested:
        """Test the task beside its baselines, on the same windows or samples."""
        quiet_trainer(trainer).test(self.task, datamodule=self.data, verbose=False)
        return self.tested(self.predictions(trainer) if self.keeps else [], trainer)

    def predictions(self, trainer: pl.Trainer, role: str = "test") -> list[Any]:
        """Return the predictions of all of a role, a batch each; all but the first process have their own."""
        with predicting(self.data, role):
            found = list(quiet_trainer(trainer).predict(self.task, datamodule=self.data) or [])
        parts = None if trainer.world_size == 1 else gather_on_first(move_data_to_device(found, torch.device("cpu")))
        return found if parts is None else in_turn(parts)

    @abstractmethod
    def tested(self, predictions: Sequence[Any], trainer: pl.Trainer) -> Tested:
        """Return the result of a task that was tested just now; its baselines are tested here.

        Args:
            predictions: Those of everything that tests, a batch each; none unless ``keeps`` says so. Of several
                processes the first has all of them, and it alone writes the result.
            trainer: Like that which tested.
        """

    @abstractmethod
    def brief(self, task: Any) -> dict[str, tuple[float, Better]]:
        """Return the measures of a tested task of this kind by which networks are compared in one line each."""

    @abstractmethod
    def table(self, stage: str) -> str:
        """Return the summary of the errors of the task alone, added up over "val" or "test"."""

    @abstractmethod
    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the name and the figure of everything worth drawing after the test."""

    @abstractmethod
    def columns(self, prediction: Any) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table for a batch."""

    @abstractmethod
    def on_new(self, source: Any) -> "Evaluation":
        """Return the evaluation of the same task on everything in another source."""

    def all_tables(self, trainer: pl.Trainer) -> dict[str, pa.Table] | None:
        """Return the prediction table, by the name "", and tables that belong to it; None makes it batch by batch."""
        return None

    def write(self, run: RunFolder) -> None:  # noqa: B027 - most leave nothing else
        """Write what else a test leaves in a run, beside metrics, summary and figures."""

    def found_text(self, path: Path) -> str:
        """Return what was found in new data, whose prediction table was written just now, or nothing to tell."""
        return ""

    def know(self, run: RunFolder) -> None:
        """Take over what test and calibration left in a run and predictions need."""
        found = confidence.read(run)
        if found is not None:
            self.trust(found.heads)
            self.novelty = read_novelty(run, self.task) if found.wish.distance else None

    def trust(self, heads: Mapping[str, HeadConfidence]) -> None:
        """Take over what was calibrated, by head."""
        self.confidence = heads.get("")

    def follow(self, followed: Mapping[str, Followed]) -> None:
        """Take over bounds that followed the test in time, by head."""
        self.followed = followed.get("")

    def all_columns(self, prediction: Any, novel: Mapping[str, Any]) -> dict[str, Any]:
        """Return all columns of the prediction table for a batch: its own, and how sure each answer is.

        Args:
            prediction: The answers to a batch.
            novel: Distance and flag of each, where they are known.
        """
        calibrated = calibrated_answers(self, prediction)
        return self.columns(calibrated) | sure_columns(self, prediction, calibrated, novel)

    def require_some(self, role: str) -> None:
        """Refuse a role without windows or samples."""
        named = {"val": "validation"}.get(role, role)
        require(
            self.data.count(role) > 0,
            f"There is no {named} {self.thing}: give `split` a larger {role} part.",
        )


@contextmanager
def predicting(data: Any, role: str) -> Iterator[None]:
    """Prediction goes through a role; afterwards through what it went before."""
    before = getattr(data, "predicted", "test")
    data.predicted = role
    try:
        yield
    finally:
        data.predicted = before


@singledispatch
def evaluation_of(task: NetTask, data: Any) -> Evaluation:
    """Return how a task is evaluated; each kind registers its own.

    Raises:
        InputError: Nothing is registered for this task.
    """
    raise InputError(
        f"There is no evaluation of a {type(task).__name__} on a {type(data).__name__}: use the Forecast, Classify or "
        "Regress of dlkit.tasks, or register one with dlkit.train.evaluation.base.evaluation_of."
    )


def quiet_trainer(like: pl.Trainer, callbacks: list[pl.Callback] | None = None) -> pl.Trainer:
    """Return a trainer on the same devices, with the same processes, that writes nothing by itself."""
    return watched(
        pl.Trainer(
            **its_devices(like),
            logger=False,
            callbacks=[*(callbacks or []), StopEvaluation()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    )


def plain(value: Any) -> Any:
    """Return tensors as numbers and lists of plain types, with None where there is no number."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Tensor):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def spread(values: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return measures with one value a name as plain numbers by name, then by measure."""
    lists = {measure: plain(found) for measure, found in values.items()}
    return {name: {measure: found[k] for measure, found in lists.items()} for k, name in enumerate(names)}
