"""Events hold from their onset until just before their end, and one at a time."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.frames.intervals import first_overlap, last_begun
from dlkit.data.sources.event_table import EventTable

ROWS = {"onset": [0.5, 3.0, 7.25], "offset": [1.5, 4.0, 8.0], "label": ["arc", "quench", "arc"]}
RELATIVE = {"offset": "offset", "time_format": "relative"}


def write(place, name="events.csv", **changed):
    table = pd.DataFrame({key: column for key, column in (ROWS | changed).items() if column is not None})
    path = place / name
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
    return path


def at(events, time):
    """Return the class at a time, by looking at every event."""
    inside = (events.onset <= time) & (time < events.offset)
    assert inside.sum() <= 1
    return events.classes[int(events.labels[inside][0]) if inside.any() else 0]


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_events_are_those_of_the_table_with_the_background_first(name, tmp_path):
    (events,) = EventTable(path=write(tmp_path, name), **RELATIVE).read()
    assert events.classes == ("none", "arc", "quench")
    np.testing.assert_array_equal(events.onset, np.array([0.5, 3, 7.25]) * 1e9)
    np.testing.assert_array_equal(events.offset, np.array([1.5, 4, 8]) * 1e9)
    assert [at(events, time * 10**9) for time in (0, 1, 2, 3, 4)] == ["none", "arc", "none", "quench", "none"]
    assert events.onset.dtype == events.offset.dtype == events.labels.dtype == np.int64


def test_a_duration_in_seconds_is_another_way_to_write_an_end(tmp_path):
    dates = pd.to_datetime(["2024-01-31T12:00", "2024-01-31T12:01"]).astype(str)
    path = write(tmp_path, onset=dates, offset=[2.5, 0.25], label=["a", "b"])
    (events,) = EventTable(path=path, duration="offset", time_zone="+01:00").read()
    np.testing.assert_array_equal(events.offset - events.onset, [2_500_000_000, 250_000_000])
    assert events.onset[0] == pd.Timestamp("2024-01-31T11:00").value


def test_given_classes_keep_their_order_and_may_name_the_background(tmp_path):
    path = write(tmp_path, label=["quench", "quiet", "arc"])
    source = EventTable(path=path, **RELATIVE, classes=["quench", "quiet", "arc"], background="quiet")
    (events,) = source.read()
    assert events.classes == ("quiet", "quench", "arc")
    np.testing.assert_array_equal(events.labels, [1, 0, 2])


def test_the_order_of_rows_does_not_matter_and_a_column_names_the_series(tmp_path):
    order = [2, 0, 1]
    rows = {key: [column[number] for number in order] for key, column in ROWS.items()}
    (mixed,) = EventTable(path=write(tmp_path, **rows), **RELATIVE).read()
    (sorted_,) = EventTable(path=write(tmp_path, "b.csv"), **RELATIVE).read()
    for name in ("onset", "offset", "labels"):
        np.testing.assert_array_equal(getattr(mixed, name), getattr(sorted_, name))
    path = write(tmp_path, onset=[0, 0, 5], offset=[3, 2, 6], label=["a", "b", "c"], cavity=[1, 2, 1])
    one, two = EventTable(path=path, **RELATIVE, series="cavity").read()
    assert (one.name, two.name) == ("1", "2")
    assert one.classes == two.classes == ("none", "a", "b", "c")
    np.testing.assert_array_equal(one.labels, [1, 3])


def test_events_that_touch_do_not_overlap(tmp_path):
    (events,) = EventTable(path=write(tmp_path, onset=[0, 1, 2], offset=[1, 2, 3]), **RELATIVE).read()
    assert at(events, 10**9) == "quench"


def test_overlapping_events_are_refused_or_the_last_one_holds(tmp_path):
    path = write(tmp_path, onset=[0, 1, 4], offset=[10, 2, 5], label=["a", "b", "c"])
    with pytest.raises(InputError, match=r"events.csv, row 2: .*`overlap: last`"):
        EventTable(path=path, **RELATIVE).read()
    (events,) = EventTable(path=path, **RELATIVE, overlap="last").read()
    found = [at(events, round(time * 10**9)) for time in (0.5, 1.5, 3, 4.5, 6, 10)]
    assert found == ["a", "b", "a", "c", "a", "none"]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=12))
def test_the_event_that_began_last_holds_at_every_moment(pairs):
    onset = np.array([start for start, _ in sorted(pairs)], dtype=np.int64)
    offset = onset + np.array([length for _, length in sorted(pairs)])
    onset, offset = np.append(onset, 15), np.append(offset, 15)
    order = np.argsort(onset, kind="stable")
    onset, offset = onset[order], offset[order]
    start, stop, number = last_begun(onset, offset)
    lasting = stop > start
    assert (~lasting).sum() == 1
    assert first_overlap(start[lasting], stop[lasting]) is None
    for time in np.arange(0, 44, 0.5):
        now = [event for event in range(len(onset)) if onset[event] <= time < offset[event]]
        found = number[(start <= time) & (time < stop)]
        assert list(found) == now[-1:]
    brute = any(onset[b] < offset[a] for a in range(len(onset)) for b in range(a + 1, len(onset)))
    assert (first_overlap(onset, offset) is not None) == brute


def test_bad_rows_are_named_with_their_cause_or_left_out(tmp_path):
    rows = {"onset": [0, None, 2, 4, 6], "offset": [1, 2, 1, 5, 7], "label": ["a", "a", "a", None, "c"]}
    source = {"path": write(tmp_path, **rows), "classes": ["a", "b"], **RELATIVE}
    with pytest.raises(InputError) as error:
        EventTable(**source).read()
    row = "events.csv, row"
    causes = ("4 of 5 events", f"no onset: {row} 2", f"end before the onset: {row} 3", f"label missing: {row} 4")
    for cause in (*causes, f"none of none, a, b: {row} 5", "bad: skip"):
        assert cause in str(error.value)
    (events,) = EventTable(**source, bad="skip").read()
    np.testing.assert_array_equal(events.onset, [0])


def test_fingerprint_is_plain_and_tells_files_apart(tmp_path):
    before = json.dumps(EventTable(path=write(tmp_path), **RELATIVE).fingerprint(), sort_keys=True)
    assert str(tmp_path) not in before
    changed = json.dumps(EventTable(path=write(tmp_path, offset=[1.5, 4, 9]), **RELATIVE).fingerprint(), sort_keys=True)
    assert changed != before
