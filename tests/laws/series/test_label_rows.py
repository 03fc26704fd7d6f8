"""Events over intervals become a class at each row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.records import Events
from dlkit.data.several.labels import label_rows
from dlkit.data.table.tables import Table

CLASSES = ("none", "one", "two", "three")
moments = st.integers(0, 40)


def table_of(segments, names):
    """Return a table whose segments have the given times, two of the first series and one of the second."""
    times = np.concatenate([np.asarray(one, np.int64) for one in segments])
    ends = np.cumsum([len(one) for one in segments])
    borders = np.stack([np.r_[0, ends[:-1]], ends], 1)
    values = np.zeros((len(times), 1), np.float32)
    return Table(
        times, values, ("x",), ("",), 1, borders, np.array([0, 0, 1]), names, np.zeros((2, 0), np.float32), ()
    )  # fmt: skip


def painted(times_of_series, events):
    """Return the class of each row, one event after the other, in the plainest way."""
    labels = np.zeros(len(times_of_series), np.int32)
    for onset, offset, label in sorted(events, key=lambda event: event[0]):
        after = [k for k, time in enumerate(times_of_series) if time >= onset]
        for k in after[:1] if onset == offset else [k for k in after if times_of_series[k] < offset]:
            labels[k] = label
    return labels


@given(
    st.lists(st.tuples(moments, st.integers(0, 9), st.integers(1, 3)), max_size=6),
    st.lists(st.tuples(moments, st.integers(0, 9), st.integers(1, 3)), max_size=6),
)
def test_each_row_has_the_class_of_the_event_that_began_last_and_one_without_duration_marks_one_row(first, second):
    segments, names = ([3, 4, 5, 9], [20, 21, 25], [2, 4, 30]), ("a", "b")
    found = []
    for name, events in zip(names, (first, second), strict=True):
        onset = np.array([event[0] for event in events], np.int64)
        offset = onset + np.array([event[1] for event in events], np.int64)
        found.append(Events(name, onset, offset, np.array([event[2] for event in events], np.int64), CLASSES))
    whole = [[(a, a + long, label) for a, long, label in events] for events in (first, second)]
    wanted = np.concatenate([painted(segments[0] + segments[1], whole[0]), painted(segments[2], whole[1])])
    np.testing.assert_array_equal(label_rows("faults", found, table_of(segments, names)), wanted)
