"""Tests of paired losses: beside scipy and brute force; no more false alarms than promised."""

import numpy as np
import pytest
from scipy import stats

from dlkit.metrics.paired import bootstrap, diebold_mariano, long_run_variance, mcnemar


def test_the_variance_is_the_double_sum_of_the_definition():
    random = np.random.default_rng(0)
    values = np.convolve(random.normal(size=90), np.ones(5), "valid")
    values -= values.mean()
    groups = np.repeat([0, 1], [40, len(values) - 40])
    lags = 12
    total = 0.0
    for i in range(len(values)):
        for j in range(len(values)):
            if groups[i] == groups[j] and abs(i - j) <= lags:
                total += (1 - abs(i - j) / (lags + 1)) * values[i] * values[j]
    assert long_run_variance(values, groups, lags) == pytest.approx(max(total, values @ values) / len(values))


def test_a_constant_lead_is_sure_and_no_lead_is_none():
    assert diebold_mariano(np.full(50, 0.3)).p == 0
    assert diebold_mariano(np.zeros(50)).p == 1
    assert np.isnan(diebold_mariano(np.array([1.0, np.nan])).p)


def test_missing_losses_are_left_out():
    difference = np.random.default_rng(1).normal(size=200)
    holed = np.insert(difference, [5, 80], np.nan)
    assert diebold_mariano(holed) == diebold_mariano(difference)


def test_overlapping_windows_give_no_more_false_alarms_than_promised():
    random = np.random.default_rng(2)
    overlap, alarms, naive, trials = 12, 0, 0, 300
    for _ in range(trials):
        difference = np.convolve(random.normal(size=600 + overlap - 1), np.ones(overlap), "valid")
        alarms += diebold_mariano(difference, overlap=2 * overlap).p < 0.05
        naive += stats.ttest_1samp(difference, 0).pvalue < 0.05
    assert alarms / trials < 0.10
    assert naive / trials > 0.4  # what an ordinary t-test would do


def test_the_interval_holds_the_mean_when_the_probability_says_so():
    random = np.random.default_rng(3)
    for shift in (0.0, 0.05, 0.1, 0.2):
        found = diebold_mariano(random.normal(shift, 1, 400))
        assert (found.low <= 0 <= found.high) == (found.p >= 0.05)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 1), (12, 3), (7, 7), (30, 10)])
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(wins, losses):
    first = np.r_[np.ones(wins, bool), np.zeros(losses, bool), np.ones(60, bool)]
    second = np.r_[np.zeros(wins, bool), np.ones(losses, bool), np.ones(60, bool)]
    found = mcnemar(first, second)
    wanted = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert found.p == pytest.approx(wanted)
    assert found.difference == pytest.approx(first.mean() - second.mean())
    assert found.low < found.difference < found.high or wins + losses == 0
    other = mcnemar(second, first)
    assert (other.low, other.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_the_bootstrap_of_the_mean_is_that_of_the_central_limit():
    difference = np.random.default_rng(4).gamma(2.0, size=500) - 2
    found = bootstrap(difference)
    error = difference.std() / np.sqrt(500)
    assert found.low == pytest.approx(difference.mean() - 1.96 * error, abs=0.25 * error)
    assert found.high == pytest.approx(difference.mean() + 1.96 * error, abs=0.25 * error)
    assert found == bootstrap(difference)
    assert bootstrap(difference + 3).p <= 0.001
