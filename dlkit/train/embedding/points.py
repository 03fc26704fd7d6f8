"""Embeddings of the windows or samples of a run, what each is called and what is known of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.spread import evenly
from dlkit.data.batches.batching import Batching
from dlkit.embedding.neighbours import Points
from dlkit.train.explain.heads import batch_of, one_head
from dlkit.train.explain.question import Wanted
from dlkit.train.explain.times import stamp

ROLES = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of points, apart from their inputs.

    Attributes:
        name: What it is.
        values: Number of a class, -1 where unknown; or a quantity, NaN where unknown, (points,).
        classes: Name of each class; empty for a quantity.
    """

    name: str
    values: np.ndarray
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Embedded:
    """Embeddings of some windows or samples of one data module.

    Attributes:
        data: Makes their inputs again.
        vectors: float32, (points, features).
        starts: First row of each window, or number of each sample, int64, (points,).
        roles: Role of each, (points,).
        truth: What is known of each.
        total: How many there were to choose from.
    """

    data: Any
    vectors: np.ndarray
    starts: np.ndarray
    roles: np.ndarray
    truth: Truth
    total: int

    @property
    def windows(self) -> bool:
        """Whether these are windows of a table; else samples."""
        return hasattr(self.data.prepared, "table")

    def points(self, places: np.ndarray) -> Points:
        """Return the points with the rows that they come from."""
        return Points(places, self.starts, window_length(self.data)) if self.windows else Points(places)

    def identity(self) -> dict[str, np.ndarray]:
        """Return the columns that say which window or sample each is; times are of its first and last row."""
        if not self.windows:
            names = self.data.prepared.samples.names
            return {"sample": np.array([str(names[number]) for number in self.starts.tolist()], dtype=object)}
        table, last = self.data.prepared.table, self.starts + window_length(self.data) - 1
        times = {name: self.data.clock(table.times[rows]) for name, rows in (("start", self.starts), ("end", last))}
        return {"series": table.names_of(self.starts)} | times

    def names(self, chosen: np.ndarray) -> list[str]:
        """Return what some are called: a sample by its name, a window by the time of its last input."""
        if not self.windows:
            return list(self.identity()["sample"][chosen])
        return [f"{series}{end}" for series, _, end in self.stamps(chosen)]

    def spans(self, chosen: np.ndarray) -> list[str]:
        """Return what some are called: a sample by its name, a window by the times of its first and last input."""
        if not self.windows:
            return self.names(chosen)
        return [f"{series}{start} to {end}" for series, start, end in self.stamps(chosen)]

    def stamps(self, chosen: np.ndarray) -> list[tuple[str, str, str]]:
        """Return series, "" where there is one, start and end of some windows."""
        found, table = {key: values[chosen] for key, values in self.identity().items()}, self.data.prepared.table
        several = len(table.names) > 1
        return [
            (f"{series} " if several else "", stamp(start, table.step), stamp(end, table.step))
            for series, start, end in zip(found["series"], found["start"], found["end"], strict=True)
        ]

    def batch(self, chosen: np.ndarray) -> Batch:
        """Return the inputs of some, in the given order."""
        found: Batch = self.data.make_batch(torch.from_numpy(self.starts[chosen]))
        return found


def window_length(data: Any) -> int:
    """Return the rows from the first to the last input of a window."""
    return int(data.geometry.lead - data.geometry.gap)


def chosen_numbers(data: Batching, roles: tuple[str, ...], most: int) -> list[tuple[str, Tensor]]:
    """Return the numbers of at most ``most`` windows or samples of some roles, spread evenly over all of them.

    Raises:
        InputError: None of the roles has any.
    """
    counts = {role: data.count(role) for role in roles}
    require(sum(counts.values()) > 0, data.missing(roles[0]))
    every, found, first = evenly(sum(counts.values()), most), [], 0
    for role, count in counts.items():
        own = every[(every >= first) & (every < first + count)] - first
        found.append((role, torch.from_numpy(own)))
        first += count
    return [(role, numbers) for role, numbers in found if len(numbers)]


@torch.no_grad()
def embed(task: Any, data: Batching, roles: tuple[str, ...], most: int, called: str = "") -> Embedded:
    """Embed the windows or samples of some roles.

    Args:
        task: The trained task, on the device to compute on; of several heads the answer of the first is what is known.
        data: Its data.
        roles: Of "train", "val", "test".
        most: Most windows or samples, spread evenly.
        called: What the roles are called; "" leaves their names.
    """
    vectors, starts, truths, each = [], [], [], []
    own, _, head = one_head(task, Wanted())
    for role, numbers in chosen_numbers(data, roles, most):
        places = data.places(role)
        for part in numbers.split(data.eval_batch_size):
            first = places.starts(part)
            batch = data.transfer_batch_to_device(data.make_batch(first), task.device, 0)
            vectors.append(task.net.embedding(batch.x).float().cpu().numpy())
            truths.append(known_of(own, data, batch_of(batch, head)))
            starts.append(first.cpu().numpy())
            each += [called or role] * len(first)
    name, classes = truths[0].name, truths[0].classes
    truth = Truth(name, np.concatenate([part.values for part in truths]), classes)
    total = sum(data.count(role) for role in roles)
    return Embedded(data, np.concatenate(vectors), np.concatenate(starts), np.array(each, object), truth, total)


def known_of(task: Any, data: Any, batch: Batch) -> Truth:
    """Return what is known of a batch: classes, the first target, whether it is anomalous; else when it was."""
    spec, samples = task.spec, getattr(data.prepared, "samples", None)
    assert batch.start is not None
    starts = batch.start.cpu().numpy()
    if spec.kind in ("class", "ordinal"):
        known = torch.ones_like(batch.y, dtype=torch.bool) if batch.y_observed is None else batch.y_observed
        return Truth(spec.targets[0], batch.y.where(known, -1).cpu().numpy(), spec.classes)
    if spec.kind == "values":
        values = task.target_scaling.inverse(batch.y.float())[:, 0]
        if batch.y_observed is not None:
            values = values.where(batch.y_observed[:, 0], torch.nan)
        return Truth(spec.targets[0], values.cpu().numpy())
    if samples is not None and samples.classes and samples.labels.ndim == 1:
        return Truth("class", samples.labels[starts].astype(np.int64), tuple(samples.classes))
    labels = getattr(data, "labels", None)
    if labels is not None:
        return Truth("label", any_in(labels, starts, window_length(data)), ("normal", "anomalous"))
    return (
        Truth("", np.full(len(starts), np.nan))
        if samples is not None
        else Truth("time", data.prepared.table.times[starts] / 1e9)
    )


def any_in(rows: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Return 1 for windows that hold a row that is true, else 0, (windows,)."""
    sums = np.concatenate([[0], np.cumsum(rows.astype(np.int64))])
    found: np.ndarray = (sums[np.minimum(starts + length, len(rows))] > sums[starts]).astype(np.int64)
    return found
