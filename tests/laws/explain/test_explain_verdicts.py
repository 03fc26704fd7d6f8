"""A verdict on maps holds, fails or is not decided, by intervals; the table and the figures say which."""

import json
import math
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from scipy.stats import t
from torch import nn

from dlkit.core.runfolder import RunFolder
from dlkit.explain.faithfulness import Curves, Faithfulness
from dlkit.explain.sanity import Sanity, sanity_check
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.result import Choice, Explained
from dlkit.train.explain.table import table_of
from dlkit.train.explain.verdict import Verdict, truth_scores
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
    assert "gradcam: not decided whether better than" in " ".join(table.split()) and "\nfew samples: 1\n" in table


@pytest.mark.parametrize(("of_samples", "networks"), [(1.0, 20), (0.0, 80)])
def test_more_networks_are_drawn_where_it_is_they_that_leave_a_verdict_open(of_samples, networks):
    """Maps of random networks are like those of the network, or their negative, by a sign of network or sample."""
    random = torch.Generator().manual_seed(0)
    own, net = torch.rand(8, 30, generator=random), nn.Linear(2, 2)
    lasting = torch.where(torch.arange(8) % 2 > 0, 1, -1)[:, None]

    def explain(one):
        if one is net:
            return own
        flip = torch.where(torch.rand(1, generator=random) < 0.5, 1, -1)
        return 0.5 * own * (lasting if of_samples else flip) + 0.1 * torch.rand(8, 30, generator=random)

    found = sanity_check(explain, net, stages=2)
    assert found.networks == networks and (found.by_networks < 0.5) == (of_samples > 0)


@pytest.mark.parametrize(("by_networks", "counts"), [(0.1, [8, 12]), (0.9, [8])])
def test_more_of_the_samples_that_were_asked_for_are_taken_where_they_may_decide(
    by_networks, counts, tmp_path, monkeypatch
):
    seen = []

    def check(explain, net, **_given):
        seen.append(len(explain(net)))
        return Sanity((), (), 0.1, 0.2, seen[-1], 20, by_networks)

    monkeypatch.setattr("dlkit.train.explain.randomized.sanity_check", check)
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))
    task, data = made()
    for samples, wanted in ((8, [8]), (12, counts)):
        seen.clear()
        table = explain_run(task, data, RunFolder(tmp_path), ["saliency"], Choice(samples=samples))
        assert seen == wanted
        assert f"from {wanted[-1]} samples and 20 random networks" in " ".join(table.split())


def found_of(name, one, samples, weak=""):
    inputs = Mock(spec=Inputs, names=["a"] * samples, parts=())
    found = Mock(spec=Explained, verdict=one, inputs=inputs, weak=weak, few=samples < 8)
    found.name = name
    return found, Path("explain", name)


def test_the_table_has_one_word_for_each_verdict_and_the_reasons_stand_below_it_once_within_its_width():
    weak = (
        "the network is not better than chance in the test (26 of 58 right, 26.4 by chance): these maps explain guesses"
    )
    rows = [
        found_of("gradcam", verdict(), 6, weak),
        found_of("occlusion", verdict(correlation=(-0.2, 0.15), margin=(0.035, 0.043)), 6, weak),
        found_of("saliency", verdict(correlation=(-0.4, 0.15), margin=(0.001, 0.01)), 6, weak),
    ]
    table = table_of(rows, 58)
    lines, words = table.splitlines(), " ".join(table.split())
    assert [line.split("  ")[-1] for line in lines[:4]] == ["verdict", "holds", "not decided", "fails"]
    assert all(len(line) <= len(lines[2]) for line in lines) and len({line.index(" ±") for line in lines[1:4]}) == 1
    assert words.count(weak) == words.count("few samples: 6") == 1 and "gradcam:" not in words
    assert "occlusion: not decided whether better than the same maps" in words and "saliency: not faithful" in words
    assert words.count("--samples 24 may decide what is not decided") == 1
    assert "may decide" not in table_of(rows, 6) + table_of(rows[::2], 58)


@pytest.mark.parametrize(("inside", "told"), [(0.15, True), (0.02, True), (0.30, False)])
def test_relevance_that_lies_inside_the_truth_no_more_than_by_chance_is_told_but_is_no_verdict(inside, told):
    known = {"samples": 8.0, "chance": 0.13, "mass_inside": inside, "mass_inside_reach_95": 0.05}
    one = replace(verdict(), truth=known)
    words = " ".join(table_of([found_of("gradcam", one, 8)], 8).split())
    assert one.decision == "holds" and ("gradcam: inside no more than by chance" in words) == told
    assert not told or f"({inside:.2f} beside 0.13, by {inside - 0.13:.2f} ± 0.05 of 8 samples)" in words
    assert not replace(verdict(), truth={"samples": 1.0, "chance": 0.2, "mass_inside": 0.1}).astray


def test_half_the_interval_of_what_lies_inside_is_that_of_the_samples():
    random = torch.Generator().manual_seed(0)
    relevance, truth = torch.rand(6, 1, 1, 20, generator=random), torch.zeros(6, 20, dtype=torch.bool)
    truth[:, :5] = True
    found = truth_scores(Mock(spec=Inputs, truth=truth, valid=torch.ones(6, 1, 20, dtype=torch.bool)), relevance)
    more = relevance[:, 0, 0, :5].sum(1) / relevance[:, 0, 0].sum(1) - 0.25
    mean, (low, high) = float(more.mean()), t.interval(0.95, 5, more.mean(), more.std() / 6**0.5)
    assert found["mass_inside"] - found["chance"] == pytest.approx(mean, abs=1e-6)
    assert found["mass_inside_reach_95"] == pytest.approx((high - low) / 2, rel=1e-4)
