"""A stamp in several columns is the same as in one."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.raw.open import open_raw
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sources.files import Files
from dlkit.data.sources.recording import Recording
from dlkit.train.watch.rows import WatchedRows

STAMPS = pd.date_range("2024-02-27 20:00", periods=200, freq="17min").as_unit("ns")  # over a leap day
NANOSECONDS = STAMPS.asi8
VALUES = np.random.default_rng(0).normal(size=len(STAMPS))


def text(*forms):
    return [STAMPS.strftime(form) for form in forms]


WAYS = {
    "date and clock": (("date", "clock"), text("%Y-%m-%d", "%H:%M:%S"), "auto"),
    "german": (("Datum", "Uhrzeit"), text("%d.%m.%Y", "%H:%M"), "%d.%m.%Y %H:%M"),
    "comma in seconds": (("Datum", "Uhrzeit"), text("%d.%m.%Y", "%H:%M:%S,000"), "%d.%m.%Y %H:%M:%S,%f"),
    "american": (("Date", "Time"), text("%m/%d/%Y", "%I:%M:%S %p"), "%m/%d/%Y %I:%M:%S %p"),
    "calendar": (
        ("year", "month", "day", "hour", "minute"),
        [STAMPS.year, STAMPS.month, STAMPS.day, STAMPS.hour, STAMPS.minute],
        "%Y %m %d %H %M",
    ),
    "seconds and nanoseconds": (("sec", "nsec"), [NANOSECONDS // 10**9, np.arange(len(STAMPS)) + 7], "s ns"),
    "seconds and microseconds": (("tv_sec", "tv_usec"), [NANOSECONDS // 10**9, np.arange(len(STAMPS)) + 7], "s us"),
}
REST = {"s ns": np.arange(len(STAMPS)) + 7, "s us": 1000 * (np.arange(len(STAMPS)) + 7)}


def written(folder, way, name):
    """Write a table with stamps in several columns; return its path, its settings and the true stamps."""
    names, cells, form = WAYS[way]
    frame = pd.DataFrame({"x": VALUES} | dict(zip(names, cells, strict=True)))
    (frame.to_parquet if name.endswith("parquet") else frame.to_csv)(folder / name, index=False)
    settings = {"path": str(folder / name), "time": list(names), "time_format": form}
    return folder / name, settings, NANOSECONDS + REST.get(form, 0)


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("way", sorted(WAYS))
def test_parts_of_a_stamp_are_one_stamp(way, name, tmp_path):
    _, settings, times = written(tmp_path, way, name)
    for source in (Files(**settings, irregular="keep", rows_per_chunk=64), Recording(**settings)):
        streams = list(source.chunks())
        np.testing.assert_array_equal(np.concatenate([one.times for one in streams]), times)
        assert streams[0].channels == ("x",)
    assert Files(**settings, irregular="keep").spans()[0][1] == times[0]


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_bare_file_tells_which_columns_are_one_stamp(way, name, tmp_path):
    path, settings, times = written(tmp_path, way, name)
    raw = open_raw(path)
    assert {"time": raw.guessed["time"], "time_format": raw.guessed.get("time_format", "auto")} == {
        name: settings[name] for name in ("time", "time_format")
    }
    rows = [rows.times for rows, _ in raw.chunks()]
    np.testing.assert_array_equal(np.concatenate(rows), times)
    (note,) = [one for one in raw.findings() if one.kind == "time in several columns"]
    assert note.level == "note" and note.cures[0].line == f"time: [{', '.join(settings['time'])}]"
    read = [stream.times for stream in Files(**raw.source[1]).chunks()]
    np.testing.assert_array_equal(np.concatenate(read), times)


def test_columns_of_dates_and_times_are_one_stamp(tmp_path):
    frame = pd.DataFrame({"day": STAMPS.date, "at": STAMPS.time, "x": VALUES})
    frame.to_parquet(tmp_path / "x.parquet", index=False)
    raw = open_raw(tmp_path / "x.parquet")
    assert raw.guessed["time"] == ["day", "at"]
    np.testing.assert_array_equal(np.concatenate([rows.times for rows, _ in raw.chunks()]), NANOSECONDS)


def test_a_time_of_the_day_that_is_measured_is_no_part_of_the_stamp(tmp_path):
    days = pd.date_range("2024-01-01", periods=300)
    sunrise = [f"{6 + day % 2}:{day % 60:02d}" for day in range(300)]
    frame = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "sunrise": sunrise, "x": np.arange(300) % 7})
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert open_raw(tmp_path / "x.csv").guessed["time"] == "date"
    whole = pd.DataFrame({"t": STAMPS.strftime("%Y-%m-%dT%H:%M"), "sunrise": sunrise[:200], "x": VALUES})
    whole.to_csv(tmp_path / "x.csv", index=False)
    assert open_raw(tmp_path / "x.csv").guessed["time"] == "t"


def test_a_hole_in_one_part_is_a_lost_stamp(tmp_path):
    frame = pd.DataFrame({"date": text("%Y-%m-%d")[0], "clock": text("%H:%M")[0], "x": VALUES})
    frame.loc[[3, 9], "clock"] = ["", "noon"]
    frame.to_csv(tmp_path / "x.csv", index=False)
    raw = open_raw(tmp_path / "x.csv")
    assert raw.guessed["time"] == ["date", "clock"]
    assert sum(len(rows.times) for rows, _ in raw.chunks()) == len(STAMPS) - 2
    (lost,) = [one for one in raw.findings() if one.kind == "unreadable stamps"]
    assert [place.row for place in lost.places] == [4, 10]


def test_lines_of_a_followed_file_have_the_same_stamps(tmp_path):
    path, settings, times = written(tmp_path, "german", "x.csv")
    spec = ReconstructionDataModule(source=Files(**settings), look_back=8).spec
    rows = WatchedRows(Files(**settings).with_path(str(path)), spec, "x.csv")
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert rows.begin(header)
    np.testing.assert_array_equal(rows.rows(lines).times, times)
    assert not rows.problems
