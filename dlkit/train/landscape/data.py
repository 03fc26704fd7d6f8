"""What a loss surface is measured on: a trained task, and batches that stay where it is."""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.spread import evenly
from dlkit.data.batches.batching import Batching
from dlkit.explain.landscape.surface import Precision
from dlkit.tasks.network import NetTask
from dlkit.train.cli import RunCLI
from dlkit.train.landscape.rows import digest, weights_digest

CPU_BATCH: dict[Precision, int] = {"32": 128, "bf16": 256}  # feature maps stay in the cache of the processor


@dataclass(frozen=True)
class Wish:
    """What shall be measured.

    Attributes:
        lines: A line along each of the two directions.
        plane: The plane that they span.
        points: Points along each axis.
        reach: How far the axes go: in lengths of the weights, or in extents of the trajectory.
        directions: Random and filter-normalized, or the principal ones of the trajectory.
        eigenvalues: Number of largest eigenvalues of the Hessian.
        samples: Windows or samples whose mean loss is drawn, spread evenly over the split.
        split: Role that they are taken from.
        seed: Seed of the random directions.
        precision: Precision of the forward passes.
    """

    lines: bool = True
    plane: bool = True
    points: int = 25
    reach: float = 1.0
    directions: Literal["random", "trajectory"] = "random"
    eigenvalues: int = 2
    samples: int = 1024
    split: str = "train"
    seed: int = 0
    precision: Precision = "32"

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        require(self.points >= 3, f"--points {self.points} draws no surface: give at least 3, e.g. --points 25.")
        right = math.isfinite(self.reach) and self.reach > 0
        require(right, f"--range {self.reach} must be a positive number, e.g. --range 1.")
        require(self.samples >= 1, f"--samples {self.samples} must be at least 1, e.g. --samples 1024.")
        require(self.eigenvalues >= 0, f"--eigenvalues {self.eigenvalues} must not be negative; 0 leaves them out.")


class Measured(NamedTuple):
    """A task on its device with the batches that its loss is the mean of.

    Attributes:
        task: The task with its trained weights.
        batches: The batches, on the device of the task.
        average: What each cost of an average batch is the mean over, (costs,).
        mark: Hash of weights, data and settings.
    """

    task: NetTask
    batches: list[Batch]
    average: Tensor
    mark: str

    def cost(self, batch: Batch) -> Tensor:
        """Return the loss of a batch as it counts in the mean: the plain mean over batches is that over everything."""
        return self.task.compared(self.task.step(batch).costs * (self.task.counts(batch) / self.average))


def fixed_batches(data: Batching, wish: Wish, device: torch.device) -> list[Batch]:
    """Return batches spread evenly over a split, without augmentation, where the task is."""
    places = data.places(wish.split)
    require(len(places) > 0, data.missing(wish.split))
    numbers = torch.from_numpy(evenly(len(places), wish.samples))
    size = min(CPU_BATCH[wish.precision], data.eval_batch_size) if device.type == "cpu" else data.eval_batch_size
    made = (data.make_batch(places.starts(part)) for part in numbers.split(size))
    return [_kept(data.transfer_batch_to_device(batch, device, 0), wish.precision) for batch in made]


def _kept(batch: Batch, precision: Precision) -> Batch:
    """Return a batch of its own: the buffers that it was made in are used again; images as convolutions want them."""
    batch = apply_to_collection(batch, Tensor, torch.clone)
    if batch.x.ndim != 4 or not channels_last(batch.x.device, precision):
        return batch
    return batch._replace(x=batch.x.contiguous(memory_format=torch.channels_last))


def rounded(batches: list[Batch], precision: Precision) -> list[Batch]:
    """Return batches with images rounded once, where the first convolution would else round them at every point."""
    if precision == "32":
        return batches
    return [batch._replace(x=batch.x.bfloat16()) if batch.x.ndim == 4 else batch for batch in batches]


def channels_last(device: torch.device, precision: Precision) -> bool:
    """Return whether convolutions on images are faster with the channels as the fastest axis."""
    return device.type == "cpu" or precision == "bf16"


def weighed(task: NetTask, batches: list[Batch], *marks: Any) -> Measured:
    """Return a task and batches, each of which counts as much as is known in it."""
    average = torch.stack([task.counts(batch) for batch in batches]).mean(0)
    return Measured(task, batches, average.clamp_min(torch.finfo(average.dtype).tiny), digest(*marks, average.tolist()))


def measured(cli: RunCLI, wish: Wish) -> Measured:
    """Return the task and the batches that its loss is measured on."""
    task, data = cli.model, cli.datamodule
    require(
        isinstance(task, NetTask) and isinstance(data, Batching),
        f"A loss surface needs a task and a data module of dlkit; the config has {type(task).__name__} and "
        f"{type(data).__name__}.",
    )
    device = cli.trainer.strategy.root_device
    task.to(device)
    batches = fixed_batches(data, wish, device)
    config = cli.config.as_dict()
    settings = {key: config[key] for key in ("data", "model")}
    chosen = {"split": wish.split, "samples": wish.samples, "precision": wish.precision}
    return weighed(task, batches, weights_digest(task), settings, chosen, data.describe().get("source"))
