"""Measure how new what a fold tests is to what it was trained on, beside the error that the network makes there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.confidence.ranges import Extremes, channel_numbers
from dlkit.core.batch import Batch
from dlkit.core.spread import evenly
from dlkit.crossval.errors import error_of
from dlkit.crossval.novelty import distances, shrunk
from dlkit.data.sample_folds import GroupedKFold
from dlkit.data.sample_modules import SampleDataModule
from dlkit.data.table.apart import nanoseconds_of
from dlkit.metrics.resampled import rank_correlation

SEEN = 20_000  # most inputs of training whose channels are looked at
COMPARED = 2_000  # most inputs of a role whose distances are measured
AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Novelty:
    """What a fold tests, beside what it was trained on.

    Attributes:
        about: Shares and correlations as plain types.
        starts: Places of the compared test windows or samples.
        distance: How far each lies from training, 1 is what 95 % of training inputs keep from each other at most.
        error: Error of the network, NaN where nothing was measured.
    """

    about: dict[str, Any]
    starts: np.ndarray
    distance: np.ndarray
    error: np.ndarray


def measure(task: Any, data: Any, purge: int | str) -> Novelty:
    """Return how new the test windows or samples of a fold are, and the error in those that are compared."""
    data.setup()
    task.eval()
    where = some_starts(data, "train", COMPARED)
    extremes, train = look_at_training(task, data, set(where.tolist()))
    starts = some_starts(data, "test", COMPARED)
    outside, test, errors = [], [], []
    for batch in batches(data, starts):
        x, observed = host(batch.x), None if batch.x_observed is None else batch.x_observed.cpu()
        outside.append(extremes.outside(x, observed))
        test.append(shrunk(x))
        errors.append(error_of(task, batch))
    relative, far = distances(train, torch.cat(test), too_close(data, where, purge))
    error, out = torch.cat(errors).double().numpy(), torch.cat(outside)
    names = channel_names(task.spec, extremes.channels)
    shares = dict(zip(names, out.double().mean(0).tolist(), strict=True))
    return Novelty(
        about={
            "compared": {"train": len(train), "test": len(relative)},
            "farther than 95 % of training from each other": far,
            "median distance": float(relative.median()),
            "outside the range of a channel": float(out.any(1).double().mean()),
            "outside by channel": {name: share for name, share in shares.items() if share > 0},
            "rank correlation of error and distance": rank_correlation(relative.numpy(), error),
        },
        starts=starts.numpy(),
        distance=relative.numpy(),
        error=error,
    )


def host(x: Tensor) -> Tensor:
    """Return inputs on the CPU."""
    return x.detach().float().cpu()


def some_starts(data: Any, role: str, most: int) -> Tensor:
    """Return the places of windows or samples spread evenly over a role."""
    places = data.places(role)
    found: Tensor = places.starts(torch.from_numpy(evenly(len(places), most)))
    return found


def batches(data: Any, starts: Tensor) -> Iterator[Batch]:
    """Yield the inputs at some places, without augmentation."""
    for some in starts.split(AT_ONCE):
        yield data.make_batch(some)


def look_at_training(task: Any, data: Any, wanted: set[int]) -> tuple[Extremes, Tensor]:
    """Return the extremes of each channel in training, and the wanted inputs as vectors."""
    starts = torch.unique(torch.cat([some_starts(data, "train", SEEN), torch.tensor(sorted(wanted))]))
    extremes, kept = None, []
    for some, batch in zip(starts.split(AT_ONCE), batches(data, starts), strict=True):
        x = host(batch.x)
        extremes = extremes or Extremes(channel_numbers(task.spec, x.shape[1:]), len(task.spec.channels))
        extremes.add(x, None if batch.x_observed is None else batch.x_observed.cpu())
        kept.append(shrunk(x)[[k for k, start in enumerate(some.tolist()) if start in wanted]])
    assert extremes is not None
    return extremes, torch.cat(kept)


def channel_names(spec: Any, count: int) -> list[str]:
    """Return the names of the channels of an input."""
    names = list(spec.channels)
    return (names + [f"channel {k}" for k in range(len(names), count)])[:count]


def too_close(data: Any, starts: Tensor, purge: int | str) -> Tensor:
    """Tell which pairs of training inputs are nearer than training and test may be, (train, train)."""
    close: Tensor
    if isinstance(data, SampleDataModule):
        own = starts
        if isinstance(data.split, GroupedKFold):
            groups = np.unique(np.asarray(data.prepared.samples.groups).astype(str), return_inverse=True)[1]
            own = torch.from_numpy(groups)[starts]
        close = own[:, None] == own
        return close
    table, geometry = data.prepared.table, data.prepared.geometry
    rows = geometry.length + -(-nanoseconds_of(purge, table.step) // table.step)
    close = (starts[:, None] - starts).abs() < rows
    return close
