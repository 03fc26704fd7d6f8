"""The samples that are explained: in physical units, with what they are compared with and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.specs import Part
from dlkit.data.batches.batching import Batching
from dlkit.explain.packed import explained
from dlkit.report.canvas import SPANS
from dlkit.report.sample_grid import seen_text
from dlkit.tasks.forecast import Forecast
from dlkit.train.explain.question import Wanted
from dlkit.train.explain.times import sample_names

BASELINES = ("mean", "zero", "train")


@dataclass(frozen=True, eq=False)
class Inputs:
    """Samples to explain.

    Attributes:
        batch: As the network takes them, on its device.
        names: What they are called.
        values: In physical units, NaN where missing or padded, (batch, inputs, *size).
        channels: Name of each input, without helper channels such as masks.
        units: Unit of each input.
        times: Time of each sample of a trace in ``time_unit``, (time,), or of a window, (batch, time); None for images.
        time_unit: Unit of the times, "" for dates.
        valid: What is part of a sample, (batch, channels, *size); helper channels and padding are not.
        truth: True where the answer is known to lie, (batch, *size), or None.
        parts: The sources of packed inputs; then all of the above is (batch, values), and ``times`` is the moment of
            the last input, (batch,).
        source_times: Time of each sample or frame of each source, (batch, times); NaT or NaN where there is no frame.
        seen: What the network gets of images, in words.
    """

    batch: Batch
    names: list[str]
    values: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    times: np.ndarray | None
    time_unit: str
    valid: Tensor
    truth: Tensor | None
    parts: tuple[Part, ...] = ()
    source_times: dict[str, np.ndarray] = field(default_factory=dict)
    seen: str = ""


def choose_batch(data: Batching, split: str, samples: int, numbers: Sequence[int] | None) -> Batch:
    """Return some samples of a split, spread evenly, or those with the given numbers.

    Raises:
        InputError: The split has no sample, or none of a number.
    """
    require(split in ("train", "val", "test"), f"--split {split} is none of train, val and test.")
    require(samples > 0, f"--samples {samples} must be positive.")
    count = data.count(split)
    require(count > 0, f"The split '{split}' has no sample to explain: choose another by --split, or change `split`.")
    if numbers is None:
        return data.pick_batch(split, samples)
    wrong = [number for number in numbers if not 0 <= number < count]
    require(not wrong, f"--number {wrong} is not in the split '{split}': it has {count} samples, numbered from 0.")
    return data.make_batch(data.places(split).starts(torch.tensor(list(numbers))))


def gather_inputs(task: Any, data: Batching, batch: Batch) -> Inputs:
    """Return the samples of a batch with all that a figure of them shows."""
    spec = task.spec
    count = spec.measured
    inside = explained(batch.x, spec)
    scaling = task.scaling.select(list(range(count)))
    values = scaling.inverse(batch.x[:, :count].float(), dim=1)
    known = inside[:, :count] if batch.x_observed is None else inside[:, :count] & batch.x_observed[:, :count]
    times, unit = clock_of(task, data, batch)
    return Inputs(
        batch=batch,
        names=sample_names(task, data, batch),
        values=values.where(known, torch.nan).cpu().numpy(),
        channels=spec.channels[:count],
        units=spec.units[:count] or ("",) * count,
        times=times,
        time_unit=unit,
        valid=inside,
        truth=known_truth(data, batch),
        seen=seen_text(*batch.x.shape[2:], scaled=bool(getattr(data, "size", None))) if batch.x.ndim == 4 else "",
    )


def clock_of(task: Any, data: Any, batch: Batch) -> tuple[np.ndarray | None, str]:
    """Return the times of the samples and their unit."""
    if isinstance(task, Forecast):
        assert batch.start is not None
        rows = batch.start.cpu().numpy()[:, None] + data.geometry.dilation * np.arange(batch.x.shape[-1])
        return data.clock(data.prepared.table.times[rows]), ""
    if batch.x.ndim == 4:
        return None, ""
    seconds = np.arange(batch.x.shape[-1]) * data.prepared.samples.step
    unit, size = next(((unit, size) for limit, unit, size in SPANS if seconds[-1] < limit), ("d", 86_400.0))
    return seconds / size, unit


def known_truth(data: Any, batch: Batch) -> Tensor | None:
    """Return where the answer is known to lie, for data made with a known truth."""
    informative = getattr(getattr(data.prepared, "samples", None), "informative", None)
    if informative is None or batch.start is None:
        return None
    truth = torch.from_numpy(np.ascontiguousarray(informative[batch.start.cpu().numpy()])).bool()
    return truth.to(batch.x.device) if truth.shape[1:] == batch.x.shape[2:] else None


def baseline_kind(wanted: Wanted, references: int) -> str:
    """Return the name of what samples are compared with."""
    return wanted.baseline or ("train" if references > 1 else "mean")


def baseline_of(task: Any, data: Batching, inputs: Inputs, wanted: Wanted, references: int) -> Tensor:
    """Return what samples are compared with, (references, batch, channels, *size).

    Helper channels, padding, and sources that are not there stay the sample's.

    Raises:
        InputError: There is no such baseline.
    """
    kind = baseline_kind(wanted, references)
    require(kind in BASELINES, f"--baseline {kind} is none of {', '.join(BASELINES)}.")
    x = inputs.batch.x
    start = torch.zeros_like(x)[None]
    if kind == "zero":
        start[0] = physical_zero(task, inputs)
    if kind == "train":
        start = data.pick_batch("train", max(references, 16)).x.to(x.device)[:, None]
    return torch.where(inputs.valid, start, x)


def physical_zero(task: Any, inputs: Inputs) -> Tensor:
    """Return standardized inputs that are 0 in physical units; helper channels are 0."""
    x, count = inputs.batch.x, len(inputs.channels)
    if inputs.parts:
        packed: Tensor = task.scaling(torch.zeros_like(x))
        return packed
    zero = torch.zeros_like(x)
    zero[:, :count] = task.scaling.select(list(range(count)))(torch.zeros_like(x[:, :count]), dim=1)
    return zero
