# values of a stream, not of pandas
import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.files import Files
from tests.shared_data import shared

HOUR = 3_600_000_000_000


def csv(folder, text, name="x.csv"):
    (folder / name).write_text(text)
    return str(folder / name)


def stream_of(path, **settings):
    (stream,) = Files(path=path, **settings).chunks()
    return stream


def recordings(source):
    """Return (name, times, values) of each uninterrupted recording."""
    found = []
    for stream in source.chunks():
        if not stream.continues:
            found.append((stream.name, [], []))
        found[-1][1].extend(stream.times.tolist())
        found[-1][2].extend(stream.values.tolist())
    return found


def times_of(folder, stamps, **settings):
    text = "t,a\n" + "".join(f"{stamp},1\n" for stamp in stamps)
    return stream_of(csv(folder, text), time="t", irregular="keep", gaps="keep", step=1.0, **settings).times.tolist()


def nanoseconds(*stamps):
    return [pd.Timestamp(stamp).value for stamp in stamps]


UTC_TIMES = nanoseconds("2020-01-01 00:00:00.5", "2020-01-01 01:00:00.5")


@pytest.mark.parametrize(
    ("stamps", "form", "zone"),
    [
        (["2020-01-01T00:00:00.5Z", "2020-01-01 01:00:00.500000"], "auto", "UTC"),
        (["2020-01-01T01:00:00.5", "2020-01-01T02:00:00.5"], "iso", "Europe/Berlin"),
        (["2020-01-01T01:00:00.5", "2020-01-01T02:00:00.5"], "auto", "+01:00"),
        (["2019-12-31T19:00:00.5-05:00", "2020-01-01T02:00:00.5+0100"], "auto", "Asia/Tokyo"),
        (["01.01.2020 00:00:00.5", "01.01.2020 01:00:00.5"], "%d.%m.%Y %H:%M:%S.%f", "UTC"),
        (["1577836800.5", "1577840400.5"], "s", "UTC"),
        (["1577836800500", "1577840400500"], "ms", "UTC"),
        (["1577836800500000", "1577840400500000"], "us", "UTC"),
        (["1577836800500000000", "1577840400500000000"], "ns", "UTC"),
    ],
)
def test_every_way_to_write_an_instant_gives_the_same_nanoseconds(tmp_path, stamps, form, zone):
    assert times_of(tmp_path, stamps, time_format=form, time_zone=zone) == UTC_TIMES


def test_nanoseconds_are_exact_and_relative_seconds_count_from_zero(tmp_path):
    assert times_of(tmp_path, ["1577836800000000001", "1577836800000000003"], time_format="ns")[1] % 10 == 3
    assert times_of(tmp_path, ["0", "0.1", "0.25"], time_format="relative") == [0, 100_000_000, 250_000_000]


def test_local_time_has_no_step_at_the_change_to_summer_time(tmp_path):
    stamps = ["2020-03-29T01:00", "2020-03-29T03:00", "2020-03-29T04:00"]
    stream = stream_of(csv(tmp_path, "t,a\n" + ",1\n".join(stamps) + ",1\n"), time="t", time_zone="Europe/Berlin")
    assert np.diff(stream.times).tolist() == [HOUR, HOUR]


@pytest.mark.parametrize(("stamp", "word"), [("2020-10-25T02:30", "twice"), ("2020-03-29T02:30", "not exist")])
def test_a_local_time_that_is_no_instant_is_refused_with_the_cure(tmp_path, stamp, word):
    with pytest.raises(InputError, match=f"row 2.*{word}.*time_zone"):
        times_of(tmp_path, ["2020-01-01T00:00", stamp], time_zone="Europe/Berlin")


def test_aware_stamps_of_parquet_become_utc(tmp_path):
    times = pd.date_range("2020-01-01", periods=3, freq="h", tz="America/New_York")
    pd.DataFrame({"t": times, "a": [1, 2, 3]}).to_parquet(tmp_path / "x.parquet")
    stream = stream_of(str(tmp_path / "x.parquet"), time="t", time_zone="Asia/Tokyo")
    assert stream.times[0] == pd.Timestamp("2020-01-01 05:00").value


TABLE = "t,s,lat,temp_in,temp_out,wind,flag\n" + "".join(
    f"{hour},{name},{lat},{hour},{-hour},{wind},{hour % 2}\n"
    for hour, (name, lat, wind) in enumerate([("b", 1, "N"), ("a", 2, "S"), ("b", 1, "N"), ("a", 2, ""), ("b", 1, "E")])
)
SETTINGS = {"time": "t", "time_format": "relative", "series": "s", "static": ["lat"]}


