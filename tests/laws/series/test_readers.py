# values of a stream, not of pandas
import gzip

import h5py
import numpy as np
import pandas as pd
import pytest

from dlkit.core.discover import discover
from dlkit.data.base import Reader
from dlkit.data.sources.files import Files
from dlkit.data.tabular.files import find_files, reader_for

N = 257
FORMATS = ["t.csv", "t.csv.gz", "t.tsv", "t.txt", "t.parquet", "t.h5", "t.npz", "t.npy"]


def table():
    generator = np.random.default_rng(0)
    times = np.arange(N) * 600 + 1_577_836_800
    a = generator.normal(size=N).round(3)
    a[5] = np.nan
    return pd.DataFrame({"seconds": times, "a": a, "b b": np.arange(N)})


def write(frame, path):
    name = path.name
    if name.endswith((".csv", ".csv.gz")):
        frame.to_csv(path, index=False)
    elif name.endswith(".tsv"):
        frame.to_csv(path, index=False, sep="\t")
    elif name.endswith(".txt"):
        frame.to_csv(path, index=False, sep=";")
    elif name.endswith(".parquet"):
        frame.to_parquet(path, row_group_size=50)
    elif name.endswith(".npz"):
        np.savez(path, **{column: frame[column].to_numpy() for column in frame})
    elif name.endswith(".npy"):
        np.save(path, frame.to_records(index=False))
    else:
        with h5py.File(path, "w") as file:
            for column in frame:
                file[column] = frame[column].to_numpy()
    return path


