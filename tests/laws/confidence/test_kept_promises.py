"""What is said of a perfect network: its promises are kept, and its calibration error is what chance makes."""

from functools import partial
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from dlkit.confidence.weighted import Weighted
from dlkit.tasks.classify import ClassPrediction
from dlkit.tasks.forecast import Prediction
from dlkit.tasks.regress import ValuePrediction
from dlkit.train.confidence.classes import fit_classes
from dlkit.train.confidence.values import fit_values
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import Evaluation


def made_evaluation(classes=(), thing="sample"):
    """What is asked of an evaluation of samples, or of windows of one series."""
    found, table = Mock(spec=Evaluation, thing=thing), Mock()
    table.names_of = lambda rows: np.full(len(rows), "a", dtype=object)
    geometry = SimpleNamespace(look_forward=1, length=2, stride=1)
    found.data = SimpleNamespace(geometry=geometry, prepared=SimpleNamespace(table=table))
    spec = SimpleNamespace(targets=("y",), target_units=("",), gap=0, classes=classes)
    found.task = SimpleNamespace(loss=None, spec=spec)
    return found


def perfect(seed, count, known, *, labels):
    """Return answers that are right exactly as often as they say, and of which only the first have a known truth."""
    draw = torch.Generator().manual_seed(seed)
    p = torch.rand(count, 2, generator=draw)
    if labels:
        truth = (torch.rand(count, 2, generator=draw) < p).float()
        truth[known:] = torch.nan
        truth[: known // 2, 1] = torch.nan  # of a label less is known than of another
    else:
        p = p / p.sum(1, keepdim=True)
        truth = (torch.rand(count, generator=draw) < p[:, 1]).long()
        truth[known:] = -1
    return ClassPrediction(torch.arange(count), p, truth)


@pytest.mark.parametrize("labels", [False, True])
def test_chance_is_that_of_the_answers_whose_truth_is_known(labels):
    found = [
        fit_classes(
            made_evaluation(("a", "b")), perfect(seed, 200, 200, labels=labels),
            perfect(1_000 + seed, 2_000, 100, labels=labels), Wish(scaling="none"),
        ).measures
        for seed in range(60)
    ]  # fmt: skip
    errors, chance, line = (
        np.array([one[name] for one in found]) for name in ("ece_after", "ece_chance", "ece_chance_p95")
    )
    assert errors.mean() == pytest.approx(chance.mean(), rel=0.1)
    assert np.mean(errors > line) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def calibrated(kind, seed, factor):
    """Return what is promised by 100 answers, and what 1,000 others show whose errors are larger by a factor."""
    parts = []
    few = 4_000 if kind == "weighted" else 100  # of which the last 200 weigh
    for count, of, times in ((few, 2 * seed, 1.0), (1_000, 2 * seed + 1, factor)):
        if kind in ("classes", "labels"):
            draw, labels = torch.Generator().manual_seed(of), kind == "labels"
            part = perfect(of, count, count, labels=False)
            wrong = torch.rand(count, generator=draw) < 0.5 * (times - 1)
            truth = torch.where(wrong, 1 - part.truth, part.truth)
            sides = torch.stack([1 - truth, truth], 1).float()
            parts.append(part._replace(truth=sides if labels else truth))
        else:
            shape, make = ((count, 1), ValuePrediction) if kind == "values" else ((count, 1, 1), Prediction)
            truth = torch.randn(shape, generator=torch.Generator().manual_seed(of)) * times
            parts.append(make(torch.arange(count) + of % 2 * 5_000, torch.zeros(shape), None, None, truth))
    if kind in ("classes", "labels"):
        return fit_classes(made_evaluation(("a", "b")), *parts, Wish(scaling="none"))
    evaluation = made_evaluation(thing="sample" if kind == "values" else "window")
    return fit_values(evaluation, *parts, Wish(method="weighted" if kind == "weighted" else "auto"))[0]


@pytest.mark.parametrize("kind", ["values", "windows", "weighted", "classes", "labels"])
def test_a_kept_promise_is_seldom_called_broken_by_the_luck_of_few_calibration_answers(kind, monkeypatch):
    """The share of 1,000 that the 90th of 100 covers wavers by 0.03 (beta law), by a third of that for its own luck."""
    for module in ("values", "classes"):  # a test of its own, and slow
        monkeypatch.setattr(f"dlkit.train.confidence.{module}.exchangeable", lambda *_: None)
    monkeypatch.setattr("dlkit.train.confidence.values.Weighted", partial(Weighted, decay=0.99))
    kept, broken = (
        [calibrated(kind, seed, factor).promises[0].holds for seed in range(count)]
        for factor, count in ((1.0, 200), (2.0, 20))
    )
    assert np.mean(np.logical_not(kept)) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 200)
    assert np.mean(np.logical_not(broken)) > 0.9
