"""Forecast: predict the next samples of the targets from the last samples of the inputs."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.confidence.uncertainty import Uncertainty, of_interval
from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.normalize import ChannelScaling
from dlkit.data.table.packed_scaling import scaling_of
from dlkit.losses.base import Loss
from dlkit.losses.pointwise import MSE
from dlkit.models.base import NetFactory
from dlkit.models.covariates import Covariates
from dlkit.tasks.members import mixed_values
from dlkit.tasks.network import NetTask, require_kind
from dlkit.tasks.scores import ForecastScores
from dlkit.tasks.step import Step


class Prediction(NamedTuple):
    """A forecast in physical units.

    Attributes:
        start: Row of the table at which each window begins, (batch,).
        point: Mean or median, (batch, horizon, targets).
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


class Forecast(NetTask):
    """Predict the next samples of the targets; physical units go in and come out, standardized units train.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of a prediction; it also says what the network returns (a value, quantiles, mean and scale).
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    seasonal_error: Tensor
    val_scores: ForecastScores
    test_scores: ForecastScores

    def __init__(self, *, spec: Spec, net: NetFactory, loss: Loss | None = None, **training: Any) -> None:
        require_kind(spec, ("forecast",), "Forecast predicts a series")
        loss = loss or MSE()
        super().__init__(spec=spec.with_parameters(loss.outputs), net=net, **training)
        self.loss = loss
        trains = any(p.requires_grad for p in self.net.parameters())
        self.covariates: nn.Module | None = Covariates(self.spec) if trains and (spec.future or spec.static) else None
        self.scaling = scaling_of(spec, len(spec.columns))
        self.static_scaling = ChannelScaling(len(spec.static))
        self.register_buffer("seasonal_error", torch.full((len(spec.targets),), torch.nan, dtype=torch.float64))
        shape, interval = (spec.output[0], len(spec.targets)), self.loss.level is not None
        self.val_scores = ForecastScores(*shape, interval=interval)
        self.test_scores = ForecastScores(*shape, interval=interval)

    # ------------------------------------------------------------------ the network
    def forward(self, x: Tensor, future: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the output of the network, (batch, horizon, targets, outputs), for standardized inputs."""
        answer: Tensor = self.net(x)
        return answer if self.covariates is None else answer + self.covariates(future, static)

    def finish(self, answer: Tensor, batch: Batch) -> Tensor:
        """Return the answer corrected by what is known over the horizon."""
        return answer if self.covariates is None else answer + self.covariates(batch.future, batch.static)

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, prediction and target of a batch, standardized."""
        return Step(self.loss(answer, batch.y, batch.y_observed), answer, batch.y)

    def counts(self, batch: Batch) -> Tensor:
        """Return the number of observed values."""
        return self.loss.count(batch.y, batch.y_observed)[None]

    def normalized(self, x: Float[Tensor, "batch channels *time"]) -> Float[Tensor, "batch inputs *time"]:
        """Return what the network takes for inputs in physical units, NaN where missing.

        Args:
            x: Inputs, without mask channels; those of several sources are packed, helpers and presence included.
        """
        if self.spec.parts:
            packed: Tensor = self.scaling(x, dim=1)
            return packed.nan_to_num(nan=0.0)
        inputs = self.scaling.select(list(range(x.shape[1])))(x, dim=1).nan_to_num(nan=0.0)
        return torch.cat([inputs, (~x.isnan()).to(inputs.dtype)], dim=1) if self.spec.masks else inputs

    @torch.no_grad()
    def forecast(
        self, x: Float[Tensor, "batch channels *time"], future: Tensor | None = None, static: Tensor | None = None
    ) -> Float[Tensor, "batch horizon targets"]:
        """Return the point forecast in physical units for inputs in physical units, NaN where missing.

        Args:
            x: Inputs, without mask channels; those of several sources are packed, helpers and presence included.
            future: Inputs known over the horizon, (batch, future, horizon).
            static: Standardized constants, (batch, static).
        """
        inputs = self.normalized(x)
        if future is not None:
            future = self.scaling.select([self.spec.columns.index(name) for name in self.spec.future])(future, dim=1)
        return self.target_scaling.inverse(self.loss.point(self(inputs, future, static)))

    @property
    def target_scaling(self) -> ChannelScaling:
        """Scaling of the targets alone."""
        return self.scaling.select([self.spec.columns.index(name) for name in self.spec.targets])

    # ------------------------------------------------------------------ what the data know
    def take_scaling(self, data: Any) -> None:
        """Take over scaling and MASE scale from a data module."""
        self.scaling.load_state_dict(data.prepared.scaling.state_dict())
        self.static_scaling.load_state_dict(data.prepared.static_scaling.state_dict())
        self.seasonal_error = torch.from_numpy(data.prepared.seasonal_error).to(self.seasonal_error.device)

    # ------------------------------------------------------------------ validation, test, prediction
    def begin(self, scores: ForecastScores) -> None:
        """Begin new sums."""
        scores.start(self.target_scaling, self.seasonal_error)

    def measure(self, scores: ForecastScores, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        point, interval = self.loss.point(step.prediction), self.loss.interval(step.prediction)
        scores.update(self.target_scaling, point, step.target.float(), batch.y_observed, interval)

    def mixed(self, answers: Tensor) -> tuple[Tensor, Uncertainty]:
        """Return one answer for those of several members, and the parts of its uncertainty in physical units."""
        return mixed_values(self.loss, self.target_scaling, answers, self.members)

    def answered(self, answer: Tensor, batch: Batch) -> Prediction:
        """Return the forecasts of a batch in physical units."""
        scaling = self.target_scaling
        bounds = self.loss.interval(answer)
        lower, upper = (None, None) if bounds is None else (scaling.inverse(bounds[0]), scaling.inverse(bounds[1]))
        truth = scaling.inverse(batch.y.float())
        if batch.y_observed is not None:
            truth = truth.where(batch.y_observed, truth.new_full((), torch.nan))
        assert batch.start is not None
        parts = of_interval(lower, upper, self.loss.level)
        return Prediction(batch.start, scaling.inverse(self.loss.point(answer)), lower, upper, truth, parts)
