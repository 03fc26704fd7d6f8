"""Rows of numbers for classical methods, from the very windows or samples of the network."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from dlkit.baselines.design import Design
from dlkit.core.batch import Batch
from dlkit.core.spread import evenly
from dlkit.data.batches.batching import Batching
from dlkit.tasks.combined_heads import of_head

VALUES = 100_000_000  # numbers that are held at once, 400 MB


class Rows(NamedTuple):
    """What a method learns from.

    Attributes:
        x: Inputs, (rows, features).
        y: Standardized answers, (rows, outputs), told from ``Design.levels`` where the design is relative; class
            numbers (rows, 1), -1 where unknown; labels 0 or 1, (rows, labels).
        known: Which answers were measured, shaped like y.
        overlap: Neighbouring rows are windows that may share samples.
    """

    x: np.ndarray
    y: np.ndarray
    known: np.ndarray
    overlap: bool = False

    def some(self, which: np.ndarray) -> "Rows":
        """Return the rows of a mask or with these numbers."""
        return self._replace(x=self.x[which], y=self.y[which], known=self.known[which])


def on_host(batch: Batch, head: str | None) -> Batch:
    """Return a batch in the memory of the processor, as one of several heads sees it."""
    own = batch if head is None else of_head(batch, head)
    return Batch._make(None if part is None else part.cpu() for part in own)


def batches(data: Batching, role: str, head: str | None, most: int | None = None) -> Iterator[Batch]:
    """Yield the windows or samples of a role in order, without augmentation; evenly spaced ones where ``most`` are few.

    Args:
        data: Of the network.
        role: "train", "val" or "test".
        head: Which of several heads is asked.
        most: How many at most.
    """
    places = data.places(role)
    count = len(places)
    numbers = torch.arange(count)
    if most is not None and most < count:
        numbers = torch.from_numpy(evenly(count, most))
    for part in numbers.split(data.eval_batch_size) if count else ():
        yield on_host(data.make_batch(places.starts(part)), head)


def answers_of(batch: Batch, design: Design) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the answers of a batch as rows, and which are known."""
    y: Any = batch.y.float()
    known = torch.ones_like(y, dtype=torch.bool) if batch.y_observed is None else batch.y_observed.bool()
    known = known & ~y.isnan()
    levels = design.levels(batch) if design.relative else None
    if levels is not None:
        y = y - levels
    y, known = y.reshape(len(y), -1), known.reshape(len(y), -1)
    if design.spec.kind in ("class", "ordinal"):
        known = known & (y >= 0)
        return y.where(known, -1.0), known
    return y.where(known, 0.0), known


def read(data: Batching, role: str, design: Design, *, most: int, head: str | None = None) -> Rows:
    """Return rows of a role.

    Args:
        data: Of the network.
        role: "train" or "val".
        design: Makes the rows.
        most: How many at most; they are spread evenly.
        head: Which of several heads is asked.
    """
    most = min(most, max(VALUES // design.features, 100))
    x, y, known = [], [], []
    for batch in batches(data, role, head, most):
        answer, there = answers_of(batch, design)
        x.append(design.inputs(batch).numpy())
        y.append(answer.numpy())
        known.append(there.numpy())
    if not x:
        return Rows(np.zeros((0, design.features), np.float32), np.zeros((0, 0), np.float32), np.zeros((0, 0), bool))
    overlap = design.spec.kind == "forecast" or bool(design.spec.parts)
    rows = Rows(np.concatenate(x), np.concatenate(y), np.concatenate(known), overlap)
    return rows.some(np.any(rows.known, 1))
