"""Windows of several series stand series after series: what is said of their confidence knows where each lies."""

import json
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from dlkit.tasks.forecast import Prediction
from dlkit.train.confidence.answers import order_of, some
from dlkit.train.confidence.checks import exchangeable
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.values import fit_values
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import Evaluation

LONG = 10**6  # rows of a series


def made_evaluation(names):
    """What is asked of an evaluation, for windows of a row of series with names."""
    table = SimpleNamespace(names_of=lambda rows: np.array(list(names), dtype=object)[np.asarray(rows) // LONG])
    geometry = SimpleNamespace(look_forward=1, length=2, stride=1)
    spec = SimpleNamespace(targets=("y",), target_units=("",), gap=0)
    data = SimpleNamespace(geometry=geometry, prepared=SimpleNamespace(table=table))
    found = Mock(spec=Evaluation, thing="window")
    found.data, found.task = data, SimpleNamespace(loss=None, spec=spec)
    return found


def answers_of(series, first=0, places=None):
    """Answers of 0 whose truths are the errors of each series, each (windows,) or (windows, steps)."""
    places = range(len(series)) if places is None else places
    starts = [place * LONG + first + np.arange(len(one)) for place, one in zip(places, series, strict=True)]
    truth = torch.tensor(np.concatenate(series), dtype=torch.float32).reshape(sum(map(len, series)), -1, 1)
    return Prediction(torch.from_numpy(np.concatenate(starts)), torch.zeros_like(truth), None, None, truth)


def remembering(draw, windows, memory):
    """Return normal numbers of deviation 1, each ``memory`` of the one before and something new."""
    new = draw.standard_normal(windows + 100) * np.sqrt(1 - memory**2)
    return lfilter([1], [1, -memory], new)[100:]


def refuted(series, make, *, new=False, trials=40):
    """Return how often the test of exchangeability refutes it, and how often it says that there is too little."""
    found = []
    for trial in range(trials):
        val, test = make(np.random.default_rng(trial))
        parts = answers_of(val), answers_of(test, 500_000, [k + series * new for k in range(series)])
        evaluation = made_evaluation([f"s{k:02d}" for k in range(2 * series)])
        orders = order_of(evaluation, parts[0]), order_of(evaluation, parts[1])
        told = exchangeable(*(part.truth[:, 0, 0].abs() for part in parts), orders)
        found.append((told["refuted"], told["few"]))
    return np.mean(found, 0)


def sized(draw, series, windows, *, memory=0.0, factor=1.0, shared=0.0):
    """Return errors of series of different sizes to validate and to test, the latter times a factor."""
    sizes = np.exp(np.log(2) * draw.standard_normal(series))

    def part(times):
        together = remembering(draw, windows, memory) * shared
        return [(together + remembering(draw, windows, memory)) * size * times for size in sizes]

    return part(1.0), part(factor)


SELDOM = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)  # 1 of 20 cases, and three standard errors of 40 trials


@pytest.mark.parametrize("series", [2, 8])
@pytest.mark.parametrize("shared", [0.0, 2.0])
@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_series_of_different_sizes_are_seldom_refuted_and_a_change_of_all_is_found(series, memory, shared):
    few = 400 if memory else 200
    same, changed = (
        refuted(series, lambda draw, f=f: sized(draw, series, few, memory=memory, factor=f, shared=shared))
        for f in (1.0, 2.5)
    )
    assert same[0] <= SELDOM
    assert changed[0] > 0.9
    assert same[1] == changed[1] == 0


@pytest.mark.parametrize("sizes", [(3, 1), (1, 3), (3, 1, 1, 1, 1), (1, 1, 1, 1, 3)])
@pytest.mark.parametrize("method", ["weighted", "split"])
def test_every_series_has_its_part_in_intervals_whichever_comes_first_in_the_table(sizes, method):
    """Nothing drifts: what forgets the past, and what is fitted to a part of the windows, keeps the level all the same.

    With "split" the whole paths are looked at, whose units come from a part of the windows.
    """
    shares = []
    for seed in range(20):
        draw = np.random.default_rng(seed)
        val, test = (
            answers_of([draw.standard_normal((1_500, 4)) * size for size in sizes], first) for first in (0, 500_000)
        )
        head = fit_values(made_evaluation("abcde"), val, test, Wish(method=method))[0]
        words = "the whole path lies inside" if method == "split" else "each step lies inside"
        shares.append(next(one.seen for one in head.promises if one.what == words))
    assert np.mean(shares) == pytest.approx(0.9, abs=0.012)


def test_what_follows_a_series_knows_this_one_and_a_run_keeps_nothing_of_it_for_another():
    draw = np.random.default_rng(0)
    val, test = (answers_of([draw.standard_normal(400) * size for size in (5, 1)], at) for at in (0, 500_000))
    head, followed = fit_values(made_evaluation("ab"), val, test, Wish(method="adaptive"))
    for k in range(2):
        mine = slice(400 * k, 400 * (k + 1))
        alone = fit_values(made_evaluation("ab"), some(val, mine), some(test, mine), Wish(method="adaptive"))[1]
        torch.testing.assert_close((followed.lower[mine], followed.upper[mine]), (alone.lower, alone.upper))
    saved = json.loads(json.dumps(head.to_dict()))
    assert saved["adaptive"] is True
    earlier = saved | {"adaptive": {"fitted": "dlkit.confidence.fitted_intervals.FittedIntervals", "level": 0.9}}
    for one in (saved, earlier, saved | {"adaptive": None}):
        assert HeadConfidence.from_dict(one).to_dict() == saved | {"adaptive": bool(one["adaptive"])}


def test_what_the_test_saw_of_series_is_sure_where_they_calibrated_and_not_of_new_ones(monkeypatch):
    monkeypatch.setattr("dlkit.train.confidence.values.exchangeable", lambda *_: None)  # a test of its own
    draw = np.random.default_rng(0)
    val, test = ([draw.standard_normal(1_000) * size for size in (3, 1)] for _ in range(2))
    evaluation, wish = made_evaluation("abcd"), Wish(method="split")
    same, new = (
        fit_values(evaluation, answers_of(val), answers_of(test, 500_000, places), wish)[0].promises[0]
        for places in ((0, 1), (2, 3))
    )
    assert same.seen == new.seen
    assert same.effective > 1_500
    assert new.effective < 200
    assert new.high - new.low > 3 * (same.high - same.low)


def test_series_that_are_new_to_the_test_are_a_sample_of_as_many():
    """Sizes differ from series to series, so that their windows are no independent ones."""

    def make(draw):
        sizes = np.exp(np.log(2) * draw.standard_normal(16))
        return [[draw.standard_normal(100) * size for size in part] for part in (sizes[:8], sizes[8:])]

    assert refuted(8, make, new=True)[0] <= SELDOM
