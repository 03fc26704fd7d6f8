"""Rows that come in one by one are judged as all rows at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.live import LiveDetector
from dlkit.anomaly.thresholds import Quantile

# beartype draws at random which items of a list to check
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")


@settings(max_examples=30, deadline=None)
@given(
    smooth=st.integers(1, 6),
    join_gap=st.integers(0, 5),
    min_duration=st.integers(1, 6),
    cut=st.integers(0, 400),
    chunk=st.integers(1, 50),
    missing=st.booleans(),
    seed=st.integers(0, 50),
)
def test_live_scores_and_events_are_those_of_all_rows(smooth, join_gap, min_duration, cut, chunk, missing, seed):
    generator = np.random.default_rng(seed)
    errors = np.abs(np.convolve(generator.standard_normal(402), np.ones(3), "valid"))[:, None] * [1, 2, 3]
    errors = errors.astype(np.float32)
    if missing:
        errors[generator.random(errors.shape) < 0.2] = np.nan
    borders = [(first, past) for first, past in ((0, cut), (cut, 400)) if past > first]
    detector = Detector(smooth=smooth, join_gap=join_gap, min_duration=min_duration, threshold=Quantile(level=0.9))
    fitted = detector.fit(errors, np.arange(400) < 300, borders)
    # The threshold is a score that comes again here, and the last digit would decide.
    fitted = fitted.with_threshold(fitted.threshold + 1e-9, fitted.surprise)
    live, scores, alarms, events = LiveDetector(fitted), [], [], []
    for first, past in borders:
        for at in range(first, past, chunk):
            part = errors[at : min(at + chunk, past)]
            scores += live.scores(part)[0].tolist()
            for score, row in zip(scores[-len(part) :], live.deviations(part), strict=True):
                alarm, over = live.step(score, row)
                alarms.append(alarm)
                events += [over] if over else []
        events += [over] if (over := live.end()) else []
    want = fitted.scores(errors, borders)
    np.testing.assert_allclose(scores, want, rtol=1e-9, atol=1e-9)
    expected = fitted.events(want, errors, borders)
    assert [(one.first, one.last, one.peak_row) for one in events] == [
        (one.first, one.last, one.peak_row) for one in expected
    ]
    for one, other in zip(events, expected, strict=True):
        assert one.severity == pytest.approx(other.severity)
        if one.first >= 300:  # else its own peak is among those it is compared with, and the last digit decides
            assert one.p_value == other.p_value
        assert one.channels == pytest.approx(other.channels, abs=1e-6)
    # An alarm is never raised outside of an event, and each event raises one.
    assert not (np.array(alarms) & ~fitted.alarms(want, borders)).any()
    assert all(any(alarms[one.first : one.last + 1]) for one in expected)
