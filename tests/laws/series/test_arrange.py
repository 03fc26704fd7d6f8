"""Columns play the parts that the names give them, and arranging twice changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.table.arrange import Arranged, Columns, match_names
from dlkit.data.table.calendar import calendar_columns, calendar_names
from tests.made_tables import HOUR, Parts, noise, stream

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
NAMES = ("a1", "a2", "b1", "b2", "c")
PATTERNS = st.lists(st.sampled_from([*NAMES, "a*", "b*", "*1", "*"]), min_size=1, max_size=3)


def roles(**given):
    return {"inputs": None, "targets": ["c0"], "future": [], "calendar": ()} | given


@given(st.none() | PATTERNS, PATTERNS, st.lists(st.sampled_from(NAMES), max_size=2), st.permutations(NAMES))
def test_every_part_is_a_slice_in_the_order_of_its_names(inputs, targets, future, names):
    future = [name for name in future if name not in match_names(targets, names, setting="targets")]
    made = ("sin_of_day", "cos_of_day")
    columns = Columns.arrange(names, inputs=inputs, targets=targets, future=future, calendar=("day",))
    first, last = columns.targets
    assert set(columns.names[: columns.inputs]) == set(match_names(inputs or ["*"], names, setting="inputs"))
    assert set(columns.names[first:last]) == set(match_names(targets, names, setting="targets"))
    assert [columns.names[i] for i in columns.future] == [*dict.fromkeys(future), *made]
    assert columns.names[columns.measured :] == made
    assert len(columns.names) == len(set(columns.names))


@given(st.none() | PATTERNS, PATTERNS, st.permutations(NAMES))
def test_arranging_again_keeps_the_order(inputs, targets, names):
    once = Columns.arrange(names, inputs=inputs, targets=targets, calendar=("year",))
    assert Columns.arrange(once.names, inputs=inputs, targets=targets, calendar=("year",)) == once


def test_values_follow_their_names():
    values = noise(6, 3)
    source = Parts([stream(values), stream(values[:, ::-1], name="b", channels=("c2", "c1", "c0"))])
    one, other = Arranged(source, roles(inputs=["c2", "c0"], targets=["c0", "c1"])).chunks()
    assert one.channels == other.channels == ("c2", "c0", "c1")
    np.testing.assert_array_equal(one.values, values[:, [2, 0, 1]])
    np.testing.assert_array_equal(one.values, other.values)


def test_rows_to_come_follow_each_series_and_know_the_calendar():
    source = Parts([stream(noise(5, 1)), stream(noise(3, 1), first=5, continues=True), stream(noise(4, 1), name="b")])
    streams = list(Arranged(source, roles(calendar=("day",)), extend=2).chunks())
    assert [(s.name, len(s.times), s.continues) for s in streams] == [
        ("a", 5, False), ("a", 3, True), ("a", 2, True), ("b", 4, False), ("b", 2, True),
    ]  # fmt: skip
    np.testing.assert_array_equal(streams[2].times, HOUR * np.array([8, 9]))
    assert np.isnan(streams[2].values[:, 0]).all()
    np.testing.assert_array_equal(streams[2].values[:, 1:], calendar_columns(streams[2].times, ("day",)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({"targets": ["c9"]}, "targets: no channel is named 'c9'; there is c0, c1"),
     ({"targets": ["temp*"]}, r"targets: no channel is named 'temp\*'"),
     ({"inputs": ["x"]}, "inputs: no channel is named 'x'"),
     ({"future": ["c0"]}, r"future: \['c0'\] are targets"),
     ({"calendar": ("hour",)}, "calendar: there is no period 'hour'")],
)  # fmt: skip
def test_parts_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        list(Arranged(Parts([stream(noise(4, 2))]), roles(**given)).chunks())


def test_a_channel_named_as_the_calendars_is_refused():
    source = Parts([stream(noise(4, 2), channels=("c0", "sin_of_day"))])
    with pytest.raises(InputError, match="named as the calendar's"):
        list(Arranged(source, roles(calendar=("day",))).chunks())


def test_a_series_that_lacks_a_channel_is_refused():
    source = Parts([stream(noise(4, 2)), stream(noise(4, 1), name="b")])
    with pytest.raises(InputError, match="Series 'b' lacks the channel 'c1'"):
        list(Arranged(source, roles()).chunks())


def test_names_may_hold_characters_of_a_glob():
    assert match_names(["T[degC]"], ["T[degC]", "Td"], setting="inputs") == ["T[degC]"]


def test_the_calendar_has_its_phases():
    start = np.datetime64("2024-01-01T00:00", "ns").astype(np.int64)
    hours = start + HOUR * np.arange(24 * 14)
    day, week = calendar_columns(hours, ("day",)), calendar_columns(hours, ("week",))
    np.testing.assert_allclose(day[[0, 6, 12, 18, 24]], [[0, 1], [1, 0], [0, -1], [-1, 0], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(day[24:48], day[:24], atol=1e-6)
    np.testing.assert_allclose(week[7 * 24 :], week[: 7 * 24], atol=1e-6)
    assert not np.allclose(week[24:48], week[:24], atol=0.1)
    solstices = np.array(["2024-06-21", "2024-12-21", "1999-06-21"], "datetime64[ns]").astype(np.int64)
    year = calendar_columns(solstices, ("year",))
    np.testing.assert_allclose(year[0], -year[1], atol=0.05)
    np.testing.assert_allclose(year[0], year[2], atol=0.02)
    assert calendar_names(("day", "year")) == ("sin_of_day", "cos_of_day", "sin_of_year", "cos_of_year")
    assert day.dtype == np.float32
