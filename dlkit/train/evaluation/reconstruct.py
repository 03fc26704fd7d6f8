"""Inputs of several sources that a network gives back: how far off each source is, and when."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.packing import borders
from dlkit.core.runfolder import RunFolder
from dlkit.data.sample_modules import SampleDataModule
from dlkit.report.sample_tables import Better, Line, score_table_text
from dlkit.tasks.reconstruct import Reconstruct, Reconstruction
from dlkit.train.anomalies.events import Judged, evaluated, judge
from dlkit.train.anomalies.files import write_tables
from dlkit.train.anomalies.tables import events_text, rows_of, score_table
from dlkit.train.anomalies.views import overviews
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of, plain
from dlkit.train.evaluation.moments import FEWEST, Moments
from dlkit.train.evaluation.whole import placed
from dlkit.train.evaluation.windows import WindowEvaluation

if TYPE_CHECKING:
    import matplotlib.figure


class ReconstructEvaluation(WindowEvaluation):
    """How reconstructed inputs are measured and written down; errors are in standard deviations of training.

    The prediction table has a row for each window and source: series, time, source, error (root mean square). Where
    enough windows validate, a detector makes scores and events of the errors, with sources in the place of channels.
    """

    task: Reconstruct
    sometimes: ClassVar[tuple[str, ...]] = ("overview",)
    judged: Judged | None = None

    def tested(self, predictions: Sequence[Any], trainer: pl.Trainer) -> Tested:
        """Return the result."""
        self.score_all(trainer)
        found = self.errors(self.task.test_scores)
        overall = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        measures = {
            "test_windows": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": {"standardized": {"overall": plain(overall), "per_source": plain(found)}},
        }
        if self.judged is not None:
            measures["test"]["anomalies"] = plain(self.judged.measures)
        text = self.table("test")
        if self.judged is not None:
            text += f"\n\n{events_text(self.judged.events, 'events.csv in the run')}"
        return Tested(text, measures, overall)

    def score_all(self, trainer: pl.Trainer) -> None:
        """Score everything, where enough windows validate."""
        if self.data.count("val") >= FEWEST:
            with placed(self.task, trainer.strategy.root_device):
                self.find()

    def find(self) -> None:
        """Score every validation and test window; thresholds come from validation."""
        rows, found = {}, []
        for role in ("val", "test"):
            starts = self.numbers(role, self.data.count(role))
            rows[role] = self.rows(starts)
            found.append(self.squares(starts))
        names = tuple(borders(self.task.spec.parts))
        self.moments = Moments(self.data, rows, names)
        self.squared = np.concatenate(found)
        val, test = (
            np.where(self.moments.rows_of(role)[:, None], self.squared, np.nan).astype(np.float32)
            for role in ("val", "test")
        )
        self.judged = judge(val, test, self.moments, self.task.detector, look_back=1)
        self.val_scores = self.judged.fitted.scores(val, self.moments.segments("val"))

    def squares(self, starts: Tensor) -> np.ndarray:
        """Return the mean squared error of each window and source, (windows, sources)."""
        parts = []
        with evaluated(self.task):
            for some in starts.split(self.data.eval_batch_size):
                batch = self.data.transfer_batch_to_device(self.data.make_batch(some), self.task.device, 0)
                parts.append(torch.stack(list(self.each(self.task.predict_step(batch, 0)).values()), 1) ** 2)
        found: np.ndarray = torch.cat(parts).numpy()
        return found

    def write(self, run: RunFolder) -> None:
        """Write events and scores; errors of sources are in standard deviations."""
        if self.judged is None:
            return
        rows = rows_of(self.moments.segments("test"))
        scores = score_table(rows, self.judged, self.squared, np.ones(self.squared.shape[1]), self.moments)
        write_tables(run, self.judged.events, scores)

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
        notes = ["the mean of training leaves an error of about 1"]
        if stage == "test" and self.judged is not None:
            lines.append(Line("events", [float(len(self.judged.found))], "neither"))
            notes.append(f"events: scores above {self.judged.fitted.threshold:.3g}, from validation windows alone")
        return score_table_text(lines, ["model"], notes)

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield scores and errors of the sources at a glance."""
        if self.judged is not None:
            yield from overviews(self.moments, self.judged, self.squared)

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
    from dlkit.train.evaluation.anomalies import AnomalyEvaluation
    from dlkit.train.evaluation.anomalous_samples import AnomalousSamples

    if task.spec.parts:
        return ReconstructEvaluation(task, data)
    return AnomalousSamples(task, data) if isinstance(data, SampleDataModule) else AnomalyEvaluation(task, data)
