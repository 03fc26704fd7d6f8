"""Inputs of windows and samples in physical units, a part for each source."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dlkit.core.batch import Batch
from dlkit.core.packing import unpack
from dlkit.explain.packed import explained_values
from dlkit.report.embedding_figures import Axis
from dlkit.train.embedding.points import Embedded


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs of one source.

    Attributes:
        source: Its name, "" where there is one.
        axis: Channels, units and times.
        values: (batch, channels, time) or (batch, channels, height, width), NaN where missing.
    """

    source: str
    axis: Axis
    values: np.ndarray


def physical_inputs(task: Any, data: Any, batch: Batch) -> list[Inputs]:
    """Return the inputs of a batch without helper channels, of each source; of a camera the last frame."""
    return of_several(task, batch) if task.spec.parts else [of_one(task, data, batch)]


def of_one(task: Any, data: Any, batch: Batch) -> Inputs:
    """Return the inputs of one source; times of a window are before its last row."""
    spec, x = task.spec, batch.x
    count = spec.measured
    values = task.scaling.select(list(range(count))).inverse(x[:, :count].float(), dim=1)
    if batch.x_observed is not None:
        values = values.where(batch.x_observed[:, :count], torch.nan)
    if spec.padded:
        values = values.where(x[:, -1:] > 0, torch.nan)
    axis = Axis(spec.channels[:count], spec.units[:count] or ("",) * count, seconds_of(data, x.shape))
    return Inputs("", axis, values.cpu().numpy())


def seconds_of(data: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the time of each sample of an input of this shape; None for images."""
    if len(shape) == 4:
        return None
    steps = np.arange(shape[-1])
    if not hasattr(data.prepared, "table"):
        return steps * float(data.prepared.samples.step)
    seconds: np.ndarray = (steps - steps[-1]) * data.geometry.dilation * data.prepared.table.step / 1e9
    return seconds


def of_several(task: Any, batch: Batch) -> list[Inputs]:
    """Return the inputs of each of several sources."""
    parts, x = task.spec.parts, batch.x.float()
    inside = explained_values(x, parts)
    known = inside if batch.x_observed is None else inside & batch.x_observed
    values = task.scaling.inverse(x).where(known, torch.nan)
    found = []
    for part, whole in zip(parts, unpack(values, parts).values(), strict=True):
        count = len(part.channels) - part.helpers
        own = whole[:, -1, :count] if part.frames else whole[:, :count]
        seconds = None if part.frames else np.array(part.times)
        axis = Axis(part.channels[:count], part.units[:count] or ("",) * count, seconds)
        found.append(Inputs(part.name, axis, own.cpu().numpy()))
    return found


def pictured(inputs: list[Inputs]) -> Inputs:
    """Return the inputs that thumbnails show: of the camera where there is one, else of the first source."""
    return next((one for one in inputs if one.axis.seconds is None), inputs[0])


def inputs_of(task: Any, among: Embedded, chosen: np.ndarray) -> list[Inputs]:
    """Return the inputs of some windows or samples in physical units."""
    batch = among.data.transfer_batch_to_device(among.batch(chosen), task.device, 0)
    return physical_inputs(task, among.data, batch)
