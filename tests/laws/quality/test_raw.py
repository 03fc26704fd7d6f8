"""Tables as they stand: nothing is refused, what cannot be read is counted, and the settings that are found read it."""

import importlib
from datetime import UTC

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.raw import guess_findings
from dlkit.data.raw import table as raw_table
from dlkit.data.raw.open import lenient, open_all, open_raw
from dlkit.data.raw.stamps import stamps
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.files import Files
from dlkit.data.sources.recording import Recording
from tests.bad_inputs.cases_check import FOUND, MANY, put, table, text, wide

ROWS = 60
RAW = {
    "one row", "nothing measured", "unreadable cells", "ragged rows", "not UTF-8", "infinite", "unreadable stamps",
    "encoding", "unit row", "no stamps", "several times", "time in several columns", "ambiguous dates",
    "mixed decimal marks", "text column", "other column", "many channels", "unreadable file", "empty file",
}  # fmt: skip
HOURS = pd.date_range("2021-03-01", periods=ROWS, freq="h")
NANOSECONDS = HOURS.to_numpy().astype("datetime64[ns]").astype(np.int64)


def drained(raw):
    """Return times, values, series and numbers of all rows."""
    parts = list(raw.chunks())
    times = np.concatenate([stream.times for stream, _ in parts])
    values = np.concatenate([stream.values for stream, _ in parts])
    names = np.concatenate([[stream.name] * len(stream.times) for stream, _ in parts])
    numbers = np.concatenate([first + np.arange(len(stream.times)) for stream, first in parts])
    return times, values, names, numbers


def built(raw):
    """Return the source that the YAML of a raw table names, made as a config makes it."""
    block = yaml.safe_load(raw.source_yaml())["source"]
    module, name = block["class_path"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**block["init_args"])


def found(raw):
    drained(raw)
    return {finding.kind: finding for finding in raw.findings()}


def write(folder, lines, name="bad.csv"):
    text(lines, name)(folder)
    return folder / name


@pytest.mark.parametrize("name", FOUND)
def test_whatever_is_wrong_is_told_and_what_has_a_stamp_is_read(name, tmp_path, monkeypatch):
    monkeypatch.setattr(guess_findings, "MANY", MANY)
    make, arguments, kinds = FOUND[name]
    make(tmp_path)
    told = []
    known = {name.removeprefix("--"): value for name, value in zip(arguments[1::2], arguments[2::2], strict=True)}
    for raw in open_all(arguments[0].replace("{}", str(tmp_path)), known).values():
        if raw.kind == "table":
            for stream, first in raw.chunks():
                assert not np.isinf(stream.values).any()
                assert first >= 0
            told += [finding.kind for finding in raw.findings()]
    wanted = [word for word in kinds if set(word.split("|")) & RAW]  # others are told by what looks at the rows
    assert all(any(kind in word.split("|") for kind in told) for word in wanted), told
    assert kinds or not [kind for kind in told if kind != "text column"], told


UNREADABLE = {
    "one row", "nothing measured", "ragged rows", "unreadable stamps", "unreadable file", "not UTF-8", "unit row",
    "empty file|unreadable file", "mixed decimal marks", "duplicate stamp",
}  # fmt: skip
OTHERS = {"other columns", "a broken image", "many channels"}
READABLE = [name for name, (_, _, kinds) in FOUND.items() if not set(kinds) & UNREADABLE and name not in OTHERS]


@pytest.mark.parametrize("name", READABLE)
def test_the_settings_that_are_found_read_every_row(name, tmp_path):
    make, arguments, _ = FOUND[name]
    make(tmp_path)
    raw = open_raw(arguments[0].replace("{}", str(tmp_path)))
    times, values, _, _ = drained(raw)
    source = built(raw)
    streams = list(source.chunks())
    channels = [streams[0].channels.index(channel) for channel in raw.layout.channels]
    read = np.concatenate([stream.times for stream in streams])
    order = np.argsort(times, kind="stable")
    np.testing.assert_array_equal(read, times[order])
    np.testing.assert_array_equal(np.concatenate([s.values for s in streams])[:, channels], values[order])


