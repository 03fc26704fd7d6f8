"""A look at some windows or samples of a role: features, and level and spread of each channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.confidence.ranges import measured_numbers
from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.core.spread import evenly
from dlkit.models.base import Net
from dlkit.train.anomalies.events import evaluated


@dataclass(frozen=True, eq=False)
class Look:
    """What some inputs look like, in the order of the table.

    Attributes:
        starts: First row of each window, or number of each sample, (inputs,).
        features: (inputs, features).
        levels: Mean and standard deviation of each channel, standardized units, NaN where nothing was measured; of
            windows of one table the last value and 0, which forget sooner than means do, (inputs, channels, 2).
    """

    starts: Tensor
    features: Tensor
    levels: Tensor


def input_shape(spec: Spec) -> tuple[int, ...]:
    """Return the shape of one input of a network."""
    return spec.size if spec.parts else (len(spec.channels), *spec.size)


def known_values(spec: Spec, batch: Batch) -> Bool[Tensor, "batch ..."] | None:
    """Return which values of the inputs were measured and are no padding; None where all are."""
    inside = (batch.x[:, -1:] > 0).expand_as(batch.x) if spec.padded else None
    if batch.x_observed is None or inside is None:
        return inside if batch.x_observed is None else batch.x_observed
    return batch.x_observed & inside


def features_of(task: Any, batch: Batch) -> Float[Tensor, "batch features"]:
    """Return the features of a batch as vectors: mean and standard deviation over positions, where there are some.

    The mean alone, which clusters are found with, does not see a flat line at the usual level. Networks that say
    themselves what their embedding is, know better.
    """
    net = task.net
    if type(net).embedding is not Net.embedding:
        found: Tensor = net.embedding(batch.x).float()
        return found
    z: Tensor = net.features(batch.x).float()
    if z.ndim == 2:
        return z
    flat = z.flatten(2)
    mean = flat.mean(2, keepdim=True)
    return torch.cat([mean.squeeze(2), (flat - mean).square_().mean(2).sqrt()], dim=1)


def batches_of(task: Any, data: Any, role: str, most: int) -> Iterator[Batch]:
    """Yield the batches of at most ``most`` inputs of a role, spread evenly, where the network is."""
    places = data.places(role)
    require(len(places) > 0, data.missing(role))
    for part in torch.from_numpy(evenly(len(places), most)).split(data.eval_batch_size):
        yield data.transfer_batch_to_device(data.make_batch(places.starts(part)), task.device, 0)


def levels_of(x: Tensor, known: Tensor | None, numbers: Tensor, channels: int) -> Float[Tensor, "batch channels 2"]:
    """Return mean and standard deviation of each channel of each input, NaN where nothing was measured.

    Args:
        x: Inputs.
        known: Which values count; None for all.
        numbers: Channel of each value of an input, -1 for none, (values,).
        channels: How many there are.
    """
    some = numbers >= 0
    values, index = x.flatten(1)[:, some].float(), numbers[some]
    counts = torch.ones_like(values) if known is None else known.flatten(1)[:, some].float()
    sums = [
        x.new_zeros(len(x), channels, dtype=torch.float32).index_add(1, index, part)
        for part in (counts, values * counts, values.square() * counts)
    ]
    mean, square = sums[1] / sums[0], sums[2] / sums[0]
    return torch.stack([mean, (square - mean.square()).clamp_min(0).sqrt()], dim=-1)


def last_values(x: Tensor, known: Tensor | None) -> Float[Tensor, "batch channels 2"]:
    """Return the last value of each channel of each window, NaN where it was not measured, and 0."""
    last = x[..., -1].float()
    last = last if known is None else last.where(known[..., -1], torch.nan)
    return torch.stack([last, torch.zeros_like(last)], dim=-1)


def look(task: Any, data: Any, role: str, most: int) -> Look:
    """Look at at most ``most`` inputs of a role, spread evenly, without learning from them.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data.
        role: "train", "val" or "test".
        most: Most inputs.
    """
    numbers = measured_numbers(task.spec, input_shape(task.spec)).to(task.device)
    starts, features, levels = [], [], []
    table = hasattr(data.prepared, "table") and not task.spec.parts
    with evaluated(task):
        for batch in batches_of(task, data, role, most):
            assert batch.start is not None
            starts.append(batch.start)
            features.append(features_of(task, batch))
            known = known_values(task.spec, batch)
            many = len(task.spec.channels)
            levels.append(last_values(batch.x, known) if table else levels_of(batch.x, known, numbers, many))
    return Look(torch.cat(starts), torch.cat(features), torch.cat(levels))
