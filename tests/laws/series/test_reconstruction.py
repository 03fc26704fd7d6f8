"""Windows that are to be given back: what trains is normal, nothing leaks, and scoring leaves no row out."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.folds import KFold
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.row_labels import mask_of, ranges_of
from dlkit.data.sources.event_table import EventTable
from dlkit.data.splits import ByFraction, BySeries
from dlkit.data.table.reconstruction_prepare import covering_starts
from dlkit.data.table.windows import Geometry
from tests.made_tables import Parts, noise, stream

NAMES = ("a", "b", "fault")


def labelled(rows=200, *anomalous, seed=0, **fields):
    """A series of two channels whose third column is 1 in some ranges of rows."""
    values = noise(rows, 3, seed=seed)
    values[:, 2] = 0
    for first, stop in anomalous:
        values[first:stop, 2] = 1
    return stream(values, channels=NAMES, **fields)


def module(*streams, **fields):
    given_ = {"look_back": 8, "labels": "fault", "batch_size": 16, "placement": "host"}
    given_["split"] = ByFraction(train=0.5, val=0.25, test=0.25)
    return ReconstructionDataModule(source=Parts(streams or [labelled(200, (170, 180))]), **given_ | fields)


# ---------------------------------------------------------------------- what a batch holds
def test_the_label_is_no_input_and_no_batch_holds_it():
    data = module()
    assert data.spec.channels == ("a", "b")
    assert data.spec.kind == "reconstruct"
    assert data.spec.output == (2, 8, 1)
    batch = data.first_batch()
    assert batch.x.shape == (16, 2, 8)
    assert batch.y.numel() == 0
    assert data.labels.sum() == 10
    assert data.labels[170:180].all()


@pytest.mark.parametrize("dilation", [1, 3])
def test_a_batch_is_the_rows_from_its_start_on_standardized(dilation):
    values = noise(200, 2, missing=0.1)
    data = module(stream(values), labels=None, dilation=dilation, mask_channels=True)
    starts = data.scoring_starts("test", 2)[:5]
    batch, scaling = data.make_batch(starts), data.prepared.scaling
    for number, start in enumerate(starts.tolist()):
        rows = torch.from_numpy(values[start : start + 8 * dilation : dilation])
        torch.testing.assert_close(batch.x[number, :2].T, scaling(rows).nan_to_num(nan=0.0))
        assert torch.equal(batch.x_observed[number, :2].T, ~rows.isnan())
        assert torch.equal(batch.x[number, 2:].T, (~rows.isnan()).float())


@pytest.mark.parametrize("placement", ["host", "disk"])
def test_labels_come_from_memory_and_disk_alike_also_the_second_time(placement, tmp_path):
    for _ in range(2):
        data = module(placement=placement, cache=str(tmp_path))
        np.testing.assert_array_equal(ranges_of(data.labels), [[170, 180]])
        assert data.count("test") == 43


# ---------------------------------------------------------------------- what trains
def windows_of(data, role):
    return {int(start) for start in data.places(role).starts(torch.arange(data.count(role)))}


@given(st.lists(st.integers(0, 149), max_size=12))
@settings(deadline=None, max_examples=25)
def test_dropped_anomalies_leave_exactly_the_windows_without_one(places):
    data = module(labelled(200, *[(row, row + 1) for row in places]), anomalies="drop")
    wrong = data.labels
    for role, (first, stop) in {"train": (0, 100), "val": (100, 150)}.items():
        wanted = {start for start in range(first, stop - 7) if not wrong[start : start + 8].any()}
        assert windows_of(data, role) == wanted
    rows = data.rows_of("train") | data.rows_of("val")
    np.testing.assert_array_equal(rows, (np.arange(200) < 150) & ~wrong)


def test_dropped_anomalies_do_not_fit_the_normalizer():
    clean = labelled(200, (40, 45))
    spoilt = labelled(200, (40, 45))
    spoilt.values[40:45, :2] = 1e6
    one, other = (module(each, anomalies="drop").prepared.scaling.state_dict() for each in (clean, spoilt))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_anomalies_in_training_are_refused_and_kept_ones_are_counted():
    source = labelled(200, (40, 45), (120, 121))
    with pytest.raises(InputError, match="5 labelled anomalous rows of 100 in train"):
        _ = module(source).prepared
    with pytest.warns(UserWarning, match="kept") as told:
        data = module(source, anomalies="keep")
        assert data.count("train") == 93
    assert len(told) == 2
    found = json.loads(json.dumps(data.describe(), default=str))
    assert found["anomalous rows"] == {"train": 5, "val": 1, "test": 0}


def test_anomalies_of_the_test_part_change_nothing_but_labels():
    one, other = module(labelled(200)), module(labelled(200, (160, 190)))
    assert torch.equal(one.first_batch().x, other.first_batch().x)
    assert (one.count("test"), one.labels.sum()) == (other.count("test"), 0)


def test_rows_without_a_label_are_normal():
    source = labelled(200, (170, 180))
    source.values[160:165, 2] = np.nan
    np.testing.assert_array_equal(ranges_of(module(source).labels), [[170, 180]])


# ---------------------------------------------------------------------- what scores
@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 4), st.integers(1, 9))
@settings(deadline=None)
def test_scoring_windows_hold_every_row_that_a_window_can_and_end_with_the_segment(lengths, back, dilation, stride):
    geometry = Geometry(look_back=back, look_forward=0, dilation=dilation)
    stops = np.cumsum(np.array(lengths) + 2)
    ranges = np.stack([stops - lengths, stops], 1)
    starts = covering_starts(ranges, geometry, min(stride, back)).numpy()
    assert (np.diff(starts) > 0).all()
    held, could = np.zeros((2, int(stops[-1])), bool)
    for start in starts:
        held[start + dilation * np.arange(back)] = True
    for first, stop in ranges.tolist():
        for start in range(first, stop - geometry.length + 1):
            could[start + dilation * np.arange(back)] = True
        assert stop - first < geometry.length or stop - geometry.length in starts
    np.testing.assert_array_equal(held, could)


def test_a_scoring_stride_that_leaves_rows_out_is_refused():
    with pytest.raises(InputError, match="stride=9 must be 1 to 8"):
        module().scoring_starts("test", 9)


def test_ranges_and_masks_undo_each_other():
    mask = np.random.default_rng(0).random(300) < 0.4
    np.testing.assert_array_equal(mask_of(ranges_of(mask), 300), mask)


def test_segments_of_series_stay_apart():
    data = module(labelled(60, name="x"), labelled(50, name="y"), labelled(40, (30, 35), name="z"),
                  split=BySeries(val=["y"], test=["z"]))  # fmt: skip
    assert data.segments("test") == [(110, 150)]
    assert data.rows_of("val").sum() == 50
    starts = data.scoring_starts("test", 8).tolist()
    assert starts == [110, 118, 126, 134, 142]
    assert set(data.prepared.table.names_of(np.array(starts))) == {"z"}


# ---------------------------------------------------------------------- intervals, folds and new data
@pytest.mark.parametrize("label", ["kind", None])
def test_intervals_of_a_table_are_labels_whatever_they_are_called(label, tmp_path):
    data = module(stream(noise(200, 2)), labels=None)
    begin, end = (pd.Timestamp(int(data.prepared.table.times[row])) for row in (160, 172))
    found = {"start": [begin], "end": [end]} | ({} if label is None else {label: ["leak"]})
    pd.DataFrame(found).to_csv(tmp_path / "events.csv", index=False)
    events = EventTable(path=tmp_path / "events.csv", onset="start", offset="end", label=label)
    marked = module(stream(noise(200, 2)), labels=None, intervals=events)
    np.testing.assert_array_equal(ranges_of(marked.labels), [[160, 172]])
    assert data.labels is None


def test_a_series_without_an_interval_is_normal_and_unknown_series_are_refused(tmp_path):
    parts = [stream(noise(200, 2, seed=seed), name=name) for seed, name in enumerate(("one", "two"))]
    plain = module(*parts, labels=None)
    begin, end = (pd.Timestamp(int(plain.prepared.table.times[row])) for row in (360, 372))

    def marked(series):
        pd.DataFrame({"start": [begin], "end": [end], "run": [series]}).to_csv(tmp_path / "events.csv", index=False)
        events = EventTable(path=tmp_path / "events.csv", onset="start", offset="end", label=None, series="run")
        return ranges_of(module(*parts, labels=None, intervals=events).labels)

    np.testing.assert_array_equal(marked("two"), [[360, 372]])
    with pytest.raises(InputError, match="are of three, which is none of the series one, two: set `series`"):
        marked("three")


@pytest.mark.parametrize(("years", "warned"), [(0, False), (5, True)])
def test_intervals_that_touch_no_row_are_warned_of_with_the_times_of_both(years, warned, tmp_path):
    times = module(stream(noise(200, 2)), labels=None).prepared.table.times
    begin, end = (pd.Timestamp(int(times[row])) + pd.DateOffset(years=years) for row in (160, 172))
    pd.DataFrame({"start": [begin], "end": [end]}).to_csv(tmp_path / "events.csv", index=False)
    events = EventTable(path=tmp_path / "events.csv", onset="start", offset="end", label=None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert module(stream(noise(200, 2)), labels=None, intervals=events).labels.any() != warned
    texts = [str(one.message) for one in told if "touch no row" in str(one.message)]
    assert len(texts) == warned
    for time in (begin, end, pd.Timestamp(int(times[0])), pd.Timestamp(int(times[-1]))) if warned else ():
        assert time.isoformat() in texts[0]


@pytest.mark.parametrize("fold", range(4))
def test_folds_keep_whole_windows_apart(fold):
    data = module(labelled(400), split=KFold(folds=4, fold=fold))
    held = {role: set().union(*({*range(s, s + 8)} for s in windows_of(data, role))) for role in ("train", "test")}
    assert not held["train"] & held["test"]
    assert held["test"]


@pytest.mark.parametrize("with_labels", [True, False])
def test_new_data_are_scored_with_the_old_scaling_by_name(with_labels):
    data = module()
    other = labelled(50, (10, 15), seed=5)
    values = other.values[:, [1, 2, 0] if with_labels else [1, 0]]
    channels = ("b", "fault", "a") if with_labels else ("b", "a")
    new = data.for_new_data(Parts([stream(values, channels=channels)]), data.prepared.scaling)
    assert new.spec == data.spec
    assert new.segments("test") == [(0, 50)]
    assert (new.labels is None) != with_labels
    start = new.scoring_starts("test", 1)[3:4]
    wanted = data.prepared.scaling(torch.from_numpy(other.values[3:11, :2].copy()))
    torch.testing.assert_close(new.make_batch(start).x[0].T, wanted)
    assert data.labels.sum() == 10
