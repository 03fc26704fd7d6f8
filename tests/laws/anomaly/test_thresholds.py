"""Thresholds from normal rows keep what they promise on normal rows to come."""

import math

import numpy as np
import pytest
from scipy import stats

from dlkit.anomaly.pareto import fit_pareto
from dlkit.anomaly.thresholds import Conformal, PeaksOverThreshold, Quantile, peaks_above, runs_of
from dlkit.core.checks import InputError

DAY = 1_000.0  # rows


def normal_scores(rows, seed):
    return np.random.default_rng(seed).standard_normal(rows)


@pytest.mark.parametrize(
    ("threshold", "share"), [(Quantile(level=0.99), 0.01), (PeaksOverThreshold(level=0.999), 0.001)]
)
def test_the_false_positive_rate_lies_in_its_binomial_interval(threshold, share):
    """Both the threshold and the count are random: their variances add."""
    fitted, fresh = 40_000, 400_000
    found = np.mean(normal_scores(fresh, 1) > threshold.fit(normal_scores(fitted, 0), [(0, fitted)], DAY))
    deviation = math.sqrt(share * (1 - share) * (1 / fitted + 1 / fresh))
    assert abs(found - share) < 3.3 * deviation  # one chance in a thousand


def test_conformal_false_alarms_a_day_hold_on_average_over_exchangeable_scores():
    """The expected share above the k-th of n smallest scores is 1 - k / (n + 1) exactly, here 2 / 1000."""
    rows, trials, per_day = 1_499, 2_000, 2.0
    drawn = np.random.default_rng(3).exponential(size=(trials, rows))
    thresholds = np.array([Conformal(false_alarms_per_day=per_day).fit(one, [(0, rows)], DAY) for one in drawn])
    alarms = DAY * np.exp(-thresholds)  # expected, in closed form
    assert abs(alarms.mean() - per_day) < 4 * alarms.std() / math.sqrt(trials)


def test_too_few_rows_promise_nothing(caplog):
    assert Conformal(false_alarms_per_day=1.0).fit(normal_scores(998, 0), [(0, 998)], DAY) == math.inf
    assert "998 normal validation rows cannot promise 1 false alarms a day, 999 can" in caplog.text
    assert math.isfinite(Conformal(false_alarms_per_day=1.0).fit(normal_scores(999, 0), [(0, 999)], DAY))
    for rows in (50, 998, 999, 2000):
        threshold, scores = Conformal(false_alarms_per_day=1.0), normal_scores(rows, 0)
        assert bool(threshold.lacks(scores, DAY)) == math.isinf(threshold.fit(scores, [(0, rows)], DAY))
    assert Quantile().lacks(normal_scores(5, 0), DAY) == ""


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3, 0.8])
def test_the_pareto_fit_is_the_maximum_of_the_likelihood(shape):
    excess = stats.genpareto.rvs(shape, scale=2.5, size=4_000, random_state=5)
    found = fit_pareto(excess)
    theirs, _, scale = stats.genpareto.fit(excess, floc=0)
    ours = stats.genpareto.logpdf(excess, found.shape, scale=found.scale).sum()
    assert ours >= stats.genpareto.logpdf(excess, theirs, scale=scale).sum() - 0.01
    assert found.shape == pytest.approx(shape, abs=0.06)
    np.testing.assert_allclose(
        found.exceeded_by(1e-4), stats.genpareto.isf(1e-4, found.shape, scale=found.scale), rtol=1e-9
    )


def test_peaks_over_threshold_extrapolates_an_exponential_law_to_its_closed_form():
    rows = 200_000
    scores = np.random.default_rng(7).exponential(size=rows)
    found = PeaksOverThreshold(level=1 - 1e-6).fit(scores, [(0, rows)], DAY)
    assert found == pytest.approx(-math.log(1e-6), rel=0.1)


def test_excursions_a_day_are_those_that_were_asked_for():
    """Scores that last for several rows: an excursion counts once."""
    rows, per_day = 300_000, 0.5
    noise = np.random.default_rng(11).standard_normal(2 * rows + 9)
    scores = np.convolve(noise, np.full(10, 10**-0.5), mode="valid")
    threshold = PeaksOverThreshold(per_day=per_day).fit(scores[:rows], [(0, rows)], DAY)
    alarms = len(runs_of(scores[rows:] > threshold, [(0, rows)]))
    low, high = stats.poisson.interval(0.999, per_day * rows / DAY)
    assert 0.75 * low < alarms < 1.25 * high  # the threshold is uncertain itself


def test_few_peaks_give_the_largest_score_and_say_so(caplog):
    scores = normal_scores(60, 0)
    assert PeaksOverThreshold().fit(scores, [(0, 60)], DAY) == scores.max()
    assert "too few" in caplog.text


def test_missing_scores_do_not_count():
    scores = normal_scores(5_000, 2)
    holes = np.insert(scores, np.arange(0, 5_000, 7), np.nan)
    for threshold in (Quantile(), Conformal(false_alarms_per_day=2.0), PeaksOverThreshold(level=0.999)):
        assert threshold.fit(holes, [(0, len(holes))], DAY) == threshold.fit(scores, [(0, 5_000)], DAY)


def test_a_border_ends_a_run():
    flags = np.array([1, 1, 1, 0, 1, 1, 0, 0], bool)
    assert runs_of(flags, [(0, 2), (2, 8)]).tolist() == [[0, 2], [2, 3], [4, 6]]
    assert peaks_above(np.arange(8.0) * flags, 0.5, [(0, 2), (2, 8)]).tolist() == [1, 2, 5]
    assert runs_of(np.zeros(0, bool), []).tolist() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: Quantile(level=0.3),
        lambda: Quantile(level=99.9),
        lambda: Conformal(false_alarms_per_day=0.0),
        lambda: Conformal(false_alarms_per_day=900.0).fit(normal_scores(50, 0), [(0, 50)], DAY),
        lambda: PeaksOverThreshold(per_day=-1.0),
        lambda: PeaksOverThreshold(level=0.5),
        lambda: PeaksOverThreshold(tail=98.0),
        lambda: Quantile().fit(np.full(5, np.nan), [(0, 5)], DAY),
    ],
)
def test_impossible_thresholds_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_a_largest_shape_keeps_the_threshold_within_reach_and_changes_no_lighter_tail():
    heavy, light = (stats.genpareto(shape).rvs(40, random_state=1) for shape in (2.0, 0.0))
    free, bounded = fit_pareto(heavy), fit_pareto(heavy, most_shape=0.5)
    assert free.shape > 1
    assert bounded.shape <= 0.5
    assert bounded.exceeded_by(1 / 400) < 0.2 * free.exceeded_by(1 / 400)
    assert fit_pareto(light, most_shape=0.5) == fit_pareto(light)
