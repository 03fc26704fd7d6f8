"""Samples of several sources that are explained, and what is found of each source as a whole."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.specs import Part
from dlkit.data.several.camera import Camera
from dlkit.explain.packed import explained_values
from dlkit.explain.sources import MOST_SOURCES, shapley_sources
from dlkit.train.explain.inputs import Inputs, baseline_of, gather_inputs
from dlkit.train.explain.question import Question, Wanted
from dlkit.train.explain.shifts import Shifted
from dlkit.train.explain.times import issued_rows, sample_names


def gather(task: Any, data: Any, batch: Batch) -> Inputs:
    """Return the samples of a batch, of one source or several, with all that a figure of them shows."""
    return gather_sources(task, data, batch) if task.spec.parts else gather_inputs(task, data, batch)


def gather_sources(task: Any, data: Any, batch: Batch) -> Inputs:
    """Return the samples of a batch of packed inputs."""
    parts = task.spec.parts
    inside = explained_values(batch.x, parts)
    known = inside if batch.x_observed is None else inside & batch.x_observed
    measured = [(part, number) for part in parts for number in range(len(part.channels) - part.helpers)]
    return Inputs(
        batch=batch,
        names=sample_names(task, data, batch),
        values=task.scaling.inverse(batch.x.float()).where(known, torch.nan).cpu().numpy(),
        channels=tuple(f"{part.name}.{part.channels[number]}" for part, number in measured),
        units=tuple(part.units[number] if part.units else "" for part, number in measured),
        times=data.clock(data.prepared.table.times[issued_rows(data, batch)]),
        time_unit="",
        valid=inside,
        truth=None,
        parts=parts,
        source_times=source_times(data, batch, parts),
    )


def source_times(data: Any, batch: Batch, parts: tuple[Part, ...]) -> dict[str, np.ndarray]:
    """Return when each sample of each source was taken, on the clock of the recordings, (batch, times).

    Samples of a series are at rows of the clock; frames at their own stamps, NaT or NaN where there is none.
    """
    table, rows = data.prepared.table, issued_rows(data, batch)
    cameras = {one.part.name: one for one in data.prepared.laid.sources if isinstance(one, Camera)}
    found = {}
    for part in parts:
        if part.name in cameras:
            found[part.name] = frame_times(data, cameras[part.name], rows)
        else:
            back = np.rint(np.array(part.times) * 1e9 / table.step).astype(np.int64)
            found[part.name] = data.clock(table.times[rows[:, None] + back])
    return found


def frame_times(data: Any, camera: Camera, rows: np.ndarray) -> np.ndarray:
    """Return the stamps of the frames of windows that end at some rows, (batch, frames)."""
    numbers, there = camera.numbers(torch.from_numpy(rows).to(camera.newest.device))
    stamps: np.ndarray = data.clock(camera.stamps[numbers.clamp_min(0)].cpu().numpy())
    nothing = np.datetime64("NaT", "ns") if stamps.dtype.kind == "M" else np.nan
    return np.where(there.cpu().numpy(), stamps, nothing)


@dataclass(frozen=True, eq=False)
class Whole:
    """What is known of sources as a whole, whatever explains their values.

    Attributes:
        exact: Shapley values with sources put to the baseline, (batch, wanted, parts), or None for many sources.
        absent: The same with sources told to be absent.
        shifted: What shifts of each source do.
    """

    exact: Tensor | None
    absent: Tensor | None
    shifted: Shifted | None


def exact_shares(
    task: Any, data: Any, inputs: Inputs, question: Question, wanted: Wanted
) -> tuple[Tensor | None, Tensor | None]:
    """Return the Shapley values of the sources by baseline and by absence; None for many sources."""
    if len(inputs.parts) > MOST_SOURCES:
        return None, None
    baseline = baseline_of(task, data, inputs, wanted, 1)
    x, targets = inputs.batch.x, question.targets
    exact = shapley_sources(question.net, x, targets, baseline, inputs.parts)
    return exact, shapley_sources(question.net, x, targets, baseline, inputs.parts, absent=True)
