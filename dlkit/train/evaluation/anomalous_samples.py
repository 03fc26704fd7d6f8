"""Images and traces that a network gives back: which of them are anomalous, and where in them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.thresholds import Quantile
from dlkit.core.checks import counted
from dlkit.core.runfolder import RunFolder
from dlkit.core.spread import evenly
from dlkit.data.samples.normal import ANOMALY
from dlkit.metrics.detection import row_scores
from dlkit.metrics.ranking import area, average_precision
from dlkit.report.anomaly_figures import score_figure
from dlkit.report.sample_tables import Better, Line, score_table_text
from dlkit.train.anomalies.events import evaluated
from dlkit.train.anomalies.files import write_detectors, write_table
from dlkit.train.evaluation.base import Tested, plain
from dlkit.train.evaluation.measures import keep_errors
from dlkit.train.evaluation.pca_rival import PrincipalComponents, size_of
from dlkit.train.evaluation.predictions import beside
from dlkit.train.evaluation.whole import RIVAL, WholeEvaluation, placed
from dlkit.train.views.reconstruction_panels import sample_panel

if TYPE_CHECKING:
    import matplotlib.figure

LEVEL = 0.95  # share of normal validation samples below the threshold, unless the settings say another
SHOWN: dict[str, tuple[str, Better]] = {
    "auroc": ("area under the ROC curve", "high"), "auprc": ("area under precision-recall", "high"),
    "recall": ("anomalous samples found", "high"), "false_alarms": ("normal samples called so", "low"),
    "precision": ("called ones that are anomalous", "high"), "f1": ("F1", "high"),
    "alarmed_share": ("share of samples called so", "neither"),
}  # fmt: skip


class AnomalousSamples(WholeEvaluation):
    """How errors of images and traces become scores and alarms; labels, where there are some, measure them.

    A sample has the error of each channel, the mean over pixels or moments. The prediction table has a line a sample:
    sample, score, p_value (share of normal validation samples that score as high), alarm, label where it is known, and
    error_<channel>, the root of the mean squared error in the unit of the channel.
    """

    sometimes: ClassVar[tuple[str, ...]] = ("missed_anomalies", "false_alarms")
    detector_name = "samples"

    # ------------------------------------------------------------------ what is found
    def tested(self, predictions: Sequence[Any], trainer: pl.Trainer) -> Tested:
        """Return the result beside that of principal components."""
        self.require_some("val")
        with placed(self.task, trainer.strategy.root_device):
            self.fit_detectors()
            self.find()
        channels = self.task.spec.measured
        rival = PrincipalComponents.of(self.data, channels, size_of(self.task))
        self.rival = len(rival.components)
        val, self.rival_errors = (self.sample_errors(role, rival.squares) for role in ("val", "test"))
        fitted, known = self.fit(val), self.labels("test")
        scores = fitted.scores(self.rival_errors)
        self.measures = measures(self.scores, self.alarms, known)
        self.rival_measures = measures(scores, scores > fitted.threshold, known)
        overall = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        found = {
            "test_samples": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": {"standardized": {"overall": plain(overall)}, "anomalies": plain(self.measures)},
            "baselines": {RIVAL: {"anomalies": plain(self.rival_measures)}},
        }
        keep_errors(found, self.error_line())
        return Tested(self.table("test"), found, overall | self.measures)

    def sample_errors(self, role: str, squares: Callable[[Any], tuple[Tensor, Tensor | None]]) -> np.ndarray:
        """Return the mean squared standardized error of each sample and channel, (samples, channels)."""
        parts, channels = [], self.task.spec.measured
        with evaluated(self.task):
            for numbers in self.numbers(role, self.data.count(role)).split(self.data.eval_batch_size):
                batch = self.data.transfer_batch_to_device(self.data.make_batch(numbers), self.task.device, 0)
                errors = squares(batch)[0].flatten(2)
                counts = self.task.observed(batch)[:, :channels].flatten(2)
                parts.append((errors.where(counts, 0).sum(2) / counts.sum(2)).cpu())
        return torch.cat(parts).numpy()

    def fit(self, errors: np.ndarray) -> FittedDetector:
        """Return a detector fitted on the errors of validation samples, without those labelled as anomalous."""
        given = self.task.detector
        threshold = given.threshold if isinstance(given.threshold, Quantile) else Quantile(level=LEVEL)
        detector, known = Detector(aggregate=given.aggregate, threshold=threshold), self.labels("val")
        normal = np.ones(len(errors), bool) if known is None else known != 1
        return detector.fit(errors, normal, alone(len(errors)))

    def fit_detectors(self) -> None:
        """Fit the detector on validation samples."""
        errors = self.sample_errors("val", self.task.squares)
        self.fitted = {self.detector_name: self.fit(errors)}
        self.val_scores = self.fitted[self.detector_name].scores(errors)

    def find(self) -> None:
        """Score every test sample."""
        fitted = self.fitted[self.detector_name]
        self.errors = self.sample_errors("test", self.task.squares)
        self.scores = fitted.scores(self.errors)
        self.alarms = self.scores > fitted.threshold

    def labels(self, role: str) -> np.ndarray | None:
        """Return 0 for normal, 1 for anomalous, -1 for unknown samples; None where nothing is known."""
        samples = self.data.prepared.samples
        if samples.classes != ANOMALY or samples.labels.ndim != 1:
            return None
        labels = samples.labels[self.data.prepared.numbers[role].numpy()]
        return labels if (labels >= 0).any() else None

    # ------------------------------------------------------------------ tables
    def table(self, stage: str) -> str:
        """Return the errors, in the test with the alarms beside those of principal components."""
        scores = self.task.test_scores if stage == "test" else self.task.val_scores
        line = Line("all channels, standardized", [float(scores.overall()["rmse"])], "low", "RMSE")
        if stage != "test":
            return score_table_text([line], ["model"], ["the mean of training leaves an error of about 1"])
        methods = {"model": self.measures, RIVAL: self.rival_measures}
        lines = [self.error_line()]
        for name, (label, better) in SHOWN.items():
            if name in self.measures:
                lines.append(Line(label, [each[name] for each in methods.values()], better, skill=better == "high"))
        return score_table_text(lines, list(methods), self.notes())

    def error_line(self) -> Line:
        """Return the error of samples that are not labelled as anomalous."""
        known = self.labels("test")
        normal = slice(None) if known is None else known == 0
        roots = [float(np.sqrt(np.nanmean(errors[normal]))) for errors in (self.errors, self.rival_errors)]
        return Line("normal samples, standardized", roots, "low", "RMSE", skill=False)

    def notes(self) -> list[str]:
        """Say where the threshold comes from, and what to compare with."""
        given = self.task.detector.threshold
        level = given.level if isinstance(given, Quantile) else LEVEL
        notes = [
            f"threshold: {100 * level:g} % of {self.data.count('val')} normal validation samples score lower",
            f"{RIVAL}: Q residual of {self.rival} principal components, same samples and rules",
        ]
        known = self.labels("test")
        if known is not None:
            share = (known == 1).sum() / (known >= 0).sum()
            notes.append(f"{100 * share:.2g} % of the labelled test samples are anomalous")
        return notes

    def tables(self) -> dict[str, pa.Table]:
        """Return a line for each test sample, and the anomalous ones, the highest score first."""
        numbers, names = self.numbers("test", len(self.scores)), self.channels
        known = self.labels("test")
        scale = self.task.scaling.scale[: len(names)].detach().cpu().numpy()
        labels = {} if known is None else {"label": pa.array([None if k < 0 else k == 1 for k in known], pa.bool_())}
        blocks = self.fitted[self.detector_name].surprise
        table = pa.table(
            {
                "sample": pa.array([str(name) for name in self.names(numbers)], pa.string()),
                "score": self.scores,
                "alarm": self.alarms,
                "p_value": [
                    blocks.p_value(float(score)) if its else None
                    for score, its in zip(self.scores, self.alarms, strict=True)
                ],
                **labels,
                **{f"error_{name}": np.sqrt(self.errors[:, k]) * scale[k] for k, name in enumerate(names)},
            }
        )
        return {"": table, "anomalies": table.filter(pa.array(self.alarms)).sort_by([("score", "descending")])}

    def found_text(self, path: Path) -> str:
        """Return how many samples are anomalous."""
        file = beside(path, "anomalies", ".csv")
        return f"{int(self.alarms.sum())} of {counted(len(self.alarms), 'sample')} called anomalous: {file}"

    def write(self, run: RunFolder) -> None:
        """Write scores, anomalous samples and the fitted detector."""
        tables = self.tables()
        write_table(run.path / "scores.parquet", tables[""])
        write_table(run.path / "anomalies.csv", tables["anomalies"])
        write_detectors(run, self.fitted)

    # ------------------------------------------------------------------ figures
    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the scores, and the most anomalous samples with where in them the error is; then the mistakes."""
        known, high = self.labels("test"), np.argsort(-self.scores, kind="stable")
        yield "scores", score_figure(self.kinds(known), self.fitted[self.detector_name].threshold, thing="samples")
        yield "most_anomalous", self.drawn(high, "the highest scores in the test")
        if known is not None:
            missed = high[::-1][((known == 1) & ~self.alarms)[high[::-1]]]
            false = high[((known == 0) & self.alarms)[high]]
            if len(missed):
                yield "missed_anomalies", self.drawn(missed, f"the lowest scores of {len(missed)} missed anomalies")
            if len(false):
                yield "false_alarms", self.drawn(false, f"the highest scores of {len(false)} false alarms")

    def kinds(self, known: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return the scores of each kind of samples."""
        val = {"validation": self.val_scores}
        if known is None:
            return val | {"test": self.scores}
        return val | {"test, normal": self.scores[known == 0], "test, labelled anomalous": self.scores[known == 1]}

    def drawn(self, places: np.ndarray, title: str) -> "matplotlib.figure.Figure":
        """Return the figure of some test samples: as measured, as given back, and the difference."""
        known, most = self.labels("test"), places[:8]
        numbers = self.numbers("test", len(self.scores))[torch.from_numpy(most.copy())]
        said = [self.said(int(place), known) for place in most]
        names = [str(name) for name in self.names(numbers)]
        return sample_panel(self.task, self.data, numbers, names, said, title=title)

    def said(self, place: int, known: np.ndarray | None) -> str:
        """Return score and label in words."""
        label = "" if known is None or known[place] < 0 else f", labelled {ANOMALY[known[place]]}"
        return f"score {self.scores[place]:.3g}{' > threshold' if self.alarms[place] else ''}{label}"

    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield some validation samples as they were measured and given back."""
        count = self.data.count("val")
        numbers = self.data.places("val").starts(torch.from_numpy(evenly(count, 6)))
        names = [str(name) for name in self.names(numbers)]
        yield "given back", sample_panel(self.task, self.data, numbers, names, [""] * len(names), title="validation")


def alone(count: int) -> list[tuple[int, int]]:
    """Return the borders of samples, none of which has to do with the next."""
    return [(number, number + 1) for number in range(count)]


def measures(scores: np.ndarray, alarms: np.ndarray, known: np.ndarray | None) -> dict[str, float]:
    """Return which share is called anomalous, and how well that fits the labels."""
    found = {"alarmed_share": float(alarms.mean())}
    if known is None:
        return found
    some = (known >= 0) & np.isfinite(scores)
    order, true, called = torch.from_numpy(scores[some]), known[some] == 1, alarms[some]
    precision, recall, f1 = row_scores(true, called)
    return found | {
        "auroc": float(area(order, torch.from_numpy(true))),
        "auprc": float(average_precision(order, torch.from_numpy(true))),
        "precision": precision, "recall": recall, "f1": f1,
        "false_alarms": float(called[~true].mean()) if (~true).any() else float("nan"),
    }  # fmt: skip
