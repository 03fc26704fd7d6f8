"""Intervals keep what they promise where validation and test are exchangeable: exactly, not about."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.confidence.answers import Values, contained, rows_of
from dlkit.confidence.fitted_intervals import FittedIntervals
from dlkit.confidence.grouped import Mondrian
from dlkit.confidence.intervals import CQR, Scaled, Split
from dlkit.confidence.joint import Joint
from dlkit.confidence.quantile import conformal_quantile, fewest, rank
from dlkit.confidence.weighted import Weighted
from dlkit.core.checks import InputError

METHODS = [Split(), Scaled(), CQR(), Joint(), Joint(method=CQR()), Weighted(decay=1.0), Weighted(method=Joint())]


def made(windows, seed, steps=4, targets=2):
    """Answers whose errors grow over the steps, with bounds that are too narrow."""
    draw = torch.Generator().manual_seed(seed)
    size = torch.arange(1.0, steps + 1)[:, None] * torch.tensor([1.0, 10.0])[:targets]
    point = torch.randn(windows, steps, targets, generator=draw) * 5
    scale = size * (0.5 + torch.rand(windows, 1, 1, generator=draw))
    truth = point + scale * torch.randn(windows, steps, targets, generator=draw)
    return Values(point, point - scale, point + scale, truth)


# ---------------------------------------------------------------------- the order statistic
@given(st.integers(1, 400), st.floats(0.001, 0.999), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_quantile_is_the_smallest_score_with_enough_scores_up_to_it(count, level, seed):
    scores = torch.from_numpy(np.random.default_rng(seed).permutation(count).astype(np.float64))
    found = float(conformal_quantile(scores, level))
    needed = (count + 1) * Fraction(level).limit_denominator(10**9)
    if math.isinf(found):
        assert needed > count
        assert count < fewest(level)
    else:
        assert int((scores <= found).sum()) >= needed
        assert int((scores < found).sum()) < needed
        assert count >= fewest(level)


def test_levels_are_never_rounded():
    assert rank(1 - 0.0027, 999) == 998  # 997.3; rounded to two digits it would be 1000
    assert rank(0.07, 99) == 7  # 0.07 x 100 is 7.000000000000001 in floats
    assert rank(0.9973, 10**8 - 1) == 99_730_000
    assert rank(0.1, 8) == 1
    assert fewest(0.9) == 9
    assert fewest(0.9973) == 370  # 369.37


def test_the_quantile_of_each_column_counts_what_is_known_of_it():
    scores = torch.rand(200, 3, 2, generator=torch.Generator().manual_seed(0))
    scores[torch.rand(scores.shape, generator=torch.Generator().manual_seed(1)) < 0.3] = math.nan
    scores[:, 2, 1] = math.nan
    found = conformal_quantile(scores, 0.9)
    for step in range(3):
        for target in range(2):
            known = np.sort(scores[:, step, target][~scores[:, step, target].isnan()].numpy())
            expected = known[rank(0.9, len(known)) - 1] if len(known) else math.inf
            assert found[step, target] == expected
    torch.testing.assert_close(conformal_quantile(scores.movedim(0, -1), 0.9, dim=-1), found)


def test_weights_of_one_are_no_weights_and_whole_weights_are_copies():
    scores = torch.rand(300, 5, generator=torch.Generator().manual_seed(0))
    scores[torch.rand(scores.shape, generator=torch.Generator().manual_seed(1)) < 0.1] = math.nan
    for level in (0.03, 0.5, 0.9, 0.9973, 299 / 301):
        torch.testing.assert_close(
            conformal_quantile(scores, level, torch.ones(300)), conformal_quantile(scores, level)
        )
    chosen = torch.arange(300) % 3 == 0
    found = conformal_quantile(scores, 0.9, chosen.double())
    torch.testing.assert_close(found, conformal_quantile(scores[chosen], 0.9))


def test_a_table_is_not_copied_as_a_whole(monkeypatch):
    scores = torch.rand(50, 40, generator=torch.Generator().manual_seed(0))
    whole = conformal_quantile(scores, 0.8)
    monkeypatch.setattr("dlkit.confidence.quantile.CHUNK", 120)  # two columns at a time
    torch.testing.assert_close(conformal_quantile(scores, 0.8), whole)


# ---------------------------------------------------------------------- coverage
def test_split_conformal_covers_what_is_promised_and_hardly_more():
    """The mean of coverage is ceil((n + 1) level) / (n + 1) exactly: here between .9 and .9 + 1/1001 (Vovk 2005)."""
    draw = torch.Generator().manual_seed(7)
    scores = torch.randn(1000, 200, generator=draw, dtype=torch.float64).abs()  # a trial each column
    radius = conformal_quantile(scores, 0.9)
    covered = torch.erf(radius / math.sqrt(2))  # of what is to come, in closed form
    assert 0.9 - 0.0025 < covered.mean() < 0.9 + 1 / 1001 + 0.0025


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_method_keeps_its_level(method, level=0.8):
    """Over trials, the mean of the coverage lies in [level, level + 1 / (n + 1)] up to four standard errors."""
    trials, windows = 40, 60
    seen = torch.tensor([covered_by(method, level, trial, windows) for trial in range(trials)])
    error = 4 * seen.std() / math.sqrt(trials)
    assert level - error < seen.mean() < level + 1 / (0.8 * windows) + error


def covered_by(method, level, trial, windows):
    everything = made(windows + 400, trial)
    calibration, test = rows_of(everything, slice(windows)), rows_of(everything, slice(windows, None))
    inside = contained(test.truth, *method.fit(calibration, level).bounds(*test[:3]))
    return float((inside.amin(1) if method.joint else inside).mean())


def test_each_group_keeps_the_level_and_an_unknown_one_promises_nothing():
    answers, test = made(900, 0), made(6000, 1)
    sizes, groups, later = torch.tensor([1.0, 4.0, 9.0]), np.arange(900) % 3, np.arange(6000) % 3
    answers = answers._replace(truth=answers.point + (answers.truth - answers.point) * sizes[groups][:, None, None])
    test = test._replace(truth=test.point + (test.truth - test.point) * sizes[later][:, None, None])
    fitted = Mondrian().fit(answers, 0.9, groups)
    inside = contained(test.truth, *fitted.bounds(*test[:3], later))
    shares = torch.stack([inside[later == group].mean() for group in range(3)])
    assert ((shares - 0.9).abs() < 0.03).all()
    pooled = contained(test.truth, *Split().fit(answers, 0.9).bounds(*test[:3]))
    assert pooled[later == 2].mean() < 0.8  # without groups, the widest one is not covered
    lower, upper = fitted.bounds(*rows_of(test, slice(2))[:3], ["0", "never seen"])
    assert lower[0].isfinite().all()
    assert (upper[1] == math.inf).all()


def test_a_method_per_group_is_the_method_on_the_group():
    answers, groups = made(100, 0), np.array(["b", "a"] * 50)
    fitted = Mondrian(method=CQR()).fit(answers, 0.8, groups)
    own = CQR().fit(rows_of(answers, torch.from_numpy(groups == "a")), 0.8)
    for ours, alone in zip(fitted.bounds(*answers[:3], ["a"] * 100), own.bounds(*answers[:3]), strict=True):
        torch.testing.assert_close(ours, alone)


def test_old_windows_count_less_where_weights_forget():
    """The error doubles half way: what forgets follows, what does not stays between."""
    answers = made(2000, 0)
    wide = answers._replace(truth=answers.point + torch.cat([torch.ones(1000), torch.full((1000,), 2.0)])[:, None, None]
                            * (answers.truth - answers.point))  # fmt: skip
    now = Split().fit(rows_of(wide, slice(1000, None)), 0.9).radius
    forgetting = Weighted(decay=0.99).fit(wide, 0.9).radius
    assert ((forgetting / now - 1).abs() < 0.25).all()
    assert (Split().fit(wide, 0.9).radius < 0.95 * now).all()


# ---------------------------------------------------------------------- the shape of intervals
def test_conformalized_quantiles_that_cross_are_one_number():
    answers = made(500, 0)._replace(lower=torch.full((500, 4, 2), -1e3), upper=torch.full((500, 4, 2), 1e3))
    lower, upper = CQR().fit(answers, 0.1).bounds(*answers[:3])
    assert (lower <= upper).all()
    narrow = made(500, 0)._replace(lower=torch.full((500, 4, 2), -1.0), upper=torch.full((500, 4, 2), 1.0))
    lower, upper = CQR().fit(answers, 0.1).bounds(*narrow[:3])
    assert (lower == upper).all()


def test_a_scaled_interval_is_wide_where_the_network_is_unsure():
    answers = made(500, 0)
    lower, upper = Scaled().fit(answers, 0.9).bounds(*answers[:3])
    ratio = (upper - lower) / (answers.upper - answers.lower)
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-3, atol=0)
    assert (ratio > 1).all()  # the network was too sure of itself


def test_a_joint_interval_is_narrower_than_one_by_bonferroni():
    steps = 24
    walk = torch.randn(2000, steps, 1, generator=torch.Generator().manual_seed(0)).cumsum(1)
    answers = Values(torch.zeros_like(walk), None, None, walk)
    joint = Joint().fit(answers, 0.9).radius
    assert joint.shape == (1, steps, 1)
    assert (joint < Split().fit(answers, 1 - 0.1 / steps).radius).float().mean() > 0.8
    assert (joint > Split().fit(answers, 0.9).radius).all()


def test_too_few_windows_give_infinite_intervals_and_a_sentence():
    fitted = Split().fit(made(98, 0), 0.99)
    assert fitted.radius.isinf().all()
    assert "98 calibration scores are too few to promise a coverage of 0.99, at least 99" in fitted.lacks()
    assert Split().fit(made(99, 0), 0.99).lacks() == ""
    assert "Weighted finds no finite interval" in Weighted(decay=0.9).fit(made(99, 0), 0.95).lacks()
    groups = np.array(["many"] * 95 + ["few"] * 4)
    assert "4 calibration scores of group 'few'" in Mondrian().fit(made(99, 0), 0.9, groups).lacks()


@pytest.mark.parametrize("method", [*METHODS, Mondrian(method=Scaled())], ids=lambda method: type(method).__name__)
def test_intervals_travel_as_json(method):
    answers, groups = made(40, 0), np.arange(40) % 5
    fitted = method.fit(answers, 0.8, groups)  # eight windows a group: finite
    again = FittedIntervals.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    given_groups = groups if fitted.groups else None
    for ours, saved in zip(
        fitted.bounds(*answers[:3], given_groups), again.bounds(*answers[:3], given_groups), strict=True
    ):
        torch.testing.assert_close(ours, saved, rtol=0, atol=0)
    assert (again.joint, again.level, again.lacks()) == (fitted.joint, 0.8, fitted.lacks())
    unsure = FittedIntervals.from_dict(json.loads(json.dumps(Split().fit(answers, 0.99).to_dict(), allow_nan=False)))
    assert unsure.radius.isinf().all()


def test_values_of_samples_are_served_as_forecasts_are():
    answers = Values(*(part[:, 0] for part in made(300, 0)))
    for method in (Split(), Scaled(), CQR(), Joint()):
        inside = contained(answers.truth, *method.fit(answers, 0.9).bounds(*answers[:3]))
        assert inside.shape == (300, 2)
        assert 0.85 < inside.mean() < 0.99


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5, math.nan])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(InputError, match="must lie between 0 and 1, both left out: set `level`"):
        Split().fit(made(20, 0), level)


def test_what_cannot_be_fitted_is_refused_in_one_sentence():
    bare = made(20, 0)._replace(lower=None, upper=None)
    for method in (Scaled(), CQR()):
        with pytest.raises(InputError, match="widens the interval of a network that answers with one"):
            method.fit(bare, 0.9)
    with pytest.raises(InputError, match="Mondrian needs the group of each answer"):
        Mondrian().fit(bare, 0.9)
    with pytest.raises(InputError, match="3 groups came for 20 answers"):
        Mondrian().fit(bare, 0.9, ["a", "b", "c"])
    with pytest.raises(InputError, match="give the group of each answer"):
        Mondrian().fit(bare, 0.5, ["a", "b"] * 10).bounds(bare.point)
    with pytest.raises(InputError, match="Weighted decay=2 must lie above 0"):
        Weighted(decay=2.0)
    with pytest.raises(InputError, match="Joint share=1 must lie between 0 and 1"):
        Joint(share=1.0)
    with pytest.raises(InputError, match="is no method of intervals"):
        FittedIntervals.from_dict(Split().fit(bare, 0.9).to_dict() | {"around": "os.system"})


# ---------------------------------------------------------------------- an independent library
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_split_and_quantile_intervals_are_those_of_mapie(level):
    regression = pytest.importorskip("mapie.regression")
    answers, test = made(200, 0, 1, 1), made(50, 1, 1, 1)
    x, y = answers.point[:, 0].double().numpy(), answers.truth[:, 0, 0].double().numpy()
    identity = Identity().fit(x, y)
    theirs = regression.SplitConformalRegressor(identity, confidence_level=level, prefit=True).conformalize(x, y)
    _, bounds = theirs.predict_interval(test.point[:, 0].double().numpy())
    lower, upper = Split().fit(answers, level).bounds(*test[:3])
    np.testing.assert_allclose(lower[:, 0, 0], bounds[:, 0, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(upper[:, 0, 0], bounds[:, 1, 0], rtol=1e-5, atol=1e-5)


class Identity:
    """A regressor of scikit-learn's kind that returns its input."""

    def fit(self, x, y):
        self.n_features_in_, self.is_fitted_ = 1, True
        return self

    def predict(self, x):
        return x[:, 0]

    def get_params(self, deep=True):
        return {}

    def __sklearn_is_fitted__(self):
        return True
