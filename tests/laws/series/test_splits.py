"""Splits cut where they say, and say what is wrong with a table or a setting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.folds import KFold, WalkForward
from dlkit.data.splits import ByDate, ByFraction, ByRows, BySeries
from dlkit.data.table.prepare import split_rows
from dlkit.data.table.windows import Geometry, place_windows
from tests.made_tables import table, tables

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")


def rows(ranges):
    return [row for start, stop in ranges.tolist() for row in range(start, stop)]


def counts(split, made):
    return tuple(len(rows(part)) for part in split.ranges(made).values())


@settings(max_examples=50, deadline=None)
@given(tables())
def test_fractions_that_add_to_one_leave_no_row_out(made):
    parts = ByFraction(train=0.6, val=0.2, test=0.2).ranges(made)
    assert sorted(row for part in parts.values() for row in rows(part)) == list(range(len(made.times)))


@settings(max_examples=50, deadline=None)
@given(tables(), st.integers(3, 6))
def test_each_row_is_tested_in_exactly_one_fold(made, folds):
    tested = [row for fold in range(folds) for row in rows(KFold(folds=folds, fold=fold).ranges(made)["test"])]
    assert sorted(tested) == list(range(len(made.times)))


@settings(max_examples=50, deadline=None)
@given(tables(most_series=1), st.integers(1, 5))
def test_walking_forward_never_trains_on_what_comes_later(made, folds):
    for fold in range(folds):
        parts = {role: rows(part) for role, part in WalkForward(folds=folds, fold=fold).ranges(made).items()}
        assert max(parts["train"], default=-1) < min(parts["val"], default=10**9)
        assert max(parts["val"], default=-1) < min(parts["test"], default=10**9)
    assert max(parts["test"], default=len(made.times) - 1) == len(made.times) - 1


def test_published_row_counts():
    assert counts(ByRows(train=8640, val=2880, test=2880), table([[17_420]])) == (8640, 2880, 2880)
    assert counts(ByFraction(train=0.7, val=0.1, test=0.2), table([[52_696]])) == (36_887, 5270, 10_539)
    assert counts(ByFraction(train=0.7, val=0.1, test=0.2), table([[7588]])) == (5311, 760, 1517)


@pytest.mark.parametrize(("horizon", "windows"), [(96, 2785), (192, 2689), (336, 2545), (720, 2161)])
def test_published_window_counts(horizon, windows):
    made = table([[17_420]])
    test = ByRows(train=8640, val=2880, test=2880).ranges(made)["test"]
    assert len(place_windows(test, made.segments, Geometry(336, horizon), inside=False)) == windows


def test_no_validation_fraction_gives_no_validation_row():
    assert counts(ByFraction(train=0.7, val=0.0, test=0.3), table([[11]])) == (8, 0, 3)


def test_embargo_stays_within_a_series():
    made = table([[20], [20]])
    parts = split_rows(made, BySeries(val=[], test=["s1"]), 5)
    assert rows(parts["train"]) == list(range(20))
    parts = split_rows(made, ByFraction(train=0.5, val=0.25, test=0.25), 3)
    assert rows(parts["train"]) == [*range(7), *range(20, 27)]


def test_dates_cut_at_the_moment():
    made = table([[24, 24], [30]])
    parts = ByDate(val="1970-01-02", test="1970-01-02T12:00+01:00", end="1970-01-03").ranges(made)
    hours = {role: sorted(set((made.times[rows(part)] // (3600 * 10**9)).tolist())) for role, part in parts.items()}
    assert hours == {"train": list(range(24)), "val": list(range(24, 35)), "test": list(range(35, 48))}


def test_series_are_named_by_name_or_glob():
    made = table([[4], [5], [6], [7]])
    made.names = ("a[1]", "a2", "b1", "b2")
    parts = BySeries(val=["a[1]"], test=["b*"]).ranges(made)
    assert [len(rows(parts[role])) for role in ("train", "val", "test")] == [5, 4, 13]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 20), st.floats(0, 0.5), st.floats(0, 0.4), st.integers(0, 5))
def test_a_series_is_never_in_two_parts(count, val, test, seed):
    made = table([[3, 2]] * count)
    split = BySeries(val=val, test=test, seed=seed)
    wanted = [max(round(part * count), int(part > 0)) for part in (val, test)]  # one at least, where one is wanted
    if sum(wanted) >= count:
        with pytest.raises(InputError, match="to train"):
            split.ranges(made)
        return
    parts = split.ranges(made)
    owner = np.repeat(made.series, made.segments[:, 1] - made.segments[:, 0])
    series = {role: {int(owner[row]) for row in rows(part)} for role, part in parts.items()}
    assert sum(map(len, series.values())) == count == len(set.union(*series.values()))
    assert [len(series["val"]), len(series["test"])] == wanted
    assert sum(len(rows(part)) for part in parts.values()) == len(made.times)


def test_strata_are_drawn_alike_and_a_missing_label_is_a_stratum():
    label = np.repeat([1.0, 2.0, np.nan], [10, 20, 10])[:, None].astype(np.float32)
    made = table([[2]] * 40, static=label)
    parts = BySeries(val=0.2, test=0.3, stratify="k0").ranges(made)
    for role, share in (("val", 0.2), ("test", 0.3)):
        chosen = [row // 2 for row in rows(parts[role])[::2]]
        drawn = [sum(1 for i in chosen if a <= i < b) for a, b in ((0, 10), (10, 30), (30, 40))]
        assert drawn == [round(share * 10), round(share * 20), round(share * 10)]


@pytest.mark.parametrize(("count", "kinds"), [(4, 1), (5, 1), (40, 10), (100, 25), (30, 10), (12, 12)])
def test_fractions_are_kept_over_small_strata_together_and_no_stratum_has_more_than_its_share_and_one(count, kinds):
    made = table([[1]] * count, static=(np.arange(count) % kinds)[:, None].astype(np.float32))
    parts = BySeries(stratify="k0").ranges(made)
    sizes = {role: len(part) for role, part in parts.items()}
    assert sizes["val"] == max(round(0.1 * count), 1)
    assert sizes["test"] == max(round(0.2 * count), 1)
    for role, share in (("val", 0.1), ("test", 0.2)):
        drawn = np.bincount(np.array(rows(parts[role])) % kinds, minlength=kinds)
        assert np.abs(drawn - share * count / kinds).max() <= 1


def test_a_drawn_part_leaves_named_series_alone():
    made = table([[3]] * 5)
    for seed in range(20):
        parts = BySeries(val=["s0", "s1"], test=0.4, seed=seed).ranges(made)
        assert [len(rows(part)) for part in parts.values()] == [3, 6, 6]


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (lambda: ByFraction(train=0.9, val=0.2, test=0.2), "sum at most 1"),
        (lambda: ByFraction(train=0.0, val=0.5, test=0.5), "positive"),
        (lambda: ByFraction(train=0.5, val=-0.1, test=0.2), "negative"),
        (lambda: ByRows(train=0, val=1, test=1), "train positive"),
        (lambda: ByRows(train=50, val=30, test=30), "needs 110 rows, series 's0' has 100"),
        (lambda: ByDate(val="soon", test="1970-01-02"), "val='soon' is not a date"),
        (lambda: ByDate(val="1970-01-02", test=""), "test='' is not a date"),
        (lambda: ByDate(val="1970-01-03", test="1970-01-02"), "in this order.*1970-01-01T00.* to 1970-01-05T03:00"),
        (lambda: ByDate(val="1970-01-02", test="1999-01-01"), "in this order"),
        (lambda: BySeries(val=["s7"], test=0.0), "val: no series is named 's7'; there is s0"),
        (lambda: BySeries(val=["s*"], test=["s0"]), r"\['s0'\] are in `val` and in `test`"),
        (lambda: BySeries(val=0.0, test=["*"]), "none of the 1 series to train"),
        (lambda: BySeries(val=1.5, test=0.1), "val=1.5 must be a fraction"),
        (lambda: BySeries(stratify="kind"), "'kind' is no static value; there is none"),
        (lambda: KFold(folds=2), "at least 3"),
        (lambda: KFold(folds=3, fold=3), "from 0 to 2"),
        (lambda: WalkForward(folds=0), "at least 1"),
    ],
)
def test_what_cannot_be_split_is_refused_with_a_sentence(split, sentence):
    with pytest.raises(InputError, match=sentence):
        split().ranges(table([[100]]))
