"""Confidence of classes and labels: calibrated probabilities, sets that hold the class, and what the test saw."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.confidence.calibration import expected_error, noise_floor
from dlkit.confidence.class_sets import APS, LAC, RAPS, ClassSets, covered
from dlkit.confidence.risk import false_positive_threshold
from dlkit.confidence.scaling import Isotonic, Scaling, Temperature, Vector
from dlkit.train.confidence.answers import Order, halves, order_of, some
from dlkit.train.confidence.checks import SURE, exchangeable, promise
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import Evaluation

SCALINGS: dict[str, type[Scaling]] = {"temperature": Temperature, "vector": Vector, "isotonic": Isotonic}
METHODS: dict[str, Callable[[], ClassSets]] = {
    "lac": LAC, "aps": partial(APS, randomized=False), "raps": partial(RAPS, randomized=False),
}  # fmt: skip
FEW = 20  # classes up to which the smallest sets are the best; of many, hard samples would get too small ones
SHOWN = 8  # labels with a promise of their own
DRAWS = 300


def method_of(wish: Wish, classes: int, *, labels: bool) -> ClassSets:
    """Return how sets are made; the same question gets the same answer, so no score is randomized."""
    name = wish.method if wish.method in METHODS else "lac" if labels or classes <= FEW else "raps"
    return METHODS[name]()


def fit_classes(evaluation: Evaluation, val: Any, test: Any, wish: Wish) -> HeadConfidence:
    """Return scaling and sets, fitted on validation and checked on the test."""
    labels = val.truth.ndim == 2
    method = method_of(wish, val.probabilities.shape[1], labels=labels)
    head = HeadConfidence("labels" if labels else "classes")
    kept = fit_scaling(head, val, order_of(evaluation, val), wish)
    probabilities = scaled(head, kept.probabilities)
    head.sets = method.fit(probabilities, kept.truth, wish.level)
    if head.sets.note:
        head.notes.append(head.sets.note)
    check_classes(evaluation, head, kept._replace(probabilities=probabilities), test, type(method).__name__)
    if wish.risk is not None:
        keep_rate(evaluation, head, (probabilities, kept.truth), test, wish.risk)
    return head


def fit_scaling(head: HeadConfidence, val: Any, order: Order, wish: Wish) -> Any:
    """Fit the scaling on a part of the answers to validation and return the others, which fit the sets."""
    if wish.scaling == "none":
        return val
    first, second = halves(order, val.truth)
    mine = some(val, first)
    if not (mine.truth >= 0).any():  # NaN, of labels, is not either
        head.notes.append(
            "probabilities are left as they are: too few windows or samples validate to be dealt in two parts without "
            "a shared row, of which one fits the scaling"
        )
        return val
    head.scaling = SCALINGS[wish.scaling]().fit(mine.probabilities, mine.truth)
    return some(val, second)


def scaled(head: HeadConfidence, probabilities: Tensor) -> Tensor:
    """Return calibrated probabilities."""
    return probabilities if head.scaling is None else head.scaling.probabilities(probabilities)


def check_classes(evaluation: Evaluation, head: HeadConfidence, val: Any, test: Any, method: str) -> None:
    """Add what the test saw: calibration before and after beside chance, coverage and size of the sets.

    Args:
        evaluation: Names the classes.
        head: Gets it.
        val: Answers that fitted the sets, scaled.
        test: Those to the test, as the network gave them.
        method: Of the sets.
    """
    after, labels = scaled(head, test.probabilities), head.kind == "labels"
    unknown = test.truth.isnan() if labels else test.truth < 0
    known = after[~unknown]
    chance = noise_floor(known[:, None] if labels else known, DRAWS, labels=labels)
    head.measures = {
        "ece_before": expected_error(test.probabilities, test.truth),
        "ece_after": expected_error(after, test.truth),
        "ece_chance": chance.mean,
        "ece_chance_p95": chance.p95,
        "temperature": getattr(head.scaling, "temperature", None),
    }
    before, sets = order_of(evaluation, val), head.sets.sets(after)
    order = order_of(evaluation, test).after(before)
    inside = covered(sets, test.truth).double().masked_fill(unknown, torch.nan).numpy()
    sizes = sets.sum(-1).double().mean(0)
    told = {"level": head.sets.level, "method": method, "unit": "answers" if labels else "classes"}
    fitted = (~val.truth.isnan() if labels else val.truth >= 0).sum(0).reshape(-1).tolist()
    names = evaluation.task.spec.classes
    if not labels:
        one = told | {"size": float(sizes), "calibration": fitted[0]}
        head.promises.append(promise(inside, order, what="the set holds the class", target="", **one))
    for k, name in enumerate(names[:SHOWN] if labels else ()):
        one = told | {"size": float(sizes[k]), "calibration": fitted[k]}
        head.promises.append(promise(inside[:, k], order, what="the set holds the answer", target=name, **one))
    if labels and len(names) > SHOWN:
        head.notes.append(f"the table shows {SHOWN} of {len(names)} labels; confidence.json has all thresholds")
    surprises = surprise(val.probabilities, val.truth), surprise(after, test.truth)
    head.exchangeability = exchangeable(*surprises, (before, order))


def surprise(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Return how little probability each truth had, (answers,), NaN where nothing is known; the mean over labels."""
    if truth.ndim == 2:
        return (probabilities - truth).abs().nanmean(1)
    found = 1 - probabilities.gather(1, truth.clamp_min(0)[:, None])[:, 0]
    return found.masked_fill(truth < 0, torch.nan)


def keep_rate(
    evaluation: Evaluation, head: HeadConfidence, val: tuple[Tensor, Tensor], test: Any, risk: dict[str, float]
) -> None:
    """Add the probability above which false positives are rare, for each label or the second of two classes."""
    names, labels = evaluation.task.spec.classes, head.kind == "labels"
    rate = risk["false_positive_rate"]
    head.risk = {"false_positive_rate": rate, "probability": SURE, "thresholds": {}, "seen": {}}
    after = scaled(head, test.probabilities)
    for k, name in enumerate(names) if labels else [(1, names[1])]:
        negative = [truth[:, k] == 0 if labels else truth == 0 for truth in (val[1], test.truth)]
        bound = false_positive_threshold(val[0][negative[0], k].double().numpy(), rate=rate, failure=1 - SURE)
        false = after[negative[1], k].double().numpy() > bound
        head.risk["thresholds"][name] = bound if np.isfinite(bound) else None
        head.risk["seen"][name] = float(false.mean()) if len(false) else None
        seen = "no negative" if not len(false) else f"{100 * false.mean():.2g} % of {len(false)} negatives"
        head.notes.append(
            f"{name} above {bound:.4g} is wrong for at most {100 * rate:g} % of the negatives with {100 * SURE:g} % "
            f"probability; the test saw {seen}"
            if np.isfinite(bound)
            else f"{name}: too few negatives validate to keep a false positive rate of {100 * rate:g} %"
        )
