"""How good the answers to everything that tests are, one number an answer, and how far its input is from training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.normalize import ChannelScaling
from dlkit.report.sample_tables import Better
from dlkit.tasks.combined import Combined
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import evaluated
from dlkit.train.confidence.columns import calibrated_answers
from dlkit.train.confidence.novelty import Novelty, features_kept
from dlkit.train.confidence.novelty_looks import batches_of


@dataclass(frozen=True, eq=False)
class Quality:
    """One number for each answer, NaN where the truth is unknown.

    Attributes:
        name: What it is, with its unit.
        better: Which values are good.
        values: (answers,).
    """

    name: str
    better: Better
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Answered:
    """What is known of the answers to everything that tests.

    Attributes:
        starts: First row of each window, or number of each sample, (answers,).
        distance: To training, (answers,).
        outside: Whether a channel goes beyond its range in training, (answers, channels).
        quality: How good the answers are; the first name of each head, "" where there is one.
        inside: Share of the truth that the promise of each head holds, NaN where unknown, (answers,).
    """

    starts: np.ndarray
    distance: np.ndarray
    outside: np.ndarray
    quality: dict[str, Quality]
    inside: dict[str, np.ndarray]

    @property
    def extrapolates(self) -> np.ndarray:
        """Whether each input is unlike those of training."""
        far: np.ndarray = (self.distance > 1) | self.outside.any(1)
        return far

    @property
    def truth_known(self) -> bool:
        """Whether some of the truth is known."""
        return self.measured > 0

    @property
    def measured(self) -> int:
        """How many answers have a truth that is known, of one head at least."""
        return int(np.any([np.isfinite(one.values) for one in self.quality.values()], axis=0).sum())


def answer_all(evaluation: Any, novelty: Novelty) -> Answered:
    """Answer everything that tests; answers and distances share one pass over the features.

    Args:
        evaluation: Of the trained task, on the device to compute on, with what was calibrated where it was.
        novelty: What is known of the training inputs.
    """
    task, data = evaluation.task, evaluation.data
    starts, newness = [], []
    judged: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in heads_of(evaluation)}
    with evaluated(task), features_kept(task):
        for number, batch in enumerate(batches_of(task, data, "test", data.count("test"))):
            answer: Any = None if isinstance(task, Reconstruct) else task.predict_step(batch, number)
            assert batch.start is not None
            starts.append(batch.start.cpu())
            newness.append(novelty.of(task, batch))
            for name, one in heads_of(evaluation).items():
                own = answer[name] if isinstance(task, Combined) else answer
                judged[name].append(judge(one, own, batch))
    columns = {
        name: [torch.cat(part).cpu().numpy() for part in zip(*each, strict=True)] for name, each in judged.items()
    }
    names = {name: name_of(one) for name, one in heads_of(evaluation).items()}
    return Answered(
        torch.cat(starts).numpy(),
        torch.cat([one.distance for one in newness]).cpu().numpy(),
        torch.cat([one.outside for one in newness]).cpu().numpy(),
        {name: Quality(*names[name], columns[name][0]) for name in names},
        {name: columns[name][1] for name in names},
    )


def heads_of(evaluation: Any) -> dict[str, Any]:
    """Return the evaluation of each head, by its name; "" where there is one."""
    found: dict[str, Any] = getattr(evaluation, "heads", {"": evaluation})
    return found


def name_of(evaluation: Any) -> tuple[str, Better]:
    """Return what measures a single answer, and which values are good."""
    kind = evaluation.task.spec.kind
    if kind in ("class", "ordinal", "labels"):
        return ("accuracy" if kind != "labels" else "labels right"), "high"
    return ("RMSE (standardized)" if kind == "reconstruct" else "MAE (standardized)"), "low"


def judge(evaluation: Any, answer: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return how good the answers to a batch are and which share of the truth the promise holds, each (batch,)."""
    task = evaluation.task
    if isinstance(task, Reconstruct):
        return root_error(task, batch)
    sure = calibrated_answers(evaluation, answer)
    if hasattr(answer, "probabilities"):
        return right(evaluation, sure)
    scaling = task.target_scaling
    lower, upper = (getattr(sure, side) for side in ("lower", "upper"))
    none = torch.full_like(answer.truth, torch.nan)
    inside = none if lower is None else ((lower <= answer.truth) & (answer.truth <= upper)).float()
    error = (scaled(scaling, answer.point) - scaled(scaling, answer.truth)).abs()
    known = ~answer.truth.isnan()
    return mean_of(error, known), mean_of(inside, known & ~inside.isnan())


def scaled(scaling: ChannelScaling, values: Tensor) -> Tensor:
    """Return targets in standardized units."""
    found: Tensor = scaling(values.to(scaling.shift))
    return found


def mean_of(values: Tensor, known: Tensor) -> Tensor:
    """Return the mean of the known values of each answer, NaN where none is, (batch,)."""
    counts = known.flatten(1).sum(1)
    return values.where(known, 0).flatten(1).sum(1) / counts


def right(evaluation: Any, sure: Any) -> tuple[Tensor, Tensor]:
    """Return whether classes are right, of labels the share that is; and whether the set of classes holds the truth."""
    p, truth, head = sure.probabilities, sure.truth, evaluation.confidence
    sets = None if head is None or head.sets is None else head.sets.sets(p)
    if truth.ndim == 2:
        known, there = ~truth.isnan(), truth > 0.5
        held = torch.full_like(truth, torch.nan)
        if sets is not None:
            held = sets.gather(-1, there.long()[..., None]).squeeze(-1).float()
        return mean_of(((p > 0.5) == there).float(), known), mean_of(held, known & ~held.isnan())
    known = truth >= 0
    none = torch.full(truth.shape, torch.nan, device=p.device)
    held = none if sets is None else sets.gather(1, truth.clamp_min(0)[:, None]).squeeze(1).float()
    return (p.argmax(-1) == truth).float().where(known, none), held.where(known, none)


def root_error(task: Reconstruct, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the root of the mean squared error of each input that is given back; nothing is promised of it."""
    step = task.step(batch)
    squares = (task.loss.point(step.prediction).float() - step.target.float()).square()
    root = mean_of(squares, task.observed(batch)).sqrt()
    return root, torch.full_like(root, torch.nan)
