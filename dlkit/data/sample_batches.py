"""Make batches of samples: one copy of their rows, then augmentation and normalization of the whole batch."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.base import Augment
from dlkit.data.gather import one_thread
from dlkit.data.normalize import ChannelScaling
from dlkit.data.placement import read_only_tensor
from dlkit.data.sample_prepare import PreparedSamples


@dataclass(frozen=True, eq=False)
class Numbers:
    """The samples of a role, by their numbers."""

    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def starts(self, numbers: Tensor) -> Tensor:
        """Return the numbers of the samples with these places in the role."""
        return self.numbers[numbers]


@dataclass(frozen=True, eq=False)
class SampleBatches:
    """Turns numbers of samples into a batch.

    Attributes:
        values: (samples, channels, *size) in the type in which they are stored.
        labels: Class numbers, int64; labels, or standardized targets, NaN where missing, float32.
        lengths: Length of each trace, or None when all are whole.
        scaling: Of the channels.
        complete: No value is missing but in the padding.
        augment: Changes training batches.
    """

    values: Tensor
    labels: Tensor
    lengths: Tensor | None
    scaling: ChannelScaling
    complete: bool
    augment: Sequence[Augment] = ()

    @classmethod
    def place(cls, ready: PreparedSamples, augment: Sequence[Augment] = ()) -> "SampleBatches":
        """Return what makes batches of samples in memory."""
        samples = ready.samples
        labels = torch.from_numpy(samples.labels)
        assert isinstance(samples.values, np.ndarray)
        values = read_only_tensor(samples.values)
        return cls(
            values=values,
            labels=ready.target_scaling(labels) if samples.kind == "values" else labels,
            lengths=None if samples.lengths is None else torch.from_numpy(samples.lengths),
            scaling=ready.scaling,
            complete=not (values.is_floating_point() and bool(_has_holes(values, samples.lengths))),
            augment=augment,
        )

    def to(self, device: torch.device) -> "SampleBatches":
        """Return the same with its samples on a device."""
        if device == self.values.device:
            return self
        lengths = None if self.lengths is None else self.lengths.to(device)
        scaling = self.scaling.select(list(range(len(self.scaling.shift)))).to(device)
        return replace(
            self, values=self.values.to(device), labels=self.labels.to(device), lengths=lengths, scaling=scaling
        )

    def make(self, places: Tensor, generator: torch.Generator | None = None) -> Batch:
        """Return the batch of these samples, where the places lie; augmented when there is a generator."""
        numbers = places.to(self.values.device)
        with one_thread() if numbers.device.type == "cpu" else nullcontext():
            batch = self._make(numbers, generator)
        if batch.x.device == places.device:
            return batch
        return Batch._make(None if part is None else part.to(places.device) for part in batch)

    def _make(self, numbers: Tensor, generator: torch.Generator | None) -> Batch:
        x, y = self.values.index_select(0, numbers), self.labels.index_select(0, numbers)
        augment = self.augment if generator is not None else ()
        for change in augment:
            if change.on_raw and generator is not None:
                x, y = change(x, y, generator)
        x = self._normalize(x, numbers)
        for change in augment:
            if not change.on_raw and generator is not None:
                x, y = change(x, y, generator)
        x_observed = None if self.complete else ~x.isnan()
        if x_observed is not None or self.lengths is not None:
            x.nan_to_num_(nan=0.0)
        y_observed = ~y.isnan() if y.is_floating_point() else None
        if y_observed is None or bool(y_observed.all()):
            return Batch(x, y, x_observed, None, start=numbers)
        return Batch(x, y.nan_to_num(nan=0.0), x_observed, y_observed, start=numbers)

    def _normalize(self, raw: Tensor, numbers: Tensor) -> Tensor:
        """Return float32 on the common scale, with the channel that says where a trace is when lengths differ."""
        channels = raw.shape[1]
        x = raw.new_empty((len(raw), channels + (self.lengths is not None), *raw.shape[2:]), dtype=torch.float32)
        inputs = x[:, :channels]
        inputs.copy_(raw)
        if bool(self.scaling.log.any()):
            inputs.copy_(self.scaling(inputs, dim=1))
        else:
            shape = (-1, *[1] * (raw.ndim - 2))
            inputs.sub_(self.scaling.shift.view(shape)).div_(self.scaling.scale.view(shape))
        if self.lengths is not None:
            time = torch.arange(raw.shape[-1], device=raw.device)
            x[:, -1] = time < self.lengths.index_select(0, numbers)[:, None]
        return x


def _has_holes(values: Tensor, lengths: object) -> bool:
    """Tell whether a value is missing inside a sample."""
    ends = None if lengths is None else torch.as_tensor(lengths)
    for first in range(0, len(values), 256):
        holes = values[first : first + 256].isnan()
        if ends is not None and holes.any():
            holes &= torch.arange(values.shape[-1]) < ends[first : first + 256, None, None]
        if holes.any():
            return True
    return False
