"""Intervals of time: a row is inside where it is inside of one of them."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.cleaning.spans import within

PAIR = st.tuples(st.integers(-30, 30), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(st.integers(-60, 60)), st.lists(PAIR))
def test_a_time_is_inside_where_one_interval_holds_it_in_any_order(times, spans):
    found = within(np.array(times, np.int64), np.array(spans, np.int64).reshape(-1, 2))
    assert found.tolist() == [any(first <= time <= last for first, last in spans) for time in times]


def test_many_intervals_cost_no_pass_over_all_rows_each():
    rows, edges = np.arange(300_000), np.arange(100_000).reshape(-1, 2) * 3
    begun = time.perf_counter()
    found = within(rows, edges)
    assert time.perf_counter() - begun < 2  # a pass for each takes a quarter of a minute
    assert found.sum() == 50_000 * 4
