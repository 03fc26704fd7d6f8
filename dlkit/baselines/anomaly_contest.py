"""Classical methods for anomalies on the very windows or samples of a network, with its detector and its measures."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import Tensor

from dlkit.baselines.contest import Limits, Result
from dlkit.baselines.outliers import Outliers, outlier_methods, squares_of
from dlkit.baselines.question import Measures
from dlkit.baselines.reading import VALUES, batches, on_host
from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.report.sample_tables import Better
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import fit, merged_errors
from dlkit.train.evaluation.anomalies import AnomalyEvaluation
from dlkit.train.evaluation.anomalous_samples import AnomalousSamples, measures
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.pca_rival import size_of
from dlkit.train.evaluation.whole import placed

SHOWN: dict[str, tuple[str, Better]] = {
    "auprc": ("AUPRC", "high"), "vus_pr": ("VUS-PR", "high"), "detected": ("events found", "high"),
    "false_alarms_per_day": ("false alarms/d", "low"), "auroc": ("AUROC", "high"), "recall": ("recall", "high"),
    "false_alarms": ("false alarms", "low"), "f1": ("F1", "high"),
    "alarmed_share": ("alarmed", "neither"), "events": ("events", "neither"),
}  # fmt: skip


def shown(found: Mapping[str, float], names: list[str]) -> Measures:
    """Return the measures that a table shows, then all others."""
    first = {SHOWN[name][0]: (float(found.get(name, np.nan)), SHOWN[name][1]) for name in names}
    return first | {name: (float(value), "neither") for name, value in found.items() if name not in SHOWN}


class AnomalyContest:
    """Methods that say what is unlike training, for windows of one table, or for images and traces.

    Args:
        task: The Reconstruct, whose detector judges all errors.
        data: What it learns from.
        limits: Rows at most.
    """

    head: str | None = None

    def __init__(self, task: Reconstruct, data: Any, limits: Limits) -> None:
        require(
            not task.spec.parts,
            "Baselines for anomalies take windows of one table, images or traces, not several sources: forecast or "
            "classify these, or give one source.",
        )
        require(data.count("val") > 0, f"{data.missing('val')} A threshold is fitted on what validates.")
        self.task, self.data, self.limits = task, data, limits
        self.evaluation: Any = evaluation_of(task, data)
        self.windows = isinstance(self.evaluation, AnomalyEvaluation)
        self.methods = {method.name: method for method in outlier_methods(size_of(task))}
        self.columns: list[str] = []

    @property
    def names(self) -> list[str]:
        """Names of all methods."""
        return list(self.methods)

    def notes(self) -> list[str]:
        """Say what all methods have in common."""
        detector = self.task.detector
        how = f"merged '{detector.merge}', threshold by {type(detector.threshold).__name__}" if self.windows else ""
        return [f"all errors go through the detector of the task, fitted on normal validation data; {how}".rstrip("; ")]

    def inputs(self, batch: Batch) -> Tensor:
        """Return the measured channels of a batch, 0 where missing."""
        x = on_host(batch, None).x[:, : self.task.spec.measured].float()
        return x.contiguous()

    def training(self, most: int) -> np.ndarray:
        """Return training inputs, flattened."""
        values = self.task.spec.measured * int(np.prod(self.task.spec.size))
        most = min(most, self.limits.most, max(VALUES // values, 100))
        return np.concatenate([self.inputs(one).flatten(1).numpy() for one in batches(self.data, "train", None, most)])

    def run(self, name: str) -> Result:
        """Fit a method and measure it."""
        method = self.methods[name]
        x = self.training(method.most)
        began = time.perf_counter()
        method.fit(x, seed=self.limits.seed)
        learning, began = time.perf_counter() - began, time.perf_counter()
        found = self.of_windows(method) if self.windows else self.of_samples(method)
        seconds = time.perf_counter() - began
        return Result(method.title, self.known(found), learning, seconds, len(x), method.said)

    def known(self, found: Mapping[str, float]) -> Measures:
        """Return what a table shows; the columns are those of the first method."""
        self.columns = self.columns or [name for name in SHOWN if name in found]
        return shown(found, self.columns)

    def squares(self, method: Outliers, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the squares of a batch, and which of them count."""
        channels = self.task.spec.measured
        return squares_of(method, self.inputs(batch)), self.task.observed(batch)[:, :channels].cpu()

    def of_windows(self, method: Outliers) -> dict[str, float]:
        """Return the measures for windows of a table."""
        detector = self.task.detector
        val, test = (
            merged_errors(
                lambda batch: self.squares(method, batch), self.data, role, merge=detector.merge, stride=detector.stride
            )
            for role in ("val", "test")
        )
        judged: dict[str, float] = self.evaluation.judge(fit(val, self.data, detector), test).measures
        return judged

    def of_samples(self, method: Outliers) -> dict[str, float]:
        """Return the measures for images or traces."""
        val, test = (
            self.evaluation.sample_errors(role, lambda batch: self.squares(method, batch)) for role in ("val", "test")
        )
        fitted = self.evaluation.fit(val)
        scores = fitted.scores(test)
        return measures(scores, scores > fitted.threshold, self.evaluation.labels("test"))

    def network(self, trainer: pl.Trainer) -> Measures:
        """Return the measures of the trained task."""
        evaluation = self.evaluation
        with placed(self.task, trainer.strategy.root_device):
            evaluation.fit_detectors()
            evaluation.find()
        if self.windows:
            return self.known(evaluation.judged.measures)
        assert isinstance(evaluation, AnomalousSamples)
        return self.known(measures(evaluation.scores, evaluation.alarms, evaluation.labels("test")))
