"""Scores, alarms and events: learnt from normal rows, disjoint, in order, the same after a detour over JSON."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.anomaly.detector import SECOND, Detector
from dlkit.anomaly.events import alarms_of
from dlkit.anomaly.fitted import FittedDetector
from dlkit.anomaly.scaling import aggregated, moving_average
from dlkit.anomaly.surprise import Surprise
from dlkit.anomaly.thresholds import Conformal, Quantile
from dlkit.core.checks import InputError

# beartype draws at random which items of a list to check
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
ROWS, BORDERS = 6_000, [(0, 2_500), (2_500, 6_000)]
NORMAL = np.arange(ROWS) < 4_000


def errors(seed=0, channels=4):
    noise = np.random.default_rng(seed).standard_normal((ROWS, channels)).astype(np.float32)
    noise[4_500:4_560, 2] += 12
    return noise**2


def fitted(values, **settings_):
    return Detector(**{"threshold": Quantile(level=0.999), **settings_}).fit(values, NORMAL, BORDERS)


def events_by_loop(scores, high, low, borders, gap, shortest):
    """The state machine, row by row."""
    found = []
    for first, past in borders:
        mine, inside = [], False
        for row in range(first, past):
            inside = scores[row] > high or (inside and scores[row] > low)
            if inside and mine and mine[-1][1] == row:
                mine[-1][1] = row + 1
            elif inside:
                mine.append([row, row + 1])
        joined = mine[:1]
        for one in mine[1:]:
            if one[0] - joined[-1][1] <= gap:
                joined[-1][1] = one[1]
            else:
                joined.append(one)
        found += [tuple(one) for one in joined if one[1] - one[0] >= shortest]
    return found


@settings(max_examples=80, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]), min_size=1, max_size=40),
    cut=st.integers(0, 40),
    gap=st.integers(0, 4),
    shortest=st.integers(1, 4),
)
def test_alarms_are_those_of_a_state_machine(scores, cut, gap, shortest):
    values, cut = np.array(scores), min(cut, len(scores))
    borders = [(first, past) for first, past in ((0, cut), (cut, len(scores))) if past > first]
    alarms = alarms_of(values, 2.5, 1.5, borders, gap, shortest)
    want = np.zeros(len(values), bool)
    for first, past in events_by_loop(values, 2.5, 1.5, borders, gap, shortest):
        want[first:past] = True
    np.testing.assert_array_equal(alarms, want)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 60), width=st.integers(1, 20), holes=st.sampled_from([0.0, 0.2]), seed=st.integers(0, 99))
def test_the_moving_average_looks_back_only_and_leaves_out_what_is_missing(rows, width, holes, seed):
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((rows, 2))
    values[generator.random(rows) < holes, 0] = np.nan
    want = np.full_like(values, np.nan)
    for row, channel in zip(*np.nonzero(~np.isnan(values)), strict=True):
        want[row, channel] = np.nanmean(values[max(row - width + 1, 0) : row + 1, channel])
    np.testing.assert_allclose(moving_average(values, width), want, atol=1e-12)


def test_an_outlier_costs_no_digits_in_what_comes_later():
    values = np.ones((10_000, 1))
    values[3] = 1e15
    np.testing.assert_array_equal(moving_average(values, 7)[10:], 1)


@pytest.mark.parametrize("aggregate", ["mean", "max", "top3"])
def test_channels_are_aggregated_without_those_that_are_missing(aggregate):
    z = np.random.default_rng(0).standard_normal((50, 6))
    z[::3, 2], z[::5, :5], z[7] = np.nan, np.nan, np.nan
    rules = {"mean": np.mean, "max": np.max, "top3": lambda row: np.sort(row)[-3:].mean()}
    want = [rules[aggregate](row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in z]
    np.testing.assert_allclose(aggregated(z, aggregate), want)


@pytest.mark.parametrize("aggregate", ["mean", "max", "top3"])
def test_the_planted_event_is_found_with_its_channel(aggregate):
    values = errors()
    detector = fitted(values, aggregate=aggregate, min_duration="5s", join_gap=3)
    found = detector.events(detector.scores(values, BORDERS), values, BORDERS)
    assert [(one.first, one.last) for one in found] == [(4_500, 4_559)]
    (event,) = found
    assert event.channels[2] > 0.7 and sum(event.channels) == pytest.approx(1)
    assert event.severity > 1 and event.first <= event.peak_row <= event.last
    assert event.confidence == 1 - event.p_value > 0.98


def test_events_are_disjoint_in_order_and_long_enough():
    values = np.abs(np.cumsum(np.random.default_rng(4).standard_normal((ROWS, 3)), 0) % 7).astype(np.float32)
    detector = fitted(values, threshold=Quantile(level=0.9), min_duration=4, join_gap=2, smooth=3)
    scores = detector.scores(values, BORDERS)
    events = detector.events(scores, values, BORDERS)
    assert len(events) > 10
    assert all(one.last - one.first + 1 >= 4 and one.severity > 1 for one in events)
    assert all(next_.first - one.last > 1 for one, next_ in pairwise(events))
    assert not any(one.first < 2_500 <= one.last for one in events)
    covered = np.zeros(ROWS, bool)
    for one in events:
        covered[one.first : one.last + 1] = True
    np.testing.assert_array_equal(covered, detector.alarms(scores, BORDERS))


def test_nothing_is_learnt_from_rows_that_are_not_normal():
    values, other = errors(), errors()
    other[~NORMAL] = 1e6
    assert fitted(values).to_dict() == fitted(other).to_dict()


def test_scores_know_neither_unit_nor_order_of_channels():
    """An error's unit is its channel's own, and channels that were missing in all normal rows stay silent."""
    values = errors()
    scores = fitted(values).scores(values)
    mixed = values[:, [2, 0, 3, 1]] * np.array([1e-6, 4, 1, 1e8], np.float32)
    np.testing.assert_allclose(fitted(mixed).scores(mixed), scores, rtol=1e-3, atol=1e-3)


def test_chunks_do_not_show_in_the_scores(monkeypatch):
    values, detector = errors(), fitted(errors(), smooth=40)
    scores = detector.scores(values, BORDERS)
    monkeypatch.setattr("dlkit.anomaly.scaling.CHUNK", 33)
    np.testing.assert_allclose(detector.scores(values, BORDERS), scores, atol=1e-9)


def test_normal_scores_have_median_zero_and_unit_spread():
    scores = fitted(errors(), smooth=5).scores(errors(), BORDERS)[NORMAL]
    assert abs(np.median(scores)) < 1e-12
    assert np.median(np.abs(scores)) * 1.4826 == pytest.approx(1, rel=1e-4)


def test_a_detector_is_the_same_after_a_detour_over_json():
    values = errors()
    values[::7, 1] = np.nan
    for threshold in (Quantile(), Conformal(false_alarms_per_day=1.0)):  # the second is infinite here
        first = fitted(values, threshold=threshold, smooth=4)
        again = FittedDetector.from_dict(json.loads(json.dumps(first.to_dict(), allow_nan=False)))
        scores = first.scores(values, BORDERS)
        np.testing.assert_array_equal(again.scores(values, BORDERS), scores)
        assert again.events(scores, values, BORDERS) == first.events(scores, values, BORDERS)
        assert again.to_dict() == first.to_dict()


def test_p_values_of_normal_peaks_are_valid():
    """Of blocks exchangeable with those seen, a share of at most alpha has a p-value of at most alpha."""
    generator, p_values = np.random.default_rng(8), []
    for _ in range(300):
        scores = generator.exponential(size=250 * 4)
        surprise = Surprise.fit(scores, -1.0, [(0, len(scores))])
        assert (surprise.length, surprise.blocks) == (4, 250)
        p_values += [surprise.p_value(peak) for peak in generator.exponential(size=(20, 4)).max(1)]
    for alpha in (0.05, 0.1, 0.5):
        assert np.mean(np.array(p_values) <= alpha) == pytest.approx(alpha, abs=0.02)


@pytest.mark.parametrize(("rows", "length", "blocks"), [(3, 1, 3), (399, 1, 399), (400, 2, 200), (3_300, 16, 206)])
def test_blocks_are_as_long_as_leaves_two_hundred_of_them(rows, length, blocks):
    surprise = Surprise.fit(np.zeros(rows), 1.0, [(0, rows)])
    assert (surprise.length, surprise.blocks) == (length, blocks)
    assert surprise.p_value(2.0) == 1 / (1 + blocks)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 99), smooth=st.integers(1, 30), rows=st.integers(30, 4_000))
def test_a_higher_peak_is_never_less_sure_however_long_the_events_are(seed, smooth, rows):
    values = (np.random.default_rng(seed).standard_normal((ROWS, 2)) ** 2).astype(np.float32)
    values[5_000:5_800] *= 4
    values[5_900:5_910] *= 16
    detector = Detector(threshold=Quantile(level=0.9), smooth=smooth).fit(values, np.arange(ROWS) < rows, BORDERS)
    events = detector.events(detector.scores(values, BORDERS), values, BORDERS)
    sure = [one.confidence for one in sorted(events, key=lambda one: one.severity)]
    assert len({one.last - one.first for one in events}) > 1
    assert sure == sorted(sure)


def test_detectors_of_older_files_are_read():
    old = {"blocks": [400, 200, 100], "maxima": [[2.0, 3.0, 4.0], [3.0, 4.0], [4.0]]}
    surprise = Surprise.from_dict(old)
    assert (surprise.length, surprise.blocks, surprise.maxima.tolist()) == (2, 200, [3.0, 4.0])
    assert surprise.p_value(3.5) == 2 / 201
    assert Surprise.from_dict({"blocks": [], "maxima": []}).p_value(3.0) == 1


def test_causal_scores_have_a_stride_of_their_own():
    assert Detector().stride_of(64) == 16 and Detector().stride_of(3) == 1 and Detector(stride=5).stride_of(64) == 5
    assert Detector(stride=5).with_merge("causal").stride_of(64) == 1
    assert vars(Detector(smooth="1min").with_merge("causal")) | {"threshold": 0} == vars(
        Detector(merge="causal", smooth="1min")
    ) | {"threshold": 0}


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"hysteresis": 2.0}, "between 0 and 1"),
        ({"stride": 0}, "stride"),
        ({"smooth": 0}, "smooth"),
        ({"min_duration": "1.5s"}, "whole number"),
        ({"join_gap": "soon"}, "join_gap"),
    ],
)
def test_impossible_settings_are_refused(settings_, words):
    with pytest.raises(InputError, match=words):
        Detector(**settings_).fit(errors(), NORMAL, BORDERS, step=SECOND)


def test_without_a_normal_row_nothing_is_normal():
    with pytest.raises(InputError, match="No normal row validates"):
        Detector().fit(errors(), np.zeros(ROWS, bool), BORDERS)
