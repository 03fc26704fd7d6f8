"""Reconstruct: give back the input, also where a source or a value was left out."""

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.anomaly.detector import Detector
from dlkit.core.batch import Batch
from dlkit.core.checks import require, suggest
from dlkit.core.packing import channel_of
from dlkit.core.specs import Spec
from dlkit.losses.base import Loss
from dlkit.losses.pointwise import MSE
from dlkit.metrics.costs import MeanCosts
from dlkit.models.base import Net, NetFactory
from dlkit.tasks.network import require_kind
from dlkit.tasks.samples import SampleTask
from dlkit.tasks.scores import StandardizedScores
from dlkit.tasks.step import Step


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
        channels = torch.arange(len(spec.channels)) < spec.measured
        return channels.view(-1, *[1] * len(spec.size)).expand(input_shape(spec))
    own = [i < len(part.channels) - part.helpers for part in spec.parts for i in range(len(part.channels))]
    return torch.tensor([*own, False])[channel_of(spec.parts)]  # presence has the number -1


def input_weights(spec: Spec, channel_weights: dict[str, float]) -> Float[Tensor, "..."]:
    """Return what each value of an input counts in the cost, in a shape that broadcasts; 1 where nothing is said.

    Raises:
        InputError: A channel does not exist, a weight is negative, or all are 0.
    """
    for name, weight in channel_weights.items():
        require(
            name in spec.channels, f"channel_weights names '{name}', which is no input; {suggest(name, spec.channels)}"
        )
        require(
            weight >= 0, f"channel_weights: {name}: {weight} is negative: give 0 to leave a channel out of the cost."
        )
    each = torch.tensor([float(channel_weights.get(name, 1.0)) for name in spec.channels])
    packed = torch.cat([each, torch.ones(1)])[channel_of(spec.parts)] if spec.parts else None
    weights = each.view(-1, *[1] * len(spec.size)) if packed is None else packed
    require(
        bool((weights * measured_inputs(spec)).any()),
        "channel_weights are 0 for every input, so nothing would be learned: give at least one channel more than 0.",
    )
    return weights


class Reconstruct(SampleTask):
    """Give back the inputs; what was not measured does not count.

    The truth is ``batch.x`` of windows, images and traces, and ``batch.y`` of several sources, one of which may have
    been left out of ``batch.x``.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of an answer; it also says what the network returns for each value.
        channel_weights: What a channel counts in the cost, by its name; 1 where nothing is said.
        detector: Turns errors into scores, alarms and events.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    measured: Tensor
    weights: Tensor | None

    def __init__(
        self,
        *,
        spec: Spec,
        net: NetFactory,
        loss: Loss | None = None,
        channel_weights: dict[str, float] | None = None,
        detector: Detector | None = None,
        **training: Any,
    ) -> None:
        require_kind(spec, ("reconstruct",), "Reconstruct gives back the input")
        loss = loss or MSE()
        shape = input_shape(spec)
        super().__init__(spec=replace(spec, output=(*shape, loss.outputs)), net=net, **training)
        self.loss, self.detector = loss, detector or Detector()
        self.detector.in_rows(round(spec.step * 1e9))  # refuse durations that do not fit before it trains
        weights = None if channel_weights is None else input_weights(spec, channel_weights)
        self.register_buffer("measured", measured_inputs(spec), persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.costly = isinstance(self.net, Net) and type(self.net).cost is not Net.cost
        require(
            not (self.costly and self.graph_net),
            f"graph: true needs a network whose cost is that of its answer alone, but the features of "
            f"{type(self.net).__name__} cost something themselves: set `graph: false`.",
        )
        self.mean_costs = MeanCosts(1 + self.costly)
        values, interval = int(self.measured.numel()), loss.level is not None
        self.val_scores, self.test_scores = (StandardizedScores(values, interval=interval) for _ in range(2))

    def target(self, batch: Batch) -> Tensor:
        """Return what is to be given back, standardized."""
        return batch.y if self.spec.parts else batch.x

    def observed(self, batch: Batch) -> Bool[Tensor, "batch ..."]:
        """Return which values count: those that were measured, and lie inside a trace."""
        known = batch.y_observed if self.spec.parts else batch.x_observed
        counts = self.measured.expand(self.target(batch).shape)
        if self.spec.padded:
            counts = counts & (batch.x[:, -1:] > 0.5)
        return counts if known is None else known & counts

    def step(self, batch: Batch) -> Step:
        """Return cost, reconstruction and input of a batch; what the features cost by themselves is added."""
        if not self.costly:
            return super().step(batch)
        net: Any = self.net
        z = net.features(batch.x)
        step = self.judge(net.head(z), batch)
        cost = net.cost(z)
        return step._replace(loss=step.loss + cost, terms=torch.stack([step.loss, cost.to(step.loss)]))

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, reconstruction and input of a batch, standardized."""
        target = self.target(batch)
        return Step(self.loss(answer, target, self.observed(batch), self.weights), answer, target)

    def counts(self, batch: Batch) -> Tensor:
        """Return the number of values that count or the sum of their weights; features cost a mean over samples."""
        values = self.loss.count(self.target(batch), self.observed(batch), self.weights)
        return torch.stack([values, torch.full_like(values, len(batch.x))][: 1 + self.costly])

    def measure(self, scores: StandardizedScores, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        point, interval = self.loss.point(step.prediction), self.loss.interval(step.prediction)
        scores.update(point, step.target.float(), self.observed(batch), interval)

    def squares(
        self, batch: Batch
    ) -> tuple[Float[Tensor, "batch channels *size"], Bool[Tensor, "batch channels *size"] | None]:
        """Return the squared standardized errors of the measured channels of one source, and which of them count.

        None where all count: masks that say nothing would take as long as a third of a small network.
        """
        return self.squares_of(self.net(batch.x), batch)

    def squares_of(
        self, answer: Tensor, batch: Batch
    ) -> tuple[Float[Tensor, "batch channels *size"], Bool[Tensor, "batch channels *size"] | None]:
        """Return the same for an answer of the network."""
        first = self.spec.measured
        point = self.loss.point(answer)[:, :first].float()
        squares = (batch.x[:, :first].float() - point).square_()  # laid out in rows as x is, which merges twice as fast
        every = batch.x_observed is None and not self.spec.padded
        return squares, None if every else self.observed(batch)[:, :first]

    def answered(self, answer: Tensor, batch: Batch) -> Reconstruction:
        """Return the inputs as the network gives them back, in physical units."""
        target = self.target(batch)
        point = self.physical(self.loss.point(answer).where(self.measured, target))
        truth = self.physical(target.float())
        assert batch.start is not None
        return Reconstruction(batch.start, point, truth.where(self.observed(batch), torch.nan))

    def physical(self, z: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch channels *size"]:
        """Return standardized inputs in physical units."""
        first = z.shape[1] if self.spec.parts else self.spec.measured
        if first == z.shape[1]:
            return self.scaling.inverse(z, dim=1)
        return torch.cat([self.scaling.inverse(z[:, :first], dim=1), z[:, first:]], 1)