def test_series_come_in_the_order_of_their_first_rows_with_their_static_values(tmp_path):
    streams = list(Files(path=csv(tmp_path, TABLE), rows_per_chunk=2, **SETTINGS).chunks())
    assert [(stream.name, stream.static, stream.step) for stream in streams] == [
        ("b", {"lat": 1.0}, 2 * 10**9),
        ("a", {"lat": 2.0}, 2 * 10**9),
    ]
    assert streams[0].channels == ("temp_in", "temp_out", "flag")
    assert streams[0].values[:, 0].tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ("numeric", ("temp_in", "temp_out", "wind=E", "wind=N", "wind=S", "flag")),
        (["wind", "temp_*"], ("wind=E", "wind=N", "wind=S", "temp_in", "temp_out")),
        (["flag", "numeric"], ("flag", "temp_in", "temp_out", "wind=E", "wind=N", "wind=S")),
    ],
)
def test_channels_are_chosen_by_name_and_glob(tmp_path, channels, expected):
    source = Files(path=csv(tmp_path, TABLE), channels=channels, categories={"wind": "onehot"}, **SETTINGS)
    assert next(source.chunks()).channels == expected


def test_a_missing_category_is_missing_in_each_of_its_channels(tmp_path):
    path = csv(tmp_path, TABLE)
    _, a = Files(path=path, channels=["wind"], categories={"wind": "onehot"}, **SETTINGS).chunks()
    np.testing.assert_array_equal(a.values, [[0, 0, 1], [np.nan] * 3])
    b, _ = Files(path=path, channels=["wind"], categories={"wind": "ordinal"}, **SETTINGS).chunks()
    assert b.values.ravel().tolist() == [1, 1, 0]


def test_other_files_give_the_channels_of_the_fit(tmp_path):
    first = Files(path=csv(tmp_path, TABLE), categories={"wind": "onehot"}, **SETTINGS)
    fitted = json.loads(json.dumps(first.fitted))
    text = "new,t,s,lat,temp_in,temp_out,wind,flag\n" + "".join(f"1,{2 * i},z,3,5,6,S,0\n" for i in range(3))
    other = csv(tmp_path, text, "y.csv")
    moved = Files(**{**first.settings, "path": "gone.csv"})
    for source in (first.with_path(other), moved.with_path(other, fitted=fitted)):
        (stream,) = source.chunks()
        assert stream.channels == next(first.chunks()).channels
        assert stream.values[0].tolist() == [5, 6, 0, 0, 1, 0]
    unseen = first.with_path(csv(tmp_path, text.replace(",S,", ",W,"), "z.csv"))
    with pytest.raises(InputError, match=r"z\.csv, row 1, column 'wind': 'W' is not one of the categories E, N, S"):
        list(unseen.chunks())


