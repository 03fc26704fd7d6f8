"""From a trained task and its data to the figures of `report`: the wiring between the two."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.batching import Batching
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.report.forecast_figures import ForecastView, error_by_horizon_figure, forecast_figure
from dlkit.tasks.forecast import Forecast, Prediction
from dlkit.tasks.scores import ForecastScores

if TYPE_CHECKING:
    import matplotlib.figure


def pick_batch(data: Batching, role: str, wanted: int, device: torch.device) -> Batch:
    """Return a batch of windows or samples spread evenly over a role."""
    batch = data.pick_batch(role, wanted)
    return data.transfer_batch_to_device(batch, device, 0)  # type: ignore[no-any-return] # Lightning's keeps the type


def draw_windows(task: Any, data: TimeSeriesDataModule, role: str, wanted: int) -> Iterator[tuple[str, Any]]:
    """Yield the name of each target (four at most) and a figure of forecasts, look-back and truth."""
    if not isinstance(task, Forecast) or not data.count(role):
        return
    batch = pick_batch(data, role, wanted, task.device)
    training = task.training
    task.eval()
    with torch.no_grad():
        prediction = task.predict_step(batch, 0)
    task.train(training)
    for k, target in enumerate(task.spec.targets[:4]):
        views = [_view(task, data, batch, prediction, window, k) for window in range(len(prediction.start))]
        yield target, forecast_figure(views, target=target, unit=task.spec.target_units[k])


def _view(
    task: Forecast, data: TimeSeriesDataModule, batch: Batch, prediction: Prediction, window: int, k: int
) -> ForecastView:
    geometry, times = data.geometry, data.prepared.table.times
    start = int(prediction.start[window])
    past = slice(start, start + geometry.lead - geometry.gap, geometry.dilation)
    ahead = slice(start + geometry.lead, start + geometry.length)
    bands = {}
    if prediction.lower is not None and prediction.upper is not None and task.loss.level is not None:
        bands[task.loss.level] = (
            prediction.lower[window, :, k].cpu().numpy(),
            prediction.upper[window, :, k].cpu().numpy(),
        )
    return ForecastView(
        past_times=data.clock(times[past]),
        past=_past(task, batch, window, k),
        times=data.clock(times[ahead]),
        truth=prediction.truth[window, :, k].cpu().numpy(),
        point=prediction.point[window, :, k].cpu().numpy(),
        bands=bands,
        title=f"{data.series_of(start)}" if len(data.prepared.table.names) > 1 else "",
    )


def _past(task: Forecast, batch: Batch, window: int, k: int) -> np.ndarray:
    """Return the look-back of a target in physical units; NaN where it was missing or is no input."""
    places = task.spec.target_channels
    if places is None:
        return np.full(batch.x.shape[-1], np.nan)
    past = task.scaling.select([places[k]]).inverse(batch.x[window, places[k], :, None])[:, 0]
    if batch.x_observed is not None:
        past = past.where(batch.x_observed[window, places[k]], past.new_full((), torch.nan))
    values: np.ndarray = past.cpu().numpy()
    return values


def horizon_panel(curves: Mapping[str, ForecastScores], spec: Spec) -> "matplotlib.figure.Figure":
    """Return the figure of the mean absolute error over the horizon, the model (first of ``curves``) beside the others.

    A single target is drawn in its unit, several are drawn in standard deviations.
    """
    single = len(spec.targets) == 1
    errors = {
        name: (scores.physical if single else scores.standardized).per_horizon() for name, scores in curves.items()
    }
    return error_by_horizon_figure(
        {name: values["mae"].cpu().numpy() for name, values in errors.items()},
        unit=spec.target_units[0] if single else "standard deviations",
        step=spec.step,
        gap=spec.gap,
        measure=f"MAE of {spec.targets[0]}" if single else "MAE",
    )