@pytest.mark.parametrize(
    ("form", "write_stamps"),
    [
        ("auto", lambda t: t.strftime("%Y-%m-%dT%H:%M:%S")),
        ("auto", lambda t: t.strftime("%Y-%m-%d %H:%M:%S+00:00")),
        ("%d.%m.%Y %H:%M", lambda t: t.strftime("%d.%m.%Y %H:%M")),
        ("%m/%d/%Y %H:%M", lambda t: t.strftime("%m/%d/%Y %H:%M")),
        ("auto", lambda t: t.strftime("%Y/%m/%d %H:%M:%S")),
        ("%m/%d/%Y %I:%M %p", lambda t: t.strftime("%m/%d/%Y %I:%M %p")),
        ("s", lambda t: t.astype("datetime64[s]").astype(np.int64)),
        ("ms", lambda t: t.astype("datetime64[ms]").astype(np.int64)),
        ("us", lambda t: t.astype("datetime64[us]").astype(np.int64)),
        ("ns", lambda t: t.astype("datetime64[ns]").astype(np.int64)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["when.csv", "when.parquet"])
def test_stamps_are_recognized_however_they_are_written(form, write_stamps, name, tmp_path):
    times = pd.date_range("2021-03-29", periods=ROWS, freq="h")  # days beyond the twelfth, so that no month fits
    frame = pd.DataFrame({"a": np.arange(ROWS) * 0.5, "t": write_stamps(times)})
    (frame.to_parquet if name.endswith("parquet") else frame.to_csv)(tmp_path / name, index=False)
    raw = open_raw(tmp_path / name)
    assert raw.guessed["time"] == "t"
    assert raw.guessed.get("time_format", "auto") == form
    np.testing.assert_array_equal(drained(raw)[0], times.to_numpy().astype("datetime64[ns]").astype(np.int64))
    assert raw.findings() == []


def test_seconds_since_a_start_are_recognized_by_their_name(tmp_path):
    pd.DataFrame({"time [s]": np.arange(ROWS) * 0.25, "a": np.arange(ROWS) * 1.0}).to_csv(
        tmp_path / "t.csv", index=False
    )
    raw = open_raw(tmp_path / "t.csv")
    assert raw.guessed["time_format"] == "relative"
    assert not raw.layout.dated
    assert drained(raw)[0][1] == 250_000_000


def test_numbers_that_only_rise_are_no_stamps(tmp_path):
    pd.DataFrame({"energy": np.arange(ROWS) * 0.25, "a": np.arange(ROWS) % 7}).to_csv(tmp_path / "t.csv", index=False)
    raw = open_raw(tmp_path / "t.csv")
    assert "time" not in raw.guessed
    assert "no stamps" in found(raw)


@pytest.mark.parametrize("mark", [".", ","])
def test_both_decimal_marks_are_recognized(mark, tmp_path):
    raw = open_raw(write(tmp_path, table(split=";", mark=mark)))
    plain = open_raw(write(tmp_path, table(), "plain.csv"))
    np.testing.assert_array_equal(drained(raw)[1], drained(plain)[1])


def test_units_stand_in_the_names(tmp_path):
    frame = pd.DataFrame({"t": HOURS, "T (degC)": 1.5, "p [mbar]": 2.5, "speed_mps": 3.5, "count": 4.5, "x_1": 5.5})
    frame.to_parquet(tmp_path / "u.parquet")
    assert open_raw(tmp_path / "u.parquet").layout.units == ("degC", "mbar", "m/s", "", "")


FAULTS = {"ERR": "unreadable cells", "-inf": "infinite", "never": "unreadable stamps", "cut": "ragged rows"}


@settings(max_examples=15, deadline=None)
@given(planted=st.dictionaries(st.integers(1, ROWS), st.sampled_from(sorted(FAULTS)), min_size=3, max_size=12))
def test_every_planted_fault_is_counted_where_it_is(tmp_path_factory, planted):
    lines = table()
    for row, what in planted.items():
        stamp, _, last = lines[row].split(",")
        cells = {"never": ["never", "1", last], "cut": [stamp, last]}.get(what, [stamp, what, last])
        lines[row] = ",".join(cells)
    raw = open_raw(write(tmp_path_factory.mktemp("planted"), lines))
    times, _, _, numbers = drained(raw)
    told = {finding.kind: finding for finding in raw.findings()}
    rows = {what: sorted(row for row in planted if planted[row] == what) for what in FAULTS}
    for what, kind in FAULTS.items():
        assert told[kind].count == len(rows[what]) if rows[what] else kind not in told
        if rows[what]:
            assert [place.row for place in told[kind].places] == rows[what]
    lost = {*rows["never"], *rows["cut"]}
    assert len(times) == ROWS - len(lost)
    if not rows["cut"]:
        assert (numbers + 1).tolist() == [row for row in range(1, ROWS + 1) if row not in lost]


@settings(max_examples=8, deadline=None)
@given(per_chunk=st.integers(1, 200), kind=st.sampled_from(["bad.csv", "bad.parquet"]))
def test_the_borders_of_chunks_change_nothing(tmp_path_factory, per_chunk, kind):
    folder = tmp_path_factory.mktemp("chunks")
    frame = pd.DataFrame({"t": HOURS, "a": np.sin(np.arange(ROWS)), "w": ["N", "S"] * (ROWS // 2)})
    frame.loc[7, "a"], frame.loc[11, "a"], frame.loc[20, "t"] = np.inf, np.nan, pd.NaT
    (frame.to_parquet if kind.endswith("parquet") else frame.to_csv)(folder / kind, index=False)
    whole, pieces = open_raw(folder / kind), open_raw(folder / kind)
    wanted = drained(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_table, "VALUES", per_chunk)
        patch.setattr(raw_table, "LEAST", 1)
        for one, other in zip(wanted, drained(pieces), strict=True):
            np.testing.assert_array_equal(one, other)
    assert whole.findings() == pieces.findings()
    assert whole.source == pieces.source


def test_progress_rises_to_all_bytes(tmp_path):
    write(tmp_path, table(), "a.csv"), write(tmp_path, table(), "b.csv.gz".removesuffix(".gz"))
    raw, seen = open_raw(tmp_path), []
    list(raw.chunks(lambda done, of: seen.append((done, of))))
    done = [one for one, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (raw.size, raw.size)
    assert raw.size == sum(file.stat().st_size for file in tmp_path.iterdir())


def stations(order):
    """Return a table of three stations."""
    frame = pd.concat(
        [pd.DataFrame({"t": HOURS, "station": name, "a": np.arange(ROWS) + k}) for k, name in enumerate("XYZ")]
    )
    return frame if order == "blocks" else frame.sort_values("t", kind="stable")


@pytest.mark.parametrize("order", ["blocks", "between"])
def test_a_column_that_names_the_series_is_found(order, tmp_path):
    stations(order).to_parquet(tmp_path / "s.parquet", index=False)
    raw = open_raw(tmp_path / "s.parquet")
    assert raw.guessed["series"] == "station"
    times, values, names, numbers = drained(raw)
    for k, name in enumerate("XYZ"):
        own = names == name
        np.testing.assert_array_equal(times[own], NANOSECONDS)
        np.testing.assert_array_equal(values[own, 0], np.arange(ROWS) + k)
        np.testing.assert_array_equal(numbers[own], np.arange(ROWS))
    assert [stream.name for stream, _ in raw.chunks()] == list("XYZ")
    assert len(list(built(raw).chunks())) == 3


def test_one_stamp_for_all_rows_gets_a_step(tmp_path):
    pd.DataFrame({"t": HOURS[:1].repeat(ROWS), "a": np.arange(ROWS)}).to_parquet(tmp_path / "s.parquet")
    raw = open_raw(tmp_path / "s.parquet")
    assert len(drained(raw)[0]) == ROWS
    assert sum(len(stream.times) for stream in built(raw).chunks()) == 1


def test_words_beside_a_stamp_that_comes_twice_name_no_series(tmp_path):
    times = HOURS.insert(30, HOURS[30])
    frame = pd.DataFrame({"t": times, "wind": (["N", "S", "E"] * 21)[: ROWS + 1], "a": np.arange(ROWS + 1.0)})
    frame.to_parquet(tmp_path / "w.parquet")
    raw = open_raw(tmp_path / "w.parquet")
    assert "series" not in raw.guessed
    drained(raw)
    assert raw.source[1]["duplicates"] == "first"


def test_files_one_after_the_other_are_one_recording_and_side_by_side_are_series(tmp_path):
    for name, frame in (("a", slice(0, 30)), ("b", slice(30, 60))):
        pd.DataFrame({"t": HOURS, "v": np.arange(ROWS) * 1.0})[frame].to_csv(tmp_path / f"{name}.csv", index=False)
    one = open_raw(tmp_path)
    assert "series_from" not in one.guessed
    assert len(set(drained(one)[2])) == 1
    pd.DataFrame({"t": HOURS, "v": 1.5}).to_csv(tmp_path / "c.csv", index=False)
    several = open_raw(tmp_path)
    assert several.guessed["series_from"] == "file"
    assert set(drained(several)[2]) == {"a", "b", "c"}


def test_files_with_other_columns_are_sources_of_their_own(tmp_path):
    pd.DataFrame({"t": HOURS, "v": 1.5}).to_csv(tmp_path / "fast.csv", index=False)
    pd.DataFrame({"t": HOURS, "w": 1.5}).to_csv(tmp_path / "slow.csv", index=False)
    assert {name: raw.layout.channels for name, raw in open_all(tmp_path).items()} == {"fast": ("v",), "slow": ("w",)}


@pytest.mark.parametrize("kind", [Files, Recording])
def test_a_source_of_a_config_is_read_without_its_policies_and_with_its_missing_values(kind, tmp_path):
    lines = [*put(7, 1, "-999"), "2021-03-01T05:00,ERR,1"]
    source = kind(path=str(write(tmp_path, lines)), time="t", missing_values=[-999], units={"a": "V"})
    raw = lenient(source, "beam")
    times, values, _, _ = drained(raw)
    assert len(times) == ROWS + 1
    assert np.isnan(values[6, 0])
    assert raw.layout.units == ("V", "")
    (bad,) = raw.findings()
    assert (bad.kind, bad.level, bad.source, bad.places[0].row) == ("unreadable cells", "error", "beam", ROWS + 1)
    assert bad.cures[0].line == "missing_values: [-999, ERR]"
    assert raw.source[1]["missing_values"] == [-999]


def test_the_cure_of_unreadable_cells_cures_them(tmp_path):
    path = write(tmp_path, put(7, 1, "ERR"))
    (bad,) = found(open_raw(path)).values()
    cured = open_raw(path, yaml.safe_load(bad.cures[0].line))
    assert found(cured) == {}


def test_words_that_a_config_leaves_out_are_noted_and_those_it_takes_are_handled(tmp_path):
    words = [f"{line},{'NS'[row % 2]}" for row, line in enumerate(table())]
    path = str(write(tmp_path, [words[0].replace("N", "wind"), *words[1:]]))
    asked = [{}, {"categories": {"wind": "onehot"}}, {"channels": ["a"]}]
    notes = [found(lenient(Files(path=path, time="t", **more))) for more in asked]
    assert [list(note) for note in notes] == [["text column"], ["text column"], []]
    assert [notes[0]["text column"].handled, notes[1]["text column"].handled] == ["", "categories"]


def test_other_sources_give_their_chunks(tmp_path):
    source = Arrays(np.arange(20.0).reshape(10, 2), series=["x"] * 4 + ["y"] * 6)
    _, values, _, numbers = drained(lenient(source))
    np.testing.assert_array_equal(values, np.arange(20.0).reshape(10, 2))
    assert numbers.tolist() == [*range(4), *range(6)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_of_arrow_are_those_of_pandas(unit):
    import pyarrow as pa

    dates = (
        pd.to_datetime(["1970-01-01 00:00", "2021-03-28 02:30", "1900-05-05 12:00"])
        .to_numpy()
        .astype(f"datetime64[{unit}]")
    )
    times, known = stamps(pa.array(dates), "auto", UTC)
    np.testing.assert_array_equal(times, dates.astype("datetime64[ns]").astype(np.int64))
    assert known is None


def test_channels_beyond_two_thousand_are_read_and_said_to_be_many(tmp_path):
    wide(tmp_path, 2_001)
    raw = open_raw(tmp_path / "bad.parquet")
    assert drained(raw)[1].shape == (30, 2_001)
    assert [finding.kind for finding in raw.findings()] == ["many channels"]


def test_a_setting_that_no_table_has_is_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'time'"):
        open_raw(write(tmp_path, table()), {"tiem": "t"})