def test_each_file_can_be_a_series(tmp_path):
    for name in ("one", "two"):
        csv(tmp_path, f"t,a\n2020-01-01,{len(name)}\n2020-01-02,5\n", f"{name}.csv")
    streams = list(Files(path=str(tmp_path), time="t", series_from="file").chunks())
    assert [(stream.name, stream.continues) for stream in streams] == [("one", False), ("two", False)]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_files_of_one_recording_are_joined_and_checked_across_their_border(tmp_path, rows):
    csv(tmp_path, "t,a\n2020-01-01T00,1\n2020-01-01T01,2\n", "1.csv")
    csv(tmp_path, "t,a\n2020-01-01T02,3\n2020-01-01T03,4\n", "2.csv")
    ((name, times, values),) = recordings(Files(path=str(tmp_path), time="t", rows_per_chunk=rows))
    assert (name, np.diff(times).tolist(), values) == (tmp_path.name, [HOUR] * 3, [[1], [2], [3], [4]])
    csv(tmp_path, "t,a\n2020-01-01T03,5\n", "3.csv")
    with pytest.raises(InputError, match=r"3\.csv, row 1: .*2020-01-01T03:00:00Z comes twice"):
        list(Files(path=str(tmp_path), time="t", rows_per_chunk=rows).chunks())
    source = Files(path=str(tmp_path), time="t", duplicates="mean", rows_per_chunk=rows)
    assert recordings(source)[0][2][-1] == [4.5]
    assert source.lost == {"duplicate stamps": 1}


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_sorting_undoes_a_shuffle(tmp_path, rows):
    order = np.random.default_rng(0).permutation(30)
    path = csv(tmp_path, "t,a\n" + "".join(f"{i},{i}\n" for i in order))
    source = Files(path=path, time="t", time_format="relative", disorder="sort", rows_per_chunk=rows)
    ((_, times, values),) = recordings(source)
    assert [time // 10**9 for time in times] == [value for (value,) in values] == list(range(30))


def test_sentinels_and_the_usual_words_are_missing(tmp_path):
    path = csv(tmp_path, "a,b\n-999.9,1\nNA,?\n,3\nnan,4\n5,-999.90\n")
    stream = stream_of(path, step=1, missing_values=[-999.9, "?"])
    np.testing.assert_array_equal(stream.values, [[np.nan, 1], [np.nan] * 2, [np.nan, 3], [np.nan, 4], [5, np.nan]])
    pd.DataFrame({"a": np.array([-999.9, 2], np.float32)}).to_parquet(tmp_path / "x.parquet")
    assert np.isnan(stream_of(str(tmp_path / "x.parquet"), step=1, missing_values=[-999.9]).values[0, 0])


def test_the_fingerprint_follows_content_and_settings_but_not_the_folder(tmp_path):
    def fingerprint(folder, text, **settings):
        (tmp_path / folder).mkdir(exist_ok=True)
        return json.dumps(Files(path=csv(tmp_path / folder, text), step=1, **settings).fingerprint())

    base = fingerprint("one", "a\n1\n")
    assert base == fingerprint("two", "a\n1\n") == fingerprint("one", "a\n1\n", rows_per_chunk=5)
    assert len({base, fingerprint("one", "a\n2\n"), fingerprint("one", "a\n1\n", gaps="fill")}) == 3
    assert str(tmp_path) not in base


def test_a_long_file_is_read_in_bounded_memory(tmp_path):
    rows = 400_000
    np.save(tmp_path / "x.npy", np.zeros((rows, 8), np.float32))
    source = Files(path=str(tmp_path / "x.npy"), step=1, rows_per_chunk=10_000)
    tracemalloc.start()
    assert sum(len(stream.times) for stream in source.chunks()) == rows
    assert tracemalloc.get_traced_memory()[1] < rows * 8 * 4 / 2
    tracemalloc.stop()


def test_the_weather_benchmark_is_refused_at_its_duplicate_then_at_its_gap():
    path = str(shared("forecasting/weather.parquet"))
    for rows in (1000, 100_000):
        with pytest.raises(InputError, match=r"row 19045: the stamp 2020-05-12T06:00:00Z comes twice.*`duplicates`"):
            list(Files(path=path, time="date", rows_per_chunk=rows).chunks())
        with pytest.raises(InputError, match=r"row 21515: 100min pass .*2020-05-29T09:30:00Z and 2020-05-29T11:10:00Z"):
            list(Files(path=path, time="date", duplicates="first", rows_per_chunk=rows).chunks())
    split = Files(path=path, time="date", duplicates="first", gaps="split")
    assert [len(times) for _, times, _ in recordings(split)] == [21_513, 31_182]
    filled = Files(path=path, time="date", duplicates="first", gaps="fill")
    assert [len(times) for _, times, _ in recordings(filled)] == [52_704]


def test_the_messy_table_keeps_its_missing_values_and_its_text():
    path = str(shared("messy/beijing_pm25_2010_2014.parquet"))
    stream = stream_of(path, time="date", categories={"cbwd": "onehot"}, units={"pm": "ug/m3"})
    assert np.isnan(stream.values).sum(0)[stream.channels.index("pm")] == 2_067
    assert [name for name in stream.channels if "=" in name] == ["cbwd=NE", "cbwd=NW", "cbwd=SE", "cbwd=cv"]
    assert stream.units[0] == "ug/m3"
    onehot = stream.values[:, [name.startswith("cbwd=") for name in stream.channels]]
    assert (onehot.sum(1) == 1).all()


def test_arrays_are_not_copied_and_series_are_views():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    streams = list(
        Arrays(values, channels=["a", "b"], units={"b": "V"}, series=["x"] * 4 + ["y"] * 2, step="1h").chunks()
    )
    assert [(stream.name, len(stream.times)) for stream in streams] == [("x", 4), ("y", 2)]
    assert all(np.shares_memory(stream.values, values) for stream in streams)
    assert streams[1].times.tolist() == [0, HOUR]
    assert streams[0].units == ("", "V")


def test_arrays_tell_their_step_from_the_times():
    times = np.datetime64("2020-01-01") + np.arange(4) * np.timedelta64(10, "m")
    (stream,) = Arrays(np.zeros(4), times=times).chunks()
    assert (stream.step, stream.times[0]) == (HOUR // 6, pd.Timestamp("2020-01-01").value)
    with pytest.raises(InputError, match="rise"):
        Arrays(np.zeros(4), times=times[::-1])
    with pytest.raises(InputError, match="comes back"):
        Arrays(np.zeros(3), series=["a", "b", "a"])
