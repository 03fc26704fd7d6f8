"""A verdict on maps holds, fails or is not decided, by intervals; the table and the figures say which."""

import json
import math

import pytest
import torch

from dlkit.core.runfolder import RunFolder
from dlkit.explain.faithfulness import Curves, Faithfulness
from dlkit.explain.sanity import Sanity
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.result import Choice
from dlkit.train.explain.verdict import Verdict
from tests.laws.explain.test_explaining import made

FLAT = Curves(torch.linspace(0, 1, 3), torch.zeros(2, 3), torch.ones(2, 3))


def verdict(margin=(0.5, 0.1), correlation=(0.0, 0.1)):
    return Verdict(Faithfulness(FLAT, FLAT, *margin, 8), Sanity((), (), *correlation, 8), None, {})


@pytest.mark.parametrize(
    ("found", "decision", "words"),
    [
        (verdict(), "holds", ""),
        (verdict(correlation=(-0.20, 0.15)), "not decided", "-0.20 ± 0.15 when all are random, limit 0.2"),
        (verdict(correlation=(-0.40, 0.15)), "fails", "not sane: keeps a rank correlation of -0.40 ± 0.15"),
        (verdict(margin=(0.035, 0.043)), "not decided", "margin 0.035 ± 0.043 from 8 samples"),
        (verdict(margin=(0.001, 0.01)), "fails", "not faithful: no better than the same maps at random places"),
        (verdict(margin=(0.001, 0.01), correlation=(0.2, 0.2)), "fails", "rank correlation 0.20 ± 0.20"),
        (verdict(margin=(0.5, math.inf)), "not decided", "(margin 0.500 from 8 samples)"),
    ],
)
def test_a_limit_inside_of_the_interval_is_not_decided(found, decision, words):
    assert found.decision == decision
    assert any(words in said for said in [*found.problems, *found.undecided]) or not words
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["verdict"] == decision and bool(told["problems"]) == (decision == "fails")


def test_the_figures_say_what_is_not_decided_and_that_samples_are_few(tmp_path, monkeypatch):
    legends = []
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *given: legends.append(given[4]) or iter(()))
    task, data = made()
    table = explain_run(task, data, RunFolder(tmp_path), ["gradcam"], Choice(samples=1))
    (legend,) = legends
    assert "NOT DECIDED: whether better than" in legend.warning and "few samples: 1" in legend.warning
    assert "not decided whether better than" in table and "(few samples: 1)" in table
