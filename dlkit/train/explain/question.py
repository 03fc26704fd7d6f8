"""Which scores of which samples are explained: what a task must say for that, and how its maps are labelled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError, require, suggest
from dlkit.explain.attribution import completeness_target
from dlkit.explain.base import Scored, still
from dlkit.report.canvas import lead_times, with_unit
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress
from dlkit.train.explain.class_words import chosen_labels, class_lines, class_words, label_lines


@dataclass(frozen=True)
class Wanted:
    """What a user asks for.

    Attributes:
        target: Name of a class or a target; "predicted" or "true" for classes; "" for what is usual: the predicted
            class, the most probable label, or the first target.
        horizon: Steps of a forecast, from 1; None takes the first, the middle and the last.
        baseline: What an input is compared with: "mean" of the training data, "zero" in physical units, or "train",
            several training samples.
    """

    target: str = ""
    horizon: Sequence[int] | None = None
    baseline: str = ""


@dataclass(frozen=True, eq=False)
class Question:
    """The scores to explain.

    Attributes:
        net: Its answer is a row of scores in the unit of the explanation.
        judged: Its answer is a row of scores that curves are drawn of, numbered alike.
        targets: Number of each wanted score, (batch, wanted).
        scores: Name of each wanted score of each sample.
        score: What all of them are, with the unit.
        lines: What is said of each sample.
        rises: Whether evidence only ever raises a score; else a score may fall as well.
        answers: The wanted scores of values and forecasts, (batch, wanted).
        truth: What was measured of these, NaN where it was not; the number of the true class, -1 where unknown,
            (batch, 1); or None.
        unit: Unit of ``answers``.
        fixed: What else the answer depends on and is held fixed.
        ahead: Seconds from the last input to the target of each wanted score; none where samples have no clock.
        note: Which scores were chosen where the user named none, "" where that is plain.
    """

    net: nn.Module
    judged: nn.Module
    targets: Tensor
    scores: list[list[str]]
    score: str
    lines: list[list[str]]
    rises: bool
    answers: Tensor | None = None
    truth: Tensor | None = None
    unit: str = ""
    fixed: str = ""
    ahead: tuple[float, ...] = ()
    note: str = ""


@singledispatch
def ask(task: Any, batch: Batch, wanted: Wanted) -> Question:  # noqa: ARG001 - the interface
    """Return the scores of a task that are explained for a batch.

    Raises:
        InputError: The task has no such score.
    """
    require(
        not isinstance(task, Reconstruct),
        "Reconstruct gives back its input and has no score to explain: which channels make an anomaly, and the error "
        "of each, stands in events.csv, scores.parquet and figures/ of the run (of images and traces: anomalies.csv, "
        "and the differences drawn in figures/).",
    )
    raise InputError(f"{type(task).__name__} cannot be explained: use a Forecast, Classify or Regress task.")


def can_ask(task: Any) -> bool:
    """Say whether a task has scores that can be explained."""
    return ask.dispatch(type(task)) is not ask.dispatch(object)


def chosen(name: str, options: Sequence[str], what: str) -> int:
    """Return the number of a class or target."""
    require(name in options, f"There is no {what} '{name}' to explain; {suggest(name, options)}")
    return list(options).index(name)


def said_alone(task: Any, batch: Batch) -> Any:
    """Return the predictions of the network that is explained; other members of an ensemble say nothing."""
    return task.answered(task.finish(task.net(batch.x), batch), batch)


def ahead_of(task: Any) -> tuple[float, ...]:
    """Return the seconds from the last input of a window of several sources to its one target; none for samples."""
    return (task.spec.gap * task.spec.step,) if task.spec.parts else ()


# ------------------------------------------------------------------ classes
@ask.register
def ask_classes(task: Classify, batch: Batch, wanted: Wanted) -> Question:
    """Explain the predicted class, the true one, or one by name; of several labels the most probable one."""
    classes, labels = task.spec.classes, task.spec.kind == "labels"
    with torch.no_grad():
        probabilities = task.loss.probabilities(task(batch.x))
    said = probabilities.argmax(1)
    truth = batch.y
    if batch.y_observed is not None:
        truth = truth.where(batch.y_observed, torch.nan if labels else -1)
    number = _class_numbers(task, wanted.target, said, truth)
    judged = Scored(task.net, task.loss.probabilities)
    direct = task.loss.outputs(len(classes)) == len(classes)
    return Question(
        net=Scored(task.net) if direct else judged,
        judged=judged,
        targets=number[:, None],
        scores=[[classes[i]] for i in number.tolist()],
        score=("logit of " if direct else "probability of ") + class_words(wanted.target, labels=labels),
        lines=(label_lines if labels else class_lines)(classes, probabilities, truth, number),
        rises=True,
        truth=None if labels else truth[:, None],
        ahead=ahead_of(task),
        note=chosen_labels(classes, number) if labels and wanted.target in ("", "predicted") else "",
    )


def _class_numbers(task: Classify, target: str, said: Tensor, truth: Tensor) -> Tensor:
    if target in ("", "predicted"):
        return said
    if target == "true":
        require(
            task.spec.kind != "labels",
            f"--target true: several labels of a sample may be true; name one of {', '.join(task.spec.classes)}.",
        )
        require(
            bool((truth >= 0).all()),
            "--target true needs samples whose class is known; leave it out, or name a class.",
        )
        return truth
    return torch.full_like(said, chosen(target, task.spec.classes, "class"))


# ------------------------------------------------------------------ values
@ask.register
def ask_values(task: Regress, batch: Batch, wanted: Wanted) -> Question:
    """Explain one predicted value in its unit."""
    names, units = task.spec.targets, task.spec.target_units
    number = chosen(wanted.target, names, "target") if wanted.target else 0
    net = Scored(task.net, lambda answer: task.target_scaling.inverse(task.loss.point(answer)))
    with torch.no_grad():
        prediction = said_alone(task, batch)
    unit = units[number]
    lines = [
        [f"{names[number]}: said {said:.4g} {unit}, true {true:.4g} {unit}".replace(" ,", ",").rstrip()]
        for said, true in zip(prediction.point[:, number].tolist(), prediction.truth[:, number].tolist(), strict=True)
    ]
    return Question(
        net=net,
        judged=net,
        targets=torch.full((len(batch.x), 1), number, device=batch.x.device),
        scores=[[names[number]]] * len(batch.x),
        score=with_unit(f"change of {names[number]}", unit),
        lines=lines,
        rises=False,
        answers=prediction.point[:, number, None],
        truth=prediction.truth[:, number, None],
        unit=unit,
        ahead=ahead_of(task),
    )


# ------------------------------------------------------------------ forecasts
@ask.register
def ask_forecast(task: Forecast, batch: Batch, wanted: Wanted) -> Question:
    """Explain one target at some steps of the horizon, in its unit."""
    spec = task.spec
    number = chosen(wanted.target, spec.targets, "target") if wanted.target else 0
    horizon, targets = spec.output[:2]
    steps = list(wanted.horizon or sorted({1, (horizon + 1) // 2, horizon}))
    wrong = [step for step in steps if not 1 <= step <= horizon]
    require(not wrong, f"--horizon {wrong} is not forecast: give steps from 1 to {horizon}.")
    scaling = task.target_scaling
    net = Scored(task.net, lambda answer: scaling.inverse(task.loss.point(answer)))
    with torch.no_grad():
        prediction = said_alone(task, batch)
    point, chosen_steps = prediction.point[:, :, number], [step - 1 for step in steps]
    unit, lead, lead_unit = spec.target_units[number], *lead_times(horizon, spec.step, spec.gap)
    columns = torch.tensor([(step - 1) * targets + number for step in steps], device=batch.x.device)
    scores = [
        [f"{spec.targets[number]} in {lead[s - 1]:.4g} {lead_unit}: {float(row[s - 1]):.4g} {unit}" for s in steps]
        for row in point
    ]
    return Question(
        net=net,
        judged=net,
        targets=columns.expand(len(batch.x), -1),
        scores=scores,
        score=with_unit(f"change of {spec.targets[number]}", unit),
        lines=[[] for _ in scores],
        rises=False,
        answers=point[:, chosen_steps],
        truth=prediction.truth[:, chosen_steps, number],
        unit=unit,
        fixed=", ".join([*spec.future, *spec.static]),
        ahead=tuple((spec.gap + step) * spec.step for step in steps),
    )


STARTS = {"mean": "at the training mean", "zero": "at zero", "train": "at training samples (mean)"}


def from_baseline(question: Question, x: Tensor, baseline: Tensor, kind: str) -> Question:
    """Return a question whose scores of values also tell what the baseline answers; classes stay as they are.

    Args:
        question: The scores.
        x: The samples.
        baseline: What they are compared with, (references, batch, channels, *size).
        kind: "mean", "zero" or "train".
    """
    if question.answers is None:
        return question
    with still(question.net), torch.no_grad():
        begin = question.answers - completeness_target(question.net, x, question.targets, baseline)
    scores = [
        [
            f"{one}, from {start:.4g} {question.unit}".rstrip() + f" {STARTS[kind]}"
            for one, start in zip(*row, strict=True)
        ]
        for row in zip(question.scores, begin.tolist(), strict=True)
    ]
    return replace(question, scores=scores)
