"""Is an answer an interpolation? How far the features of its input lie from training, and which channels go beyond."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from dlkit.confidence.distance import Distance, Method, Places, fit_distance
from dlkit.confidence.ranges import Extremes, measured_numbers
from dlkit.core.batch import Batch
from dlkit.embedding.space import fit_space
from dlkit.train.confidence.novelty_looks import batches_of, features_of, input_shape, known_values, look

REFERENCE = 4096  # training windows or samples that distances are taken to, spread evenly
RANGED = 20_000  # those in which the range of a channel is looked for


class Newness(NamedTuple):
    """How new the inputs of a batch are.

    Attributes:
        distance: To training, 1 where 95 % of validation are nearer, (batch,).
        outside: Whether a channel goes beyond its range in training, (batch, channels).
    """

    distance: Tensor
    outside: Tensor


@dataclass(eq=False)
class Novelty:
    """What is known of the training inputs of a run; it follows the network from device to device.

    Attributes:
        places: Where features lie.
        distance: How far they are from training.
        extremes: Range of each channel in training.
        channels: Names of the channels.
    """

    places: Places
    distance: Distance
    extremes: Extremes
    channels: tuple[str, ...]

    @torch.no_grad()
    def of(self, task: Any, batch: Batch) -> Newness:
        """Return how new the inputs of a batch are; within :func:`features_kept` the features are those of its answer.

        Args:
            task: The trained task, in evaluation, where the batch is.
            batch: Standardized inputs.
        """
        self._move(batch.x.device)
        distance = self.distance(self.places(features_of(task, batch)))
        outside = self.extremes.outside(batch.x, known_values(task.spec, batch))
        return Newness(distance.nan_to_num(nan=torch.inf), outside)

    def columns(self, task: Any, batch: Batch) -> dict[str, Any]:
        """Return distance and flag of each window or sample, (batch,), for the prediction table.

        The flag is "interpolates", "extrapolates" where the distance is above 1, or "extrapolates: NAME, NAME" where
        channels go beyond their range in training.
        """
        found = self.of(task, batch)
        return {"distance": found.distance.cpu().numpy(), "flag": pa.array(self.flags(found), pa.string())}

    def flags(self, found: Newness) -> list[str]:
        """Return in words whether each input is like those of training."""
        far, outside = (found.distance > 1).cpu().numpy(), found.outside.cpu().numpy()
        flags = np.where(far, "extrapolates", "interpolates").astype(object)
        names = np.array(self.channels, dtype=object)
        for k in np.flatnonzero(outside.any(1)):
            flags[k] = f"extrapolates: {', '.join(names[outside[k]])}"
        return list(flags)

    def _move(self, device: torch.device) -> None:
        if self.places.mean.device != device:
            self.places, self.distance = moved(self.places, device), moved(self.distance, device)
            low, high = self.extremes.low.to(device), self.extremes.high.to(device)
            self.extremes = Extremes(self.extremes.channel.to(device), self.extremes.channels)
            self.extremes.low, self.extremes.high = low, high


def moved(one: Any, device: torch.device) -> Any:
    """Return a dataclass with its tensors on a device."""
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return type(one)(**{k: v.to(device) if isinstance(v, Tensor) else v for k, v in values.items()})


@contextmanager
def features_kept(task: Any) -> Iterator[None]:
    """The features of the last input are computed once: its answer and its distance share them.

    Those of several members, or with dropout switched on, are others for each answer, and are computed apart.
    """
    if getattr(task, "members", None) is not None:
        yield
        return
    net, last = task.net, dict[str, Tensor]()
    inner = net.features

    def features(x: Tensor) -> Tensor:
        if last.get("x") is not x:
            last.update(x=x, z=inner(x))
        return last["z"]

    net.features = features
    try:
        yield
    finally:
        del net.features


def fit_novelty(task: Any, data: Any, *, method: Method = "nearest", most: int = REFERENCE) -> Novelty:
    """Return what is known of the training inputs; validation says what is far.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data.
        method: "nearest", the distance to the fifth nearest training input, or "mahalanobis".
        most: Training and validation inputs that are compared, spread evenly.

    Raises:
        InputError: There is too little to compare with.
    """
    train, val = (look(task, data, role, most).features for role in ("train", "val"))
    space = fit_space(train.cpu().numpy())
    places = Places(*(torch.from_numpy(part).to(train) for part in (space.mean, space.scale, space.axes)))
    distance = fit_distance(places(train), places(val), method=method)
    return Novelty(places, distance, extremes_in(task, data), tuple(task.spec.channels))


def extremes_in(task: Any, data: Any) -> Extremes:
    """Return the range of each measured channel in training, over 20,000 inputs at most, spread evenly."""
    numbers = measured_numbers(task.spec, input_shape(task.spec)).to(task.device)
    extremes = Extremes(numbers, len(task.spec.channels))
    for batch in batches_of(task, data, "train", RANGED):
        extremes.add(batch.x.float(), known_values(task.spec, batch))
    return extremes
