"""Classes and labels beside the shares of the classes in training: tables, figures, predictions, mistakes."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytorch_lightning as pl
import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from dlkit.metrics.classification import ClassErrors, LabelErrors
from dlkit.metrics.confusion import wilson_interval
from dlkit.report.sample_grid import sample_grid_figure
from dlkit.report.sample_tables import Better, Line, class_table_text, score_table_text
from dlkit.tasks.classify import Classify, ClassPrediction
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of, plain, spread
from dlkit.train.evaluation.samples import MISTAKES, SampleEvaluation, listed, text_column
from dlkit.train.views.sample_panels import class_figures, matrix_figure, trust_figure

if TYPE_CHECKING:
    import matplotlib.figure

Errors = ClassErrors | LabelErrors
SHOWN: dict[str, tuple[str, Better]] = {
    "accuracy": ("accuracy", "high"), "exact_match": ("all labels of a sample right", "high"),
    "balanced_accuracy": ("balanced accuracy", "high"), "macro_f1": ("macro F1", "high"),
    "auroc": ("area under the ROC curve", "high"), "class_distance": ("mean distance in classes", "low"),
    "calibration_error": ("calibration error", "low"),
}  # fmt: skip
UNCALIBRATED = "probabilities before calibration"  # which comes after the test, and may be made anew without another


def answers(scores: Errors) -> tuple[Tensor, Tensor]:
    """Return probabilities and truths of everything that was measured, on the CPU."""
    return dim_zero_cat(scores.scores).float().cpu(), dim_zero_cat(scores.truths).cpu()


class ClassEvaluation(SampleEvaluation):
    """How classes and labels are measured, drawn and written down.

    The prediction table has a row a sample: sample, truth, prediction, its probability and that of each class; of
    labels a row for each sample and label: sample, label, truth (null where unknown), prediction, probability.
    """

    task: Classify

    def tested(self, predictions: Sequence[ClassPrediction], trainer: pl.Trainer) -> Tested:
        """Return the result; the baseline always answers with the shares of the classes in training."""
        self.rivals = {"class shares": self.baseline()}
        measures = {
            f"test_{self.thing}s": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": self.measures(self.task.test_scores),
            "baselines": {name: self.measures(rival) for name, rival in self.rivals.items()},
        }
        headline = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        return Tested(self.table("test"), measures, headline)

    def baseline(self) -> Errors:
        """Return the errors of the shares of the classes in training, which do not look at the sample."""
        truths = answers(self.task.test_scores)[1]
        ready, labels = self.data.prepared, self.task.spec.kind == "labels"
        counts = ready.class_counts.float()
        shares = (counts / (self.data.count("train") if labels else counts.sum())).clamp(0, 1)
        rival = LabelErrors(len(shares)) if labels else ClassErrors(len(shares), ordinal=self.task.is_ordinal)
        rival.update(shares.expand(len(truths), -1), truths)
        return rival

    def measures(self, scores: Errors) -> dict[str, Any]:
        """Return all measures as plain numbers, None where one is not defined."""
        found = {"overall": plain(scores.overall()), "per_class": spread(scores.per_class(), self.task.spec.classes)}
        if isinstance(scores, ClassErrors):
            return found | {"confusion": plain(scores.matrix)}
        return found

    def brief(self, task: Classify) -> dict[str, tuple[float, Better]]:
        """Return accuracy and what else is measured over all classes."""
        found = task.test_scores.overall()
        return {label: (float(found[key]), better) for key, (label, better) in SHOWN.items() if key in found}

    def table(self, stage: str) -> str:
        """Return the table of the errors, in the test beside the baseline, then that of each class."""
        own = self.task.test_scores if stage == "test" else self.task.val_scores
        methods: dict[str, Errors] = {"model": own} | (self.rivals if stage == "test" else {})
        found = {name: scores.overall() for name, scores in methods.items()}
        lines = [
            Line(label, [float(measures[key]) for measures in found.values()], better, skill=key != "calibration_error")
            for key, (label, better) in SHOWN.items()
            if key in found["model"]
        ]
        each = {name: values.tolist() for name, values in own.per_class().items() if name != "balanced_accuracy"}
        known = ["class shares look at no sample and are nearly calibrated all the same"] if stage == "test" else []
        text = score_table_text(lines, list(methods), known + self.notes(own))
        return f"{text}\n\n{class_table_text(each, self.task.spec.classes)}"

    def notes(self, scores: Errors) -> list[str]:
        """Say whose probabilities are measured, how sure the accuracy is, and what could not be measured."""
        notes, classes = (
            [f"{UNCALIBRATED}; predictions.parquet has them after it, where there is one"],
            self.task.spec.classes,
        )
        if isinstance(scores, ClassErrors):
            low, high = wilson_interval(scores.matrix.diagonal().sum(), scores.matrix.sum())
            notes.append(
                f"accuracy between {low:.4f} and {high:.4f} (95 %) from {scores.matrix.sum():.0f} {self.thing}s"
            )
        names = listed([classes[k] for k in scores.per_class()["auroc"].isnan().nonzero().flatten().tolist()])
        if names:
            notes.append(f"no area under the ROC curve for {names}: all or none of the measured samples have it")
        return notes + self.unseen()

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield confusion, reliability, the scores of each class, ROC curves and the answers themselves."""
        yield from class_figures(self.task.test_scores, self.task.spec, *answers(self.task.test_scores))
        yield from self.shown("test", self.task.test_scores)

    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield confusion, reliability and the answers themselves in validation."""
        scores = self.task.val_scores
        yield matrix_figure(scores, self.task.spec)
        yield "reliability", trust_figure(scores)
        yield from self.shown("val", scores)

    def shown(self, role: str, scores: Errors) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the most confident mistakes."""
        found = self.mistakes(role, scores)
        if found is not None:
            yield "mistakes", found

    def mistakes(self, role: str, scores: Errors) -> "matplotlib.figure.Figure | None":
        """Return the figure of the most confident mistakes; None when there is none."""
        probabilities, truths = answers(scores)
        places = confident_mistakes(probabilities, truths)
        shown = places[:MISTAKES]
        if not len(shown):
            return None
        numbers = self.numbers(role, len(truths))[shown]
        said = [self.said(probabilities[k], truths[k]) for k in shown.tolist()]
        title = f"the {len(shown)} most confident of {len(places)} mistakes in {len(truths)} samples, {UNCALIBRATED}"
        title += self.taken
        return sample_grid_figure(self.views(numbers, said), self.channels_with_units, title=title)

    def said(self, probabilities: Tensor, truth: Tensor) -> list[str]:
        """Return the truth and the answer in words."""
        classes = self.task.spec.classes
        if truth.ndim == 0:
            best = int(probabilities.argmax())
            return [f"true: {classes[int(truth)]}", f"said: {classes[best]} {probabilities[best]:.3f}"]
        names = ", ".join(name for name, there in zip(classes, truth.tolist(), strict=True) if there > 0.5)
        return [f"true: {names or 'none'}", *label_mistakes(probabilities, truth, classes)[:2]]

    def columns(self, prediction: ClassPrediction) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table for a batch."""
        classes, which = self.task.spec.classes, self.identity(prediction.start)
        probabilities, truth = prediction.probabilities.float().cpu(), prediction.truth.cpu()
        if truth.ndim == 2:
            return {
                **{name: np.repeat(found, len(classes)) for name, found in which.items()},
                "label": np.broadcast_to(np.array(classes, dtype=object), tuple(truth.shape)).ravel(),
                "truth": pa.array(
                    [None if math.isnan(value) else value > 0.5 for value in truth.flatten().tolist()], pa.bool_()
                ),
                "prediction": pa.array((probabilities > 0.5).flatten().tolist(), pa.bool_()),
                "probability": probabilities.numpy().ravel(),
            }
        confidence, best = probabilities.max(-1)
        given = getattr(self.data.prepared, "given", {})  # windows name no classes but their own
        pairs = zip(truth.tolist(), prediction.start.tolist(), strict=True)
        columns = which | {
            "truth": text_column([given.get(number) if k < 0 else classes[k] for k, number in pairs]),
            "prediction": text_column([classes[k] for k in best.tolist()]),
            "probability": confidence.numpy(),
        }
        return columns | {f"probability_{name}": probabilities[:, k].numpy() for k, name in enumerate(classes)}


def label_mistakes(probabilities: Tensor, truth: Tensor, classes: Sequence[str]) -> list[str]:
    """Say of the labels of a sample which were missed and which it has not, the most confident mistake first."""
    off = (probabilities - truth).abs().nan_to_num(nan=0.0)
    wrong = [k for k in off.argsort(descending=True).tolist() if off[k] > 0.5]
    kinds = ["missed" if truth[k] > 0.5 else "wrongly said" for k in wrong]
    return [
        f"{kind}: {classes[k]} (p\u00a0=\u00a0{probabilities[k]:.2f})" for k, kind in zip(wrong, kinds, strict=True)
    ]


def confident_mistakes(probabilities: Tensor, truths: Tensor) -> Tensor:
    """Return the places of the wrong answers, the most confident first."""
    if truths.ndim == 1:
        confidence, predicted = probabilities.max(-1)
        wrong = (predicted != truths) & (truths >= 0)
    else:
        confidence = (probabilities - truths).abs().nan_to_num(nan=0.0).max(-1).values
        wrong = confidence > 0.5
    order = torch.where(wrong, confidence, -1.0).argsort(descending=True, stable=True)
    return order[: int(wrong.sum())]


@evaluation_of.register
def _(task: Classify, data: Any) -> Evaluation:
    from dlkit.train.evaluation.windows import WindowClasses

    return WindowClasses(task, data) if task.spec.parts else ClassEvaluation(task, data)
