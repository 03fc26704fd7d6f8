"""How good each member is and how good all are together: sums of proper scores over everything that tests."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.losses.base import Loss
from dlkit.losses.likelihood import Gaussian, normal_crps
from dlkit.losses.quantile import Pinball
from dlkit.metrics.calibration import BINS, Bins, binned, calibration_error
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.combined_heads import of_head
from dlkit.train.evaluation.base import quiet_trainer

Sums = dict[str, Tensor]


class Judged(pl.LightningModule):
    """Hands a batch to the members of a task and returns the sums of the scores of each, and of all together.

    Args:
        task: A task with members.
    """

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.task = task

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Sums]:  # noqa: ARG002 - Lightning's hook
        """Return sums by head ("" for one) and by name, (members + 1, ...), the mixture last."""
        answers = self.task.members.answers(self.task, batch)
        every = torch.cat([answers, self.task.mixed(answers)[0][None].to(answers.dtype)])
        if not isinstance(self.task, Combined):
            return {"": stacked(self.task, list(every), batch)}
        heads: dict[str, tuple[Any, list[Tensor]]] = {}
        for answer in every:
            for name, task, own in self.task.each(answer, batch):
                heads.setdefault(name, (task, []))[1].append(own)
        return {name: stacked(task, each, of_head(batch, name)) for name, (task, each) in heads.items()}


def stacked(task: Any, answers: list[Tensor], batch: Batch) -> Sums:
    """Return the sums of each answer to a batch, on the CPU."""
    sums = class_sums if isinstance(task, Classify) else value_sums
    found = [sums(task, answer, batch) for answer in answers]
    return {name: torch.stack([one[name] for one in found]).cpu() for name in found[0]}


def class_sums(task: Classify, answer: Tensor, batch: Batch) -> Sums:
    """Return count, right answers, minus log-probabilities, and what the calibration error is made of."""
    said = task.answered(answer, batch)
    probabilities, truth = said.probabilities.double(), said.truth
    if truth.is_floating_point():  # each label is a yes-or-no question
        known = ~truth.isnan()
        yes, there = probabilities[known], truth[known] > 0.5
        given, correct = torch.where(there, yes, 1 - yes), (yes > 0.5) == there
        bins = binned(yes, there)  # as in the table of a test: is a label with probability p there in p of the cases?
    else:
        seen, truth = probabilities[truth >= 0], truth[truth >= 0]
        given = seen.gather(1, truth[:, None])[:, 0]
        confidence, best = seen.max(1)
        correct = best == truth
        bins = binned(confidence, correct)
    return {
        "count": torch.tensor(float(len(given)), dtype=torch.float64),
        "accuracy": correct.double().sum(),
        "nll": -given.clamp_min(1e-12).log().sum(),
        "bins": torch.stack(list(bins)),
    }


def value_sums(task: Any, answer: Tensor, batch: Batch) -> Sums:
    """Return count and sums of errors in standard deviations of training, over the observed values."""
    loss: Loss = task.loss
    answer, y = answer.double(), batch.y.double()
    seen = ~y.isnan() if batch.y_observed is None else batch.y_observed
    y = y.where(seen, 0.0)
    miss = loss.point(answer) - y
    each = {"mae": miss.abs(), "mse": miss.square()}
    if isinstance(loss, Gaussian):
        each |= {"nll": loss.elementwise(answer, y), "crps": normal_crps(answer[..., 0], loss.scale(answer), y)}
    if isinstance(loss, Pinball):
        each["crps"] = 2 * loss.elementwise(answer, y)
    if (bounds := loss.interval(answer)) is not None:
        each["coverage"] = ((bounds[0] <= y) & (y <= bounds[1])).double()
    return {"count": seen.sum().double()} | {name: value.where(seen, 0.0).sum() for name, value in each.items()}


def scores_of(cli: Any) -> dict[str, list[float]]:
    """Return each score of each member, and last of all together, over everything that tests.

    Names are those of the score; with that of the head in front where there are several.
    """
    found: Any = quiet_trainer(cli.trainer).predict(Judged(cli.model), datamodule=cli.datamodule)
    scores: dict[str, list[float]] = {}
    for head in found[0]:
        sums = {name: sum((batch[head][name] for batch in found), torch.zeros(())) for name in found[0][head]}
        scores |= {f"{head}/{name}".lstrip("/"): value.tolist() for name, value in means(sums).items()}
    return scores


def means(sums: Sums) -> Sums:
    """Return the scores for their sums."""
    count = sums["count"].clamp_min(1)
    found = {name: value / count for name, value in sums.items() if name not in ("count", "bins", "mse")}
    if "mse" in sums:
        found["rmse"] = (sums["mse"] / count).sqrt()
    if "bins" in sums:
        found["ece"] = torch.stack([calibration_error(Bins(*one)) for one in sums["bins"].view(-1, 3, BINS)])
    return found


def is_better(name: str) -> int:
    """Return 1 where more is better, -1 where less is, 0 where neither is."""
    last = name.rpartition("/")[2]
    return 0 if last == "coverage" else 1 if last == "accuracy" else -1


def table_text(scores: dict[str, list[float]]) -> str:
    """Return a line a score: mean and range of the members, the ensemble, and what it gains on the mean of them."""
    head = f"{'':<22}" + "".join(f"  {title:>10}" for title in ("members", "lowest", "highest", "ensemble", "gain"))
    lines = [head, "-" * len(head)]
    for name, values in scores.items():
        *each, mixed = values
        mean = math.fsum(each) / len(each)
        gain = is_better(name) * (mixed - mean)
        last = f"{gain:+.4g}" if is_better(name) else ""
        lines.append(
            f"{name:<22}" + "".join(f"  {x:>10.4g}" for x in (mean, min(each), max(each), mixed)) + f"  {last:>10}"
        )
    return "\n".join(lines)
