"""Local stamps in the order of time give the instants they were written at, also where the clocks change."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sources.files import Files
from dlkit.data.tabular.cells import CellError
from dlkit.data.tabular.time_column import parse_times, parse_zone
from dlkit.train.watch.rows import WatchedRows

BERLIN = parse_zone("Europe/Berlin")
DAY = "2020-10-25"  # the clock goes from 03:00 back to 02:00


def local(instants, zone="Europe/Berlin"):
    """Return what a clock on the wall shows."""
    return pd.Series(instants.tz_convert(zone).tz_localize(None))


def read(folder, stamps, pattern="%Y-%m-%dT%H:%M", name="x.csv", **given):
    rows = [f"{stamp:{pattern}};1" for stamp in stamps]
    (folder / name).write_text("t;a\n" + "\n".join(rows) + "\n")
    given = {"time": "t", "time_zone": "Europe/Berlin"} | given
    return np.concatenate([stream.times for stream in Files(path=str(folder / name), **given).chunks()])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("minutes", [1, 10, 15, 30])
@pytest.mark.parametrize("start", ["2020-10-20", "2020-03-20", "2021-03-25"])
def test_a_clock_on_the_wall_is_turned_back_into_the_instants_that_it_showed(zone, minutes, start):
    instants = pd.date_range(start, periods=20 * 24 * 60 // minutes, freq=f"{minutes}min", tz="UTC")
    times = parse_times(local(instants, zone), "auto", parse_zone(zone))
    np.testing.assert_array_equal(times, instants.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64))


@pytest.mark.parametrize("freq", ["1h", "10min"])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("around", ["2020-10-25 00:30", "2020-03-29 00:30"])
def test_files_across_the_change_of_clocks_keep_their_step_whatever_the_chunks(tmp_path, freq, rows, around):
    instants = pd.date_range(pd.Timestamp(around, tz="UTC").floor(freq) - pd.Timedelta("3h"), periods=40, freq=freq)
    times = read(tmp_path, local(instants), rows_per_chunk=rows)
    np.testing.assert_array_equal(times, instants.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64))


@pytest.mark.parametrize(
    ("zone", "step"), [("Europe/Berlin", "1h"), ("Europe/Berlin", "10min"), ("Australia/Lord_Howe", "10min")]
)
@pytest.mark.parametrize("pieces", [1, 3, 7, 1000])
@pytest.mark.parametrize("start", ["2020-10-24 20:00", "2020-03-28 20:00", "2020-04-04 10:00", "2020-10-03 10:00"])
def test_rows_that_are_judged_as_they_come_have_the_instants_of_the_whole_file(tmp_path, zone, step, pieces, start):
    instants = pd.date_range(start, periods=60, freq=step, tz="UTC")
    lines = [f"{stamp:%Y-%m-%dT%H:%M},1" for stamp in local(instants, zone)]
    (tmp_path / "x.csv").write_text("\n".join(["t,a", *lines]))
    source = Files(path=str(tmp_path / "x.csv"), time="t", time_zone=zone, channels=["a"])
    spec = ReconstructionDataModule(source=source, look_back=2).spec
    rows = WatchedRows(source, spec, "x.csv")
    assert rows.begin("t,a")
    times = [rows.rows(lines[first : first + pieces]).times for first in range(0, len(lines), pieces)]
    np.testing.assert_array_equal(
        np.concatenate(times), instants.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64)
    )
    assert not rows.problems


def test_a_pattern_a_file_of_dates_and_interleaved_series_are_told_too(tmp_path):
    instants = pd.date_range("2020-10-24 22:00", periods=40, freq="10min", tz="UTC")
    truth = instants.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64)
    german = {"pattern": "%d.%m.%Y %H:%M", "time_format": "%d.%m.%Y %H:%M"}
    np.testing.assert_array_equal(read(tmp_path, local(instants), rows_per_chunk=3, **german), truth)
    both = pd.DataFrame({"t": local(instants).repeat(2).to_numpy(), "a": 1.0, "s": ["x", "y"] * 40})
    both.to_parquet(tmp_path / "both.parquet")
    for stream in Files(path=str(tmp_path / "both.parquet"), time="t", series="s", time_zone="Europe/Berlin").chunks():
        np.testing.assert_array_equal(stream.times, truth)


@given(st.lists(st.integers(0, 119), min_size=2, max_size=12, unique=True).map(sorted))
@settings(max_examples=200, deadline=None)
def test_what_is_told_is_the_truth_for_any_stamps_in_order(minutes):
    """The two passes are 120 minutes: whatever is recorded in them, it is told right or refused."""
    passes = [pd.Timestamp(f"{DAY} 00:00", tz="UTC") + pd.Timedelta(minutes=m) for m in minutes]
    hours = [pd.Timestamp(f"{DAY} {hour}", tz="UTC") - pd.Timedelta(hours=2) for hour in ("01:00", "05:00")]
    instants = pd.DatetimeIndex([hours[0], *passes, hours[1]])
    try:
        times = parse_times(local(instants), "auto", BERLIN)
    except CellError as error:
        assert "occurs twice" in error.problem
        return
    np.testing.assert_array_equal(times, instants.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64))


UNTOLD = {
    "one pass": ["01:40", "01:50", "02:00", "02:10", "02:20", "02:30", "02:40", "02:50", "03:00"],
    "one pass with a stamp that comes twice": ["01:50", "02:00", "02:10", "02:10", "02:20", "02:30", "03:00"],
    "one pass in disorder": ["01:50", "02:00", "02:20", "02:10", "02:30", "02:40", "02:50", "03:00"],
    "three passes": ["01:30", "02:00", "02:30", "02:00", "02:30", "02:00", "02:30", "03:00"],
    "the newest first": ["04:00", "03:00", "02:00", "02:00", "01:00"],
    "nothing else": ["02:00", "02:00"],
}


@pytest.mark.parametrize("case", UNTOLD)
@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_rows_that_do_not_tell_the_pass_are_refused_with_the_cure(tmp_path, case, rows):
    stamps = [pd.Timestamp(f"{DAY}T{stamp}") for stamp in UNTOLD[case]]
    first = 1 + next(i for i, stamp in enumerate(stamps) if stamp.hour == 2)
    with pytest.raises(InputError) as error:
        read(tmp_path, stamps, rows_per_chunk=rows, disorder="sort", gaps="keep", irregular="keep", step=600)
    said = str(error.value)
    assert f"x.csv, row {first}, column 't': the local time {DAY}T02:00:00 occurs twice in Europe/Berlin" in said
    assert "order of the rows" in said
    assert "`time_zone`" in said


def test_an_hour_that_the_clock_leaps_over_is_refused_wherever_it_stands(tmp_path):
    stamps = pd.Series(pd.date_range("2020-03-29T00:00", periods=6, freq="1h"))
    with pytest.raises(InputError, match=r"row 3.*2020-03-29T02:00:00 does not exist in Europe/Berlin"):
        read(tmp_path, stamps, rows_per_chunk=2)
