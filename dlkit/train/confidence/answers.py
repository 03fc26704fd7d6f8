"""The answers of a run to everything that validates or tests, and where they lie in time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.train.evaluation.base import Evaluation


def joined(parts: Sequence[Any]) -> Any:
    """Return the predictions of several batches as one, on the CPU, without the parts of their uncertainty."""
    columns: dict[str, Tensor | None] = dict.fromkeys(parts[0]._fields)
    for name in columns:
        values: list[Any] = [getattr(part, name) for part in parts]
        if name != "parts" and values[0] is not None:
            columns[name] = torch.cat(values).cpu()
    return type(parts[0])(**columns)


def some(answers: Any, rows: Tensor | slice) -> Any:
    """Return some of the answers."""
    return type(answers)(*(None if part is None else part[rows] for part in answers))


@dataclass(frozen=True, eq=False)
class Order:
    """Where answers lie in time.

    Attributes:
        starts: Row at which each window begins, or number of each sample, (answers,).
        series: Name of the series of each window; None for samples, which have no order.
        borders: First and past the last window of each series.
        overlap: Windows whose answers share rows.
        length: Rows of a window.
        known: All series are those of the calibration.
    """

    starts: np.ndarray
    series: np.ndarray | None
    borders: list[tuple[int, int]]
    overlap: int = 1
    length: int = 1
    known: bool = False

    def after(self, calibration: "Order") -> "Order":
        """Return the same of answers that are checked after those of a calibration."""
        return replace(self, known=self.names <= calibration.names)

    @property
    def names(self) -> set[str]:
        """The series; none of samples."""
        return set() if self.series is None else {str(self.series[first]) for first, _ in self.borders}

    @property
    def together(self) -> int:
        """How many series there are windows of at a time, as a mean."""
        return max(1, round(len(self.starts) / max(past - first for first, past in self.borders)))

    @property
    def side_by_side(self) -> np.ndarray:
        """The places of the answers when all series go from their first window to their last one together.

        Series that share a clock then stand in the order of time; of others each comes in everywhere, too.
        """
        shares = [(np.arange(past - first) + 0.5) / (past - first) for first, past in self.borders]
        return np.concatenate(shares).argsort(kind="stable")


def order_of(evaluation: Evaluation, answers: Any) -> Order:
    """Return where the answers to windows or samples lie."""
    starts = answers.start.cpu().numpy()
    if evaluation.thing != "window":
        return Order(starts, None, [(0, len(starts))])
    geometry = evaluation.data.geometry
    series = evaluation.data.prepared.table.names_of(starts)
    shared = geometry.look_forward if getattr(answers, "point", starts).ndim == 3 else geometry.length
    changes = [0, *(np.flatnonzero(series[1:] != series[:-1]) + 1).tolist(), len(starts)]
    borders = [(first, past) for first, past in pairwise(changes) if past > first]
    return Order(starts, series, borders, max(1, -(-shared // geometry.stride)), geometry.length)


def halves(order: Order, truth: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return which answers fit a scaling, and which a threshold.

    Of samples a half of each class, drawn; of windows the first and the second half of each series in time, without a
    row in both: a window that reaches into the second half is in neither.
    """
    if order.series is None:
        return drawn_halves(truth, seed)
    first, second = [], []
    for begin, past in order.borders:
        starts = order.starts[begin:past]
        middle = starts[len(starts) // 2]
        first.append(begin + np.flatnonzero(starts + order.length <= middle))
        second.append(begin + np.flatnonzero(starts >= middle))
    return torch.from_numpy(np.concatenate(first)), torch.from_numpy(np.concatenate(second))


def drawn_halves(truth: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return two halves, drawn, with as many samples of each class; of labels of each combination."""
    classes = truth if truth.ndim == 1 else torch.unique(truth.nan_to_num(nan=-1.0), dim=0, return_inverse=True)[1]
    shuffled = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed))
    dealt = shuffled[classes[shuffled].argsort(stable=True)]
    return dealt[::2].sort().values, dealt[1::2].sort().values
