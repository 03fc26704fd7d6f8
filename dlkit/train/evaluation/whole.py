"""What evaluations share whose scores are only known once everything was looked at."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch

from dlkit.anomaly.fitted import FittedDetector
from dlkit.core.runfolder import RunFolder
from dlkit.report.sample_tables import Better
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.files import read_detector
from dlkit.train.confidence.columns import sure_scores
from dlkit.train.evaluation.samples import SampleEvaluation

RIVAL = "PCA"


@contextmanager
def placed(task: Any, device: torch.device) -> Iterator[None]:
    """The task lies on a device; afterwards it is where it was."""
    before = task.device
    task.to(device)
    try:
        yield
    finally:
        task.to(before)


class WholeEvaluation(SampleEvaluation, ABC):
    """How a reconstruction is judged by a detector that is fitted on normal validation data."""

    task: Reconstruct

    def __init__(self, task: Any, data: Any) -> None:
        super().__init__(task, data)
        self.fitted: dict[str, FittedDetector] = {}
        self.new = False

    @property
    @abstractmethod
    def detector_name(self) -> str:
        """Name of the detector among those of a run."""

    @abstractmethod
    def fit_detectors(self) -> None:
        """Fit the detectors on validation data."""

    @abstractmethod
    def find(self) -> None:
        """Score everything that tests."""

    @abstractmethod
    def tables(self) -> dict[str, pa.Table]:
        """Return the prediction table, by the name "", and that of what was found."""

    def score_all(self, trainer: pl.Trainer) -> None:
        """Fit the detectors on validation and score everything that tests."""
        with placed(self.task, trainer.strategy.root_device):
            self.fit_detectors()
            self.find()

    def know(self, run: RunFolder) -> None:
        """Take over the detector of a run that was tested; one that was not fits it anew."""
        super().know(run)
        if self.new or (run.path / "detector.json").exists():
            self.fitted = {self.detector_name: read_detector(run, self.detector_name)}

    def on_new(self, source: Any) -> Any:
        """Return the evaluation of everything in another source."""
        other = super().on_new(source)
        assert isinstance(other, WholeEvaluation)
        other.new = True
        return other

    def all_tables(self, trainer: pl.Trainer) -> dict[str, pa.Table]:
        """Return the prediction table, and of new data that of what was found, which a test writes into the run."""
        with placed(self.task, trainer.strategy.root_device):
            if not self.fitted:
                self.require_some("val")
                self.fit_detectors()
            self.find()
        found = {name: table for name, table in self.tables().items() if self.new or not name}
        return found if self.confidence is None else found | {"": sure_scores(self.confidence, found[""])}

    def columns(self, prediction: Any) -> dict[str, np.ndarray]:
        """Return which windows or samples a batch holds; their scores are known once everything was looked at."""
        return self.identity(prediction.start)

    def brief(self, task: Any) -> dict[str, tuple[float, Better]]:
        """Return the error over everything that was measured."""
        return {"RMSE": (float(task.test_scores.overall()["rmse"]), "low")}
