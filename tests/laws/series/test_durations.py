"""Durations are whole numbers of samples, or refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.core.durations import NANOSECONDS, nanoseconds, samples

HOUR = NANOSECONDS["h"]


@pytest.mark.parametrize(
    ("value", "step", "count"),
    [("6h", HOUR, 6), (6, HOUR, 6), ("6", HOUR, 6), (" 90 min ", HOUR // 2, 3), ("1d", HOUR, 24), ("0.5s", 10**8, 5),
     ("2w", 86_400 * 10**9, 14), ("100ms", 10**6, 100), ("1.5H", HOUR // 4, 6), ("0h", HOUR, 0)],
)  # fmt: skip
def test_durations_are_counted_in_samples(value, step, count):
    assert samples(value, step, setting="look_back") == count


@given(st.integers(1, 1000), st.sampled_from(sorted(NANOSECONDS)))
def test_a_duration_of_n_steps_is_n_samples(count, unit):
    assert samples(f"{count}{unit}", NANOSECONDS[unit], setting="gap") == count


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("90min", r"look_back='90min' is 1.5 samples of 3600 s; it must be a whole number of them: change `look_back`"),
     ("six", "look_back='six' is not a duration"), ("6 fortnights", "not a duration"), ("", "not a duration"),
     ("-2h", "not a duration"), ("--5", "not a duration"), ("1e3s", "not a duration"),
     (0, "at least 1"), ("-5", "at least 1"), (-5, "at least 1")],
)  # fmt: skip
def test_what_is_no_number_of_samples_is_refused(value, sentence):
    with pytest.raises(InputError, match=sentence):
        samples(value, HOUR, setting="look_back", least=1)


def test_nanoseconds_are_exact():
    assert nanoseconds("365.25d", setting="season") == 31_557_600 * 10**9
