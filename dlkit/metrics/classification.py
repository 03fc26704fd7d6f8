"""Errors of classes and labels from sums that add up over batches and machines."""

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from dlkit.metrics import confusion
from dlkit.metrics.calibration import BINS, Bins, binned, calibration_error
from dlkit.metrics.ranking import auroc


class SampleErrors(Metric):
    """What the errors of classes and labels share: the sums of calibration, and the scores for the ROC curve.

    Sums are kept in float64 on the device and divided at the end; the scores are kept one by one, because the area
    under the curve is no sum. ``update`` never waits for the device.

    Args:
        classes: Number of classes or labels.
    """

    full_state_update = False
    is_differentiable = False

    weight: Tensor
    confidence: Tensor
    correct: Tensor
    scores: list[Tensor]
    truths: list[Tensor]

    def __init__(self, classes: int) -> None:
        super().__init__(sync_on_compute=False)  # dlkit.metrics.joining does it, once
        self.classes = classes
        for name in Bins._fields:
            self.add_state(name, torch.zeros(BINS, dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("scores", "truths"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def _add_bins(self, confidence: Tensor, correct: Tensor, known: Tensor) -> None:
        """Add to the bins; what is not known counts nothing."""
        found = binned(confidence, correct, weight=known)
        self.weight += found.weight
        self.confidence += found.confidence
        self.correct += found.correct

    @property
    def bins(self) -> Bins:
        """The sums of the reliability diagram so far."""
        return Bins(self.weight, self.confidence, self.correct)

    def overall(self) -> dict[str, Tensor]:
        """Return scalars over all samples."""
        found: dict[str, Tensor] = self.compute()
        return found

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        """Follow to another device, not to another type: the sums stay float64 in a half-precision run."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), exclude_state)


@final
class ClassErrors(SampleErrors):
    """Accuracy, balanced accuracy, macro F1, AUROC, calibration error; the class distance where classes have an order.

    Args:
        classes: Number of classes.
        ordinal: The order of the classes means something.
    """

    matrix: Tensor

    def __init__(self, classes: int, *, ordinal: bool = False) -> None:
        super().__init__(classes)
        self.ordinal = ordinal
        self.add_state("matrix", torch.zeros(classes, classes, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, probabilities: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"]) -> None:
        """Add a batch; samples with a negative class number have no truth and do not count."""
        known = target >= 0
        confidence, predicted = probabilities.max(-1)
        truth = target.clamp_min(0)
        self.matrix.view(-1).index_add_(0, truth * self.classes + predicted, known.double())
        self._add_bins(confidence, predicted == truth, known)
        self.scores.append(probabilities.detach())
        self.truths.append(target)

    def compute(self) -> dict[str, Tensor]:
        """Return scalars over all samples."""
        found = {
            "accuracy": confusion.accuracy(self.matrix),
            "balanced_accuracy": confusion.balanced_accuracy(self.matrix),
            "macro_f1": confusion.f1(self.matrix).nanmean(),
            "auroc": self._areas().nanmean(),
            "calibration_error": calibration_error(self.bins),
        }
        return found | ({"class_distance": confusion.class_distance(self.matrix)} if self.ordinal else {})

    def per_class(self) -> dict[str, Tensor]:
        """Return one value for each class."""
        return {
            "samples": self.matrix.sum(1),
            "recall": confusion.recall(self.matrix),
            "precision": confusion.precision(self.matrix),
            "f1": confusion.f1(self.matrix),
            "auroc": self._areas(),
        }

    def _areas(self) -> Float[Tensor, " classes"]:
        """Return the area of each class against all others."""
        if len(self.scores) == 0:  # a list of batches, or one tensor after the machines have been joined
            return self.matrix.new_full((self.classes,), torch.nan)
        scores, truths = dim_zero_cat(self.scores), dim_zero_cat(self.truths)
        scores, truths = scores[truths >= 0], truths[truths >= 0]
        return auroc(scores, truths[:, None] == torch.arange(self.classes, device=truths.device))


@final
class LabelErrors(SampleErrors):
    """Accuracy of each label and of all at once, macro F1, AUROC and calibration error of labels that may be many."""

    table: Tensor
    whole: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.add_state("table", torch.zeros(classes, 2, 2, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("whole", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")

    def update(
        self,
        probabilities: Float[Tensor, "batch classes"],
        target: Float[Tensor, "batch classes"],
        observed: Bool[Tensor, "batch classes"] | None = None,
    ) -> None:
        """Add a batch; labels that are not known do not count."""
        known = ~target.isnan() if observed is None else observed
        truth, said = target > 0.5, probabilities > 0.5
        for i, row in enumerate((~truth, truth)):
            for j, column in enumerate((~said, said)):
                self.table[:, i, j] += (row & column & known).sum(0)
        every = known.all(-1)
        self.whole += torch.stack([((said == truth).all(-1) & every).sum(), every.sum()])
        self._add_bins(probabilities.flatten(), truth.flatten(), known.flatten())
        self.scores.append(probabilities.detach())
        self.truths.append(target.where(known, torch.nan))

    def compute(self) -> dict[str, Tensor]:
        """Return scalars over all samples and labels."""
        each = self.per_class()
        return {
            "accuracy": self.table.diagonal(dim1=1, dim2=2).sum() / self.table.sum(),
            "exact_match": self.whole[0] / self.whole[1],
            "balanced_accuracy": each["balanced_accuracy"].nanmean(),
            "macro_f1": each["f1"].nanmean(),
            "auroc": each["auroc"].nanmean(),
            "calibration_error": calibration_error(self.bins),
        }

    def per_class(self) -> dict[str, Tensor]:
        """Return one value for each label."""
        (rejected, false), (missed, hit) = self.table.permute(1, 2, 0)
        return {
            "samples": missed + hit,
            "recall": hit / (missed + hit),
            "precision": hit / (false + hit),
            "f1": 2 * hit / (2 * hit + missed + false),
            "balanced_accuracy": (hit / (missed + hit) + rejected / (rejected + false)) / 2,
            "auroc": self._areas(),
        }

    def _areas(self) -> Float[Tensor, " classes"]:
        """Return the area of each label."""
        if len(self.scores) == 0:  # a list of batches, or one tensor after the machines have been joined
            return self.table.new_full((self.classes,), torch.nan)
        scores, truths = dim_zero_cat(self.scores), dim_zero_cat(self.truths)
        return auroc(scores, truths > 0.5, ~truths.isnan())
