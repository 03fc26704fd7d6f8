"""Every split that can be discovered keeps the roles apart, whatever the table."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.data.folds import KFold, SeriesKFold, WalkForward
from dlkit.data.normalize import Standard
from dlkit.data.series_splits import HeldOutSeries
from dlkit.data.splits import ROLES, ByDate, ByFraction, ByRows, BySeries, Split
from dlkit.data.table.arrange import Columns
from dlkit.data.table.prepare import prepare_table, split_rows
from dlkit.data.table.windows import Geometry
from tests.made_tables import table, tables

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")

SPLITS = discover("dlkit.data", Split)
EXAMPLES = {
    ByFraction: [ByFraction(), ByFraction(train=0.5, val=0.0, test=0.5), ByFraction(train=0.4, val=0.1, test=0.1)],
    ByRows: [ByRows(train=5, val=0, test=3), ByRows(train=7, val=2, test=2)],
    ByDate: [ByDate(val="1970-01-01T10", test="1970-01-01T20"),
             ByDate(start="1970-01-01T03", val="1970-01-01T08", test="1970-01-01T12", end="1970-01-01T19")],
    BySeries: [BySeries(val=0.3, test=0.3), BySeries(val=["s1"], test=0.4), BySeries(val=0.0, test=["s0"])],
    HeldOutSeries: [HeldOutSeries(test=["s0"], val=0.0), HeldOutSeries(test=["s1"], val=0.25)],
    KFold: [KFold(folds=k, fold=f, purge=p) for k, f, p in [(3, 0, 0), (3, 2, 1), (5, 1, 0), (5, 4, "2h")]],
    WalkForward: [WalkForward(folds=k, fold=f) for k, f in [(1, 0), (3, 0), (3, 2)]] + [WalkForward(train_blocks=1)],
    SeriesKFold: [SeriesKFold(folds=3, fold=f) for f in range(3)],
}  # fmt: skip
CASES = [(cls, i) for cls in SPLITS for i in range(len(EXAMPLES.get(cls, [])))]
every_split = pytest.mark.parametrize(("cls", "number"), CASES, ids=[f"{cls.__name__}-{i}" for cls, i in CASES])
GEOMETRIES = st.builds(
    Geometry, look_back=st.integers(1, 5), look_forward=st.integers(1, 4), gap=st.integers(0, 2),
    stride=st.integers(1, 3), dilation=st.integers(1, 2),
)  # fmt: skip


def ranges_of(split, table, embargo=0):
    try:
        return split_rows(table, split, embargo)
    except InputError:  # the table is too small for this split
        return None


def rows(ranges):
    return [row for start, stop in ranges.tolist() for row in range(start, stop)]


def test_every_split_has_examples():
    assert set(SPLITS) == set(EXAMPLES)


@every_split
@settings(max_examples=25, deadline=None)
@given(made=tables())
def test_roles_are_disjoint_and_each_range_lies_in_one_segment(cls, number, made):
    ranges = ranges_of(EXAMPLES[cls][number], made)
    if ranges is None:
        return
    assert set(ranges) == set(ROLES)
    every = [row for role in ROLES for row in rows(ranges[role])]
    assert len(every) == len(set(every))
    for start, stop in np.concatenate(list(ranges.values())).tolist():
        assert any(begin <= start < stop <= end for begin, end in made.segments.tolist())


@every_split
@settings(max_examples=40, deadline=None)
@given(made=tables(), geometry=GEOMETRIES, embargo=st.integers(0, 4))
def test_no_training_window_shares_a_row_with_a_target_of_another_role(cls, number, made, geometry, embargo):
    columns = Columns.arrange(made.columns, inputs=None, targets=["c0"])
    try:
        ready = prepare_table(
            made, columns, geometry, split=EXAMPLES[cls][number], normalizer=Standard(), embargo=embargo, season=1
        )
    except InputError:  # too small for a training window
        return
    owner = np.repeat(made.series, made.segments[:, 1] - made.segments[:, 0])
    aimed = set()
    for role in ("val", "test"):
        for start in starts(ready.windows[role]):
            aimed |= {start + geometry.lead + k for k in range(geometry.look_forward)}
    for start in starts(ready.windows["train"]):
        inputs = {start + k * geometry.dilation for k in range(geometry.look_back)}
        used = inputs | {start + geometry.lead + k for k in range(geometry.look_forward)}
        near = {row + k for row in used for k in range(-embargo, embargo + 1)}
        assert not {row for row in near & aimed if owner[row] == owner[start]}
        assert not used & aimed


def starts(windows):
    return windows.starts(torch.arange(len(windows))).tolist()


@every_split
def test_the_same_split_of_the_same_table_is_the_same(cls, number):
    series = [[30, 12], [40], [25, 25]]
    first, again = (EXAMPLES[cls][number].ranges(table(series)) for _ in range(2))
    assert all(np.array_equal(first[role], again[role]) for role in ROLES)
