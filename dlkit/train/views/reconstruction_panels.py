"""From windows and samples that are given back to the figures of `report`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from dlkit.report.reconstruction_figures import BackView, back_figure, image_back_figure
from dlkit.report.tables import shorten
from dlkit.train.anomalies.events import evaluated

if TYPE_CHECKING:
    import matplotlib.figure

WINDOWS, MOST_CHANNELS = 3, 6


def window_panel(task: Any, data: Any) -> "matplotlib.figure.Figure":
    """Return the figure of some validation windows, of the channels with the largest errors."""
    batch = data.transfer_batch_to_device(data.pick_batch("val", WINDOWS), task.device, 0)
    with evaluated(task):
        found = task.predict_step(batch, 0)
        errors = task.squares(batch)[0].mean((0, 2)).cpu().numpy()
    first, spec = task.spec.measured, task.spec
    shown = np.sort(np.argsort(-errors, kind="stable")[:MOST_CHANNELS]).tolist()
    truth, point = (part[:, :first][:, shown].float().cpu().numpy() for part in (found.truth, found.point))
    times = data.clock(data.prepared.table.times[found.start.cpu().numpy()])
    views = [BackView(truth[k], point[k], f"from {name_of(time)}") for k, time in enumerate(times)]
    names, units = [spec.channels[k] for k in shown], [spec.units[k] for k in shown]
    title = f"validation windows: the {len(shown)} channels with the largest errors of {first}"
    return back_figure(views, names, units, step=spec.step * data.geometry.dilation, title=title)


def name_of(time: Any) -> str:
    """Return a date to the second, or seconds."""
    if isinstance(time, float):
        return f"{time:.6g} s"
    return str(np.datetime64(time, "s")).replace("T", " ")


def sample_panel(
    task: Any, data: Any, numbers: Tensor, names: list[str], said: list[str], *, title: str
) -> "matplotlib.figure.Figure":
    """Return the figure of some images or traces, measured and given back.

    Args:
        task: A Reconstruct.
        data: Its samples.
        numbers: Of the samples.
        names: What they are called.
        said: What is said of each.
        title: What they have in common.
    """
    batch = data.transfer_batch_to_device(data.make_batch(numbers), task.device, 0)
    with evaluated(task):
        found = task.predict_step(batch, 0)
    first, spec = task.spec.measured, task.spec
    truth, point = (part[:, :first].float().cpu().numpy() for part in (found.truth, found.point))
    channels, units = spec.channels[:first], spec.units[:first]
    if len(spec.size) == 2:
        views = [
            BackView(truth[k], point[k], f"{shorten(name, 40)}\n{said[k]}".strip()) for k, name in enumerate(names)
        ]
        return image_back_figure(views, channels, unit=units[0] if len(set(units)) == 1 else "", title=title)
    views = [BackView(truth[k], point[k], f"{name} {said[k]}".strip()) for k, name in enumerate(names[:WINDOWS])]
    shown = slice(0, MOST_CHANNELS)
    views = [replace(view, truth=view.truth[shown], point=view.point[shown]) for view in views]
    return back_figure(views, channels[shown], units[shown], step=spec.step, title=title)
