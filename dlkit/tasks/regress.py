"""Regress: numbers with units from an image or a trace."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.uncertainty import Uncertainty, of_interval
from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.normalize import ChannelScaling
from dlkit.losses.base import Loss
from dlkit.losses.pointwise import MSE
from dlkit.models.base import NetFactory
from dlkit.tasks.members import mixed_values
from dlkit.tasks.network import require_kind
from dlkit.tasks.samples import SampleTask
from dlkit.tasks.scores import ValueScores
from dlkit.tasks.step import Step


class ValuePrediction(NamedTuple):
    """Predicted numbers in physical units.

    Attributes:
        start: Number of each sample, (batch,).
        point: Mean or median, (batch, targets).
        lower: Lower bound of the interval, shaped like point, or None.
        upper: Upper bound of the interval, or None.
        truth: What was measured, NaN where it was not.
        parts: How uncertain it is, each part shaped like point, where the network or its members say so.
    """

    start: Tensor
    point: Tensor
    lower: Tensor | None
    upper: Tensor | None
    truth: Tensor
    parts: Uncertainty | None = None


class Regress(SampleTask):
    """Predict numbers with units from each sample; physical units go in and come out, standardized units train.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of a prediction; it also says what the network returns (a value, quantiles, mean and scale).
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    val_scores: ValueScores
    test_scores: ValueScores

    def __init__(self, *, spec: Spec, net: NetFactory, loss: Loss | None = None, **training: Any) -> None:
        require_kind(spec, ("values",), "Regress predicts numbers")
        loss = loss or MSE()
        super().__init__(spec=spec.with_parameters(loss.outputs), net=net, **training)
        self.loss = loss
        targets, interval = len(spec.targets), loss.level is not None
        self.target_scaling = ChannelScaling(targets)
        self.val_scores, self.test_scores = (ValueScores(targets, interval=interval) for _ in range(2))

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, prediction and target of a batch, standardized."""
        return Step(self.loss(answer, batch.y, batch.y_observed), answer, batch.y)

    def counts(self, batch: Batch) -> Tensor:
        """Return the number of observed values."""
        return self.loss.count(batch.y, batch.y_observed)[None]

    @torch.no_grad()
    def values(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch targets"]:
        """Return the point prediction in physical units for inputs in physical units, NaN where missing."""
        return self.target_scaling.inverse(self.loss.point(self(self.normalized(x))))

    def take_scaling(self, data: Any) -> None:
        """Take over the scalings of inputs and targets from a data module."""
        super().take_scaling(data)
        self.target_scaling.load_state_dict(data.prepared.target_scaling.state_dict())

    def begin(self, scores: ValueScores) -> None:
        """Begin new sums."""
        scores.start(self.target_scaling)

    def measure(self, scores: ValueScores, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        point, interval = self.loss.point(step.prediction), self.loss.interval(step.prediction)
        scores.update(self.target_scaling, point, step.target.float(), batch.y_observed, interval)

    def mixed(self, answers: Tensor) -> tuple[Tensor, Uncertainty]:
        """Return one answer for those of several members, and the parts of its uncertainty in physical units."""
        return mixed_values(self.loss, self.target_scaling, answers, self.members)

    def answered(self, answer: Tensor, batch: Batch) -> ValuePrediction:
        """Return the predictions of a batch in physical units."""
        scaling = self.target_scaling
        bounds = self.loss.interval(answer)
        lower, upper = (None, None) if bounds is None else (scaling.inverse(bounds[0]), scaling.inverse(bounds[1]))
        truth = scaling.inverse(batch.y.float())
        if batch.y_observed is not None:
            truth = truth.where(batch.y_observed, truth.new_full((), torch.nan))
        assert batch.start is not None
        parts = of_interval(lower, upper, self.loss.level)
        return ValuePrediction(batch.start, scaling.inverse(self.loss.point(answer)), lower, upper, truth, parts)
