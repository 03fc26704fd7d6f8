"""Inputs of several sources that a network gives back: how far off each source is, and when."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.packing import borders
from dlkit.data.sample_modules import SampleDataModule
from dlkit.report.sample_tables import Better, Line, score_table_text
from dlkit.tasks.reconstruct import Reconstruct, Reconstruction
from dlkit.train.evaluate_windows import WindowEvaluation
from dlkit.train.evaluation import Evaluation, Tested, evaluation_of, plain

if TYPE_CHECKING:
    import matplotlib.figure


class ReconstructEvaluation(WindowEvaluation):
    """How reconstructed inputs are measured and written down; errors are in standard deviations of training.

    The prediction table has a row for each window and source: series, time, source, error (root mean square).
    """

    task: Reconstruct

    def tested(self, predictions: Sequence[Any], trainer: pl.Trainer) -> Tested:
        """Return the result."""
        found = self.errors(self.task.test_scores)
        overall = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        measures = {
            "test_windows": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": {"standardized": {"overall": plain(overall), "per_source": plain(found)}},
        }
        return Tested(self.table("test"), measures, overall)

    def errors(self, scores: Any) -> dict[str, float]:
        """Return the root mean square error of each source."""
        squares = scores.standardized.per_target()["rmse"].cpu() ** 2
        return {name: float(squares[where].nanmean().sqrt()) for name, where in borders(self.task.spec.parts).items()}

    def brief(self, task: Reconstruct) -> dict[str, tuple[float, Better]]:
        """Return the error of each source."""
        return {f"RMSE {name}": (value, "low") for name, value in self.errors(task.test_scores).items()}

    def table(self, stage: str) -> str:
        """Return the errors of all sources and of each."""
        scores = self.task.test_scores if stage == "test" else self.task.val_scores
        lines = [Line("all sources, standardized", [float(scores.overall()["rmse"])], "low", "RMSE")]
        lines += [Line(name, [value], "low", "RMSE") for name, value in self.errors(scores).items()]
        return score_table_text(lines, ["model"], ["the mean of training leaves an error of about 1"])

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield nothing."""
        yield from ()

    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield nothing."""
        yield from ()

    def columns(self, prediction: Reconstruction) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table for a batch."""
        errors = self.each(prediction)
        sources = np.array(list(errors), dtype=object)
        which = {name: np.repeat(found, len(sources)) for name, found in self.identity(prediction.start).items()}
        values = torch.stack(list(errors.values()), 1).numpy()
        return which | {"source": np.tile(sources, len(values)), "error": values.ravel()}

    def each(self, prediction: Reconstruction) -> dict[str, Tensor]:
        """Return the root mean square error of each window, (batch,), by source; NaN where nothing was measured."""
        scaling = self.task.scaling
        miss = (scaling(prediction.point, dim=1) - scaling(prediction.truth, dim=1)).cpu().float() ** 2
        return {name: miss[:, where].nanmean(1).sqrt() for name, where in borders(self.task.spec.parts).items()}


@evaluation_of.register
def _(task: Reconstruct, data: Any) -> Evaluation:
    from dlkit.train.evaluate_anomalies import AnomalyEvaluation
    from dlkit.train.evaluate_anomalous_samples import AnomalousSamples

    if task.spec.parts:
        return ReconstructEvaluation(task, data)
    return AnomalousSamples(task, data) if isinstance(data, SampleDataModule) else AnomalyEvaluation(task, data)
