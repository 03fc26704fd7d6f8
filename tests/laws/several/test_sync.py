"""Clocks of sources that saw the same are found to be apart by what they are apart, and no surer than that."""

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.sync.blocks import correlate
from dlkit.data.sync.estimate import estimate
from dlkit.data.sync.grid import thin
from dlkit.data.sync.line import fit_line, small_sample
from tests.made_pairs import nanoseconds, pair, sampled_at, smooth_noise
from tests.shared_data import shared

RATES = [(15.0, 200.0), (200.0, 15.0), (50.0, 50.0), (1.0, 10.0)]


@pytest.mark.parametrize(("rate", "other"), RATES)
@pytest.mark.parametrize("seed", range(3))
def test_offset_is_found_within_a_sample_of_the_slower_source_and_drift_within_a_tenth(rate, other, seed):
    slower = 1 / min(rate, other)
    offset, drift = np.random.default_rng(seed).uniform([-20, 300], [20, 600]) * [slower, 1]
    made = pair(
        seed, rate=rate, other=other, offset=offset, drift=drift, seconds=4000 * slower, band=0.2 / slower, noise=0.1
    )
    found = estimate(*made, max_offset=30 * slower)
    assert found.found
    assert abs(found.offset - offset) < slower / 5
    assert abs(found.drift - drift) < max(0.1 * drift, 0.05 * 1e6 / 4000)


def test_twice_the_standard_error_holds_about_95_of_100_errors():
    truth = {"offset": 0.123, "drift": 80.0}
    errors = []
    for seed in range(40):
        found = estimate(*pair(seed, rate=10, other=50, **truth, seconds=100, band=2), max_offset=0.6)
        errors.append([(getattr(found, name) - truth[name]) / getattr(found, f"{name}_error") for name in truth])
    within = (np.abs(errors) < 2).mean(0)
    assert (within >= 0.85).all(), within
    assert (np.square(errors).mean(0) > 0.3).all(), "the errors are far smaller than what is said"


def test_unit_sign_and_origin_of_time_do_not_matter():
    made = pair(3, rate=15, other=60, offset=-0.4, drift=200)
    found = estimate(*made, max_offset=2.0)
    hour = 3_600_000_000_000
    other = estimate(made[0] + hour, 40 - 1000 * made[1], made[2] + hour, 1e-3 * made[3] + 7, max_offset=2.0)
    np.testing.assert_allclose(
        [other.offset, other.drift, other.offset_error], [found.offset, found.drift, found.offset_error], rtol=1e-4
    )
    assert other.correlation == pytest.approx(-found.correlation, rel=1e-6)


def test_exchanged_sources_find_the_opposite():
    made = pair(4, rate=15, other=60, offset=0.3, drift=150, seconds=120)
    there, back = estimate(*made, max_offset=2.0), estimate(made[2], made[3], made[0], made[1], max_offset=2.0)
    assert there.drift == pytest.approx(-back.drift, abs=1.0)
    assert there.offset == pytest.approx(-back.offset, abs=1e-3)


def test_long_gaps_bursts_and_missing_values_are_bridged():
    times, values, others, seen = pair(5, rate=15, other=100, offset=0.25, drift=0, seconds=120)
    gone = (times - times[0] > 30e9) & (times - times[0] < 50e9)
    values = np.where(np.random.default_rng(0).random(len(values)) < 0.1, np.nan, values)
    kept = ~((others > 70e9) & (others < 85e9))
    twice = np.repeat(np.flatnonzero(kept), 2)  # every stamp comes twice
    found = estimate(times[~gone], values[~gone], others[twice], seen[twice], max_offset=2.0)
    assert found.found
    assert abs(found.offset - 0.25) < 4 * found.offset_error < 0.05


def test_sources_that_share_only_how_much_happens_are_compared_by_their_change():
    random = np.random.default_rng(6)
    carrier, loudness = smooth_noise(random, 190, 3, 0.01), smooth_noise(random, 190, 0.6, 0.01)[1]
    other = smooth_noise(random, 190, 3, 0.01)[1]
    signals = [(carrier[0], np.exp(1.2 * loudness) * values) for values in (carrier[1], other)]
    (own, values), (times, seen) = (
        sampled_at(random, one, rate, noise=0.01, drops=0.0) for one, rate in zip(signals, (20, 50), strict=True)
    )
    found = estimate(nanoseconds(own - 0.5), values, nanoseconds(times), seen, max_offset=3.0)
    assert found.found
    assert found.compared == "change"
    assert abs(found.offset - 0.5) < 0.5