def read(path, **settings):
    source = Files(path=str(path), **({"time": "seconds", "time_format": "s"} | settings))
    streams = list(source.chunks())
    assert [stream.continues for stream in streams] == [False] + [True] * (len(streams) - 1)
    for stream in streams:
        assert stream.values.dtype == np.float32
        assert stream.values.flags.c_contiguous
        assert stream.times.dtype == np.int64
    return (
        np.concatenate([stream.times for stream in streams]),
        np.concatenate([stream.values for stream in streams]),
        sorted(streams[0].channels),
        streams[0].step,
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rows", [1000, 7])
def test_every_format_and_chunk_size_gives_the_same_stream(tmp_path, name, rows):
    frame = table()
    times, values, channels, step = read(write(frame, tmp_path / name), channels=["a", "b b"], rows_per_chunk=rows)
    np.testing.assert_array_equal(times, frame["seconds"].to_numpy() * 10**9)
    np.testing.assert_array_equal(values, frame[["a", "b b"]].to_numpy(dtype=np.float32))
    assert (channels, step) == (["a", "b b"], 600 * 10**9)


@pytest.mark.parametrize("name", FORMATS)
def test_chunks_are_never_longer_than_asked_and_hold_every_row_once(tmp_path, name):
    path = write(table(), tmp_path / name)
    frames = list(reader_for(path).chunks(path, ["b b"], 10))
    assert max(map(len, frames)) <= 10
    assert pd.concat(frames)["b b"].astype(int).tolist() == list(range(N))


def test_every_reader_has_its_own_suffixes():
    suffixes = [suffix for reader in discover("dlkit.data.readers", Reader) for suffix in reader.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert {".csv", ".parquet", ".h5", ".npz"} <= set(suffixes)


@pytest.mark.parametrize("name", ["x.npz", "x.h5"])
def test_two_dimensional_arrays_become_numbered_columns(tmp_path, name):
    arrays = {"x": np.arange(6.0).reshape(3, 2), "t": np.arange(3)}
    path = tmp_path / name
    if name.endswith(".npz"):
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                file[key] = array
    assert sorted(reader_for(path).columns(path)) == ["t", "x_0", "x_1"]
    frame = next(reader_for(path).chunks(path, ["t", "x_1"], 10))
    assert frame["x_1"].tolist() == [1, 3, 5]


def test_a_group_of_an_hdf5_file_is_a_table(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["run/one/a"] = np.arange(4.0)
        file["run/two/b"] = np.arange(3.0)
    (stream,) = Files(path=str(tmp_path / "x.h5"), group="run/one", step=1).chunks()
    assert (stream.channels, stream.values.ravel().tolist()) == (("a",), [0, 1, 2, 3])


def test_arrays_of_other_lengths_do_no_harm_when_channels_are_named(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.arange(4.0), b=np.arange(9.0))
    (stream,) = Files(path=str(tmp_path / "x.npz"), channels=["a"], step=1).chunks()
    assert len(stream.times) == 4


def test_a_byte_order_mark_and_quoted_names_are_read(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbf"a, left", b\r\n 1.5 , 2\r\n-3,+4\r\n')
    (stream,) = Files(path=str(tmp_path / "x.csv"), step=1).chunks()
    assert stream.channels == ("a, left", "b")
    assert stream.values.tolist() == [[1.5, 2], [-3, 4]]


def test_decimal_commas_and_semicolons_give_what_points_and_commas_give(tmp_path):
    frame = table().assign(seconds=lambda t: t["seconds"] + 0.25, word="1,5 bar")
    frame.to_csv(tmp_path / "point.csv", index=False)
    frame.rename(columns={"b b": "b, b"}).to_csv(tmp_path / "comma.csv", index=False, sep=";", decimal=",")
    assert ";0,126;" in (tmp_path / "comma.csv").read_text()
    english = read(tmp_path / "point.csv", missing_values=[-0.132], irregular="keep")
    european = read(tmp_path / "comma.csv", missing_values=[-0.132], irregular="keep", decimal=",")
    for one, other in zip(english[:2], european[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.isnan(english[1][:, 0]).sum() == 2
    assert european[2:] == (["a", "b, b"], english[3])


@pytest.mark.parametrize(
    ("cell", "value"), [("1,5", 1.5), ("-0,001", -0.001), ("2", 2), ("1,5E-03", 0.0015), ("", None)]
)
def test_a_number_with_a_decimal_comma_is_read(tmp_path, cell, value):
    (tmp_path / "x.csv").write_text(f"t;a\n31.12.2020 00:00;{cell}\n01.01.2021 00:00;1,0\n")
    source = Files(path=str(tmp_path / "x.csv"), time="t", time_format="%d.%m.%Y %H:%M", decimal=",")
    (stream,) = source.chunks()
    np.testing.assert_array_equal(stream.values[:, 0], np.array([np.nan if value is None else value, 1], np.float32))


def test_a_folder_a_glob_and_a_list_find_the_same_files(tmp_path):
    names = ["a.csv", "b.csv.gz", "c.parquet"]
    for name in names:
        write(table(), tmp_path / name)
    (tmp_path / "notes.md").write_text("no table")
    (tmp_path / ".hidden.csv").write_text("no table")
    folder = find_files(str(tmp_path))
    assert [file.name for file in folder] == names
    assert find_files(str(tmp_path / "*.[cp]*")) == folder == find_files([str(file) for file in folder])


def test_a_stored_pandas_index_can_be_the_time_column(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.date_range("2020", periods=2, freq="h", name="date"))
    frame.to_parquet(tmp_path / "x.parquet")
    (stream,) = Files(path=str(tmp_path / "x.parquet"), time="date").chunks()
    assert stream.channels == ("a",)


def test_a_large_compressed_file_is_read_across_blocks(tmp_path):
    with gzip.open(tmp_path / "x.csv.gz", "wt") as file:
        file.write("a,b\n" + "".join(f"{i},{'9' * 60}\n" for i in range(100_000)))
    values = [stream.values for stream in Files(path=str(tmp_path / "x.csv.gz"), channels=["a"], step=1).chunks()]
    np.testing.assert_array_equal(np.concatenate(values)[:, 0], np.arange(100_000))
