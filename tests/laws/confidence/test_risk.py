"""A risk that is promised to be small is small, with the promised probability."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from dlkit.confidence.p_values import PValues
from dlkit.confidence.risk import (
    alarm_counts,
    false_alarm_threshold,
    false_positive_threshold,
    highest_before,
    memory,
)  # fmt: skip
from dlkit.core.checks import InputError

DAY = 200.0  # rows


def counted(scores, borders, threshold, join_gap):
    """Alarms one row after the other."""
    alarms = 0
    for first, past in borders:
        last = -math.inf
        for row in range(first, past):
            if scores[row] > threshold:
                alarms += row - last > join_gap + 1
                last = row
    return alarms


@given(st.integers(0, 1000), st.integers(0, 4), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_alarms_of_all_thresholds_are_those_of_each(seed, join_gap, rows):
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 6, rows).astype(np.float64)  # many ties
    scores[draw.random(rows) < 0.2] = np.nan
    borders = [(0, rows // 3), (rows // 3, rows)]
    thresholds, alarms = alarm_counts(scores, borders, join_gap)
    assert list(thresholds) == sorted(set(scores[~np.isnan(scores)]), reverse=True)
    assert list(alarms) == [counted(scores, borders, threshold, join_gap) for threshold in thresholds]


def test_the_highest_score_before_a_row_is_found():
    scores = np.random.default_rng(0).random(30)
    for width in (1, 2, 5, 6):
        expected = [scores[max(0, row - width) : row].max(initial=-np.inf) for row in range(30)]
        np.testing.assert_array_equal(highest_before(scores, width), expected)


def test_false_positives_exceed_the_rate_as_seldom_as_promised():
    """The share of uniform scores above a threshold t is 1 - t: it may exceed the rate in one of ten cases."""
    draw, trials = np.random.default_rng(0), 1000
    thresholds = np.array([false_positive_threshold(draw.random(300), rate=0.05) for _ in range(trials)])
    broken = np.mean(1 - thresholds > 0.05)
    assert broken <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / trials)
    assert broken > 0.02  # and no threshold is much higher than it must be
    allowed = int(stats.binom.ppf(0.1, 300, 0.05)) - 1  # the most false positives that still refute a higher rate
    assert stats.binom.cdf(allowed, 300, 0.05) <= 0.1 < stats.binom.cdf(allowed + 1, 300, 0.05)
    scores = draw.random(300)
    assert (scores > false_positive_threshold(scores, rate=0.05)).sum() == allowed


@pytest.mark.parametrize(("remembers", "most"), [(0.0, 0.1), (0.95, 0.13)])
def test_false_alarms_exceed_their_number_a_day_as_seldom_as_promised(remembers, most):
    """Of independent scores exactly; alarms that come in clusters make it approximate."""
    draw, trials, days = np.random.default_rng(1), 120, 40

    def scores(rows):
        new = draw.standard_normal(rows + 200) * math.sqrt(1 - remembers**2)
        return lfilter([1], [1, -remembers], new)[200:]

    fresh = scores(400_000)
    rates, alarms = alarm_counts(fresh, [(0, len(fresh))], 0)
    broken = 0
    for _ in range(trials):
        threshold = false_alarm_threshold(scores(int(days * DAY)), [(0, int(days * DAY))], DAY, per_day=0.5)
        seen = alarms[np.searchsorted(-rates, -threshold)] / (len(fresh) / DAY) if threshold > rates[-1] else math.inf
        broken += seen > 0.5
    assert broken / trials <= most + 3 * math.sqrt(most * (1 - most) / trials)


def test_too_little_time_promises_nothing():
    draw = np.random.default_rng(0)
    assert math.isinf(false_alarm_threshold(draw.random(460), [(0, 460)], DAY, per_day=1.0))  # 2.30 days
    assert math.isfinite(false_alarm_threshold(draw.random(462), [(0, 462)], DAY, per_day=1.0))
    assert math.isinf(false_positive_threshold(draw.random(44), rate=0.05))  # .95^44 = .105
    assert math.isfinite(false_positive_threshold(draw.random(45), rate=0.05))


def test_how_far_scores_remember_is_seen():
    draw = np.random.default_rng(0)
    assert memory(draw.random(4000), [(0, 4000)]) <= 2
    long = lfilter([1], [1, -0.9], draw.standard_normal(20_000))
    assert memory(long, [(0, 20_000)]) == pytest.approx(19, abs=5)


@pytest.mark.parametrize(("name", "value"), [("per_day", 0.0), ("failure", 1.0), ("failure", 0.0)])
def test_what_is_no_risk_is_refused(name, value):
    with pytest.raises(InputError, match="set it, e"):
        false_alarm_threshold(np.zeros(10), [(0, 10)], DAY, **({"per_day": 1.0} | {name: value}))
    with pytest.raises(InputError, match="false_positive_rate=1 must lie between 0 and 1"):
        false_positive_threshold(np.zeros(10), rate=1.0)


# ---------------------------------------------------------------------- p-values
def test_a_p_value_is_that_of_its_definition():
    draw = np.random.default_rng(0)
    normal, fresh = draw.integers(0, 50, 300).astype(np.float64), draw.integers(-5, 60, 80).astype(np.float64)
    found = PValues.fit(normal)(fresh)
    np.testing.assert_allclose(found, [(1 + (normal >= one).sum()) / 301 for one in fresh])
    assert np.isnan(PValues.fit(normal)(np.array([np.nan]))).all()


def test_p_values_of_normal_scores_are_never_too_small():
    """P(p <= a) <= a over calibration sets, with equality where a (n + 1) is whole."""
    draw, trials = np.random.default_rng(0), 400
    found = np.array([PValues.fit(draw.random(99))(draw.random(20)) for _ in range(trials)]).ravel()
    for share in (0.01, 0.05, 0.1, 0.5):
        error = 4 * math.sqrt(share * (1 - share) / trials)
        assert share - error < np.mean(found <= share + 1e-12) < share + error


def test_a_long_calibration_is_kept_short_and_never_too_sure():
    normal, fresh = np.random.default_rng(0).random(30_000), np.random.default_rng(1).random(500)
    exact = np.array([(1 + (normal >= one).sum()) / 30_001 for one in fresh])
    short = PValues.fit(normal, kept=500)
    assert len(short.scores) <= 1000
    found = PValues.from_dict(json.loads(json.dumps(short.to_dict())))(fresh)
    assert (found >= exact - 1e-12).all()
    assert (found - exact < 0.01).all()
    np.testing.assert_allclose(found[exact < 0.016], exact[exact < 0.016])  # the tail is exact
