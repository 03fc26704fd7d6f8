"""From windows and samples that are given back to the figures of `report`."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.reconstruction_figures import BackView, back_figure
from dlkit.tasks.reconstruct import measured_channels
from dlkit.train.anomalies import evaluated

if TYPE_CHECKING:
    import matplotlib.figure

WINDOWS, MOST_CHANNELS = 3, 6


def window_panel(task: Any, data: Any) -> "matplotlib.figure.Figure":
    """Return the figure of some validation windows, of the channels with the largest errors."""
    batch = data.transfer_batch_to_device(data.pick_batch("val", WINDOWS), task.device, 0)
    with evaluated(task):
        found = task.predict_step(batch, 0)
        errors = task.squares(batch)[0].mean((0, 2)).cpu().numpy()
    first, spec = measured_channels(task.spec), task.spec
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
