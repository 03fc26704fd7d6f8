"""Tables hold what the source yields, with every seam; on disk they are made once, whole or not at all."""

import os
import signal
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.batches.placement import choose_placement, free_memory
from dlkit.data.records import Stream
from dlkit.data.table.disk import locked, map_table
from dlkit.data.table.tables import Table, read_table
from tests.made_tables import HOUR, Parts, noise, stream

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
PIECES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans()), min_size=1, max_size=8)


def three_series():
    return Parts([
        stream(noise(40, 2, missing=0.1), static={"depth": 3.0}),
        stream(noise(30, 2, seed=1), first=40, continues=True, static={"depth": 3.0}),
        stream(noise(20, 2, seed=2), first=90, static={"depth": 3.0}),
        stream(noise(50, 2, seed=3), name="b", static={"depth": float("nan")}),
    ])  # fmt: skip


def assert_same(one: Table, other: Table):
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)
            assert value.dtype == getattr(other, name).dtype
        else:
            assert value == getattr(other, name), name


def test_rows_and_borders_are_those_of_the_streams():
    made = read_table(source := three_series())
    np.testing.assert_array_equal(made.values, np.concatenate([s.values for s in source.streams]))
    assert made.segments.tolist() == [[0, 70], [70, 90], [90, 140]]
    assert made.series.tolist() == [0, 0, 1]
    assert made.series_borders().tolist() == [[0, 90], [90, 140]]
    assert made.names == ("a", "b")
    assert made.values.flags.c_contiguous
    assert not made.complete
    assert made.lost == {"duplicates": 2}
    np.testing.assert_array_equal(made.static, np.array([[3], [np.nan]], np.float32))


@given(PIECES)
def test_segments_end_at_every_seam_and_change_of_series(pieces):
    source = Parts([stream(np.ones((rows, 1)), name=name, continues=goes) for name, rows, goes in pieces])
    if not sum(rows for _, rows, _ in pieces):
        with pytest.raises(InputError, match="no rows"):
            read_table(source)
        return
    expected, at, seam, last = [], 0, True, None
    for name, rows, goes in pieces:
        seam = seam or not goes
        if rows:
            if seam or name != last:
                expected.append([at, at])
            expected[-1][1] = at = at + rows
            seam, last = False, name
    assert read_table(source).segments.tolist() == expected


def test_column_major_values_are_read_right():
    values = np.asfortranarray(noise(50, 4))
    assert not values.flags.c_contiguous
    for made in (read_table(Parts([stream(values)])),):
        np.testing.assert_array_equal(made.values, values)
        assert made.values.flags.c_contiguous


def test_a_table_on_disk_is_the_same(tmp_path):
    assert_same(read_table(three_series()), map_table(three_series(), tmp_path))


def test_column_major_float64_values_lie_right_on_disk(tmp_path):
    values = np.asfortranarray(noise(50, 4).astype(np.float64))
    one = stream(values)
    double = Stream("a", one.times, values, one.channels, one.units, one.step)
    np.testing.assert_array_equal(map_table(Parts([double]), tmp_path).values, values)


def test_a_table_on_disk_is_made_once(tmp_path):
    map_table(three_series(), tmp_path)
    again = three_series()
    made = map_table(again, tmp_path)
    assert again.read == 0
    assert made.lost == {"duplicates": 2}


def test_processes_that_ask_at_once_make_one_table(tmp_path):
    class Slow(Parts):
        def chunks(self):
            for one in super().chunks():
                time.sleep(0.02)
                yield one

    sources = [Slow(three_series().streams) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:  # the lock belongs to the open file, so that threads stand for processes
        made = list(pool.map(lambda source: map_table(source, tmp_path), sources))
    assert sum(source.read for source in sources) == 1
    assert [path.is_dir() for path in tmp_path.iterdir()] == [True]
    assert_same(made[0], made[-1])


def test_another_fingerprint_gives_another_table(tmp_path):
    one = map_table(Parts([stream(np.ones((3, 1)))], mark=1), tmp_path)
    other = map_table(Parts([stream(np.zeros((3, 1)))], mark=2), tmp_path)
    assert (one.values == 1).all()
    assert (other.values == 0).all()


def test_interrupted_making_leaves_nothing_behind(tmp_path):
    source = three_series()
    source.fail_after = 2
    with pytest.raises(KeyboardInterrupt):
        map_table(source, tmp_path / "cache")
    assert not list(tmp_path.iterdir())
    source.fail_after = None
    assert_same(map_table(source, tmp_path / "cache"), read_table(three_series()))


def test_one_at_a_time_goes_on_though_each_removes_the_lock(tmp_path):
    inside, most = [], []

    def work(number):
        with locked(tmp_path / "cache" / "key.lock"):
            inside.append(number)
            time.sleep(0.002)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(64)))
    assert most == [1] * 64
    assert not list(tmp_path.rglob("*.lock"))


