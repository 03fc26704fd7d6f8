"""What classical methods get of a window or a sample: one row of numbers, made of what the network gets."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.packing import presence, unpack
from dlkit.core.specs import Spec
from dlkit.train.evaluation.naive_sources import LastOfParts


def averaged(x: Float[Tensor, "..."], axes: int, width: int) -> Float[Tensor, "..."]:
    """Return means of ``width`` neighbours along each of the last axes, counted from the end; what is left averages.

    Args:
        x: Values.
        axes: Number of the last axes that are averaged.
        width: Neighbours that become one.
    """
    for axis in range(-axes, 0) if width > 1 else ():
        size = x.shape[axis]
        first, whole = size % width, size // width
        parts = [x.narrow(axis, 0, first).mean(axis, keepdim=True)] if first else []
        if whole:
            parts.append(x.narrow(axis, first, size - first).unflatten(axis, (whole, width)).mean(axis))
        x = torch.cat(parts, axis)
    return x


def reduced(size: tuple[int, ...], width: int) -> int:
    """Return the number of values that :func:`averaged` leaves of axes of these sizes."""
    return math.prod(math.ceil(extent / width) for extent in size)


def last_observed(x: Float[Tensor, "batch channels time"], observed: Tensor | None) -> Float[Tensor, "batch channels"]:
    """Return the last value of each channel that was observed; 0, the mean of training, where none was."""
    if observed is None:
        return x[..., -1]
    last = (torch.arange(1, x.shape[-1] + 1, device=x.device) * observed).argmax(-1, keepdim=True)
    return (x * observed).gather(-1, last)[..., 0]


@dataclass(frozen=True)
class Design:
    """Makes rows of numbers of batches, standardized, filled and with masks as the network gets them.

    Attributes:
        spec: Of the network.
        most: Numbers of a row at most; longer inputs are averaged over neighbours in time or in the image.
        relative: Forecasts: inputs and answers are told from the last observed value of their channel.
    """

    spec: Spec
    most: int
    relative: bool = False

    def count(self, width: int) -> int:
        """Return the length of a row when ``width`` neighbours are averaged."""
        spec = self.spec
        if spec.parts:
            shapes = [(part.count // math.prod(part.size), part.size) for part in spec.parts]
            found = sum(channels * reduced(size, width) for channels, size in shapes) + len(spec.parts)
        else:
            found = len(spec.channels) * reduced(spec.size, width)
        horizon = spec.output[0] if spec.future else 0
        return found + len(spec.future) * reduced((horizon,), width) + len(spec.static)

    @cached_property
    def width(self) -> int:
        """Neighbours that are averaged: as few as fit."""
        longest = max([*self.spec.size, *(extent for part in self.spec.parts for extent in part.size)])
        return next((width for width in range(1, longest) if self.count(width) <= self.most), longest)

    @property
    def features(self) -> int:
        """Length of a row."""
        return self.count(self.width)

    def levels(self, batch: Batch) -> Float[Tensor, "batch horizon targets"] | None:
        """Return the last value of each target over the horizon of a forecast; None where it is not an input."""
        spec = self.spec
        if spec.kind != "forecast":
            return None
        shape = (len(batch.x), *spec.output[:-1])
        if spec.parts:
            try:
                found: Tensor = LastOfParts(spec)(batch.x)[..., 0]
            except InputError:
                return None
            return found
        if spec.target_channels is None:
            return None
        last = last_observed(batch.x, batch.x_observed)[:, list(spec.target_channels)]
        return last[:, None, :].expand(shape)

    def inputs(self, batch: Batch) -> Float[Tensor, "batch features"]:
        """Return a row for each window or sample of a batch."""
        spec, x, width = self.spec, batch.x.float(), self.width
        if spec.parts:
            own = [averaged(part, len(one.size), width) for one, part in zip(spec.parts, unpack(x, spec.parts).values(),
                                                                             strict=True)]  # fmt: skip
            parts = [*own, presence(x, spec.parts)]
        else:
            parts = [averaged(self.from_last(batch) if self.relative else x, len(spec.size), width)]
        parts += [] if batch.future is None else [averaged(batch.future.float(), 1, width)]
        parts += [] if batch.static is None else [batch.static.float()]
        return torch.cat([part.flatten(1) for part in parts], 1)

    def from_last(self, batch: Batch) -> Float[Tensor, "batch channels time"]:
        """Return inputs told from the last observed value of their channel, 0 where they are missing."""
        x, own = batch.x.float(), self.spec.measured
        values = x[:, :own]
        observed = None if batch.x_observed is None else batch.x_observed[:, :own]
        told = values - last_observed(values, observed)[..., None]
        return torch.cat([told if observed is None else told * observed, x[:, own:]], 1)
