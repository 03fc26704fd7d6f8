"""Every source that can be discovered yields streams that fit together, again and again the same."""

import json

import numpy as np
import pandas as pd
import pytest

from dlkit.core.discover import discover, headline
from dlkit.data.base import Source
from dlkit.data.cleaning.cleaned import Cleaned
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.resample import Resample
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import StreamInput
from dlkit.data.row_labels import Unlabelled
from dlkit.data.several.columns import InOrder
from dlkit.data.several.new import WithTargets
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.beamline import BeamlineSensors
from dlkit.data.sources.files import Files
from dlkit.data.sources.nab import NAB
from dlkit.data.sources.parallel import Parallel
from dlkit.data.sources.pump import Pump
from dlkit.data.sources.recording import Recording
from dlkit.data.sources.smap import SMAP
from dlkit.data.sync.survey import Watched
from dlkit.data.table.arrange import Arranged
from dlkit.data.table.tables import read_table
from tests.made_benchmarks import write_nab, write_smap
from tests.made_tables import HOUR, noise

SOURCES = discover("dlkit.data", Source)


def written(folder):
    """A file of two series, the second with a missing value."""
    values = noise(40, 2)
    values[30, 1] = np.nan
    frame = pd.DataFrame(values, columns=["x0", "x1"])
    frame.insert(0, "time", pd.date_range("2024-01-01", periods=40, freq="h"))
    frame.insert(1, "station", ["a"] * 20 + ["b"] * 20)
    frame.to_csv(folder / "two.csv", index=False)
    return Files(path=str(folder / "two.csv"), time="time", series="station", channels=["x*"], rows_per_chunk=7)


def aligned(folder):
    """Two sources on one clock."""
    sources = {"a": StreamInput(source=written(folder), method="mean"), "b": StreamInput(source=written(folder))}
    return Aligned(clock=Regular(step="30min"), sources=sources, rows_per_chunk=9)


def arranged(folder):
    return Arranged(
        written(folder), {"inputs": ["x1"], "targets": ["x0"], "future": [], "calendar": ("day",)}, extend=3
    )


def recorded(folder):
    written(folder)
    return Recording(path=str(folder / "two.csv"), time="time", series="station", rows_per_chunk=7)


def in_order(folder):
    record = aligned(folder)
    return InOrder(record, record.sources, ["b.*"], {"target": Head(kind="values", channels=["a.x0"])}, extend=3)


MAKE = {
    Files: written,
    Arrays: lambda _: Arrays(noise(50, 2, missing=0.1), step="1h", series=["a"] * 20 + ["b"] * 30),
    Arranged: arranged,
    Recording: recorded,
    Aligned: aligned,
    BeamlineSensors: lambda _: BeamlineSensors(device="bpms", duration=110.0, difficulty="clean"),  # others jitter
    InOrder: in_order,
    Parallel: lambda folder: Parallel(source=aligned(folder)),
    WithTargets: lambda folder: WithTargets(written(folder), {"later": "mm"}),
    Watched: lambda folder: Watched(written(folder)),
    Cleaned: lambda folder: Cleaned(written(folder), [Filter(channels=["x0"], cutoff="9h"), Resample(step="2h")]),
    Unlabelled: lambda folder: Unlabelled(written(folder), "x1"),
    NAB: lambda folder: NAB(path=write_nab(folder), files=["real/*"]),
    SMAP: lambda folder: SMAP(path=write_smap(folder)),
    Pump: lambda _: Pump(duration=3_000),
}


def make(cls, folder):
    return MAKE[cls](folder) if cls in MAKE else cls()


every_source = pytest.mark.parametrize("cls", SOURCES, ids=lambda cls: cls.__name__)


@every_source
def test_streams_fit_together(cls, tmp_path):
    streams = [stream for stream in make(cls, tmp_path).chunks() if len(stream.times)]
    assert streams
    for stream in streams:
        assert stream.values.dtype == np.float32
        assert stream.times.dtype == np.int64
        assert stream.values.shape == (len(stream.times), len(stream.channels))
        assert stream.channels == streams[0].channels
        assert stream.units == streams[0].units
        assert stream.step == streams[0].step > 0
        assert not np.isinf(stream.values).any()
    assert len(set(streams[0].channels)) == len(streams[0].channels)


@every_source
def test_time_goes_on_by_steps_where_a_recording_is_uninterrupted(cls, tmp_path):
    table = read_table(make(cls, tmp_path))
    for start, stop in table.segments.tolist():
        steps = np.diff(table.times[start:stop])
        assert (np.abs(steps - table.step) <= 0.06 * table.step).all()


@every_source
def test_reading_again_gives_the_same(cls, tmp_path):
    source = make(cls, tmp_path)
    one, other = read_table(source), read_table(source)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_array_equal(one.segments, other.segments)
    assert one.lost == other.lost


@every_source
def test_fingerprint_is_plain_and_stays(cls, tmp_path):
    source = make(cls, tmp_path)
    before = json.dumps(source.fingerprint(), sort_keys=True)
    list(source.chunks())
    assert json.dumps(source.fingerprint(), sort_keys=True) == before
    assert before == json.dumps(make(cls, tmp_path).fingerprint(), sort_keys=True)


@every_source
def test_a_line_says_what_it_is_and_its_size_is_a_number(cls, tmp_path):
    assert headline(cls).endswith((".", ":", "rows."))
    assert make(cls, tmp_path).size >= 0


def test_rows_to_come_have_no_values(tmp_path):
    table = read_table(make(Arranged, tmp_path))
    ends = table.series_borders()[:, 1]
    for end in ends.tolist():
        assert np.isnan(table.values[end - 3 : end, :2]).all()
        assert np.isfinite(table.values[end - 3 : end, 2:]).all()
        assert np.diff(table.times[end - 4 : end]).tolist() == [HOUR] * 3
