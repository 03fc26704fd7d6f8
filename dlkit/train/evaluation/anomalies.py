"""Windows of one table that a network gives back: scores, alarms and events, beside those of principal components."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch

from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.overlap import Merge
from dlkit.anomaly.thresholds import warned_once
from dlkit.core.runfolder import RunFolder
from dlkit.report.anomaly_figures import score_figure
from dlkit.report.sample_tables import Better, Line, score_table_text
from dlkit.train.anomalies.events import DAY, Judged, apply, fit, merged_errors, row_errors
from dlkit.train.anomalies.files import write_detectors, write_tables
from dlkit.train.anomalies.tables import channel_names, events_text, rows_of, score_table
from dlkit.train.anomalies.views import event_figures, overviews
from dlkit.train.evaluation.base import Tested, plain, spread
from dlkit.train.evaluation.measures import keep_errors
from dlkit.train.evaluation.pca_rival import PrincipalComponents, size_of
from dlkit.train.evaluation.predictions import beside
from dlkit.train.evaluation.whole import RIVAL, WholeEvaluation, placed
from dlkit.train.evaluation.windows import WindowEvaluation
from dlkit.train.views.reconstruction_panels import window_panel

if TYPE_CHECKING:
    import matplotlib.figure

SHOWN: dict[str, tuple[str, Better]] = {
    "auprc": ("area under precision-recall", "high"), "vus_pr": ("VUS-PR", "high"),
    "auroc": ("area under the ROC curve", "high"), "affiliation_precision": ("affiliation precision", "high"),
    "affiliation_recall": ("affiliation recall", "high"), "range_f1": ("range F1", "high"),
    "f1": ("F1 of rows", "high"), "detected": ("labelled events found (share)", "high"),
    "delay_s": ("median delay of these (s)", "low"), "false_alarms_per_day": ("false alarms a day", "low"),
    "events": ("events", "neither"), "alarmed_share": ("share of rows in an event", "neither"),
    "f1_oracle_threshold (oracle)": ("F1 of rows (oracle)", "neither"),
    "f1_point_adjusted (inflated)": ("F1 point-adjusted (inflated)", "neither"),
}  # fmt: skip


class AnomalyEvaluation(WholeEvaluation, WindowEvaluation):
    """How errors of windows of one table become scores, alarms and events; labels, where there are some, measure them.

    The prediction table has a line for each row that tests, see :func:`dlkit.train.anomalies.tables.score_table`.
    """

    sometimes: ClassVar[tuple[str, ...]] = tuple(f"event_{number:03d}" for number in range(1, 1000))

    @property
    def detector_name(self) -> str:
        """The way in which windows are merged."""
        return self.task.detector.merge

    # ------------------------------------------------------------------ what is found
    def tested(self, predictions: Sequence[Any], trainer: pl.Trainer) -> Tested:
        """Return the result beside that of principal components on the same windows."""
        self.require_some("val")
        with placed(self.task, trainer.strategy.root_device), warned_once():
            self.fit_detectors()
            self.find()
            self.rival = self.principal_components()
        overall = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        standardized = {"overall": plain(overall), "per_channel": self.channel_errors()}
        measures = {
            "test_windows": self.data.count("test"),
            "test_rows": int(self.data.rows_of("test").sum()),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": {"standardized": standardized, "anomalies": plain(self.judged.measures)},
            "baselines": {RIVAL: {"anomalies": plain(self.rival.measures)}},
        }
        keep_errors(measures, self.error_line())
        text = f"{self.table('test')}\n\n{events_text(self.judged.events, 'events.csv in the run')}"
        return Tested(text, measures, overall | self.judged.measures)

    @warned_once()
    def fit_detectors(self) -> None:
        """Fit the detector with both ways to merge windows."""
        wanted = self.task.detector
        for merge in get_args(Merge):
            detector = wanted.with_merge(merge)
            errors = row_errors(self.task, self.data, "val", merge=merge, stride=detector.stride)
            self.fitted[merge] = fit(errors, self.data, detector)
            if merge == wanted.merge:
                self.val_scores = self.fitted[merge].scores(errors, self.data.segments("val"))

    def find(self) -> None:
        """Score everything that tests."""
        detector = self.task.detector
        self.errors = row_errors(self.task, self.data, "test", merge=detector.merge, stride=detector.stride)
        self.judged = self.judge(self.fitted[detector.merge], self.errors)

    def principal_components(self) -> Judged:
        """Return what the same detector finds with errors of principal components."""
        detector = self.task.detector
        rival = PrincipalComponents.of(self.data, self.task.spec.measured, size_of(self.task))
        self.components = len(rival.components)
        val, self.rival_errors = (
            merged_errors(rival.squares, self.data, role, merge=detector.merge, stride=detector.stride)
            for role in ("val", "test")
        )
        return self.judge(fit(val, self.data, detector), self.rival_errors)

    def judge(self, fitted: FittedDetector, errors: np.ndarray) -> Judged:
        """Return what a detector finds in the errors of what tests."""
        return apply(fitted, errors, self.data, look_back=self.data.geometry.look_back)

    # ------------------------------------------------------------------ tables
    def channel_errors(self) -> dict[str, dict[str, Any]]:
        """Return the root mean square error of each channel over the rows that test, standardized."""
        errors = torch.from_numpy(self.errors).double().nanmean(0).sqrt()
        return spread({"rmse": errors}, channel_names(self.data))

    def table(self, stage: str) -> str:
        """Return the errors, in the test with scores and events beside those of principal components."""
        if stage != "test":
            line = Line("all channels, standardized", [float(self.task.val_scores.overall()["rmse"])], "low", "RMSE")
            return score_table_text([line], ["model"], ["the mean of training leaves an error of about 1"])
        methods = {"model": self.judged.measures, RIVAL: self.rival.measures}
        lines = [self.error_line()]
        for name, (label, better) in SHOWN.items():
            if name in methods["model"]:
                lines.append(Line(label, [each[name] for each in methods.values()], better, skill=better == "high"))
        return score_table_text(lines, list(methods), self.notes())

    def error_line(self) -> Line:
        """Return the error of rows that are not labelled as anomalous."""
        labels = self.data.labels
        rows = rows_of(self.data.segments("test"))
        rows = rows if labels is None else rows[~labels[rows]]
        values = [math.sqrt(np.nanmean(errors[rows], dtype=np.float64)) for errors in (self.errors, self.rival_errors)]
        return Line("rows" if labels is None else "normal rows, standardized", values, "low", "RMSE", skill=False)

    def notes(self) -> list[str]:
        """Say where the threshold comes from, and what to compare with."""
        threshold = self.task.detector.threshold
        lacking = threshold.lacks(self.val_scores, DAY / self.data.prepared.table.step)
        source = f"by {type(threshold).__name__} from validation rows alone"
        notes = [
            f"threshold infinite, {source}: {lacking}"
            if lacking
            else f"threshold {self.judged.fitted.threshold:.3g} robust deviations above normal, {source}",
            f"{RIVAL}: Q residual of {self.components} principal components, same windows, detector and rules",
        ]
        if self.data.labels is not None:
            if self.task.detector.merge != "causal":
                notes.append("`dlkit watch` judges each row from its past; its measures are those of `merge: causal`")
            rows = rows_of(self.data.segments("test"))
            notes.append(
                f"{100 * self.data.labels[rows].mean():.2g} % of {len(rows):,} test rows are labelled anomalous: the "
                "area under precision-recall of random scores"
            )
        return notes

    # ------------------------------------------------------------------ figures
    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield everything at a glance, the scores, and each event."""
        yield from overviews(self.data, self.judged, self.errors)
        yield "scores", score_figure(self.kinds(), self.judged.fitted.threshold)
        yield from event_figures(self.task, self.data, self.judged)

    def kinds(self) -> dict[str, np.ndarray]:
        """Return the scores of each kind of rows."""
        rows, labels, scores = rows_of(self.data.segments("test")), self.data.labels, self.judged.scores
        val = {"validation": self.val_scores[rows_of(self.data.segments("val"))]}
        if labels is None:
            return val | {"test": scores[rows]}
        own = labels[rows]
        return val | {"test, normal": scores[rows][~own], "test, labelled anomalous": scores[rows][own]}

    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield some validation windows as they were measured and given back."""
        yield "given back", window_panel(self.task, self.data)

    # ------------------------------------------------------------------ files
    def write(self, run: RunFolder) -> None:
        """Write events, scores and the fitted detectors."""
        write_tables(run, self.judged.events, self.scores())
        write_detectors(run, self.fitted)

    def tables(self) -> dict[str, pa.Table]:
        """Return a line for each row, and one for each event."""
        return {"": self.scores(), "events": pa.Table.from_pandas(self.judged.events, preserve_index=False)}

    def found_text(self, path: Path) -> str:
        """Return the events."""
        return events_text(self.judged.events, str(beside(path, "events", ".csv")))

    def scores(self) -> pa.Table:
        """Return a line for each row that tests."""
        rows = rows_of(self.data.segments("test"))
        scale = self.task.scaling.scale[: self.errors.shape[1]].detach().cpu().numpy()
        return score_table(rows, self.judged, self.errors, scale, self.data)
