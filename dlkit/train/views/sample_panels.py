"""From the errors of classes and labels to the figures of `report`: the wiring between the two."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.metrics.calibration import Bins
from dlkit.metrics.classification import ClassErrors, LabelErrors
from dlkit.metrics.confusion import wilson_interval
from dlkit.metrics.ranking import roc_curve
from dlkit.report.classification_figures import (
    class_scores_figure,
    confusion_figure,
    label_counts_figure,
    reliability_figure,
    roc_figure,
)

if TYPE_CHECKING:
    import matplotlib.figure


def matrix_figure(scores: ClassErrors | LabelErrors, spec: Spec) -> tuple[str, "matplotlib.figure.Figure"]:
    """Return the name and the figure of what is taken for what."""
    if isinstance(scores, ClassErrors):
        truth = spec.targets[0] if spec.targets else "class"
        return "confusion", confusion_figure(scores.matrix.cpu().numpy(), spec.classes, truth=truth)
    return "labels", label_counts_figure(scores.table.cpu().numpy(), spec.classes)


def trust_figure(scores: ClassErrors | LabelErrors) -> "matplotlib.figure.Figure":
    """Return the reliability diagram."""
    bins = Bins(*(part.cpu() for part in scores.bins))
    low, high = wilson_interval(bins.correct, bins.weight)
    single, arrays = isinstance(scores, ClassErrors), [part.numpy() for part in bins]
    return reliability_figure(
        arrays[0],
        arrays[1],
        arrays[2],
        (low.numpy(), high.numpy()),
        error=float(scores.overall()["calibration_error"]),
        share="share that is right" if single else "share that has the label",
        said="confidence, before calibration" if single else "probability, before calibration",
    )


def class_figures(
    scores: ClassErrors | LabelErrors, spec: Spec, probabilities: Tensor, truths: Tensor
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield name and figure of confusion, reliability, the scores of each class and ROC curves."""
    yield matrix_figure(scores, spec)
    yield "reliability", trust_figure(scores)
    each = {name: values.cpu().numpy() for name, values in scores.per_class().items()}
    yield (
        "scores_of_classes",
        class_scores_figure({name: each[name] for name in ("f1", "recall", "precision")}, spec.classes),
    )
    curves = {}
    for k, name in enumerate(spec.classes):
        known = truths >= 0 if truths.ndim == 1 else ~truths[:, k].isnan()
        positive = (truths == k if truths.ndim == 1 else truths[:, k] > 0.5)[known]
        if bool(positive.any()) and not bool(positive.all()):
            false, true = roc_curve(probabilities[known, k], positive)
            curves[name] = (false.numpy(), true.numpy(), float(torch.trapezoid(true, false)))
    if curves:
        yield "roc", roc_figure(curves)
