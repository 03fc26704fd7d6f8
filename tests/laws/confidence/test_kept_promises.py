"""What is said of a perfect network: its promises are kept, and its calibration error is what chance makes."""

from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from dlkit.tasks.classify import ClassPrediction
from dlkit.train.confidence.classes import fit_classes
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import Evaluation


def made_evaluation(classes=()):
    """What is asked of an evaluation of samples."""
    found = Mock(spec=Evaluation, thing="sample")
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