@pytest.mark.parametrize("band", [0.5, 3.0])
def test_sources_that_saw_different_things_are_told_apart(band):
    wrong = 0
    for seed in range(12):
        one, two = (pair(s, rate=10, other=50, offset=0, drift=0, band=band) for s in (seed, seed + 1000))
        wrong += estimate(one[0], one[1], two[2], two[3], max_offset=2.0).found
    assert wrong <= 2


def test_a_lag_that_runs_away_faster_than_clocks_drift_is_no_clock():
    made = pair(7, rate=20, other=50, offset=0.0, drift=2500.0, seconds=200)
    told = [estimate(*made, max_offset=2.0, expected_drift=ppm) for ppm in (2000.0, 500.0)]
    assert [one.found for one in told] == [True, False]
    assert told[0].drift == pytest.approx(2500, rel=0.1)


def test_correlation_equals_pearsons_over_what_both_have_at_every_shift():
    random = np.random.default_rng(0)
    block, signal = random.normal(size=40), random.normal(size=60)
    block[random.random(40) < 0.3], signal[random.random(60) < 0.2] = np.nan, np.nan
    expected = [
        pd.Series(block).corr(pd.Series(signal[10 - lag : 50 - lag])) for lag in range(-10, 11)
    ]  # a signal that is `lag` points late is found `lag` points before
    np.testing.assert_allclose(correlate(block, signal, 10), expected, atol=1e-9)


def test_a_thinned_line_stays_on_the_line():
    times = np.sort(np.random.default_rng(0).uniform(0, 100, 1000))
    seconds, values = thin(times, 3 * times + 1, 0.7)
    assert len(seconds) <= 144
    np.testing.assert_allclose(values, 3 * seconds + 1)


def test_a_line_without_outliers_is_that_of_least_squares_and_outliers_hardly_move_it():
    random = np.random.default_rng(1)
    times = np.arange(60.0)
    lags = 0.2 + 1e-4 * times + 1e-4 * random.uniform(-1, 1, 60)  # never beyond Huber's bound
    line = fit_line(times, lags, prior=1.0, floor=1e-9)
    slope, start = np.polyfit(times, lags, 1)
    np.testing.assert_allclose([line.slope, line.at(0.0)[0]], [slope, start], rtol=1e-3)
    wild = lags.copy()
    wild[::10] += 0.05
    moved = fit_line(times, wild, prior=1.0, floor=1e-9)
    assert abs(moved.slope - slope) < 0.05 * abs(np.polyfit(times, wild, 1)[0] - slope) + 3e-6
    assert fit_line(times, lags, prior=1e-9, floor=1e-9).slope < 1e-7  # lags that tell less than is known


@pytest.mark.parametrize(("free", "quantile"), [(3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042), (1e3, 1.962)])
def test_few_blocks_make_errors_as_wide_as_students_t(free, quantile):
    assert small_sample(free) == pytest.approx(quantile / 1.960, rel=0.02)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t, v: (t, np.full_like(v, 5.0)), "is constant at 5"),
        (lambda t, v: (t[:20], v[:20]), "has 20 values"),
        (lambda t, v: (t, np.full_like(v, np.nan)), "has 0 values"),
        (lambda t, v: (t + 10**12, v), "s in common"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(change, word):
    times, values, others, seen = pair(0, rate=10, other=20, offset=0, drift=0)
    with pytest.raises(InputError, match=word):
        estimate(*change(times, values), others, seen)


def test_the_second_clock_of_the_drone_is_found_where_its_climb_meets_the_cameras_accelerometer():
    """The file spreads telemetry over blocks of a second, so its own stamps are no truth to half a second."""
    folder = shared("multimodal/karma_drone")
    drone, camera = (pd.read_parquet(folder / f"{name}.parquet") for name in ("LNED", "ACCL"))
    own = drone["LNED_0"].to_numpy(np.float64)  # seconds since power-on
    climb = np.gradient(drone["LNED_6"].to_numpy(np.float64), own)
    times, up = camera["t"].to_numpy(), camera["ACCL_0"].to_numpy(np.float64)
    known = round(float((drone["t"] - own).mean()), 1)  # to a block
    found = estimate(nanoseconds(own + known), climb, nanoseconds(times), up, max_offset=2.0)
    mean = np.convolve(up, np.ones(50) / 50, "same")  # a quarter of a second, as the drone samples
    tried = np.arange(-1.5, 1.5, 0.01)
    scores = [np.corrcoef(np.interp(own[8:-8] + known + lag, times, mean), climb[8:-8])[0, 1] for lag in tried]
    best = tried[np.argmin(scores)]  # up is against gravity, the velocity counts downwards
    assert found.found
    assert min(scores) < -0.85
    assert abs(found.offset - best) < 0.25
    assert abs(found.offset) < 1.0
