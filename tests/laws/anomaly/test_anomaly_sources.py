"""The labelled benchmarks and the split by series give what their papers say."""

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.series_splits import HeldOutSeries
from dlkit.data.sources.nab import NAB
from dlkit.data.sources.smap import SMAP
from dlkit.data.splits import ByFraction
from dlkit.data.table.tables import read_table
from tests.made_benchmarks import write_nab, write_smap
from tests.made_tables import table
from tests.shared_data import shared


def test_series_of_nab_keep_their_names_order_steps_and_labels(tmp_path):
    streams = list(NAB(path=write_nab(tmp_path)).chunks())
    assert [stream.name for stream in streams] == ["real/a.csv", "real/b.csv", "made/c.csv"]
    assert [stream.step // 10**9 for stream in streams] == [300, 300, 3600]
    for stream in streams:
        np.testing.assert_array_equal(stream.values[:, 1], np.arange(50) >= 45)
    chosen = read_table(NAB(path=tmp_path / "nab.parquet", files=["real/*"]))
    assert chosen.names == ("real/a.csv", "real/b.csv")
    with pytest.raises(InputError, match="no channel is named"):
        list(NAB(path=tmp_path / "nab.parquet", files=["real/c.csv"]).chunks())
    with pytest.raises(InputError, match="step of 3600 s"):
        read_table(NAB(path=tmp_path / "nab.parquet"))
    assert len(read_table(NAB(path=tmp_path / "nab.parquet", step="5min")).times) == 150


def test_a_channel_of_smap_trains_on_one_recording_and_is_judged_on_the_other(tmp_path):
    source = SMAP(path=write_smap(tmp_path), channels=["B-*"])
    data = ReconstructionDataModule(
        source=source, labels="anomaly", look_back=5, split=HeldOutSeries(test=["* test"], val=0.2), placement="host"
    )
    assert data.spec.channels == ("telemetry", "command0", "command1", "command2")
    assert data.prepared.table.names == ("B-2 train", "B-2 test")
    assert [data.segments(role) for role in ("train", "val", "test")] == [[(0, 24)], [(24, 30)], [(30, 70)]]
    np.testing.assert_array_equal(np.flatnonzero(data.labels), np.arange(65, 70))
    assert data.prepared.scaling.shift[0] == pytest.approx(100 + 11.5)


def test_series_that_test_do_so_as_a_whole_and_the_last_rows_of_each_other_one_validate():
    ranges = HeldOutSeries(test=["s1"], val=0.25).ranges(table([[10, 6], [20], [8]]))
    assert ranges["test"].tolist() == [[16, 36]]
    assert ranges["train"].tolist() == [[0, 10], [10, 12], [36, 42]]
    assert ranges["val"].tolist() == [[12, 16], [42, 44]]


@pytest.mark.parametrize(("names", "sentence"), [(["s*"], "no series to train"), (["t1"], "no series is named 't1'")])
def test_a_split_by_names_that_cannot_be_is_refused(names, sentence):
    with pytest.raises(InputError, match=sentence):
        HeldOutSeries(test=names).ranges(table([[10], [20]]))


def test_the_real_benchmarks_have_the_published_sizes():
    nab = NAB(path=shared("anomaly/nab.parquet"))
    streams = list(nab.chunks())
    assert len(streams) == len(nab.names) == 58
    assert sum(len(stream.times) for stream in streams) == 365_558
    smap = list(SMAP(path=shared("anomaly/smap.npz"), channels=["A-*", "P-1"]).chunks())
    assert len(smap) == 20
    assert all(not stream.values[:, -1].any() for stream in smap if stream.name.endswith("train"))
    assert all(stream.values[:, -1].any() for stream in smap if stream.name.endswith("test"))


def test_nothing_after_the_first_part_of_a_series_is_learnt_from():
    source = NAB(path=shared("anomaly/nab.parquet"), files=["realKnownCause/machine_temperature_system_failure.csv"])
    data = ReconstructionDataModule(
        source=source, labels="anomaly", anomalies="drop", look_back=64, split=ByFraction(0.1, 0.05, 0.85)
    )
    learnt = data.rows_of("train") | data.rows_of("val")
    assert np.flatnonzero(learnt).max() < 0.15 * len(learnt) + 1
    assert not (learnt & data.labels).any()
    assert data.labels.sum() == 2268
