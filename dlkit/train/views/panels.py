"""From a trained task and its data to the figures of `report`: the wiring between the two."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlkit.core.batch import Batch
from dlkit.core.packing import borders
from dlkit.core.specs import Part, Spec
from dlkit.report.forecast_figures import ForecastView, error_by_horizon_figure, forecast_figure
from dlkit.tasks.forecast import Forecast, Prediction
from dlkit.tasks.scores import ForecastScores

if TYPE_CHECKING:
    import matplotlib.figure


def pick_batch(data: Any, role: str, wanted: int, device: torch.device) -> Batch:
    """Return a batch of windows or samples spread evenly over a role."""
    batch = data.pick_batch(role, wanted)
    moved: Batch = data.transfer_batch_to_device(batch, device, 0)
    return moved


def draw_windows(task: Any, data: Any, role: str, wanted: int) -> Iterator[tuple[str, Any]]:
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
        views = [view_of(task, data, batch, prediction, window, k) for window in range(len(prediction.start))]
        yield target, forecast_figure(views, target=target, unit=task.spec.target_units[k])


def view_of(task: Forecast, data: Any, batch: Batch, prediction: Prediction, window: int, k: int) -> ForecastView:
    """Return a target of a window of a batch as it is drawn."""
    geometry, times, gap = data.geometry, data.prepared.table.times, task.spec.gap
    start = int(prediction.start[window])
    last = start + geometry.lead - geometry.gap - 1
    past_rows, past = past_of(task, batch, window, k, geometry.dilation)
    ahead = slice(last + 1 + gap, last + 1 + gap + task.spec.output[0])
    bands = {}
    if prediction.lower is not None and prediction.upper is not None and task.loss.level is not None:
        bands[task.loss.level] = (
            prediction.lower[window, :, k].cpu().numpy(),
            prediction.upper[window, :, k].cpu().numpy(),
        )
    return ForecastView(
        past_times=data.clock(times[last + past_rows]),
        past=past,
        times=data.clock(times[ahead]),
        truth=prediction.truth[window, :, k].cpu().numpy(),
        point=prediction.point[window, :, k].cpu().numpy(),
        bands=bands,
        title=f"{data.series_of(start)}" if len(data.prepared.table.names) > 1 else "",
    )


def past_of(task: Forecast, batch: Batch, window: int, k: int, dilation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the look-back of a target: its rows, the last input being 0, and its values in physical units.

    Values are NaN where they were missing, or when the target is no input.
    """
    spec, x = task.spec, batch.x
    if not spec.parts:
        rows = np.arange(1 - x.shape[-1], 1) * dilation
        places = None if spec.target_channels is None else (spec.target_channels[k], slice(None))
        return rows, _physical(task, k, None if places is None else (window, *places), batch, len(rows))
    part, channel = _part_of(spec, spec.targets[k])
    rows = np.round(np.array(part.times) / spec.step).astype(int)
    if channel is None:
        return rows, np.full(len(rows), np.nan)
    first = borders(spec.parts)[part.name].start + channel * len(rows)
    return rows, _physical(task, k, (window, slice(first, first + len(rows))), batch, len(rows))


def _part_of(spec: Spec, target: str) -> tuple[Part, int | None]:
    """Return the source that a target is an input of, and the number of its channel; else any series, and None."""
    for part in spec.parts:
        names = [f"{part.name}.{channel}" for channel in part.channels]
        if not part.frames and target in names:
            return part, names.index(target)
    return next((part for part in spec.parts if not part.frames), spec.parts[0]), None


def _physical(task: Forecast, k: int, where: tuple[Any, ...] | None, batch: Batch, count: int) -> np.ndarray:
    if where is None:
        return np.full(count, np.nan)
    past = task.target_scaling.select([k]).inverse(batch.x[where][:, None])[:, 0]
    if batch.x_observed is not None:
        past = past.where(batch.x_observed[where], past.new_full((), torch.nan))
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
