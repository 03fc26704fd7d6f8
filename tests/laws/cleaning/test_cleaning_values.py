"""What each step makes of values, beside brute force, pandas and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy import signal

from dlkit.core.checks import InputError
from dlkit.data.cleaning.clip import Clip
from dlkit.data.cleaning.despike import NORMAL, Despike
from dlkit.data.cleaning.detrend import Detrend
from dlkit.data.cleaning.drop import DropChannels, DropRows
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.interpolate import Interpolate
from dlkit.data.cleaning.mask import Mask
from dlkit.data.cleaning.resample import Resample
from dlkit.data.cleaning.scale import Scale
from dlkit.data.records import Stream
from tests.made_cleaning import SECOND, cleaned, rows, stream, whole


def one(step, values):
    """Return what becomes of one run."""
    return whole(cleaned([step], [stream(np.asarray(values, np.float32))]))[1]


def column(*values):
    return np.array(values, np.float32)[:, None]


def test_a_mask_takes_sentinels_and_impossible_values_and_nothing_else():
    values = column(-9999, 1, 2.5, 999.9, -40, 3)
    found = one(Mask(values=[-9999, 999.9], below=-30, above=2.9), values)
    np.testing.assert_array_equal(found, column(np.nan, 1, 2.5, np.nan, np.nan, np.nan))


def test_a_mask_of_an_interval_holds_its_first_and_last_moment_and_others_only_in_it():
    values = column(0, 1, 0, 1, 0, 1)
    np.testing.assert_array_equal(one(Mask(during=[[1, 3]]), values), column(0, *[np.nan] * 3, 0, 1))
    np.testing.assert_array_equal(one(Mask(values=[1], during=[[1, 3]]), values), column(0, np.nan, 0, np.nan, 0, 1))
    dates = Stream("s", np.arange(6) * 86_400 * SECOND, values, ("a",), ("",), 86_400 * SECOND)
    found = cleaned([Mask(during=[["1970-01-02", "1970-01-03T01:00+01:00"]])], [dates])[0].values
    np.testing.assert_array_equal(found, column(0, np.nan, np.nan, 1, 0, 1))


def test_a_stuck_value_is_missing_once_it_has_lasted_or_from_its_first_row_on():
    values = column(1, 2, 2, 2, np.nan, 2, 3, 3, 2)
    nan = np.nan
    np.testing.assert_array_equal(one(Mask(stuck="3s"), values), column(1, 2, 2, 2, nan, nan, 3, 3, 2))
    np.testing.assert_array_equal(
        one(Mask(stuck="3s", look_ahead=True), values), column(1, nan, nan, nan, nan, nan, 3, 3, 2)
    )


@pytest.mark.parametrize("look_ahead", [False, True])
def test_spikes_are_those_of_hampel(look_ahead):
    values, width, threshold = rows(80, seed=2)[:, :2], 7, 3.0
    found = one(Despike(channels=["*"], width="7s", threshold=threshold, look_ahead=look_ahead), values)
    wanted = values.copy()
    for (row, channel), value in np.ndenumerate(values):
        begin = row - (width // 2 if look_ahead else width - 1)
        window = values[max(begin, 0) : begin + width, channel].astype(np.float64)
        window = window[~np.isnan(window)]
        if len(window) < 3 or np.isnan(value):
            continue
        spread = np.median(np.abs(window - np.median(window)))
        if spread > 0 and abs(value - np.median(window)) > threshold * NORMAL * spread:
            wanted[row, channel] = np.median(window)
    np.testing.assert_array_equal(found, wanted)
    assert 0 < (found != values)[~np.isnan(values)].sum() < 40


def test_planted_spikes_are_found_and_smooth_signals_and_coarse_steps_stay():
    time = np.arange(2000)
    smooth = column(*np.sin(time / 50) + 0.01 * np.random.default_rng(0).normal(size=2000))
    spiked, places = smooth.copy(), [100, 731, 1500]
    spiked[places] += 3
    step = Despike(channels=["*"], width="15s", threshold=7.0)
    assert {*places} <= {*np.flatnonzero((one(step, spiked) != spiked)[:, 0])}
    assert (one(step, smooth) != smooth).mean() < 0.005
    coarse = column(*np.round(time / 300))
    np.testing.assert_array_equal(one(step, coarse), coarse)
    hit = coarse.copy()
    hit[55] = 500
    np.testing.assert_array_equal(one(Despike(channels=["*"], width="15s", least=10.0), hit), coarse)


def test_holding_is_that_of_pandas_up_to_the_limit():
    values = rows(80)
    found = one(Interpolate(channels=["*"], limit="2s"), values)
    np.testing.assert_array_equal(found, pd.DataFrame(values).ffill(limit=2).to_numpy())


@pytest.mark.parametrize("method", ["linear", "nearest", "pchip"])
def test_interpolation_is_that_of_pandas_in_holes_that_are_short_enough(method):
    values = rows(80)
    found = one(Interpolate(channels=["*"], limit="3s", method=method, look_ahead=True), values)
    for place in range(3):
        series = pd.Series(values[:, place].astype(np.float64))
        wanted = series.interpolate(method, limit_area="inside")
        size = series.isna().groupby(series.notna().cumsum()).transform("sum")
        wanted[series.isna() & (size > 2)] = np.nan  # three steps lie between the known values of two holes
        if method == "nearest":  # of a tie pandas may take either
            tie = series.isna() & (size == 1)
            wanted[tie] = series.ffill()[tie]
        inside = series.ffill().notna() & series.bfill().notna()
        np.testing.assert_allclose(found[inside, place], wanted[inside], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["lowpass", "highpass", "bandpass"])
def test_filters_are_those_of_scipy(kind):
    values = np.nan_to_num(rows(300)[:, :2], nan=0.4)
    cutoff = [0.05, 0.2] if kind == "bandpass" else "10s"
    sections = signal.butter(3, [0.05, 0.2] if kind == "bandpass" else 0.1, btype=kind, fs=1.0, output="sos")
    start = signal.sosfilt_zi(sections)[:, :, None] * values[0]
    wanted, _ = signal.sosfilt(sections, values.astype(np.float64), axis=0, zi=start)
    found = one(Filter(channels=["*"], kind=kind, cutoff=cutoff, order=3), values)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    ahead = one(Filter(channels=["*"], kind=kind, cutoff=cutoff, order=3, look_ahead=True), values)
    both = signal.sosfiltfilt(sections, values.astype(np.float64), axis=0, padlen=27)
    np.testing.assert_allclose(ahead, both, atol=1e-5)


def test_a_filter_passes_and_stops_what_it_says_and_keeps_a_constant():
    time = np.arange(4000)
    slow, fast = (np.sin(2 * np.pi * time / period) for period in (400, 4))
    values = np.stack([slow + fast, np.full(4000, 5.0)], 1)
    found = one(Filter(channels=["*"], cutoff="40s", order=4, look_ahead=True), values)
    np.testing.assert_allclose(found[200:-200, 0], slow[200:-200], atol=0.01)
    np.testing.assert_allclose(found[:, 1], 5, atol=1e-5)
    level = one(Filter(channels=["*"], kind="highpass", cutoff="40s"), values)
    np.testing.assert_allclose(level[:, 1], 0, atol=1e-5)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize(("look_ahead", "passes"), [(False, 0.5), (True, 0.25)])
def test_half_of_the_power_passes_at_the_cutoff_and_a_quarter_both_ways(order, look_ahead, passes):
    wave = column(*np.sin(2 * np.pi * np.arange(4000) / 40))
    found = one(Filter(channels=["*"], cutoff="40s", order=order, look_ahead=look_ahead), wave)
    assert (found[1000:3000] ** 2).mean() / (wave[1000:3000] ** 2).mean() == pytest.approx(passes, rel=0.01)


def test_a_filter_goes_on_over_missing_values_and_refuses_irregular_rows():
    values = column(*np.full(50, 2.0))
    values[[0, 1, 10, 30]] = np.nan
    np.testing.assert_allclose(one(Filter(channels=["*"], cutoff=0.1), values), values, atol=1e-6)
    uneven = stream(values)
    uneven.times[20:] += 10 * SECOND
    with pytest.raises(InputError, match=r"equal steps of 1 s, but series 's' has some 11 s apart"):
        cleaned([Filter(channels=["*"], cutoff=0.1)], [uneven])


@pytest.mark.parametrize("look_ahead", [False, True])
def test_a_running_median_is_that_of_pandas(look_ahead):
    values = rows(80)
    found = one(Detrend(channels=["*"], method="median", width="9s", look_ahead=look_ahead), values)
    middle = pd.DataFrame(values.astype(np.float64)).rolling(9, min_periods=1, center=look_ahead).median()
    np.testing.assert_allclose(found, values - middle.to_numpy(), atol=1e-6)


def test_a_unit_is_mended_where_it_was_wrong():
    values = column(*[20.0] * 3, *[293.15] * 3)
    found = one(Scale(channels=["a"], offset=-273.15, during=[[3, 99]]), values)
    np.testing.assert_allclose(found, 20, atol=1e-4)


def test_bounds_clip_and_missing_values_stay():
    found = one(Clip(channels=["*"], lower=-1), column(-3, 0.5, np.nan, 9))
    np.testing.assert_array_equal(found, column(-1, 0.5, np.nan, 9))


def test_rows_and_channels_are_left_out():
    values = rows(20)
    kept = [place for place in range(20) if place not in (0, 1, 5, 6, 7, 19)]
    times, found, starts = whole(cleaned([DropRows(during=[[0, 1], [5, 7], [19, 30]])], [stream(values)]))
    np.testing.assert_array_equal(times, np.array(kept) * SECOND)
    np.testing.assert_array_equal(found, values[kept])
    assert starts == [0, 3]
    [left] = cleaned([DropChannels(channels=["b"])], [stream(values)])
    assert left.channels == ("a", "c")
    np.testing.assert_array_equal(left.values, values[:, [0, 2]])


def test_resampling_is_that_of_pandas():
    values = rows(62)
    times, found, _ = whole(cleaned([Resample(step="5s", method={"a": "max", "*": "mean"})], [stream(values)]))
    frame = pd.DataFrame(values.astype(np.float64), index=pd.to_datetime(np.arange(62) * SECOND))
    wanted = frame.resample("5s", closed="right", label="right").agg({0: "max", 1: "mean", 2: "mean"})[: len(times)]
    np.testing.assert_array_equal(times, wanted.index.astype("datetime64[ns]").astype(np.int64))
    np.testing.assert_allclose(found, wanted.to_numpy(), rtol=1e-5)
    assert len(times) == 13
