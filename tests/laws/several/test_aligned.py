"""Laws of several sources on one clock: chunks, order and place in memory do not show; causes of loss are told."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.clock import OfSource, Regular
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.inputs import AHEAD, METHODS, FrameInput, StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.recording import Recording
from dlkit.data.table.disk import map_table
from dlkit.data.table.tables import read_table
from tests.made_sensors import MS, Camera, Sensor, jittered
from tests.shared_data import shared

CLOCK = Regular(step="10ms")


def several(**settings):
    """A fast, a slow and a spotty source; every method has a part."""
    fast = [method for method in METHODS if method != "count"]
    return {
        "fast": StreamInput(
            source=jittered(2000, MS, missing=0.1, **settings), method={"x0": fast, "*": ["count", "mean"]},
            look_ahead=True, max_age="5ms", age=True,
        ),
        "slow": StreamInput(source=jittered(15, 143 * MS, seed=1, channels=1, **settings), age=True),
        "dead": StreamInput(source=jittered(60, 33 * MS, seed=2, missing=0.7, **settings), method="last"),
    }  # fmt: skip


def align(sources, clock=CLOCK, **settings):
    return read_table(Aligned(clock=clock, sources=sources, **settings))


def same(one, other):
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_array_equal(one.segments, other.segments)
    np.testing.assert_array_equal(one.values, other.values)
    assert one.lost == other.lost


def column(table, name):
    return table.values[:, table.columns.index(name)]


@pytest.mark.parametrize(("rows", "ticks"), [(3, 65_536), (7, 13), (997, 1)])
@pytest.mark.parametrize("clock", [CLOCK, OfSource(source="slow")])
def test_chunks_do_not_show_in_a_single_bit(rows, ticks, clock):
    same(align(several(chunk=rows), clock, rows_per_chunk=ticks), align(several(), clock))


def test_the_order_of_sources_does_not_matter():
    one, other = align(several()), align(dict(reversed(several().items())))
    assert set(one.columns) == set(other.columns)
    for name in one.columns:
        np.testing.assert_array_equal(column(one, name), column(other, name))


@pytest.mark.parametrize("method", [method for method in METHODS if method not in AHEAD])
def test_a_record_never_looks_ahead(method):
    sources = {name: replace(given, method=method, look_ahead=False) for name, given in several().items()}
    now = 1000 * MS

    def poisoned(sensor):
        return Sensor(
            {name: (times, np.where((times > now)[:, None], np.float32(1e9), values))
             for name, (times, values) in sensor.series.items()}, step=sensor.step, chunk=41,
        )  # fmt: skip

    one = align(sources)
    other = align({name: replace(given, source=poisoned(given.source)) for name, given in sources.items()})
    past = one.times <= now
    np.testing.assert_array_equal(one.values[past], other.values[past])
    assert not np.array_equal(one.values, other.values) or method == "count"


def test_aligning_an_aligned_record_is_the_identity():
    once = align(several())
    source = Arrays(once.values, times=once.times, channels=once.columns)
    for method in ("last", "mean", "min", "max"):
        again = align({"r": StreamInput(source=source, method=method, max_age="0ns" if method == "last" else None)})
        np.testing.assert_array_equal(again.times, once.times)
        np.testing.assert_array_equal(again.values, once.values)
    regular = {"r": StreamInput(source=Sensor.of(once.times, np.arange(len(once.times))))}
    for method in ("nearest", "linear", "decimate"):
        ahead = {"r": replace(regular["r"], method=method, look_ahead=True)}
        np.testing.assert_array_equal(align(ahead).values[:, 0], np.arange(len(once.times)))


def test_columns_are_named_after_source_channel_and_method():
    table = align(several())
    assert table.columns[:3] == ("fast.x0 last", "fast.x0 mean", "fast.x0 min")
    assert table.columns[8:] == (
        "fast.x1 count",
        "fast.x1 mean",
        "fast.age",
        "slow.x0",
        "slow.age",
        "dead.x0",
        "dead.x1",
    )
    assert dict(zip(table.columns, table.units, strict=True))["fast.x1 count"] == ""
    assert dict(zip(table.columns, table.units, strict=True))["slow.age"] == "s"
    assert table.step == 10 * MS


def test_channels_are_chosen_by_glob():
    sensor = jittered(100, MS, channels=12)
    table = align({"a": StreamInput(source=sensor, channels=["x1*"]), "b": StreamInput(source=sensor, channels=["x3"])})
    assert table.columns == ("a.x1", "a.x10", "a.x11", "b.x3")
    np.testing.assert_array_equal(column(table, "b.x3"), column(align({"s": StreamInput(source=sensor)}), "s.x3"))


def test_the_age_is_the_time_since_the_last_sample_and_staleness_follows_it():
    sensor = Sensor.of([0, 95 * MS, 200 * MS], [1.0, 2.0, np.nan])
    steady = StreamInput(source=Sensor.of(np.arange(31) * 10 * MS, np.arange(31)))
    table = align({"a": StreamInput(source=sensor, age=True, max_age="30ms"), "b": steady}, span="union")
    ages = np.array([*range(0, 100, 10), *range(5, 215, 10)]) / 1e3
    np.testing.assert_allclose(column(table, "a.age"), ages[: len(table.times)], rtol=1e-6)
    expected = np.where(ages <= 0.03, np.where(table.times < 95 * MS, 1, 2), np.nan)
    np.testing.assert_array_equal(column(table, "a.x0"), expected)


def test_the_record_spans_what_all_sources_have_or_any():
    early = StreamInput(source=Sensor.of(np.arange(100) * 10 * MS, np.arange(100)), max_age="20ms")
    late = StreamInput(source=Sensor.of(np.arange(50, 150) * 10 * MS, np.arange(100)), max_age="20ms")
    both, union = align({"a": early, "b": late}), align({"a": early, "b": late}, span="union")
    assert (both.times[0], both.times[-1]) == (500 * MS, 990 * MS)
    assert (union.times[0], union.times[-1]) == (0, 1490 * MS)
    assert np.isnan(column(union, "b.x0")[:50]).all()
    assert np.isnan(column(union, "a.x0")[102:]).all()
    assert not np.isnan(both.values).any()
    assert both.lost == {"a: samples before all sources have begun": 50, "b: samples after a source has ended": 50}
    inner = np.isin(union.times, both.times)
    np.testing.assert_array_equal(union.values[inner], both.values)


def test_no_time_in_common_is_one_sentence_with_each_span():
    one, other = (StreamInput(source=jittered(10, MS, first=first)) for first in (0, 10**9))
    with pytest.raises(InputError, match=r"no tick in common.*'a' from 1970-01-01T00:00:00.*'b' from 1970.*01\."):
        align({"a": one, "b": other})


def test_silence_of_all_splits_and_is_counted():
    times = np.concatenate([np.arange(50), np.arange(300, 350)]) * 10 * MS
    sources = {"a": StreamInput(source=Sensor.of(times, times)), "b": StreamInput(source=Sensor.of(times + 1, times))}
    for many in (1, 7, 65_536):
        table = align(sources, rows_per_chunk=many)
        kept = np.diff(table.segments, axis=1).ravel().tolist()
        assert kept == [59, 50]  # held for ten steps
        assert table.lost["ticks without a sample of any source"] == 349 - 59 - 50
        assert (np.diff(table.times)[np.arange(108) != 58] == 10 * MS).all()


def test_a_century_of_silence_takes_no_time():
    times = np.concatenate([np.arange(100), 10**12 + np.arange(100)]) * MS
    table = align({"a": StreamInput(source=Sensor.of(times, times, step=MS))})
    assert table.lost["ticks without a sample of any source"] >= 10**11 - 20


def test_a_source_that_goes_on_bridges_the_gap_of_another():
    slow = StreamInput(source=Sensor.of(np.arange(0, 5) * 1000 * MS, np.arange(5), step=1000 * MS))
    times = np.concatenate([np.arange(50), np.arange(300, 350)]) * 10 * MS
    table = align({"fast": StreamInput(source=Sensor.of(times, times), max_age="20ms"), "slow": slow})
    assert len(table.segments) == 1
    assert np.isnan(column(table, "fast.x0")[52:300]).all()


def test_the_stamps_of_a_camera_can_be_the_clock():
    stamps = np.sort(np.random.default_rng(0).integers(100 * MS, 1900 * MS, 40))
    sources = several() | {"camera": FrameInput(source=Camera(stamps))}
    table = align(sources, OfSource(source="camera"))
    np.testing.assert_array_equal(table.times, stamps)
    frame = pd.DataFrame(several()["slow"].source.series["s"][1])
    at = np.searchsorted(several()["slow"].source.series["s"][0], stamps, side="right") - 1
    np.testing.assert_array_equal(column(table, "slow.x0"), frame[0].to_numpy()[at])


def test_frames_count_as_samples_wherever_chunks_end():
    camera = {"camera": FrameInput(source=Camera(np.arange(20) * 66 * MS))}
    late = np.concatenate([np.arange(10), np.arange(90, 126)]) * 10 * MS
    sources = camera | {"s": StreamInput(source=Sensor.of(late, late))}
    one, other = align(sources, rows_per_chunk=1), align(sources)
    same(one, other)
    assert one.segments.tolist() == [[0, 126]]


def test_a_long_break_of_the_driver_is_a_seam_and_its_first_interval_one_step():
    stamps = np.concatenate([np.arange(20), np.arange(60, 80)]) * 10 * MS
    fast = StreamInput(source=Sensor.of(np.arange(900) * MS, np.ones(900), step=MS), method="count")
    table = align({"d": StreamInput(source=Sensor.of(stamps, stamps)), "fast": fast}, OfSource(source="d"))
    assert table.segments.tolist() == [[0, 20], [20, 40]]
    assert column(table, "fast.x0")[1:].tolist() == [10.0] * 39


def test_stamps_that_come_twice_make_one_tick():
    source = Sensor.of([0, 10 * MS, 10 * MS, 20 * MS], [0, 1, 2, 3])
    table = align({"d": StreamInput(source=source)}, OfSource(source="d"))
    assert table.values[:, 0].tolist() == [0, 2, 3]


def test_offset_and_drift_move_the_stamps():
    times = np.arange(2000) * MS
    right = Sensor.of(times, np.arange(2000), step=MS)
    wrong = Sensor.of(np.rint((times - 250 * MS) / (1 + 1e-3)).astype(int), np.arange(2000), step=MS)
    first = int(wrong.series["s"][0][0])
    offset = (250 * MS + first * 1e-3) / 1e9  # drift counts from the first stamp
    table = align(
        {"a": StreamInput(source=right), "b": StreamInput(source=wrong, timing=Timing(offset=offset, drift=1000.0))}
    )
    assert np.abs(column(table, "a.x0") - column(table, "b.x0")).max() <= 1
    assert len(table.times) > 190


def test_stamps_that_go_back_are_refused_with_row_and_stamp():
    for rows in (2, 100):
        source = Sensor.of([0, 10 * MS, 30 * MS, 20 * MS], [0, 1, 2, 3], chunk=rows)
        with pytest.raises(
            InputError, match=r"'a', series 's', row 4: the stamp 1970-01-01T00:00:00.02.*time must not go"
        ):
            align({"a": StreamInput(source=source)})


def test_series_are_joined_by_name_in_any_order_but_the_first():
    def sensor(names):
        series = {name: (np.arange(10) * 10 * MS, np.full((10, 1), len(name), np.float32)) for name in names}
        return StreamInput(source=Sensor(series, step=10 * MS))

    table = align({"a": sensor(["x", "yy", "zzz"]), "b": sensor(["x", "zzz", "yy"])})
    assert table.names == ("x", "yy", "zzz")
    np.testing.assert_array_equal(table.values[:, 0], table.values[:, 1])
    assert align({"a": sensor(["x"]), "b": sensor(["yy"])}).names == ("record",)
    for names, other in ((["x", "yy"], ["x"]), (["x"], ["x", "yy"])):
        with pytest.raises(InputError, match=r"has .* series 'yy', which"):
            align({"a": sensor(names), "b": sensor(other)})
    with pytest.raises(InputError, match="begin with different ones"):
        align({"a": sensor(["x", "yy"]), "b": sensor(["yy", "x"])})


def test_only_what_is_needed_is_read_ahead():
    fast, slow = jittered(100_000, MS, chunk=100), jittered(1000, 100 * MS, seed=1, chunk=10)
    record = Aligned(
        clock=CLOCK, sources={"f": StreamInput(source=fast), "s": StreamInput(source=slow)}, rows_per_chunk=50
    )
    for number, stream in enumerate(record.chunks()):
        assert fast.given <= stream.times[-1] / MS + 2000
        if number == 30:
            break


def test_a_memory_map_of_a_record_is_the_record(tmp_path):
    record = Aligned(clock=CLOCK, sources=several())
    same(map_table(record, tmp_path), read_table(record))
    json.dumps(record.fingerprint())
    other = Aligned(clock=CLOCK, sources=several() | {"slow": replace(several()["slow"], max_age="1s")})
    assert other.fingerprint() != record.fingerprint()


def test_new_recordings_take_the_place_of_the_old():
    record = Aligned(clock=CLOCK, sources=several())
    other = record.with_sources({"slow": jittered(15, 143 * MS, seed=9, channels=1)}, fitted=record.fitted)
    one, two = read_table(record), read_table(other)
    assert one.columns == two.columns
    inner, same_time = np.isin(one.times, two.times), np.isin(two.times, one.times)
    np.testing.assert_array_equal(column(one, "dead.x0")[inner], column(two, "dead.x0")[same_time])
    assert not np.array_equal(column(one, "slow.x0")[inner], column(two, "slow.x0")[same_time])
    with pytest.raises(InputError, match=r"no 'slo'.*'slow'"):
        record.with_sources({"slo": jittered(5, MS)})


REFUSED = {
    "is empty": {"sources": {}},
    "no dot": {"sources": {"a.b": StreamInput(source=jittered(5, MS))}},
    "did you mean 'fast'": {"sources": several(), "clock": OfSource(source="fats")},
    "must be at least 1": {"sources": several(), "rows_per_chunk": 0},
    "has no samples": {"sources": {"a": StreamInput(source=jittered(0, MS))}},
    "has no channel 'y'": {"sources": {"a": StreamInput(source=jittered(5, MS), channels=["y"])}},
    "fits channel 'x1'": {"sources": {"a": StreamInput(source=jittered(5, MS), method={"x0": "last"})}},
    "names one twice": {"sources": {"a": StreamInput(source=jittered(5, MS), method={"*": ["max", "max"]})}},
    "count from a start": {
        "sources": several() | {"z": StreamInput(source=type("Counted", (Sensor,), {"dated": False})({}, step=MS))}
    },
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_sentence(sentence):
    with pytest.raises(InputError, match=sentence) as error:
        align(**{"clock": CLOCK} | REFUSED[sentence])
    assert "\n" not in str(error.value)


def test_a_recording_keeps_bursts_gaps_and_repeats(tmp_path):
    frame = pd.DataFrame({"t": [0.0, 0.001, 0.001, 5.0, 5.01], "v": [1.0, 2.0, 3.0, 4.0, 5.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    source = Recording(path=str(tmp_path / "a.parquet"), time="t", time_format="relative")
    table = read_table(source)
    assert table.times.tolist() == [0, 10**6, 10**6, 5 * 10**9, 5010 * 10**6]
    assert len(table.segments) == 1
    frame.iloc[::-1].to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="set `disorder` to 'sort'"):
        read_table(source.with_path(str(tmp_path / "b.parquet")))
    ordered = Recording(path=str(tmp_path / "b.parquet"), time="t", time_format="relative", disorder="sort")
    np.testing.assert_array_equal(np.sort(read_table(ordered).values[:, 0]), frame["v"])


def driving(*names):
    return {
        name: StreamInput(
            source=Recording(path=str(shared(f"multirate/{file}.parquet")), time="t", time_format="relative"),
            method=method, max_age="2s",
        )
        for name, (file, method) in names[0].items()
    }  # fmt: skip


def test_real_driving_streams_are_forecast_from_one_table():
    sources = driving(
        {
            "speed": ("can_speed", "mean"),
            "wheels": ("can_wheel_speed", "last"),
            "acceleration": ("imu_accelerometer", "decimate"),
            "gyro": ("imu_gyro", "mean"),
            "gnss": ("gnss_live_gnss_ublox", "last"),
        }
    )
    record = Aligned(clock=Regular(step="50ms"), sources=sources)
    target = read_table(record).columns[0]
    data = TimeSeriesDataModule(source=record, targets=[target], look_back=20, look_forward="250ms", placement="host")
    x, y, *_ = next(iter(data.train_dataloader()))
    assert x.shape[1:] == (len(data.spec.channels), 20)
    assert y.isfinite().all()
    assert 1100 < len(data.prepared.table.times) < 1250
    speed = pd.read_parquet(shared("multirate/can_speed.parquet"))
    bins = speed.set_index(pd.to_datetime(speed["t"], unit="s"))
    mean = bins.drop(columns="t").resample("50ms", closed="right", label="right").mean()
    table = read_table(record)
    expected = mean.reindex(pd.to_datetime(table.times)).to_numpy()[:, 0]
    np.testing.assert_allclose(table.values[:, 0], expected, rtol=1e-6)