def test_what_a_killed_process_left_is_removed(tmp_path):
    child = os.fork()
    if child == 0:
        source = three_series()
        source.chunks = lambda: (os.kill(os.getpid(), signal.SIGKILL) if i else s for i, s in enumerate(source.streams))
        map_table(source, tmp_path)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    assert_same(map_table(three_series(), tmp_path), read_table(three_series()))
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_damaged_table_is_refused(tmp_path):
    map_table(three_series(), tmp_path)
    values = next(tmp_path.glob("*/values.bin"))
    values.write_bytes(values.read_bytes()[:-4])
    with pytest.raises(InputError, match="is damaged: remove this folder"):
        map_table(three_series(), tmp_path)


class Endless(Parts):
    """Makes its chunks when they are asked for."""

    def chunks(self):
        for number in range(100):
            yield stream(np.full((10_000, 8), number), first=10_000 * number, continues=number > 0)


def peak(make):
    tracemalloc.start()
    made = make()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most, made


def test_a_table_on_disk_is_made_in_bounded_memory(tmp_path):
    most, made = peak(lambda: map_table(Endless([]), tmp_path))
    assert made.values.shape == (1_000_000, 8)
    assert most < 8e6  # of 40e6


def test_a_table_in_memory_needs_little_more_than_itself():
    most, made = peak(lambda: read_table(Endless([])))
    assert most < 1.2 * (made.values.nbytes + made.times.nbytes)


def test_chunks_cover_the_ranges_and_overlap_as_asked(monkeypatch):
    monkeypatch.setattr("dlkit.data.table.tables.CHUNK", 7)
    made = read_table(Parts([stream(np.arange(60)[:, None])]))
    ranges = np.array([[3, 20], [30, 31], [40, 60]])
    plain = np.concatenate(list(made.chunks(ranges)))[:, 0]
    assert plain.tolist() == [*range(3, 20), 30, *range(40, 60)]
    pairs = [p for rows in made.chunks(ranges, overlap=2) for p in zip(rows[:-2, 0], rows[2:, 0], strict=True)]
    assert pairs == [(i, i + 2) for a, b in ranges.tolist() for i in range(a, b - 2)]


def test_rows_that_were_handed_over_cannot_be_read_as_raw():
    made = read_table(three_series())
    made.hand_over()
    assert len(made.values) == 0
    with pytest.raises(AssertionError, match="handed over"):
        list(made.chunks(made.segments))


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ({"channels": ("c0", "x")}, "Series 'b' has the channels .*name the common ones"),
        ({"step": HOUR // 2}, "Series 'b' has a step of 1800 s, the first series has 3600 s"),
        ({"static": {}}, "Series 'b' has no static 'depth'"),
        ({"static": {"deph": 1.0}}, "no static 'depth'; did you mean 'deph'"),
    ],
)
def test_streams_that_do_not_fit_together_are_refused(second, sentence):
    fields = {"static": {"depth": 1.0}} | second
    source = Parts([stream(noise(5, 2), static={"depth": 1.0}), stream(noise(5, 2), name="b", **fields)])
    with pytest.raises(InputError, match=sentence):
        read_table(source)


def test_infinite_values_are_refused_with_their_place():
    values = noise(10, 2)
    values[3, 1] = -np.inf
    with pytest.raises(InputError, match="Channel 'c1' of series 'a' is infinite at 1970-01-01T03:00:00"):
        read_table(Parts([stream(values)]))


def test_a_stream_whose_parts_do_not_fit_is_refused():
    with pytest.raises(InputError, match="give values as"):
        Stream("a", np.arange(3), np.zeros((2, 3), np.float32), ("x", "y"), ("", ""), 1)
    with pytest.raises(InputError, match=r"names the channels .'x'. twice"):
        stream(noise(3, 2), channels=("x", "x"))
    with pytest.raises(InputError, match="do not fit"):
        Stream("a", np.arange(3), np.zeros(3, np.float32), ("x",), ("",), 1)


def test_a_table_larger_than_free_memory_goes_to_disk():
    assert choose_placement(free_memory()) == "disk"
    assert choose_placement(1000) in {"host", "device"}
