"""Make batches of samples: one copy of their rows, then augmentation and normalization of the whole batch."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.base import Augment
from dlkit.data.batches.gather import OneThread
from dlkit.data.batches.placement import read_only_tensor
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.normalize import ChannelScaling
from dlkit.data.records import Pictures


@dataclass(frozen=True, eq=False)
class Numbers:
    """The samples of a role, by their numbers."""

    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def starts(self, numbers: Tensor) -> Tensor:
        """Return the numbers of the samples with these places in the role."""
        return self.numbers[numbers]


class Raw(NamedTuple):
    """Samples as they are stored: what a worker reads and what moves to a device.

    Attributes:
        values: (batch, channels, *size).
        places: Number of each sample, int64, (batch,), on the host.
    """

    values: Tensor
    places: Tensor


@dataclass(frozen=True, eq=False)
class SampleBatches:
    """Turns numbers of samples into a batch.

    Attributes:
        values: (samples, channels, *size) in the type in which they are stored, or images that are decoded when asked
            for.
        labels: Class numbers, int64; labels, or standardized targets, NaN where missing, float32.
        lengths: Length of each trace, or None when all are whole.
        scaling: Of the channels.
        curved: A channel takes the logarithm.
        complete: No value is missing but in the padding.
        labelled: No label is missing.
        augment: Changes training batches.
    """

    values: Tensor | Pictures
    labels: Tensor
    lengths: Tensor | None
    scaling: ChannelScaling
    curved: bool
    complete: bool
    labelled: bool
    augment: Sequence[Augment] = ()

    @classmethod
    def place(cls, ready: PreparedSamples, augment: Sequence[Augment] = ()) -> "SampleBatches":
        """Return what makes batches of samples, in the memory of the host."""
        samples = ready.samples
        labels = torch.from_numpy(samples.labels)
        labels = ready.target_scaling(labels) if samples.kind == "values" else labels
        values = read_only_tensor(samples.values) if isinstance(samples.values, np.ndarray) else samples.values
        return cls(
            values=values,
            labels=labels,
            lengths=None if samples.lengths is None else torch.from_numpy(samples.lengths),
            scaling=ready.scaling,
            curved=bool(ready.scaling.log.any()),
            complete=is_complete(values, samples.lengths),
            labelled=samples.kind == "reconstruct" or bool(is_known(labels).all()),
            augment=sorted(augment, key=lambda change: not change.on_raw),
        )

    def to(self, device: torch.device, *, table: bool = True) -> "SampleBatches":
        """Return the same for batches on a device, with the table there, or left on the host."""
        if device == self.labels.device:
            return self
        lengths = None if self.lengths is None else self.lengths.to(device)
        scaling = self.scaling.select(list(range(len(self.scaling.shift)))).to(device)
        values = self.values.to(device) if table and isinstance(self.values, Tensor) else self.values
        return replace(self, values=values, labels=self.labels.to(device), lengths=lengths, scaling=scaling)

    def read(self, places: Tensor) -> Raw:
        """Return the stored samples with these numbers, on the host."""
        if not isinstance(self.values, Tensor):
            return Raw(torch.stack([torch.from_numpy(self.values.decode(n)) for n in places.tolist()]), places)
        with OneThread() if self.values.device.type == "cpu" else nullcontext():
            # As int16, for on a GPU torch cannot choose among uint16; where values only move their sign is no matter.
            stored = self.values.dtype
            values = self.values.view(torch.int16) if stored == torch.uint16 else self.values
            return Raw(values.index_select(0, places.to(values.device, non_blocking=True)).view(stored), places)

    def make(self, places: Tensor | Raw, generator: torch.Generator | None = None) -> Batch:
        """Return the batch of these samples on the device of this; augmented when there is a generator."""
        raw = self.read(places) if isinstance(places, Tensor) else places
        device = self.labels.device
        with OneThread() if device.type == "cpu" else nullcontext():
            return self._make(raw.values.to(device), raw.places.to(device, non_blocking=True), generator)

    def _make(self, raw: Tensor, numbers: Tensor, generator: torch.Generator | None) -> Batch:
        x, y = raw, self.labels.index_select(0, numbers)
        changes = [] if generator is None else [(change, generator) for change in self.augment]
        for change, random in changes:
            if change.on_raw:
                x, y = change(x, y, random)
        x = self._normalize(x, numbers)
        for change, random in changes:
            if not change.on_raw:
                x, y = change(x, y, random)
        x_observed = None if self.complete else ~x.isnan()
        if x_observed is not None or self.lengths is not None:
            x.nan_to_num_(nan=0.0)
        if self.labelled:
            return Batch(x, y, x_observed, None, start=numbers)
        return Batch(x, y.where(is_known(y), 0), x_observed, is_known(y), start=numbers)

    def _normalize(self, raw: Tensor, numbers: Tensor) -> Tensor:
        """Return float32 on the common scale, with the channel that says where a trace is when lengths differ."""
        channels = raw.shape[1]
        x = raw.new_empty((len(raw), channels + (self.lengths is not None), *raw.shape[2:]), dtype=torch.float32)
        inputs, shape = x[:, :channels], (-1, *[1] * (raw.ndim - 2))
        inputs.copy_(raw)
        if self.curved:
            inputs.copy_(self.scaling(inputs, dim=1))
        else:
            inputs.sub_(self.scaling.shift.view(shape)).mul_(self.scaling.scale.reciprocal().view(shape))
        if self.lengths is not None:
            time = torch.arange(raw.shape[-1], device=raw.device)
            x[:, -1] = time < self.lengths.index_select(0, numbers)[:, None]
        return x


def is_known(labels: Tensor) -> Tensor:
    """Tell which labels are known: classes from 0, numbers that are no NaN."""
    return ~labels.isnan() if labels.is_floating_point() else labels >= 0


def is_complete(values: Tensor | Pictures, lengths: np.ndarray | None) -> bool:
    """Tell whether no value is missing inside the samples."""
    if not isinstance(values, Tensor):
        return values.decode(0).dtype.kind != "f"
    if not values.is_floating_point():
        return True
    ends = None if lengths is None else torch.from_numpy(lengths)
    for first in range(0, len(values), 256):
        holes = values[first : first + 256].isnan()
        if ends is not None:
            holes &= torch.arange(values.shape[-1]) < ends[first : first + 256, None, None]
        if holes.any():
            return False
    return True
