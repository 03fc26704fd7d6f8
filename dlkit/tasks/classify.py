"""Classify: which class an image or a trace belongs to, or which labels it has."""

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.uncertainty import Uncertainty
from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.losses.classification import BinaryCrossEntropy, ClassLoss, CrossEntropy, Ordinal
from dlkit.metrics.classification import ClassErrors, LabelErrors
from dlkit.models.base import NetFactory
from dlkit.tasks.members import mixed_classes
from dlkit.tasks.network import require_kind
from dlkit.tasks.samples import SampleTask
from dlkit.tasks.step import Step


class ClassPrediction(NamedTuple):
    """What is said of the samples of a batch.

    Attributes:
        start: Number of each sample, (batch,).
        probabilities: Of each class or label, (batch, classes).
        truth: Class numbers, (batch,), -1 where unknown; for labels 0 or 1, (batch, classes), NaN where unknown.
        parts: How uncertain it is, each part (batch,), where several members answered.
    """

    start: Tensor
    probabilities: Tensor
    truth: Tensor
    parts: Uncertainty | None = None


class Classify(SampleTask):
    """Say which class each sample belongs to, or which labels it has, with a probability for each.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of an answer; by default the cross entropy, for ordinal classes Ordinal, for labels
            BinaryCrossEntropy.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    val_scores: ClassErrors | LabelErrors
    test_scores: ClassErrors | LabelErrors

    def __init__(self, *, spec: Spec, net: NetFactory, loss: ClassLoss | None = None, **training: Any) -> None:
        require_kind(spec, ("class", "ordinal", "labels"), "Classify tells classes apart")
        default: dict[str, type[ClassLoss]] = {"ordinal": Ordinal, "labels": BinaryCrossEntropy}
        loss = default.get(spec.kind, CrossEntropy)() if loss is None else loss
        require(
            spec.kind in loss.kinds,
            f"The loss {type(loss).__name__} is for {' and '.join(loss.kinds)}, but the data have {spec.kind}: "
            f"set `loss` to dlkit.losses.classification.{default.get(spec.kind, CrossEntropy).__name__}.",
        )
        classes = len(spec.classes)
        require(
            loss.outputs(classes) > 0,
            f"{classes} class cannot be put in an order: give data with at least two classes.",
        )
        super().__init__(spec=replace(spec, output=(loss.outputs(classes),)), net=net, **training)
        self.loss = loss
        self.loss.weigh(torch.ones(classes))
        for stage in ("val", "test"):
            scores = LabelErrors(classes) if spec.kind == "labels" else ClassErrors(classes, ordinal=self.is_ordinal)
            setattr(self, f"{stage}_scores", scores)

    @property
    def is_ordinal(self) -> bool:
        """Whether the order of the classes means something."""
        return self.spec.kind == "ordinal"

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, logits and truth of a batch."""
        return Step(self.loss(answer, batch.y, batch.y_observed), answer, self._truth(batch))

    def counts(self, batch: Batch) -> Tensor:
        """Return the number of known samples or labels, or the sum of the weights of their classes."""
        return self.loss.count(batch.y, batch.y_observed)[None]

    def _truth(self, batch: Batch) -> Tensor:
        """Return the targets, -1 or NaN where they are unknown."""
        truth: Tensor = batch.y
        if batch.y_observed is None:
            return truth
        return truth.where(batch.y_observed, torch.nan if truth.is_floating_point() else -1)

    @torch.no_grad()
    def probabilities(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch classes"]:
        """Return the probability of each class or label for inputs in physical units, NaN where missing."""
        return self.loss.probabilities(self(self.normalized(x)))

    def take_scaling(self, data: Any) -> None:
        """Take over scaling and class weights from a data module."""
        super().take_scaling(data)
        samples = getattr(data.prepared, "samples", None)  # windows say in each batch what is known
        unknown = 0 if samples is None or self.spec.kind == "labels" else int((samples.labels < 0).sum())
        require(
            unknown == 0,
            f"{unknown} of {len(samples or ())} samples have no known class: give each a label in the source, or leave "
            "them out.",
        )
        self.loss.weigh(data.prepared.class_counts)

    def measure(self, scores: ClassErrors | LabelErrors, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        probabilities = self.loss.probabilities(step.prediction)
        if isinstance(scores, LabelErrors):
            scores.update(probabilities, step.target, batch.y_observed)
        else:
            scores.update(probabilities, step.target)

    def mixed(self, answers: Tensor) -> tuple[Tensor, Uncertainty]:
        """Return one answer for those of several members, and its entropies."""
        return mixed_classes(self.loss, answers, labels=self.spec.kind == "labels")

    def answered(self, answer: Tensor, batch: Batch) -> ClassPrediction:
        """Return the probabilities of a batch."""
        assert batch.start is not None
        return ClassPrediction(batch.start, self.loss.probabilities(answer), self._truth(batch))
