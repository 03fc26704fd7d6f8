"""Does what calibration promised hold on other data? Each promise is checked there as it was on the run's own test."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from dlkit.confidence.class_sets import covered
from dlkit.confidence.promise import Promise
from dlkit.tasks.combined import Combined
from dlkit.train.confidence.answers import joined, order_of
from dlkit.train.confidence.checks import promise
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.values import add_joint, add_promises
from dlkit.train.elsewhere.answers import heads_of

Kept = dict[tuple[str, str], Promise]
"""Promises with what was seen, by words and target."""


def promises_on(evaluation: Any, trainer: Any) -> Kept:
    """Return what was promised and what everything that tests shows of it; nothing where nothing was calibrated.

    What follows the test in time promises nothing of other data, and alarms have tables of their own: both are left
    out.

    Args:
        evaluation: Of the trained task, with what was calibrated.
        trainer: Like that which tests.
    """
    heads = heads_of(evaluation)
    sure = {name: one for name, one in heads.items() if calibrated(one.confidence)}
    if not sure:
        return {}
    answers, several = evaluation.predictions(trainer), isinstance(evaluation.task, Combined)
    found: Kept = {}
    for name, one in sure.items():
        own = joined([part[name] if several else part for part in answers])
        for line in checked(one, own):
            what = f"{name}: {line.what}" if name else line.what
            found[what, line.target] = replace(line, what=what)
    return found


def calibrated(head: HeadConfidence | None) -> bool:
    """Return whether a head makes sets or intervals with a promise."""
    return head is not None and (head.sets is not None or head.intervals is not None)


def checked(evaluation: Any, answers: Any) -> list[Promise]:
    """Return the promises of a head with what its answers show."""
    head, order = evaluation.confidence, order_of(evaluation, answers)
    if head.sets is not None:
        return class_promises(evaluation, answers)
    whole = (
        answers if answers.point.ndim < 3 else answers._replace(truth=known_to_the_end(answers.truth, order.borders))
    )
    fresh = HeadConfidence(head.kind, intervals=head.intervals, joint=head.joint)
    bounds = head.intervals.bounds(answers.point, answers.lower, answers.upper, order.series)
    told = told_of(head, "lies inside") | {"calibration": head.intervals.calibration}  # earlier files do not tell it
    add_promises(evaluation, fresh, answers, bounds, order, told)
    add_joint(evaluation, fresh, whole, order)
    return fresh.promises


def class_promises(evaluation: Any, answers: Any) -> list[Promise]:
    """Return the promise of sets of classes, or that of each label which has one, with what answers show."""
    head, truth = evaluation.confidence, answers.truth
    scaled = head.scaling.probabilities if head.scaling is not None else torch.clone
    sets, labels = head.sets.sets(scaled(answers.probabilities)), truth.ndim == 2
    inside = covered(sets, truth).double().masked_fill(truth.isnan() if labels else truth < 0, torch.nan).numpy()
    sizes, order = sets.sum(-1).double(), order_of(evaluation, answers)
    told = {"level": head.sets.level, "unit": "answers" if labels else "classes"}
    if not labels:
        size = float(sizes.mean())
        told |= told_of(head, "the set")
        return [promise(inside, order, what="the set holds the class", target="", size=size, **told)]
    names = evaluation.task.spec.classes
    own, found = [one.target for one in head.promises], []
    for k, name in enumerate(names):
        if name in own:
            one = told | told_of(head, "the set", name) | {"size": float(sizes[:, k].mean())}
            found.append(promise(inside[:, k], order, what="the set holds the answer", target=name, **one))
    return found


def told_of(head: HeadConfidence, words: str, target: str | None = None) -> dict[str, Any]:
    """Return what makes a promise of a head true and what it was fitted to, as its calibration says."""
    for one in head.promises:
        if words in one.what and one.method != "Adaptive" and target in (None, one.target):
            return {"method": one.method, "calibration": one.calibration}
    return {"method": ""}


def known_to_the_end(truth: torch.Tensor, borders: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Return the truth of paths without those that run beyond the end of their series: a part of one is no path.

    Args:
        truth: NaN where unknown, (windows, steps, targets).
        borders: First and past the last window of each series.
    """
    known, found = ~truth[:, -1].isnan().all(-1), truth.clone()
    for first, past in borders:
        last = torch.nonzero(known[first:past])
        found[first + (int(last[-1]) + 1 if len(last) else 0) : past] = torch.nan
    return found
