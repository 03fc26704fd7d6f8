"""Reconstruct: give back the input, also where a source or a value was left out."""

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.packing import channel_of
from dlkit.core.specs import Spec
from dlkit.losses.base import Loss
from dlkit.losses.pointwise import MSE
from dlkit.models.base import NetFactory
from dlkit.tasks.base import Step
from dlkit.tasks.network import require_kind
from dlkit.tasks.samples import SampleTask
from dlkit.tasks.scores import StandardizedScores


class Reconstruction(NamedTuple):
    """Inputs as the network gives them back, in physical units.

    Attributes:
        start: Row of the table at which each window begins, or number of each sample, (batch,).
        point: Shaped like the input; masks, ages and presence are those of the input.
        truth: What was measured, NaN where it was not.
    """

    start: Tensor
    point: Tensor
    truth: Tensor


def input_shape(spec: Spec) -> tuple[int, ...]:
    """Return the shape of an input without the batch axis."""
    return spec.size if spec.parts else (len(spec.channels), *spec.size)


def measured_inputs(spec: Spec) -> Bool[Tensor, "..."]:
    """Return which values of an input are measured: not masks, ages, presence, or where a trace is."""
    if not spec.parts:
        channels = torch.arange(len(spec.channels)) < len(spec.channels) - spec.masks - spec.padded
        return channels.view(-1, *[1] * len(spec.size)).expand(input_shape(spec))
    own = [i < len(part.channels) - part.helpers for part in spec.parts for i in range(len(part.channels))]
    return torch.tensor([*own, False])[channel_of(spec.parts)]  # presence has the number -1


class Reconstruct(SampleTask):
    """Give back the inputs; ``batch.y`` is the whole input, ``batch.y_observed`` says what of it counts.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of an answer; it also says what the network returns for each value.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    measured: Tensor

    def __init__(self, *, spec: Spec, net: NetFactory, loss: Loss | None = None, **training: Any) -> None:
        require_kind(spec, ("reconstruct",), "Reconstruct gives back the input")
        loss = loss or MSE()
        shape = input_shape(spec)
        super().__init__(spec=replace(spec, output=(*shape, loss.outputs)), net=net, **training)
        self.loss = loss
        self.register_buffer("measured", measured_inputs(spec), persistent=False)
        values, interval = int(self.measured.numel()), loss.level is not None
        self.val_scores, self.test_scores = (StandardizedScores(values, interval=interval) for _ in range(2))

    def observed(self, batch: Batch) -> Bool[Tensor, "batch ..."]:
        """Return which values count: those that were measured."""
        return self.measured.expand(batch.y.shape) if batch.y_observed is None else batch.y_observed & self.measured

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, reconstruction and input of a batch, standardized."""
        return Step(self.loss(answer, batch.y, self.observed(batch)), answer, batch.y)

    def measure(self, scores: StandardizedScores, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        point, interval = self.loss.point(step.prediction), self.loss.interval(step.prediction)
        scores.update(point, step.target.float(), self.observed(batch), interval)

    def answered(self, answer: Tensor, batch: Batch) -> Reconstruction:
        """Return the inputs as the network gives them back, in physical units."""
        point = self.physical(self.loss.point(answer).where(self.measured, batch.y))
        truth = self.physical(batch.y.float())
        assert batch.start is not None
        return Reconstruction(batch.start, point, truth.where(self.observed(batch), torch.nan))

    def physical(self, z: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch channels *size"]:
        """Return standardized inputs in physical units."""
        if not self.spec.padded:
            return self.scaling.inverse(z, dim=1)
        return torch.cat([self.scaling.inverse(z[:, :-1], dim=1), z[:, -1:]], 1)
