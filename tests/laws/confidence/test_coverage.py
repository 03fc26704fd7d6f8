"""What was seen of a promise is judged by as much as the windows tell, which share rows and resemble each other."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from dlkit.confidence.autocorrelation import autocovariances, integrated_time
from dlkit.confidence.coverage import clopper_pearson, coverage
from dlkit.confidence.exchangeability import exchangeability, log_martingale, online_p_values


def remembering(windows, columns, memory, seed):
    """Normal numbers of deviation 1, each ``memory`` of the one before and something new."""
    new = np.random.default_rng(seed).standard_normal((windows + 200, columns)) * np.sqrt(1 - memory**2)
    return lfilter([1], [1, -memory], new, axis=0)[200:]


def test_correlation_time_of_a_process_of_first_order_is_known():
    """1 + 2 sum of m^k is (1 + m) / (1 - m)."""
    for memory in (0.0, 0.5, 0.9):
        products = autocovariances(remembering(20_000, 8, memory, 0), [(0, 20_000)])
        assert integrated_time(products).mean() == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


def test_products_do_not_reach_over_borders():
    values = np.random.default_rng(0).standard_normal((50, 3))
    borders = [(0, 20), (20, 50)]
    found = autocovariances(values, borders)
    for lag in (0, 1, 7, 15):
        expected = sum((values[a : b - lag] * values[a + lag : b]).sum(0) for a, b in borders)
        np.testing.assert_allclose(found[lag], expected, atol=1e-9)


def test_of_independent_truths_it_is_the_interval_of_clopper_and_pearson():
    for hits, tries in ((9, 10), (0, 20), (20, 20), (450, 500)):
        low, high = clopper_pearson(np.array([float(hits)]), np.array([float(tries)]), 0.95)
        expected = stats.binomtest(hits, tries).proportion_ci(0.95, "exact")
        np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high])


@pytest.mark.parametrize(("memory", "windows"), [(0.0, 500), (0.9, 1000), (0.98, 2000)])
@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_interval_holds_the_true_share_in_95_of_100_cases(memory, windows, level):
    inside = np.abs(remembering(windows, 300, memory, 1)) <= stats.norm.ppf((1 + level) / 2)
    found = coverage(inside.astype(np.float64))
    assert np.mean((found.low <= level) & (level <= found.high)) > 0.9
    assert np.mean(~found.holds(level)) < 0.06  # a promise that is kept is refuted in less than 1 of 20 cases
    wrong = clopper_pearson(found.seen * windows, np.full(300, float(windows)), 0.95)
    if memory:  # windows that are taken for independent refute what is true
        assert np.mean((wrong[0] <= level) & (level <= wrong[1])) < 0.85


def test_a_kept_promise_is_seldom_refuted_by_the_luck_of_one_calibration():
    """Split conformal on 200 scores, counted on 200: without the luck of calibration 1 of 12 would be refuted."""
    draw, trials = np.random.default_rng(0), 2000
    radius = np.sort(draw.random((200, trials)), 0)[int(np.ceil(201 * 0.9)) - 1]
    inside = (draw.random((200, trials)) <= radius).astype(np.float64)
    assert np.mean(~coverage(inside, calibration=200).holds(0.9)) < 0.03
    assert np.mean(~coverage(inside).holds(0.9)) > 0.05


def test_shares_of_several_values_tell_more_than_one_value():
    inside = (np.random.default_rng(0).random((400, 24)) < 0.9).astype(np.float64)
    found = coverage(inside.mean(1)[:, None])
    assert found.effective[0] == pytest.approx(400 * 24, rel=0.35)
    assert found.seen[0] == pytest.approx(inside.mean())


def test_unknown_truths_and_perfect_columns():
    inside = np.ones((96 * 5, 3))
    inside[:, 1] = np.nan
    inside[::2, 2] = np.nan
    found = coverage(inside, overlap=96)
    np.testing.assert_array_equal(found.count, [480, 0, 240])
    assert found.effective[0] == pytest.approx(5)  # without a miss nothing tells how misses cluster
    assert found.low[0] == pytest.approx(0.025 ** (1 / 5))
    assert np.isnan(found.seen[1])
    assert found.holds(0.9)[0]


def test_columns_keep_their_shape_and_do_not_mix(monkeypatch):
    inside = (np.random.default_rng(0).random((60, 3, 2)) < 0.8).astype(np.float64)
    found = coverage(inside, [(0, 25), (25, 60)])
    assert found.seen.shape == found.low.shape == (3, 2)
    monkeypatch.setattr("dlkit.confidence.coverage.CHUNK", 100)  # a column at a time
    np.testing.assert_allclose(coverage(inside, [(0, 25), (25, 60)]).effective, found.effective)


# ---------------------------------------------------------------------- exchangeability
def refuted(windows, memory, factor, overlap=1, trials=40):
    """Share of trials in which a change of size by ``factor`` is found."""
    found = []
    for trial in range(trials):
        values = np.abs(remembering(2 * windows, 1, memory, trial)[:, 0])
        values[windows:] *= factor
        found.append(exchangeability(values[:windows], values[windows:], overlap=overlap, draws=199).refuted)
    return np.mean(found)


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_what_is_exchangeable_is_seldom_refuted_and_a_change_is_found(memory):
    """1 of 20 cases, up to three standard errors of 40 trials; blocks are what makes it true for series."""
    assert refuted(600, memory, 1.0) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)
    assert refuted(600, memory, 2.0) > 0.9


def test_windows_taken_one_by_one_would_refute_what_is_exchangeable(monkeypatch):
    monkeypatch.setattr("dlkit.confidence.exchangeability.correlation_time", lambda ranks: 0.3)  # a block is a window
    assert refuted(600, 0.9, 1.0, trials=20) > 0.4


def test_conformal_p_values_in_time_are_uniform_and_independent():
    values = np.random.default_rng(0).choice([0.0, 1.0, 2.0], 3000)  # ties are broken by chance
    found = online_p_values(values, np.random.default_rng(1))
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.06


def test_the_martingale_seldom_grows_large_under_exchangeability_and_does_after_a_change():
    """The probability that it ever reaches 20 is at most 1 / 20 (Ville)."""
    draw = np.random.default_rng(2)
    highest = np.array([log_martingale(draw.standard_normal(150), draw) for _ in range(150)])
    assert np.mean(highest >= np.log(20)) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert log_martingale(np.concatenate([np.zeros(50), np.ones(50)]) + draw.random(100), draw) > np.log(20)


def test_very_many_windows_are_told_in_no_more_blocks_than_needed():
    draw = np.random.default_rng(0)
    found = exchangeability(draw.random(30_000), draw.random(30_000), draws=99)
    assert found.blocks <= 2_000
    assert not found.refuted


def test_too_few_windows_refute_nothing_and_say_so():
    found = exchangeability(np.zeros(100), np.ones(100) * 9, overlap=50)
    assert found.few
    assert not found.refuted
    assert not exchangeability(np.random.default_rng(0).random(400), np.ones(400), overlap=2).few
