"""Each way in which a file or its settings can be wrong ends in one sentence that names the file or the setting."""

import gzip
import re

import h5py
import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.sources.files import Files

GOOD = "t,a,w\n2020-01-01T00:00,1,N\n2020-01-01T01:00,2,S\n2020-01-01T02:00,3,N\n"


def text(content, name="bad.csv"):
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def stamps(*values):
    return text("t,a\n" + "".join(f"{value},1\n" for value in values))


def garbage(name):
    return text(np.random.default_rng(0).bytes(3_000), name)


def nothing(folder):
    return None


def truncated(name, write):
    def make(folder):
        write(folder / name)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) * 2 // 3])

    return make


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[key] = array


FRAME = pd.DataFrame({"a": np.random.default_rng(0).normal(size=5_000)})
NOISE = np.random.default_rng(0).normal(size=5_000)
NO_TIME = {"time": None, "step": 1}

CASES = {
    "missing file": (nothing, {"path": "{}/bed.csv"}, ["bed.csv", "path"]),
    "near name": (text(GOOD), {"path": "{}/bed.csv"}, ["did you mean 'bad.csv'"]),
    "no such part of a stamp": (text(GOOD), {"time": ["day", "t"]}, ["no column 'day'", "mend `time`"]),
    "a part of a stamp twice": (text(GOOD), {"time": ["t", "t"]}, ["names a column twice"]),
    "no part of a stamp": (text(GOOD), {"time": []}, ["names no column"]),
    "parts of a stamp in seconds": (text(GOOD), {"time": ["t", "a"], "time_format": "s"}, ["2 columns", "'s ns'"]),
    "seconds and their rest in one": (text(GOOD), {"time_format": "s ns"}, ["name both in `time`"]),
    "parts of a stamp that are none": (text(GOOD), {"time": ["t", "w"]}, ["bad.csv, row 1", "'t w'", "time_format"]),
    "a stamp beside its parts": (
        text("d,c,d c,a\n2020-01-01,00:00,2020-01-01T00:00,1\n"),
        {"time": ["d", "c"]},
        ["'d c' already", "`time`"],
    ),
    "half of a stamp is missing": (
        text("d,c,a\n2020-01-01,00:00,1\n2020-01-01,,2\n"),
        {"time": ["d", "c"]},
        ["bad.csv, row 2", "missing"],
    ),
    "missing folder": (nothing, {"path": "{}/no/bad.csv"}, ["path", "folder"]),
    "empty glob": (nothing, {"path": "{}/*.csv"}, ["path", "glob"]),
    "empty list": (nothing, {"path": []}, ["path"]),
    "empty folder": (nothing, {"path": "{}"}, ["no readable file", "path"]),
    "unknown format": (text(GOOD, "bad.xyz"), {"path": "{}/bad.xyz"}, ["bad.xyz", ".parquet"]),
    "empty file": (text(""), {}, ["bad.csv"]),
    "header only": (text("t,a\n"), {}, ["bad.csv", "no rows"]),
    "empty first line": (text("\n" + GOOD), {}, ["bad.csv", "column names"]),
    "no header": (text("1,2\n3,4\n"), {}, ["bad.csv", "column names"]),
    "unnamed column": (text("t,a,\n2020-01-01,1,\n"), {}, ["bad.csv", "name every column"]),
    "short row": (text(GOOD + "2020-01-01T03:00,4\n"), {}, ["bad.csv, row 4", "2 cells under 3"]),
    "long row": (text(GOOD + "2020-01-01T03:00,4,N,5\n"), {}, ["bad.csv, row 4", "4 cells under 3"]),
    "duplicate columns": (text("t,a,a\n2020-01-01,1,2\n"), {}, ["bad.csv", "'a'"]),
    "binary csv": (garbage("bad.csv"), {}, ["bad.csv", "path"]),
    "other encoding": (text("t,a\u00b0\n2020-01-01,1\n".encode("latin-1")), {}, ["bad.csv", "UTF-8"]),
    "other encoding below": (text(GOOD.encode() + b"2020-01-01T03:00,4,\xb0\n"), {}, ["bad.csv", "UTF-?8"]),
    "utf-16": (text(GOOD.encode("utf-16")), {}, ["bad.csv", "UTF-8"]),
    "no gzip": (text(GOOD, "bad.csv.gz"), {"path": "{}/bad.csv.gz"}, ["bad.csv.gz", "path"]),
    "cut gzip": (text(gzip.compress(GOOD.encode())[:-12], "bad.csv.gz"), {"path": "{}/bad.csv.gz"}, ["bad.csv.gz"]),
    "text in numbers": (
        text(GOOD + "2020-01-01T03:00,oops,N\n"),
        {},
        ["bad.csv, row 4, column 'a'", "oops", "missing_values"],
    ),
    "decimal comma": (
        text('t;a\n2020-01-01;"1"\n2020-01-02;2\n2020-01-03;1,5\n'),
        {},
        ["row 3", "'1,5'", "`decimal: '.'`", "set it to ','"],
    ),
    "decimal commas only": (text("t;a;b\n2020-01-01;1,5;1\n"), {}, ["'a'", "set `decimal: ','`", "channels"]),
    "decimal commas in a glob": (text("t;a;b\n2020-01-01;1,5;1\n"), {"channels": ["*"]}, ["set `decimal: ','`"]),
    "decimal point": (text("t;a;b\n2020-01-01;1.5;1\n"), {"decimal": ","}, ["'a'", r"set `decimal: '\.'`"]),
    "point among decimal commas": (
        text("t;a\n2020-01-01;1,5\n2020-01-02;2,5\n2020-01-03;3.5\n"),
        {"decimal": ","},
        ["bad.csv, row 3", "'3.5'", "set it to '.'"],
    ),
    "points between thousands": (
        text("t;a\n2020-01-01;1,5\n2020-01-02;2,5\n2020-01-03;1.003,5\n"),
        {"decimal": ","},
        ["bad.csv, row 3", r"'1\.003,5'", "thousands"],
    ),
    "stamp with a comma": (stamps('"0,5"', '"1,0"'), {}, ["row 1", "`time_format`"]),
    "infinite": (text("t,a\n2020-01-01,1\n2020-01-02,inf\n"), {}, ["bad.csv, row 2", "finite"]),
    "too large": (text("t,a\n2020-01-01,1\n2020-01-02,1e39\n"), {}, ["bad.csv, row 2", "finite"]),
    "wrong time": (text(GOOD), {"time": "tt"}, ["bad.csv", "`time`", "did you mean 't'"]),
    "wrong channel": (text(GOOD), {"channels": ["aa"]}, ["`channels`", "did you mean 'a'"]),
    "time as channel": (text(GOOD), {"channels": ["t"]}, ["`channels`"]),
    "wrong series": (text(GOOD), {"series": "station"}, ["`series`"]),
    "wrong static": (text(GOOD), {"static": ["lat"]}, ["`static`"]),
    "two roles": (text(GOOD), {"static": ["t"]}, ["two roles"]),
    "wrong unit": (text(GOOD), {"units": {"b": "V"}}, ["`units`", "'b'"]),
    "wrong category": (text(GOOD), {"categories": {"v": "onehot"}}, ["`categories`", "'w'|there is"]),
    "text without categories": (text(GOOD), {"channels": ["w"]}, ["'w' is text", "`categories"]),
    "idle category": (text(GOOD), {"channels": ["a"], "categories": {"w": "onehot"}}, ["`categories`", "`channels`"]),
    "unseen category": (
        text(GOOD),
        {"categories": {"w": "ordinal"}, "category_values": {"w": ["N"]}},
        ["row 2, column 'w'", "'S'"],
    ),
    "only text": (text("t,w\n2020-01-01,N\n"), {}, ["bad.csv", "`channels`"]),
    "static varies": (
        text(GOOD),
        {"static": ["a"], "channels": ["w"], "categories": {"w": "ordinal"}},
        ["row 2", "`static`"],
    ),
    "static text": (text(GOOD), {"static": ["w"]}, ["'w' is text", "categories"]),
    "series without name": (text(GOOD + "2020-01-01T03:00,4,\n"), {"series": "w"}, ["row 4", "`series`"]),
    "both series": (text(GOOD), {"series": "w", "series_from": "file"}, ["`series`", "`series_from`"]),
    "no stamp": (stamps("2020-01-01", ""), {}, ["bad.csv, row 2, column 't'", "missing"]),
    "unreadable stamp": (stamps("2020-01-01", "yesterday"), {}, ["bad.csv, row 2", "'yesterday'", "time_format"]),
    "impossible date": (stamps("2020-01-01", "2020-02-30"), {}, ["row 2", "2020-02-30"]),
    "ancient date": (stamps("2020-01-01", "0020-01-01"), {}, ["row 2", "1678"]),
    "bare numbers": (stamps("1577836800", "1577836860"), {}, ["row 1", "`time_format`", "'ms'"]),
    "too large unit": (stamps("1577836800000", "1577836860000"), {"time_format": "s"}, ["row 1", "time_format"]),
    "dates as numbers": (stamps("2020-01-01", "2020-01-02"), {"time_format": "s"}, ["row 1", "time_format"]),
    "wrong pattern": (stamps("2020-01-01"), {"time_format": "%d.%m.%Y"}, ["row 1", "time_format"]),
    "unknown time format": (text(GOOD), {"time_format": "seconds"}, ["`time_format"]),
    "unknown zone": (text(GOOD), {"time_zone": "Europe/Berln"}, ["`time_zone", "Europe/Berlin"]),
    "zone a day off": (text(GOOD), {"time_zone": "+99:00"}, ["`time_zone"]),
    "time goes back": (
        stamps("2020-01-02", "2020-01-03", "2020-01-01"),
        {},
        ["row 3", "2020-01-01T00:00:00Z", "`disorder"],
    ),
    "stamp twice": (
        stamps("2020-01-02", "2020-01-03", "2020-01-03"),
        {},
        ["row 3", "2020-01-03T00:00:00Z", "`duplicates`"],
    ),
    "gap": (stamps("2020-01-02", "2020-01-03", "2020-01-05"), {}, ["row 3", "2020-01-05T00:00:00Z", "2d", "`gaps`"]),
    "gap of a guessed step": (
        stamps("2020-01-02", "2020-01-03", "2020-01-05"),
        {},
        [r"the step is 1d \(guessed: the median of the stamps; `step` sets another\); set `gaps`"],
    ),
    "gap of a given step": (
        stamps("2020-01-02", "2020-01-03", "2020-01-05"),
        {"step": "1d"},
        ["the step is 1d; set `gaps`"],
    ),
    "series side by side": (
        text("t,a,s\n2020-01-01,1,x\n2020-01-01,2,y\n2020-01-02,3,x\n2020-01-02,4,y\n"),
        {},
        ["row 2", "`duplicates`", "or `series` to the column that names the series if there are several"],
    ),
    "series below each other": (
        text("t,a,s\n2020-01-01,1,x\n2020-01-02,2,x\n2020-01-01,3,y\n2020-01-02,4,y\n"),
        {},
        ["row 3", "`disorder`", "or `series` to the column"],
    ),
    "stamp twice in a named series": (
        text("t,a,s\n2020-01-01,1,x\n2020-01-02,2,x\n2020-01-02,3,x\n"),
        {"series": "s"},
        ["row 3", "'mean' or 'keep'\\.$"],
    ),
    "stamp twice in a series of its own file": (
        stamps("2020-01-01", "2020-01-02", "2020-01-02"),
        {"series_from": "file"},
        ["row 3", "'mean' or 'keep'\\.$"],
    ),
    "off the grid": (
        stamps("2020-01-02T00", "2020-01-02T01", "2020-01-02T02", "2020-01-02T03:20"),
        {},
        ["row 4", "`irregular`", "guessed"],
    ),
    "one stamp": (stamps("2020-01-01"), {}, ["bad.csv", "`step`"]),
    "wrong step": (text(GOOD), {"step": "soon"}, ["`step: soon`"]),
    "negative step": (text(GOOD), {"step": "-1h"}, ["`step: -1h`"]),
    "no time at all": (text(GOOD), {"time": None}, ["`time`", "`step`"]),
    "wrong tolerance": (text(GOOD), {"tolerance": 0.7}, ["`tolerance"]),
    "no rows a chunk": (text(GOOD), {"rows_per_chunk": 0}, ["`rows_per_chunk"]),
    "group in csv": (text(GOOD), {"group": "run"}, ["bad.csv", "`group"]),
    "garbage parquet": (garbage("b.parquet"), {"path": "{}/b.parquet", **NO_TIME}, ["b.parquet", "Parquet"]),
    "garbage hdf5": (garbage("b.h5"), {"path": "{}/b.h5", **NO_TIME}, ["b.h5", "HDF5"]),
    "garbage npz": (garbage("b.npz"), {"path": "{}/b.npz", **NO_TIME}, ["b.npz", "NumPy"]),
    "garbage npy": (garbage("b.npy"), {"path": "{}/b.npy", **NO_TIME}, ["b.npy", "NumPy"]),
    "cut parquet": (truncated("b.parquet", FRAME.to_parquet), {"path": "{}/b.parquet", **NO_TIME}, ["b.parquet"]),
    "cut hdf5": (truncated("b.h5", lambda p: hdf5(p, a=NOISE)), {"path": "{}/b.h5", **NO_TIME}, ["b.h5"]),
    "cut npz": (truncated("b.npz", lambda p: np.savez(p, a=NOISE)), {"path": "{}/b.npz", **NO_TIME}, ["b.npz"]),
    "cut npy": (truncated("b.npy", lambda p: np.save(p, NOISE)), {"path": "{}/b.npy", **NO_TIME}, ["b.npy"]),
    "pickled npy": (
        lambda folder: np.save(folder / "b.npy", np.array([{}], dtype=object), allow_pickle=True),
        {"path": "{}/b.npy", **NO_TIME},
        ["b.npy"],
    ),
    "unequal arrays": (
        lambda folder: np.savez(folder / "b.npz", a=np.zeros(3), b=np.zeros(4)),
        {"path": "{}/b.npz", **NO_TIME},
        ["b.npz", "a: 3", "b: 4"],
    ),
    "wrong group": (
        lambda folder: hdf5(folder / "b.h5", **{"run/a": np.zeros(3)}),
        {"path": "{}/b.h5", "group": "ran", **NO_TIME},
        ["b.h5", "`group`", "did you mean 'run'"],
    ),
    "nothing at the root": (
        lambda folder: hdf5(folder / "b.h5", **{"run/a": np.zeros(3)}),
        {"path": "{}/b.h5", **NO_TIME},
        ["b.h5", "`group`", "run"],
    ),
    "missing stamp in parquet": (
        lambda folder: pd.DataFrame({"t": pd.to_datetime(["2020", None]), "a": [1, 2]}).to_parquet(
            folder / "b.parquet"
        ),
        {"path": "{}/b.parquet"},
        ["b.parquet, row 2, column 't'"],
    ),
    "files with other columns": (
        lambda folder: [
            (folder / f"{name}.csv").write_text(f"t,{name}\n2020-01-01,1\n2020-01-02,1\n") for name in "ab"
        ],
        {"path": "{}"},
        ["b.csv", "'a'"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_or_setting_is_refused_in_one_sentence_that_names_it(tmp_path, case):
    make, settings, patterns = CASES[case]
    make(tmp_path)
    settings = {"path": "{}/bad.csv", "time": "t"} | settings
    if isinstance(settings["path"], str):
        settings["path"] = settings["path"].format(tmp_path)
    with pytest.raises(InputError) as error:
        list(Files(**settings).chunks())
    message = str(error.value)
    assert all(re.search(pattern, message) for pattern in patterns), message
    assert message[-1] in ".?", message
    assert "\n" not in message
    assert not re.search(r"[.?!] +[A-Z]", message), message
    assert len(message) < 400, message
