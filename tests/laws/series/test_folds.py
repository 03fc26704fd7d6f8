"""Folds of tables: every window is tested once, windows of different roles share no row and keep their distance."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from dlkit.core.checks import InputError
from dlkit.data.folds import KFold, SeriesKFold, WalkForward
from dlkit.data.splits import ROLES
from dlkit.data.table.windows import Geometry, place_windows
from tests.laws.several.test_multimodal import HEADS
from tests.laws.several.test_multimodal import module as several
from tests.made_modules import module
from tests.made_tables import HOUR, table, tables

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
GEOMETRIES = st.builds(
    Geometry, look_back=st.integers(1, 5), look_forward=st.integers(1, 4), gap=st.integers(-1, 2),
    stride=st.integers(1, 3), dilation=st.integers(1, 2),
)  # fmt: skip
MADE = st.builds(KFold, folds=st.integers(3, 5), fold=st.integers(0, 2), purge=st.integers(0, 4)) | st.builds(
    WalkForward, folds=st.integers(1, 3), fold=st.just(0), purge=st.integers(0, 4),
    train_blocks=st.sampled_from([None, 1, 2]),
)  # fmt: skip


def starts(windows):
    return windows.starts(torch.arange(len(windows))).tolist()


def placed(split, made, geometry):
    """Return the windows of each role, or None where the table is too small."""
    try:
        ranges = split.window_ranges(made, geometry)
    except InputError:
        return None
    return {
        role: starts(place_windows(ranges[role], made.segments, geometry, inside=role == "train")) for role in ROLES
    }


def every_window(made, geometry):
    return starts(place_windows(made.segments, made.segments, geometry, inside=False))


def rows_of(found, geometry):
    """Return all rows between the first and the last of each window."""
    return {row for start in found for row in range(start, start + max(geometry.length, geometry.lead))}


@settings(max_examples=80, deadline=None)
@given(MADE, tables(longest=60), GEOMETRIES)
def test_windows_of_different_roles_share_no_row_and_lie_the_purge_apart(split, made, geometry):
    found = placed(split, made, geometry)
    if found is None:
        return
    owner = np.repeat(made.series, made.segments[:, 1] - made.segments[:, 0])
    rows = {role: rows_of(found[role], geometry) for role in ROLES}
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        for row in rows[one]:
            reach = range(row - split.purge, row + split.purge + 1)
            assert not [near for near in reach if near in rows[other] and owner[near] == owner[row]]


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 5), st.integers(0, 3), tables(longest=60), GEOMETRIES)
def test_every_window_is_tested_in_exactly_one_block(folds, purge, made, geometry):
    found = [placed(KFold(folds=folds, fold=fold, purge=purge), made, geometry) for fold in range(folds)]
    if all(found):
        assert sorted(start for one in found for start in one["test"]) == every_window(made, geometry)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(3, 30), min_size=1, max_size=2), min_size=3, max_size=7).map(table), GEOMETRIES)
def test_every_window_is_tested_in_exactly_one_fold_of_whole_series(made, geometry):
    found = [placed(SeriesKFold(folds=3, fold=fold), made, geometry) for fold in range(3)]
    if all(found):
        assert sorted(start for one in found for start in one["test"]) == every_window(made, geometry)
        owner = np.repeat(made.series, made.segments[:, 1] - made.segments[:, 0])
        for one in found:
            assert not {owner[start] for start in one["test"]} & {owner[start] for start in one["train"]}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.sampled_from([None, 1, 2]), st.integers(0, 2), tables(longest=60), GEOMETRIES, st.data())
def test_walking_forward_never_trains_on_the_future_of_any_series(folds, blocks, purge, made, geometry, data):
    """Series overlap in time as they like."""
    for _, segments in made.series_ranges():
        first, last = int(segments[0, 0]), int(segments[-1, 1])
        made.times[first:last] += HOUR * (data.draw(st.integers(-80, 80)) - first)
    tested = []
    for fold in range(folds):
        found = placed(WalkForward(folds=folds, fold=fold, purge=purge, train_blocks=blocks), made, geometry)
        if found is None:
            return
        tested += found["test"]
        if found["test"]:
            predicted = min(made.times[start + geometry.lead] for start in found["test"])
            assert max((made.times[start + geometry.length - 1] for start in found["train"]), default=-1e30) < predicted
            assert max((made.times[start + geometry.length - 1] for start in found["val"]), default=-1e30) < predicted
    assert len(tested) == len(set(tested))


def test_sizes_are_those_of_time_series_split():
    """With as many test rows as the blocks have, scikit-learn cuts the same test blocks."""
    made = table([[140]])
    known = list(TimeSeriesSplit(n_splits=5, test_size=20).split(np.arange(140)))
    for fold, (_, tested) in enumerate(known):
        start, stop = WalkForward(folds=5, fold=fold).ranges(made)["test"][0]
        assert list(range(start, stop)) == tested.tolist()
        assert WalkForward(folds=5, fold=fold).ranges(made)["train"].tolist() == [[0, tested[0] - 20]]
        assert WalkForward(folds=5, fold=fold, train_blocks=1).ranges(made)["train"].tolist() == [
            [tested[0] - 40, tested[0] - 20]
        ]


def test_a_purge_is_time_where_a_gap_is_longer_than_rows_tell():
    made = table([[30, 30]])
    made.times[30:] += 100 * HOUR
    near = KFold(folds=4, fold=1, purge="10h").window_ranges(made, Geometry(2, 1))
    assert near["test"].tolist() == [[15, 30]]
    assert near["train"].tolist() == [[0, 3], [55, 60]]  # 13 and 14 are looked back on, 10 rows before are near
    assert near["val"].tolist() == [[30, 45]]  # the gap keeps them far from the test


def test_series_are_spread_by_rows_and_by_kind():
    kinds = np.tile([0.0, 1.0], 6)[:, None].astype(np.float32)
    made = table([[10]] * 10 + [[40], [40]], static=kinds)
    found = [SeriesKFold(folds=3, fold=fold, stratify="k0").ranges(made)["test"] for fold in range(3)]
    for ranges in found:
        owner = {row // 10 if row < 100 else 10 + (row - 100) // 40 for row in ranges[:, 0].tolist()}
        assert {int(kinds[series, 0]) for series in owner} == {0, 1}
    assert sum(int((ranges[:, 1] - ranges[:, 0]).sum()) for ranges in found) == 180


@pytest.mark.parametrize("fold", range(4))
def test_the_data_module_predicts_the_windows_of_a_fold_and_passes_the_audit(fold):
    data = module(split=KFold(folds=4, fold=fold, purge="5h"))
    assert data.describe()["audit"]["shared rows"] == 0
    whole = module().prepared
    expected = [s for s in every_window(whole.table, whole.geometry) if fold * 50 <= s + 4 < (fold + 1) * 50]
    assert starts(data.prepared.windows["test"]) == expected


@pytest.mark.parametrize("head", ["soon", "state"])
def test_windows_of_several_sources_are_tested_once_and_kept_apart(head):
    found = [several(split=KFold(folds=4, fold=fold), targets=HEADS[head]).prepared for fold in range(4)]
    tested = [start for one in found for start in starts(one.windows["test"])]
    assert len(tested) == len(set(tested)) > 0
    for one in found:
        rows = {role: rows_of(starts(one.windows[role]), one.geometry) for role in ROLES}
        assert not rows["train"] & rows["test"]
        assert not rows["val"] & rows["test"]


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (lambda: KFold(purge="soon"), "purge='soon' is not a duration"),
        (lambda: KFold(purge=-1), "must not be negative"),
        (lambda: KFold(folds=5, purge="70h"), "Fold 1 of 5 has no window to validate.*lower `folds`"),
        (lambda: WalkForward(train_blocks=0), "trains on nothing"),
        (lambda: SeriesKFold(folds=3), "the data have 1 series"),
        (lambda: SeriesKFold(folds=3, fold=5), "from 0 to 2"),
    ],
)
def test_folds_that_cannot_be_are_refused_with_a_sentence(split, sentence):
    with pytest.raises(InputError, match=sentence):
        split().window_ranges(table([[100]]), Geometry(3, 2))
