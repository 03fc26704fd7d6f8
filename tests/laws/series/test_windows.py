"""Windows lie where they may, every other candidate is accounted for, and the audit finds what leaks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.table.rows import count_rows, count_shared, join, take_rows, widen, without
from dlkit.data.table.windows import Geometry, Windows, audit, place_windows
from tests.made_tables import tables

# beartype draws at random which items of a list to check
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")

GEOMETRIES = st.builds(
    Geometry,
    look_back=st.integers(1, 6),
    look_forward=st.integers(1, 5),
    gap=st.integers(0, 3),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
)


def used_rows(start, geometry):
    """Every row that a window reads, counted one by one."""
    inputs = [start + k * geometry.dilation for k in range(geometry.look_back)]
    return inputs, [inputs[-1] + geometry.gap + 1 + k for k in range(geometry.look_forward)]


def all_starts(windows):
    return windows.starts(torch.arange(len(windows))).tolist()


@st.composite
def ranges_in(draw, table):
    """Some disjoint ranges, each inside one segment."""
    found = []
    for start, stop in table.segments.tolist():
        cuts = sorted(draw(st.lists(st.integers(start, stop), min_size=2, max_size=4, unique=True)) or [])
        found += [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return np.array(found, np.int64).reshape(-1, 2)


CASES = tables(longest=30).flatmap(lambda table: st.tuples(st.just(table), ranges_in(table)))


@settings(max_examples=150, deadline=None)
@given(CASES, GEOMETRIES, st.booleans())
def test_windows_are_those_of_a_brute_force_enumeration(case, geometry, inside):
    table, ranges = case
    windows = place_windows(ranges, table.segments, geometry, inside=inside)
    expected = []
    for start, stop in ranges.tolist():
        begin, end = next(s for s in table.segments.tolist() if s[0] <= start < s[1])
        fits = []
        for first in range(begin, end):
            inputs, targets = used_rows(first, geometry)
            whole = targets[-1] < end
            aimed = start <= targets[0] and targets[-1] < stop
            if whole and aimed and (not inside or inputs[0] >= start):
                fits.append(first)
        expected += fits[:: geometry.stride]
    assert all_starts(windows) == expected


@settings(max_examples=150, deadline=None)
@given(CASES, GEOMETRIES, st.booleans())
def test_every_candidate_is_a_window_or_lost_for_a_cause(case, geometry, inside):
    table, ranges = case
    windows = place_windows(ranges, table.segments, geometry, inside=inside)
    assert len(windows) + sum(windows.lost.values()) == count_rows(ranges)
    assert all(count > 0 for count in windows.lost.values())


@settings(max_examples=60, deadline=None)
@given(tables(longest=30), GEOMETRIES)
def test_causes_are_right_when_everything_may_be_predicted(table, geometry):
    geometry = replace(geometry, stride=1)
    lost = place_windows(table.segments, table.segments, geometry, inside=True).lost
    assert "split border" not in lost
    early = sum(min(geometry.lead, stop - start) for start, stop in table.segments.tolist())
    assert lost.get("look-back over a gap or the start", 0) == early


@settings(max_examples=60, deadline=None)
@given(tables(longest=30), GEOMETRIES)
def test_starts_of_any_numbers_agree_with_the_list(table, geometry):
    windows = place_windows(table.segments, table.segments, geometry, inside=True)
    every = all_starts(windows)
    numbers = torch.randperm(len(windows))
    assert windows.starts(numbers).tolist() == [every[i] for i in numbers.tolist()]


RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=5)


def as_ranges(pairs):
    """Disjoint ranges from pairs of skip and length."""
    found, at = [], 0
    for skip, length in pairs:
        found.append((at + skip, at + skip + length))
        at += skip + length
    return np.array(found, np.int64).reshape(-1, 2)


def as_set(ranges):
    return {row for start, stop in ranges.tolist() for row in range(start, stop)}


@given(RANGES, RANGES)
def test_range_arithmetic_is_set_arithmetic(one, other):
    one, other = as_ranges(one), as_ranges(other)
    assert count_shared(one, other) == len(as_set(one) & as_set(other))
    assert as_set(without(one, other)) == as_set(one) - as_set(other)
    assert count_rows(without(one, other)) == len(as_set(one) - as_set(other))


@given(RANGES, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=4))
def test_shared_rows_are_counted_once_when_ranges_overlap(one, loose):
    one = as_ranges(one)
    other = np.array([(start, start + length) for start, length in loose], np.int64).reshape(-1, 2)
    assert count_shared(one, other) == len(as_set(one) & as_set(other))
    assert as_set(without(one, other)) == as_set(one) - as_set(other)


@given(RANGES, st.integers(0, 50), st.integers(0, 50))
def test_taken_rows_are_those_of_the_list(pairs, first, more):
    ranges = as_ranges(pairs)
    rows = [row for start, stop in ranges.tolist() for row in range(start, stop)]
    assert sorted(as_set(take_rows(ranges, first, first + more))) == rows[first : first + more]


def test_widened_ranges_stay_in_their_borders():
    borders = np.array([[0, 10], [10, 20]])
    assert widen(np.array([[4, 6], [10, 11], [19, 20]]), 3, borders).tolist() == [[1, 9], [10, 14], [16, 20]]


GEOMETRY = Geometry(look_back=4, look_forward=2)
SEGMENTS = np.array([[0, 50], [50, 100]])


def planted(**changed):
    """A sound split of 100 rows, with some windows put elsewhere."""
    ranges = {"train": np.array([[0, 30]]), "val": np.array([[30, 50]]), "test": np.array([[50, 100]])}
    windows = {r: place_windows(ranges[r], SEGMENTS, GEOMETRY, inside=r == "train") for r in ranges}
    return windows | {
        role: Windows(torch.tensor([first]), torch.tensor([count]), 1, {}) for role, (first, count) in changed.items()
    }


def test_audit_passes_a_sound_split_and_counts():
    proof = audit(planted(), SEGMENTS, GEOMETRY, np.array([[0, 30]]))
    assert proof == {"training windows": 25, "predicted windows": 19 + 45, "shared rows": 0}


@pytest.mark.parametrize(
    ("changed", "rows"),
    [({"train": (0, 26)}, 1), ({"train": (29, 1)}, 5), ({"val": (25, 1)}, 1), ({"test": (0, 3)}, 4)],
    ids=["one window too many", "inside validation", "validation begins early", "test on training rows"],
)
def test_audit_finds_a_planted_leak(changed, rows):
    with pytest.raises(InputError, match=f"Leak: {rows} rows"):
        audit(planted(**changed), SEGMENTS, GEOMETRY, np.array([[0, 30]]))


def test_audit_finds_a_normalizer_that_saw_the_test():
    with pytest.raises(InputError, match="Leak: 10 rows"):
        audit(planted(), SEGMENTS, GEOMETRY, np.array([[0, 30], [60, 70]]))


def test_audit_finds_a_window_over_a_gap():
    with pytest.raises(InputError, match="test window crosses a gap"):
        audit(planted(test=(46, 5)), SEGMENTS, GEOMETRY, join([]))
