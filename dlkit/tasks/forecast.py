"""Forecast: predict the next samples of the targets from the last samples of the inputs."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.normalize import ChannelScaling
from dlkit.losses.base import Loss
from dlkit.losses.pointwise import MSE
from dlkit.metrics.forecast import ForecastErrors
from dlkit.models.base import NetFactory
from dlkit.models.covariates import Covariates
from dlkit.tasks.base import OptimizerFactory, SchedulerFactory, Step, Task


class Prediction(NamedTuple):
    """A forecast in physical units.

    Attributes:
        start: Row of the table at which each window begins, (batch,).
        point: Mean or median, (batch, horizon, targets).
        lower: Lower bound of the interval, shaped like point, or None.
        upper: Upper bound of the interval, or None.
        truth: What was measured, NaN where it was not.
    """

    start: Tensor
    point: Tensor
    lower: Tensor | None
    upper: Tensor | None
    truth: Tensor


class Forecast(Task):
    """Predict the next samples of the targets; physical units go in and come out, standardized units train.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the network.
        loss: Cost of a prediction; it also says what the network returns (a value, quantiles, mean and scale).
        optimizer: Makes the optimizer of the parameters; None is Adam with a learning rate of 1e-3.
        scheduler: Makes the schedule of the learning rate.
        scheduler_interval: When the schedule moves on, "epoch" or "step".
        lr: Learning rate that replaces the optimizer's; set by Lightning's LearningRateFinder.
        compile: Compile the network with torch.compile.
    """

    def __init__(
        self,
        *,
        spec: Spec,
        net: NetFactory,
        loss: Loss | None = None,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
        scheduler_interval: str = "epoch",
        lr: float | None = None,
        compile: bool = False,  # noqa: A002 - the field's name for it
    ) -> None:
        super().__init__(
            spec=spec,
            optimizer=optimizer,
            scheduler=scheduler,
            scheduler_interval=scheduler_interval,
            lr=lr,
            compile=compile,
        )
        self.loss = loss or MSE()
        self.spec = spec.with_parameters(self.loss.outputs)
        self.net = net(self.spec)
        trains = any(p.requires_grad for p in self.net.parameters())
        self.covariates: nn.Module | None = Covariates(self.spec) if trains and (spec.future or spec.static) else None
        self.scaling = ChannelScaling(len(spec.columns))
        self.register_buffer("seasonal_error", torch.full((len(spec.targets),), float("nan"), dtype=torch.float64))
        interval = self.loss.level is not None
        self.errors = nn.ModuleDict(
            {
                f"{stage}_{units}": ForecastErrors(spec.output[0], len(spec.targets), interval=interval)
                for stage in ("val", "test")
                for units in ("standardized", "physical")
            }
        )

    # ------------------------------------------------------------------ the network
    def forward(self, x: Tensor, future: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the output of the network, (batch, horizon, targets, outputs), for standardized inputs."""
        answer: Tensor = self.net(x)
        return answer if self.covariates is None else answer + self.covariates(future, static)

    def step(self, batch: Batch) -> Step:
        """Return cost, prediction and target of a batch, standardized."""
        prediction = self(batch.x, batch.future, batch.static)
        return Step(self.loss(prediction, batch.y, batch.y_observed), prediction, batch.y)

    @torch.no_grad()
    def forecast(
        self, x: Float[Tensor, "batch channels time"], future: Tensor | None = None, static: Tensor | None = None
    ) -> Float[Tensor, "batch horizon targets"]:
        """Return the point forecast in physical units for inputs in physical units, NaN where missing.

        Args:
            x: Inputs, without mask channels.
            future: Inputs known over the horizon, (batch, future, horizon).
            static: Standardized constants, (batch, static).
        """
        measured = x.shape[1]
        observed = ~x.isnan()
        inputs = self.scaling.select(list(range(measured)))(x, dim=1).nan_to_num(nan=0.0)
        if self.spec.masks:
            inputs = torch.cat([inputs, observed.to(inputs.dtype)], dim=1)
        if future is not None:
            future = self.scaling.select([self.spec.columns.index(name) for name in self.spec.future])(future, dim=1)
        return self.target_scaling.inverse(self.loss.point(self(inputs, future, static)))

    @property
    def target_scaling(self) -> ChannelScaling:
        """Scaling of the targets alone."""
        return self.scaling.select([self.spec.columns.index(name) for name in self.spec.targets])

    # ------------------------------------------------------------------ what the data know
    def setup(self, stage: str) -> None:
        """Take over the scaling that was fitted on the training rows."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if stage == "fit" and isinstance(data, TimeSeriesDataModule):
            self.take_scaling(data)

    def take_scaling(self, data: TimeSeriesDataModule) -> None:
        """Take over scaling and MASE scale from a data module."""
        self.scaling.load_state_dict(data.prepared.scaling.state_dict())
        self.seasonal_error = torch.from_numpy(data.prepared.seasonal_error).to(self.seasonal_error.device)

    # ------------------------------------------------------------------ validation, test, prediction
    def _start_errors(self, stage: str) -> None:
        scaling = self.target_scaling
        for units in ("standardized", "physical"):
            errors: Any = self.errors[f"{stage}_{units}"]
            errors.reset()
            linear = self.seasonal_error / scaling.scale.double()
            errors.scale = self.seasonal_error if units == "physical" else torch.where(scaling.log, torch.nan, linear)

    def _evaluate(self, batch: Batch, stage: str) -> Tensor:
        step, scaling = self.step(batch), self.target_scaling
        point, bounds = self.loss.point(step.prediction), self.loss.interval(step.prediction)
        target, seen = step.target.float(), batch.y_observed
        lower, upper = bounds if bounds is not None else (None, None)
        self.errors[f"{stage}_standardized"].update(point, target, seen, lower, upper)
        physical = [None if value is None else scaling.inverse(value) for value in (point, target, lower, upper)]
        self.errors[f"{stage}_physical"].update(physical[0], physical[1], seen, *physical[2:])
        return step.loss

    def on_validation_epoch_start(self) -> None:
        """Forget the errors of the last epoch."""
        self._start_errors("val")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add up the errors."""
        self._loss_of(self._evaluate(batch, "val"), batch, "val")

    def on_validation_epoch_end(self) -> None:
        """Log the errors over all validation windows."""
        self._log_errors("val")

    def on_test_epoch_start(self) -> None:
        """Begin new sums."""
        self._start_errors("test")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add up the errors."""
        self._loss_of(self._evaluate(batch, "test"), batch, "test")

    def on_test_epoch_end(self) -> None:
        """Log the errors over all test windows."""
        self._log_errors("test")

    def _loss_of(self, loss: Tensor, batch: Batch, stage: str) -> None:
        self.log(
            f"{stage}/loss",
            loss,
            on_step=False,
            on_epoch=True,
            batch_size=len(batch.x),
            sync_dist=True,
            prog_bar=stage == "val",
        )

    def _log_errors(self, stage: str) -> None:
        for units in ("standardized", "physical"):
            found = self.errors[f"{stage}_{units}"].compute()
            label = "" if units == "standardized" else "physical_"
            self.log_dict({f"{stage}/{label}{name}": value.float() for name, value in found.items()})

    def predict_step(self, batch: Batch, batch_idx: int) -> Prediction:
        """Return the forecasts of a batch in physical units."""
        step, scaling = self.step(batch), self.target_scaling
        bounds = self.loss.interval(step.prediction)
        lower, upper = (None, None) if bounds is None else (scaling.inverse(bounds[0]), scaling.inverse(bounds[1]))
        truth = scaling.inverse(step.target.float())
        if batch.y_observed is not None:
            truth = truth.where(batch.y_observed, truth.new_full((), torch.nan))
        assert batch.start is not None
        return Prediction(batch.start, scaling.inverse(self.loss.point(step.prediction)), lower, upper, truth)
