"""Ways to look at data: known spectra, correlations, lags and gaps are found, and chance is not taken for them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter, lombscargle, welch

from dlkit.confidence.autocorrelation import autocovariances
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Events, Samples, Stream
from dlkit.quality.looks.classes import around_onsets, class_counts, course_of, members
from dlkit.quality.looks.courses import Whole, whole_of
from dlkit.quality.looks.interest import chosen_channels, standardized
from dlkit.quality.looks.lagged import autoregression, lagged, normal_scores, whitened
from dlkit.quality.looks.memory import memory_of
from dlkit.quality.looks.pieces import Piece, Pieces, cut, prepare
from dlkit.quality.looks.presence import presence_of
from dlkit.quality.looks.samples import classed, images_of, part_of, summary_of
from dlkit.quality.looks.seasons import by_label, by_season, daily, labels_at
from dlkit.quality.looks.simultaneous import on_one_axis, simultaneous
from dlkit.quality.looks.spectra import cycles, segments_of, spectrum_of, uneven_power
from dlkit.quality.looks.together import together
from dlkit.quality.looks.windows import cut_windows, features_of, plane_of, shortened, spread_points
from dlkit.quality.signals.block import Blocks
from dlkit.quality.signals.kept import FINE, Kept

SECOND = 10**9


def layout_of(channels, *, dated=True, step=SECOND):
    return Layout("", tuple(f"c{k}" for k in range(channels)), ("V",) * channels, dated, step)


def pieces_of(values, *, step=1.0, gaps=(), dated=True):
    """One piece, or several with a gap of an hour before each row of ``gaps``."""
    values = np.asarray(values, np.float32)
    times = (np.arange(len(values)) * step * SECOND).astype(np.int64)
    for row in gaps:
        times[row:] += 3600 * SECOND
    return prepare([Piece("", times, values)], layout_of(values.shape[1], dated=dated, step=int(step * SECOND)))


def kept_of(values, *, step=SECOND):
    layout = layout_of(values.shape[1], step=step)
    kept, blocks = Kept(layout), Blocks(values.shape[1])
    times = np.arange(len(values)) * step
    stream = Stream("", times, np.asarray(values, np.float32), layout.channels, layout.units, step)
    for block in blocks.add(stream, 0):  # one at a time: the next one takes its place in memory
        kept.add(block)
    kept.add(blocks.rest())
    return kept, layout


def noise(rows, channels, memory=0.0, seed=0):
    random = np.random.default_rng(seed).normal(size=(rows + 500, channels))
    return lfilter([1], [1, -memory], random, axis=0)[500:]


# ------------------------------------------------------------------ pieces
@given(st.lists(st.integers(20, 180), unique=True, max_size=3))
@settings(max_examples=20, deadline=None)
def test_no_piece_holds_a_gap_and_no_row_is_lost(gaps):
    values = noise(200, 2)
    pieces = cut(Piece("", np.cumsum(np.where(np.isin(np.arange(200), gaps), 9, 1)) * SECOND, values), 1.5)
    np.testing.assert_array_equal(np.concatenate([one.values for one in pieces]), values)
    assert all((np.diff(one.times) == SECOND).all() for one in pieces) and len(pieces) == 1 + len(gaps)


def test_bursts_are_no_gaps():
    steps = np.tile([2, 2, 2, 2, 60], 200)
    known = prepare([Piece("", np.cumsum(steps) * 10**6, noise(1000, 1).astype(np.float32))], layout_of(1))
    assert not known.regular and len(known.pieces) == 1 and known.step == pytest.approx(0.0136, rel=0.01)


@given(st.integers(0, 1000), st.sampled_from([-9999.0, 999.9, 1e6]))
@settings(max_examples=15, deadline=None)
def test_a_sentinel_is_far_and_a_long_tail_is_not(seed, sentinel):
    random = np.random.default_rng(seed)
    values = np.stack([random.normal(size=2000), random.gamma(0.5, size=2000)], 1)
    values[random.choice(2000, 7, replace=False), 0] = sentinel
    known = pieces_of(values)
    assert known.far == {"c0": 7}
    assert np.isnan(known.values[:, 0]).sum() == 7


def test_rows_that_are_looked_at_are_few_and_in_their_order():
    known = pieces_of(noise(20_000, 1), gaps=range(2000, 20_000, 2000))
    some = known.at_most(6000)
    assert 4000 <= len(some.times) <= 6200 and (np.diff(some.times) > 0).all()


# ------------------------------------------------------------------ which channels
def test_of_channels_that_are_copies_one_of_each_is_chosen():
    sources = noise(2000, 4)
    values = np.repeat(sources, 10, axis=1) + 0.05 * noise(2000, 40, seed=1)
    chosen = chosen_channels(values, 4)
    assert [k // 10 for k in chosen] == [0, 1, 2, 3]


def test_channels_that_are_asked_for_are_chosen_and_never_too_many():
    values = noise(500, 30)
    values[:, 5] = 1.0
    assert {5, 7} <= set(chosen_channels(values, 6, first=[7, 5, 9, 11])) and len(chosen_channels(values, 6)) == 6
    assert 5 not in chosen_channels(values, 6) and chosen_channels(values[:, :3], 6) == [0, 1, 2]


# ------------------------------------------------------------------ memory and correlation
def test_the_memory_of_an_autoregression_is_the_known_one_even_with_holes_and_gaps():
    values = noise(30_000, 2, memory=0.8)
    values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    found = memory_of(pieces_of(values, step=10.0, gaps=[9000, 20_000]))
    np.testing.assert_allclose(found.values[:6, 0], 0.8 ** np.arange(6), atol=0.03)
    np.testing.assert_allclose(found.time / 10, 9.0, rtol=0.2)  # (1 + 0.8) / (1 - 0.8)
    np.testing.assert_allclose(found.lags[:3], [0, 10, 20])


def test_correlations_are_those_of_pandas_over_rows_that_both_know():
    values = noise(400, 4) @ np.random.default_rng(0).normal(size=(4, 4))
    values[np.random.default_rng(1).random(values.shape) < 0.2] = np.nan
    values = values.astype(np.float32)
    found = together(pieces_of(values)).values
    np.testing.assert_allclose(found, pd.DataFrame(values.astype(float)).corr().to_numpy(), atol=1e-6)


def test_chance_is_called_significant_in_one_of_a_hundred_maps_however_long_channels_remember():
    maps = [together(pieces_of(noise(2000, 4, memory=0.95, seed=seed))).significant.any() for seed in range(40)]
    assert sum(maps) <= 3


def test_a_weak_relation_of_many_rows_is_significant_and_a_dead_channel_has_none():
    values = noise(4000, 3)
    values[:, 1] += 0.2 * values[:, 0]
    values[:, 2] = 7.0
    found = together(pieces_of(values))
    assert found.significant[0, 1] and found.significant[1, 0] and not found.significant[2].any()
    assert np.isnan(found.values[2]).all()


# ------------------------------------------------------------------ lags
@given(st.integers(-20, 20), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=10, deadline=None)
def test_the_lag_of_a_follower_is_found(lag, sign):
    driver = noise(3000, 1, memory=0.5)[:, 0]
    follower = sign * np.roll(driver, lag) + noise(3000, 1, seed=1)[:, 0]
    found = lagged(pieces_of(np.stack([driver, follower], 1), step=2.0, gaps=[1000], dated=False))
    assert found.sure[0] and found.lags[found.best[0]] == pytest.approx(2.0 * lag)
    assert np.sign(found.peaks[0]) == sign


def test_channels_that_remember_or_follow_the_sun_are_not_related():
    hours = np.arange(4000)
    walks = noise(4000, 3, memory=0.99) + 5 * np.sin(2 * np.pi * hours / 24 + 1)[:, None]
    spikes = np.where(np.random.default_rng(5).random((4000, 1)) < 0.002, 500.0, noise(4000, 1, seed=2))
    found = lagged(pieces_of(np.concatenate([walks, spikes], 1), step=3600.0))
    assert not found.sure.any()


def test_autoregressions_solve_their_equations():
    products = autocovariances(noise(5000, 2, memory=0.7), [(0, 5000)])
    found = autoregression(products, 3, np.array([5000, 5000]))
    for channel in range(2):
        own = products[:, channel]
        order = int((found[:, channel] != 0).sum())
        np.testing.assert_allclose(found[:order, channel], solve_toeplitz(own[:order], own[1 : order + 1]), rtol=1e-6)


def test_what_is_whitened_remembers_nothing():
    values = noise(8000, 1, memory=0.9)
    left = whitened(values, np.ones(values.shape, bool), [(0, 4000), (4000, 8000)])
    known = left[np.isfinite(left[:, 0]), 0]
    assert abs(np.corrcoef(known[1:], known[:-1])[0, 1]) < 0.04 and known.std() == pytest.approx(1.0, rel=0.05)


def test_normal_scores_depend_on_ranks_alone():
    values = np.abs(noise(300, 1))
    np.testing.assert_allclose(normal_scores(values), normal_scores(values**3), atol=1e-12)


# ------------------------------------------------------------------ frequencies
def test_the_spectrum_is_that_of_welch():
    values = noise(8192, 2, memory=0.6).astype(np.float32)
    known = pieces_of(values, step=0.5, dated=False)
    found = spectrum_of(segments_of(known, 512))
    places, power = welch(values.astype(float), fs=2.0, nperseg=512, axis=0, detrend="constant")
    np.testing.assert_allclose(found.frequencies, places[1:])
    np.testing.assert_allclose(found.power[:-1], power[1:-1], rtol=1e-5)  # scipy counts the last one once


def test_the_power_of_uneven_rows_is_that_of_lomb_and_scargle():
    times = np.sort(np.random.default_rng(0).integers(0, 200 * SECOND, 300))
    values = np.sin(2 * np.pi * 0.31 * times / SECOND)[:, None]
    frequencies = np.array([0.1, 0.31, 0.5])
    window = np.sin(np.pi * ((times - times[0]) / SECOND + 0.5) / ((times[-1] - times[0]) / SECOND + 1)) ** 2
    found = uneven_power(times[None], values[None], frequencies, 1.0)[0, :, 0]
    expected = lombscargle(times - times[0], values[:, 0] * window, 2 * np.pi * frequencies / SECOND)
    np.testing.assert_allclose(found, 2 * expected / (window**2).mean(), rtol=1e-6)


@given(st.floats(0.02, 0.4), st.booleans())
@settings(max_examples=8, deadline=None)
def test_a_cycle_is_found_in_coloured_noise(frequency, uneven):
    random = np.random.default_rng(0)
    steps = random.choice([0.4, 1.6], 6000) if uneven else np.ones(6000)
    times = np.cumsum(steps)
    values = noise(6000, 1, memory=0.7)[:, 0] + 0.8 * np.sin(2 * np.pi * frequency * times)
    piece = Piece("", (times * SECOND).astype(np.int64), values[:, None].astype(np.float32))
    found = cycles(spectrum_of(segments_of(prepare([piece], layout_of(1)))), 0)
    assert found and found[0] == pytest.approx(frequency, rel=0.02)


def test_noise_has_no_cycle():
    found = [cycles(spectrum_of(segments_of(pieces_of(noise(5000, 1, 0.8, seed)))), 0) for seed in range(30)]
    assert sum(map(bool, found)) <= 2


def test_a_segment_with_many_holes_says_nothing_and_with_few_almost_the_same():
    values = noise(2048, 2, memory=0.9)
    holes = values.copy()
    holes[100:105, 0], holes[100:900, 1] = np.nan, np.nan
    full, some = (segments_of(pieces_of(one), 2048).power[0] for one in (values, holes))
    assert np.isnan(some[:, 1]).all() and np.corrcoef(np.log(full[:, 0]), np.log(some[:, 0]))[0, 1] > 0.95


# ------------------------------------------------------------------ groups
def test_every_row_has_a_month_and_short_records_have_parts():
    hours = np.arange("2020-11-01", "2021-03-01", dtype="datetime64[h]").astype("datetime64[ns]").astype(np.int64)
    months = by_season(hours, dated=True)
    assert months.names == ("Nov", "Dec", "Jan", "Feb")
    np.testing.assert_array_equal(np.bincount(months.numbers), np.array([30, 31, 31, 28]) * 24)
    parts = by_season(hours[:160], dated=True)
    np.testing.assert_array_equal(np.bincount(parts.numbers), [20] * 8)


def test_the_label_that_holds_is_found():
    random = np.random.default_rng(0)
    onset = np.sort(random.choice(1000, 20, replace=False))
    offset = onset + random.integers(1, 60, 20)
    events = Events("a", onset, offset, random.integers(1, 4, 20), ("none", "x", "y", "z"))
    times = np.arange(0, 1100, 3)
    expected = np.zeros(len(times), int)
    for row, time in enumerate(times):
        for begin, end, label in zip(onset, offset, events.labels, strict=True):
            if begin <= time < end:
                expected[row] = label
    np.testing.assert_array_equal(labels_at(times, events), expected)
    groups = by_label(["a", "b"], [times, times], [events])
    np.testing.assert_array_equal(groups.numbers, [*expected, *[-1] * len(times)])


def test_the_course_of_the_day_is_that_of_pandas():
    times = np.arange(24 * 20) * 3600 * SECOND // 2
    values = noise(len(times), 2)
    values[::7, 0] = np.nan
    found = daily(times, values)
    table = pd.DataFrame(values).groupby(pd.to_datetime(times).hour)
    np.testing.assert_allclose(found.middle, table.median().to_numpy())
    np.testing.assert_allclose(found.high, table.quantile(0.9).to_numpy())


# ------------------------------------------------------------------ windows and whole recordings
def test_no_window_holds_a_gap():
    known = pieces_of(np.arange(500.0)[:, None], gaps=[130, 333])
    windows = cut_windows(known, 40)
    steps = np.diff(windows.values[:, 0], axis=1)
    assert len(windows.values) == 3 + 5 + 4 and (steps == 1).all()
    np.testing.assert_array_equal(windows.values[:, 0, 0], windows.rows)


def test_windows_of_two_kinds_lie_apart_and_what_all_lack_is_left_out():
    values = np.zeros((60, 1, 32)) + noise(60 * 32, 1).reshape(60, 1, 32) * 0.1
    values[::2, 0, :16] += 5
    values[:, 0, 30:] = np.nan
    values[0, 0, 30:] = 1e4
    features = features_of(values)
    assert features.shape == (60, 30)
    plane = plane_of(features, seed=0, quick=False)
    order = plane.principal[:, 0]
    assert (order[::2].min() > order[1::2].max()) or (order[::2].max() < order[1::2].min())
    assert np.isfinite(plane.neighbours).all() and plane_of(np.zeros((60, 4)), seed=0, quick=True) is None


def test_shortened_windows_keep_their_mean_and_points_that_are_pictured_differ():
    values = noise(8 * 64, 1).reshape(8, 1, 64)
    np.testing.assert_allclose(shortened(values, 16).mean(-1), values.mean(-1))
    points = np.random.default_rng(0).normal(size=(50, 2))
    points[3] = np.nan
    assert len(set(spread_points(points, 12))) == 12 and 3 not in spread_points(points, 49)


def test_of_a_long_recording_no_extreme_is_lost():
    values = noise(200_000, 2)
    values[123_457, 1], values[5000:5900, 0] = 4 * values.max(), np.nan
    whole = whole_of(kept_of(values)[0])
    drawn = np.where(np.isnan(whole.far), whole.values, whole.far)
    assert whole.each > 1 and len(whole.times) < 140_000 and (np.diff(whole.times) >= 0).all()
    np.testing.assert_allclose(np.nanmax(drawn, 0), np.nanmax(values, 0), rtol=1e-6)
    np.testing.assert_allclose(np.nanmin(drawn, 0), np.nanmin(values, 0), rtol=1e-6)


def test_bins_are_the_same_whether_merged_or_kept_wide():
    kept, _ = kept_of(noise(150_000, 2))
    fine, coarse = kept.pyramid(FINE), kept.pyramid(1000)
    wide = coarse.rows // fine.rows
    starts = np.arange(0, fine.low.shape[1], wide)
    assert fine.low.shape[1] > 30_000 and 500 < coarse.low.shape[1] <= 1000
    np.testing.assert_array_equal(np.minimum.reduceat(fine.low, starts, axis=1), coarse.low)
    np.testing.assert_array_equal(fine.times[::wide], coarse.times)
    np.testing.assert_array_equal(np.add.reduceat(fine.count, starts, axis=1), coarse.count)


def test_few_rows_are_drawn_as_they_are():
    values = noise(3000, 2).astype(np.float32)
    whole = whole_of(kept_of(values)[0])
    assert whole.each == 1
    np.testing.assert_array_equal(whole.values, values)


@pytest.mark.parametrize("rows", [100, 9000])
def test_the_share_of_what_is_missing_is_right_and_where_it_is(rows):
    values = noise(rows, 3)
    values[rows // 2 :, 1] = np.nan
    values[::4, 2] = np.nan
    kept, _ = kept_of(values)
    found = presence_of(kept.pyramid(), rows, columns=20)
    np.testing.assert_allclose(found.total, [0, 0.5, 0.25], atol=1e-3)
    assert found.missing.shape[1] <= 20
    np.testing.assert_allclose(found.missing[1, [0, -1]], [0, 1])


# ------------------------------------------------------------------ classes
def made_samples(kind="class", labels=None, values=None):
    values = noise(60 * 20, 1).reshape(60, 1, 20).astype(np.float32) if values is None else values
    labels = np.arange(60) % 3 if labels is None else labels
    roles = np.array(["train"] * 40 + ["test"] * 20)
    names = [f"s{k}" for k in range(60)]
    classes = () if kind == "values" else ("a", "b", "c")
    return Samples(names, values, ("x",), ("V",), kind, labels, classes, roles=roles)


def test_classes_are_counted_by_role():
    counts = class_counts(made_samples())
    assert list(counts) == ["train", "test"] and sum(one.sum() for one in counts.values()) == 60
    np.testing.assert_array_equal(counts["train"], [14, 13, 13])
    assert set(members(made_samples(), 1, 5)) < set(range(1, 60, 3))


def test_values_are_compared_by_thirds():
    known = classed(made_samples("values", np.arange(60, dtype=np.float32)[:, None]))
    np.testing.assert_array_equal(np.bincount(known.samples.labels), [20, 20, 20])


def test_the_course_of_a_class_is_its_mean_and_its_middle():
    values = noise(500 * 6, 1).reshape(500, 1, 6)
    values[:, 0, 5] = np.nan
    values[:480, 0, 4] = np.nan
    course = course_of("a", values)
    np.testing.assert_allclose(course.mean[0, :4], values[:, 0, :4].mean(0))
    np.testing.assert_allclose(course.high[0, :4], np.quantile(values[:, 0, :4], 0.9, axis=0))
    assert np.isnan(course.mean[0, 4:]).all()  # of 500 only 20 are that long


def test_what_follows_an_onset_is_found_around_it():
    values, onset = 0.1 * noise(4000, 2), np.arange(100, 3900, 200)
    for row in onset:
        values[row : row + 50, 1] += 1.0
    known = pieces_of(values)
    events = Events("", onset * SECOND, (onset + 50) * SECOND, 1 + np.arange(len(onset)) % 2, ("none", "up", "too"))
    found = around_onsets(known, [events])
    inside = (found.seconds >= 0) & (found.seconds < 50)
    assert [one.count for one in found.courses] == [10, 9]
    for one in found.courses:
        assert one.mean[1, inside].min() > 0.8 and np.abs(one.mean[1, ~inside]).max() < 0.3


def test_images_keep_their_mean_when_they_shrink_and_every_class_is_seen():
    pictures = np.random.default_rng(0).integers(0, 255, (60, 1, 64, 128)).astype(np.uint8)
    samples = made_samples(values=pictures)
    small = images_of(samples, np.arange(5))
    assert small.shape == (5, 1, 32, 32)
    np.testing.assert_allclose(small.mean((1, 2, 3)), pictures[:5].mean((1, 2, 3)), rtol=1e-4)
    np.testing.assert_array_equal(np.bincount(samples.labels[part_of(samples, 12)]), [4, 4, 4])
    np.testing.assert_allclose(summary_of(pictures, samples).values[:, 0], pictures.mean((1, 2, 3)))


def test_standardized_values_have_mean_0_and_variance_1_where_they_are_known():
    values = noise(100, 2)
    values[::3, 0] = np.nan
    found = standardized(values)
    assert (found[::3, 0] == 0).all() and found[:, 1].std() == pytest.approx(1)
    assert isinstance(pieces_of(values), Pieces)


def test_series_of_one_time_stand_on_one_axis_and_no_value_is_lost():
    times = np.arange(50) * SECOND
    both = np.concatenate([times, times + SECOND // 2])
    values = np.stack([np.arange(100.0), -np.arange(100.0)], 1).astype(np.float32)
    whole = Whole(both, np.repeat(["b", "a"], 50), values, np.full_like(values, np.nan), 1, 1.0, 1.5)
    assert simultaneous(whole) == ["b", "a"]
    drawn = on_one_axis(whole, ["b", "a"])
    assert len(drawn.times) == 100 and (np.diff(drawn.times) > 0).all()
    at = np.searchsorted(drawn.times, times)
    np.testing.assert_array_equal(drawn.values[at][:, [0, 2]], values[:50])
    np.testing.assert_allclose(drawn.values[at[1:], 1], values[50:99, 0] + 0.5)  # on the line between two rows
    assert not simultaneous(replace(whole, times=np.concatenate([times, times + 60 * SECOND])))
