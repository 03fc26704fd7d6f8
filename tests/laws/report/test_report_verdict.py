"""A green tick on the page of a run means that the model won: not by rounding or chance, and not in one row alone."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import binom, bootstrap

from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.train.evaluation.values import ValueEvaluation
from dlkit.train.report.known import Known
from dlkit.train.report.measures import all_measures, words_of
from dlkit.train.report.question import verdict


def of_classes(own, rival, count):
    return known({"test_samples": count, "test": {"overall": own}, "baselines": {"class shares": {"overall": rival}}})


def of_values(own, rival, **more):
    def written(errors):
        return {"standardized": {"overall": {}}, "physical": {"per_target": {"energy": errors}}}

    return known({"test_samples": 104, "test": written(own), "baselines": {"training median": written(rival)}} | more)


def known(metrics):
    spec = Spec(("a",), (4,), (1, 1), ("energy",), ("A",), ("MeV",), kind="values")
    return Known(RunFolder(Path()), {}, {}, metrics, spec, Path("best.ckpt"))


@pytest.mark.parametrize(("value", "tone"), [(5.0, "good"), (8.519, "warn"), (8.544, "bad"), (9.0, "bad")])
def test_a_win_of_no_percent_gets_no_tick(value, tone):
    said, found = verdict(of_values({"mae": value}, {"mae": 8.544}))
    assert found == tone
    assert ("0 % less. That is a tie." in said) == (tone == "warn")


def test_a_win_in_one_row_and_a_loss_in_another_get_no_tick():
    own, rival = {"mae": 5.0, "rmse": 10.01, "r2": -0.0022}, {"mae": 8.5, "rmse": 9.997, "r2": -0.0003}
    said, tone = verdict(of_values(own, rival))
    assert tone == "warn" and "A baseline is ahead in RMSE energy (MeV) and R2 energy." in said
    assert verdict(of_values(own | {"rmse": 6.0, "r2": 0.6}, rival))[1] == "good"


@pytest.mark.parametrize(("low", "tone"), [(0.1, "good"), (-0.1, "warn"), (None, "good")])
def test_a_win_that_paired_samples_do_not_decide_gets_no_tick(low, tone):
    differences = {"training median": {"energy": [low, 0.9]}}
    assert verdict(of_values({"mae": 8.0}, {"mae": 8.5}, differences=differences))[1] == tone


@pytest.mark.parametrize("right", range(45, 75))
def test_a_win_of_a_share_within_chance_gets_no_tick(right):
    """The exact binomial law is the reference; the interval that the run prints is Wilson's, an answer or two off."""
    said, tone = verdict(of_classes({"accuracy": right / 100}, {"accuracy": 0.5}, 100))
    p = binom.sf(right - 1, 100, 0.5)
    assert tone == ("bad" if right <= 50 else "good" if p < 0.01 else "warn" if p > 0.05 else tone)
    assert ("Chance explains that: it lies between" in said) == (tone == "warn")


def test_r2_of_each_target_is_in_the_table_without_a_unit():
    own = {"mae": 5.0, "r2": -0.0022}
    assert all_measures(of_values(own, own))["model"]["physical/energy/r2"] == -0.0022
    units = {"energy": "MeV"}
    assert [words_of(f"physical/energy/{one}", units) for one in own] == ["MAE energy (MeV)", "R2 energy"]


def test_the_bounds_of_a_difference_are_those_of_drawing_samples_again():
    random = np.random.default_rng(0)
    truth = random.normal(size=(300, 2))
    point = np.stack([0.3 * truth[:, 0], random.normal(size=300) * 0.1], 1)
    truth[::7, 1] = np.nan
    answers = SimpleNamespace(point=torch.from_numpy(point), truth=torch.from_numpy(truth))
    evaluation = SimpleNamespace(answers=answers, task=SimpleNamespace(spec=SimpleNamespace(targets=("a", "b"))))
    found = ValueEvaluation.difference(evaluation, np.zeros(2))
    for k, target in enumerate("ab"):
        more = np.abs(truth[:, k]) - np.abs(truth[:, k] - point[:, k])
        more = more[~np.isnan(more)]
        drawn = bootstrap((more,), np.mean, method="percentile", rng=random).confidence_interval
        np.testing.assert_allclose(found[target], drawn, atol=0.1 * (drawn.high - drawn.low))
    one = SimpleNamespace(point=torch.zeros(1, 2), truth=torch.ones(1, 2))
    evaluation.answers = one
    assert ValueEvaluation.difference(evaluation, np.zeros(2))["a"] == [None, None]
