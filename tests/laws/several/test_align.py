"""Laws of bringing one irregular stream to given ticks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlkit.core.checks import InputError
from dlkit.data.align.resample import Rates, resample
from dlkit.data.inputs import AHEAD, METHODS, StreamInput
from dlkit.data.sources.weather import TMY3Weather
from tests.made_sensors import MS

STEP = 10 * MS
CAUSAL = [method for method in METHODS if method not in AHEAD]
every_method = pytest.mark.parametrize("method", METHODS)


@st.composite
def streams(draw, most=60):
    """Draw stamps that bunch, repeat and leave gaps, and values of which some are missing."""
    gaps = draw(st.lists(st.sampled_from([0, 1, 3 * MS, 10 * MS, 11 * MS, 45 * MS]), min_size=1, max_size=most))
    times = draw(st.integers(-50, 50)) * MS + np.cumsum(gaps)
    numbers = st.one_of(st.just(np.nan), st.floats(-1e3, 1e3, width=32))
    return times, draw(hnp.arrays(np.float32, (len(times), 2), elements=numbers))


def ticks_over(times, step=STEP):
    return np.arange(times[0] // step, times[-1] // step + 3) * step


def bring(times, values, ticks, method, *, max_age=None, step=STEP, spacing=3 * MS, ahead=False):
    rates = Rates(spacing=spacing, step=step, origin=int(times[0]), max_age=max_age, look_ahead=ahead)
    return resample(ticks, ticks - step, times, values, [method], rates)[method]


def brute_force(times, values, ticks, method, max_age=None):
    """The same, one value after the other, in float64."""
    found = np.full((len(ticks), values.shape[1]), np.nan)
    for i, tick in enumerate(ticks):
        for channel in range(values.shape[1]):
            known = ~np.isnan(values[:, channel])
            t, v = times[known], values[known, channel].astype(np.float64)
            inside = v[(t > tick - STEP) & (t <= tick)]
            before = np.flatnonzero(t <= tick)
            if method == "count":
                found[i, channel] = len(inside)
            elif not len(before) or (max_age is not None and tick - t[before[-1]] > max_age):
                continue
            elif method == "last":
                found[i, channel] = v[before[-1]]
            elif len(inside):
                found[i, channel] = getattr(np, method)(inside)
    return found


@every_method
@given(stream=streams(), cut=st.integers(0, 60), poison=st.sampled_from([np.nan, np.inf, 1e30, -5.0]))
@settings(max_examples=40, deadline=None)
def test_a_value_never_looks_ahead(method, stream, cut, poison):
    if method in AHEAD:
        with pytest.raises(InputError, match="look_ahead: true"):
            StreamInput(source=TMY3Weather(), method=method)
        return
    times, values = stream
    ticks = ticks_over(times)
    tick = ticks[cut % len(ticks)]
    poisoned = np.where((times > tick)[:, None], np.float32(poison), values)
    past = ticks <= tick
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(
            bring(times, values, ticks, method)[past], bring(times, poisoned, ticks, method)[past]
        )


def test_every_method_is_causal_or_named_as_one_that_looks_ahead():
    times = np.arange(0, 400) * MS
    values = np.random.default_rng(0).normal(size=(400, 1)).astype(np.float32)
    ticks, half = np.arange(20, 35) * STEP, 25 * STEP
    for method in METHODS:
        later = np.where((times > half)[:, None], values + 1, values)
        same = np.array_equal(
            bring(times, values, ticks, method, spacing=MS, ahead=True)[ticks <= half],
            bring(times, later, ticks, method, spacing=MS, ahead=True)[ticks <= half],
            equal_nan=True,
        )
        assert same or method in {*AHEAD, "decimate"}


@pytest.mark.parametrize("method", ["last", "mean", "min", "max", "std", "count"])
@given(stream=streams(), max_age=st.sampled_from([None, 0, 5 * MS, 20 * MS]))
@settings(max_examples=40, deadline=None)
def test_it_is_what_a_loop_finds(method, stream, max_age):
    times, values = stream
    ticks = ticks_over(times)
    expected = brute_force(times, values, ticks, method, max_age)
    np.testing.assert_allclose(bring(times, values, ticks, method, max_age=max_age), expected, rtol=1e-5, atol=1e-4)


@every_method
@given(stream=streams(), shift=st.integers(-(10**18), 10**18))
@settings(max_examples=20, deadline=None)
def test_setting_all_clocks_changes_nothing(method, stream, shift):
    times, values = stream
    ticks = ticks_over(times)
    one = bring(times, values, ticks, method, ahead=True)
    np.testing.assert_array_equal(bring(times + shift, values, ticks + shift, method, ahead=True), one)


@every_method
@given(stream=streams(), power=st.integers(-8, 8))
@settings(max_examples=20, deadline=None)
def test_another_unit_gives_the_same_in_that_unit(method, stream, power):
    times, values = stream
    values = np.where(np.abs(values) < 1e-20, np.float32(0), values)  # no denormal numbers
    ticks, factor = ticks_over(times), np.float32(2.0**power)
    expected = bring(times, values, ticks, method, ahead=True) * (1 if method == "count" else factor)
    np.testing.assert_allclose(bring(times, values * factor, ticks, method, ahead=True), expected, rtol=1e-6)


@every_method
@given(stream=streams(), parts=st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=30, deadline=None)
def test_ticks_may_be_done_in_any_parts(method, stream, parts):
    times, values = stream
    ticks = ticks_over(times)
    whole = bring(times, values, ticks, method, ahead=True)
    pieces = np.split(ticks, sorted(part % len(ticks) for part in parts))
    np.testing.assert_array_equal(
        np.concatenate([bring(times, values, piece, method, ahead=True) for piece in pieces if len(piece)]), whole
    )


@given(stream=streams())
@settings(max_examples=40, deadline=None)
def test_means_times_counts_keep_the_sum(stream):
    times, values = stream
    ticks = ticks_over(times)
    mean, count = (bring(times, values, ticks, method).astype(np.float64) for method in ("mean", "count"))
    inside = values[times > ticks[0] - STEP]
    assert count.sum() == (~np.isnan(inside)).sum()
    np.testing.assert_allclose(np.nansum(mean * count), np.nansum(inside, dtype=np.float64), atol=1e-3, rtol=1e-6)


@given(length=st.integers(1, 400), offset=st.sampled_from([0.0, 1e4, 1e6]))
@settings(max_examples=30, deadline=None)
def test_an_offset_costs_no_digits(length, offset):
    values = np.random.default_rng(length).normal(offset, 1, (length, 3)).astype(np.float32)
    times, tick = np.arange(length) + 1, np.array([length + 5])
    exact = values.astype(np.float64)
    for method in ("mean", "std"):
        found = resample(tick, tick * 0, times, values, [method], Rates(spacing=1, step=1))[method]
        np.testing.assert_allclose(found, getattr(exact, method)(0, keepdims=True), rtol=1e-7, atol=1e-6)


def test_of_equal_stamps_the_last_counts_and_all_are_averaged():
    times, values = np.array([5, 5, 5]) * MS, np.array([[1.0], [2.0], [6.0]], np.float32)
    ticks = np.array([STEP])
    found = {method: bring(times, values, ticks, method).item() for method in ("last", "mean", "count", "min")}
    assert found == {"last": 6.0, "mean": 3.0, "count": 3.0, "min": 1.0}


def test_an_interval_is_open_on_the_left_and_closed_on_the_right():
    times = np.array([0, STEP, 2 * STEP])
    values = np.array([[1.0], [2.0], [4.0]], np.float32)
    np.testing.assert_array_equal(bring(times, values, times, "mean"), values)


@given(stream=streams(), max_age=st.sampled_from([5 * MS, 30 * MS, 10**9]))
@settings(max_examples=40, deadline=None)
def test_linear_is_interpolation_between_samples_that_are_near(stream, max_age):
    times, values = stream
    times, first = np.unique(times, return_index=True)
    values, ticks = values[first], ticks_over(times)
    found = bring(times, values, ticks, "linear", max_age=max_age)
    for channel in range(2):
        known = ~np.isnan(values[:, channel])
        t, v = times[known], values[known, channel]
        if not len(t):
            assert np.isnan(found[:, channel]).all()
            continue
        after, before = np.searchsorted(t, ticks), np.searchsorted(t, ticks, side="right") - 1
        inside = (after < len(t)) & (before >= 0)
        far = np.maximum(t[after.clip(0, len(t) - 1)] - ticks, ticks - t[before.clip(0)])
        expected = np.where(inside & (far <= max_age), np.interp(ticks, t, v.astype(np.float64)), np.nan)
        np.testing.assert_allclose(found[:, channel], expected, rtol=1e-5, atol=1e-3)


@given(stream=streams())
@settings(max_examples=40, deadline=None)
def test_nearest_is_never_farther_than_any_sample(stream):
    times, values = stream
    values = np.arange(len(times), dtype=np.float32)[:, None]
    ticks = ticks_over(times)
    found = times[bring(times, values, ticks, "nearest", max_age=10**12)[:, 0].astype(int)]
    np.testing.assert_array_equal(np.abs(found - ticks), np.abs(times - ticks[:, None]).min(1))


def test_it_is_what_pandas_finds():
    random = np.random.default_rng(0)
    times = np.sort(random.integers(1, 2000 * MS, 3000))
    values = random.normal(5, 1, (3000, 2)).astype(np.float32)
    values[random.random(values.shape) < 0.2] = np.nan
    frame = pd.DataFrame(values.astype(np.float64), index=pd.DatetimeIndex(times))
    bins = frame.resample("10ms", closed="right", label="right")
    ticks = bins.mean().index.asi8
    for method in ("mean", "min", "max", "count", "std"):
        expected = bins.std(ddof=0) if method == "std" else getattr(bins, method)()
        np.testing.assert_allclose(bring(times, values, ticks, method), expected, rtol=1e-6)
    for channel in range(2):
        known = frame[[channel]].dropna().rename_axis("t").reset_index()
        joined = pd.merge_asof(pd.DataFrame({"t": pd.DatetimeIndex(ticks)}), known, on="t")
        np.testing.assert_array_equal(
            bring(times, values, ticks, "last")[:, channel], joined[channel].astype("float32")
        )


def sine(frequency, times):
    return np.sin(2 * np.pi * frequency * times / 1e9)


@pytest.mark.parametrize("jitter", [0, 300_000])
@pytest.mark.parametrize("ahead", [False, True])
def test_decimation_gives_the_signal_at_the_tick_less_the_delay(ahead, jitter):
    times = np.arange(0, 3000) * MS + np.random.default_rng(0).integers(0, jitter + 1, 3000)
    values = (7 + sine(11, times)).astype(np.float32)[:, None]  # the clock has 100 Hz
    ticks = np.arange(30, 280) * STEP + 123_456
    rates = Rates(spacing=MS, step=STEP, origin=int(times[0]), look_ahead=ahead)
    delay = rates.delay("decimate")
    assert delay == (0 if ahead else 6 * STEP)
    found = bring(times, values, ticks, "decimate", spacing=MS, ahead=ahead)[:, 0]
    np.testing.assert_allclose(found, 7 + sine(11, ticks - delay), atol=2e-3)


@pytest.mark.parametrize("frequency", [51, 90, 110, 300])
def test_decimation_removes_what_would_fold_back(frequency):
    times = np.arange(0, 3000) * MS
    values = sine(frequency, times).astype(np.float32)[:, None]
    ticks = np.arange(30, 280) * STEP
    assert np.abs(bring(times, values, ticks, "decimate", spacing=MS)).max() < 2e-3
    assert np.abs(bring(times, values, ticks + MS, "last", spacing=MS)).max() > 0.3


def test_decimation_says_nothing_for_as_long_as_it_lacks_samples():
    times = np.concatenate([np.arange(0, 1000), np.arange(1200, 3000)]) * MS
    values = np.ones((len(times), 1), np.float32)
    ticks = np.arange(0, 300) * STEP
    found = bring(times, values, ticks, "decimate", spacing=MS)[:, 0]
    np.testing.assert_array_equal(found[~np.isnan(found)], 1)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), [*range(12), *range(101, 132)])


def test_a_source_no_faster_than_the_clock_is_not_filtered():
    times, values = np.arange(20) * STEP, np.arange(20, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(bring(times, values, times, "decimate", spacing=STEP), values)
