"""A record made in pieces is the record, to the bit."""

import pickle
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.align.pieces import Piece, cut_record
from dlkit.data.base import Source
from dlkit.data.clock import Regular
from dlkit.data.cluster import Cluster, LocalCluster, SlurmCluster
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.records import Stream
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.parallel import Parallel
from dlkit.data.sources.recording import Recording
from dlkit.data.table.tables import Table, read_table
from dlkit.train.align.views import pieces_words
from tests.made_recordings import many_files, write_recording


class InTurn(Source):
    """The pieces one after the other, each sent to another process and back."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def chunks(self) -> Iterator[Stream]:
        for piece in self.pieces:
            yield from pickle.loads(pickle.dumps(piece)).streams()

    def fingerprint(self) -> dict[str, Any]:
        return {}


def assert_same(one: Table, other: Table) -> None:
    assert one.values.tobytes() == other.values.tobytes()
    for part in ("times", "segments", "series"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    assert (one.names, one.columns, one.step) == (other.names, other.columns, other.step)


@pytest.mark.parametrize("method", ["last", "mean", "decimate", {"u": ["max", "std", "count"], "v": "last"}])
@pytest.mark.parametrize("timing", [Timing(), Timing(offset=-1.25, drift=130.0)], ids=["as it is", "moved"])
def test_pieces_together_are_the_record(tmp_path, method, timing):
    record = many_files(tmp_path, method, timing)
    whole = read_table(record)
    assert len(whole.segments) > 1  # all are silent for a while
    for wanted in (2, 5, 100):
        pieces = cut_record(record, wanted)
        assert len(pieces) > 1
        assert_same(read_table(InTurn(pieces)), whole)


def test_pieces_read_a_few_files_each(tmp_path):
    record = many_files(tmp_path)
    pieces = cut_record(record, 9)
    read = [len(piece.record.sources["fast"].source.files) for piece in pieces]
    assert len(pieces) == 9
    assert max(read) <= 5  # its own, and what silence and the filter look back on


def test_values_from_any_time_before_are_not_lost(tmp_path):
    """Without `max_age` the last value may be files back."""
    sparse = write_recording(tmp_path / "sparse", rate=0.3, files=1)
    fast = write_recording(tmp_path / "fast", rate=100, files=8, seed=1)
    sources = {"fast": StreamInput(source=fast, method="mean"), "sparse": StreamInput(source=sparse, age=True)}
    record = Aligned(clock=Regular(step="50ms"), sources=sources)
    assert_same(read_table(InTurn(cut_record(record, 8))), read_table(record))


def test_each_series_is_a_piece(tmp_path):
    for number in range(3):
        for name, rate in (("a", 50), ("b", 8)):
            write_recording(tmp_path / f"{name}{number}", rate=rate, files=1, seconds=5, seed=number)
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / f"{name}{number}" / "000.parquet").rename(tmp_path / name / f"shot {number}.parquet")
    shots = {
        name: Recording(path=tmp_path / name, time="t", time_format="relative", series_from="file")
        for name in ("a", "b")
    }
    sources = {name: StreamInput(source=source) for name, source in shots.items()}
    record = Aligned(clock=Regular(step="100ms"), sources=sources)
    pieces = cut_record(record, 2)
    assert [piece.series for piece in pieces] == ["shot 0", "shot 1", "shot 2"]
    assert_same(read_table(InTurn(pieces)), read_table(record))


def test_one_file_is_one_piece(tmp_path):
    source = write_recording(tmp_path / "one", rate=50, files=1, seconds=5)
    record = Aligned(clock=Regular(step="100ms"), sources={"one": StreamInput(source=source)})
    assert len(cut_record(record, 8)) == 1


class Here(Cluster):
    """A cluster whose only worker is this process."""

    def start(self) -> Any:
        raise NotImplementedError

    def check(self) -> None:
        """Need nothing."""

    @contextmanager
    def client(self) -> Iterator[Any]:
        yield self

    def submit(self, make: Any, item: Any, *, pure: bool) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(make(item))
        return done


def data_of(folder, files, **settings):
    source = write_recording(folder, rate=50, files=files)
    sources = {"one": StreamInput(source=source, max_age="200ms", look_back=4)}
    return MultimodalDataModule(
        clock=Regular(step="100ms"), sources=sources, targets=["one.u"], cache=str(folder / "cache"), **settings
    )


def test_the_data_module_tells_in_how_many_pieces_its_record_was_made(tmp_path):
    several, one = data_of(tmp_path / "a", 9, cluster=Here(workers=2)), data_of(tmp_path / "b", 1, cluster=Here())
    assert several.describe()["pieces"] == len(cut_record(several.source, 8)) > 1
    assert pieces_words(several) == f"aligned in {several.pieces} pieces by 2 workers"
    assert one.describe()["pieces"] == 1 and pieces_words(one) == "one piece: aligned in this process"
    without = data_of(tmp_path / "c", 9)
    assert "pieces" not in without.describe() and pieces_words(without) == ""


def test_a_table_that_lies_on_disk_is_not_made_of_pieces(tmp_path):
    first = data_of(tmp_path / "a", 9, cluster=Here(), placement="disk")
    again = MultimodalDataModule(
        clock=first.source.clock, sources=first.source.sources, targets=["one.u"], cluster=Here(), placement="disk",
        cache=str(first.cache),
    )  # fmt: skip
    assert first.describe()["pieces"] > 1
    assert again.describe()["pieces"] == 0 and "on disk already" in pieces_words(again)


@pytest.mark.parametrize("cluster", [LocalCluster(), SlurmCluster()], ids=["local", "slurm"])
def test_a_cluster_without_dask_is_refused_also_for_one_piece(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.data.cluster.find_spec", lambda _: None)
    data = data_of(tmp_path / "one", 1, cluster=cluster)
    with pytest.raises(InputError, match="needs Dask: install dlkit with the extra `dask`, or leave `cluster` out"):
        _ = data.prepared
    with pytest.raises(InputError, match="needs Dask"):
        Parallel(source=data.source)
