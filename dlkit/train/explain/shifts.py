"""What a shift of one source in time does to the answers: how much alignment matters, and whether it is right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds
from dlkit.core.spread import evenly
from dlkit.explain.base import still
from dlkit.explain.rows import scores_of
from dlkit.explain.sources import misplaced, slope_at_zero
from dlkit.report.canvas import with_unit
from dlkit.report.source_overview import ShiftCurve
from dlkit.train.explain.heads import batch_of
from dlkit.train.explain.question import Question, Wanted, ask

WINDOWS = 256
"""Windows over which answers and errors are averaged."""
DOUBLINGS = 6


@dataclass(frozen=True)
class Shifted:
    """What shifts of each source do.

    Attributes:
        curves: One for each source.
        windows: Over how many windows.
        unit: Unit of the answer.
        error: Name of the error with its unit, "" where the truth is not known.
    """

    curves: tuple[ShiftCurve, ...]
    windows: int
    unit: str
    error: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        curves = {
            one.source: {
                "delay_s": list(one.shifts),
                "change_rms": list(one.change),
                "error": None if one.error is None else list(one.error),
                "slope_per_ms": one.slope,
            }
            for one in self.curves
        }
        return {"windows": self.windows, "unit": self.unit, "error": self.error, "sources": curves}


def rows_of_shifts(data: Any, shifts: Sequence[str] | None) -> list[int]:
    """Return by how many rows sources are delayed, rising; both ways and 0.

    Args:
        data: The data module.
        shifts: Durations; None takes 1, 2, 4 ... rows, as far as half a window, at least 4.

    Raises:
        InputError: A shift is no duration, or less than a row of the clock.
    """
    step, span = data.prepared.table.step, data.geometry.look_back
    sizes = [2**k for k in range(DOUBLINGS) if 2**k <= max(span // 2, 4)]
    if shifts is not None:
        sizes = [round(nanoseconds(one, setting="--shift") / step) for one in shifts]
        least = f"--shift {' '.join(shifts)}: give durations of at least one row of the clock, {step / 1e6:g} ms."
        require(min(sizes, default=0) > 0, least)
    return sorted({0, *sizes, *(-size for size in sizes)})


def shiftable(data: Any, starts: Tensor, rows: Sequence[int]) -> Tensor:
    """Return the starts of windows that stay inside their segment when they are moved by any of these rows."""
    segments = torch.from_numpy(data.prepared.table.segments)
    own = segments[torch.bucketize(starts, segments[:, 0].contiguous(), right=True) - 1]
    fits = (starts + min(rows) >= own[:, 0]) & (starts + max(rows) + data.geometry.length <= own[:, 1])
    return starts[fits]


def shift_sources(
    task: Any, data: Any, split: str, wanted: Wanted, shifts: Sequence[str] | None, *, head: str = ""
) -> Shifted | None:
    """Return how answers and their errors change when one source after the other comes late or early.

    The window of a source that comes late by some time is gathered that much earlier from the table. None where no
    window of the split can be moved.

    Args:
        task: The trained task.
        data: Its data.
        split: "train", "val" or "test".
        wanted: The scores.
        shifts: Durations, see :func:`rows_of_shifts`.
        head: Name of the head that the task is, where there are several.
    """
    rows, places = rows_of_shifts(data, shifts), data.places(split)
    numbers = torch.from_numpy(evenly(len(places), WINDOWS))
    starts = shiftable(data, places.starts(numbers), rows)
    if not len(starts):
        require(shifts is None, f"--shift {' '.join(shifts or [])}: no window of {split} can be moved that far.")
        return None
    batch, seconds = batch_of(_batch(task, data, starts), head), [row * data.prepared.table.step / 1e9 for row in rows]
    question = ask(task, batch, wanted)
    judge = judge_of(question, batch)
    told = {row: _told(task, data, batch, starts - row, question, judge) for row in rows}
    curves = []
    for number, part in enumerate(task.spec.parts):
        change = [told[row][number][0] for row in rows]
        errors = [told[row][number][1] for row in rows]
        error = None if judge is None else [float(one) for one in errors]
        curves.append(ShiftCurve(part.name, seconds, change, error, slope_at_zero([1e3 * s for s in seconds], change)))
    return Shifted(tuple(curves), len(starts), question.unit, error_name(question, judge))


def _batch(task: Any, data: Any, starts: Tensor) -> Batch:
    batch: Batch = data.transfer_batch_to_device(data.make_batch(starts), task.device, 0)
    return batch


Judge = Callable[[Tensor], float]


def _told(
    task: Any, data: Any, batch: Batch, starts: Tensor, question: Question, judge: Judge | None
) -> list[tuple[float, float]]:
    """Return the change of the answer and its error when each source in turn is that of other windows."""
    moved, parts, found = _batch(task, data, starts).x, task.spec.parts, []
    with still(question.net):
        before = scores_of(question.net, batch.x, question.targets)
        for number in range(len(parts)):
            x = misplaced(batch.x, moved, parts, number)
            change = scores_of(question.net, x, question.targets) - before
            error = np.nan if judge is None else judge(x)
            found.append((float(change.square().mean().sqrt()), float(error)))
    return found


def judge_of(question: Question, batch: Batch) -> Judge | None:
    """Return what gives the error of the answers for changed inputs; None where the truth is not known."""
    truth, targets = question.truth, question.targets
    if truth is None:
        return None
    if question.answers is None:
        return lambda x: cross_entropy(scores_of(question.judged, x, truth.clamp_min(0))[truth >= 0])
    # Inputs known over the horizon are no part of the network: what they add stays.
    with still(question.net):
        added = question.answers - scores_of(question.net, batch.x, targets)
    return lambda x: root_mean_square(scores_of(question.net, x, targets) + added - truth)


def root_mean_square(errors: Tensor) -> float:
    """Return the root of the mean square, of what is known."""
    return float(errors.square().nanmean().sqrt())


def cross_entropy(probabilities: Tensor) -> float:
    """Return the mean negative logarithm of the probabilities of the true classes."""
    return float(-probabilities.clamp_min(1e-12).log().mean())


def error_name(question: Question, judge: Judge | None) -> str:
    """Return what the error is called."""
    if judge is None:
        return ""
    return "cross-entropy (nat)" if question.answers is None else with_unit("root mean square error", question.unit)
