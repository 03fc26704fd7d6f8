"""Data that `dlkit check` meets as they lie: refused in one sentence, or found out and told."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from PIL import Image

Make = Callable[[Path], Any]
ROWS = 60
MANY = 100  # channels: tests that read these cases set it, for thousands take seconds


def table(rows: int = ROWS, *, split: str = ",", mark: str = ".") -> list[str]:
    """Return the lines of a table with hourly stamps and two channels, one of them a random walk."""
    steps = np.random.default_rng(1).normal(size=rows).cumsum()
    lines = [split.join(["t", "a", "b"])]
    for row, step in enumerate(steps):
        stamp = f"2021-03-{1 + row // 24:02d}T{row % 24:02d}:00"
        lines.append(split.join([stamp, f"{step:.3f}".replace(".", mark), f"{np.sin(row):.3f}".replace(".", mark)]))
    return lines


def put(line: int, cell: int, value: str, split: str = ",") -> list[str]:
    """Return the table with another cell; lines count from 0, the header."""
    lines = table()
    cells = lines[line].split(",")
    cells[cell] = value
    lines[line] = split.join(cells)
    return lines


def text(lines: list[str] | str | bytes, name: str = "bad.csv") -> Make:
    """Return what writes a file."""
    content = (
        lines if isinstance(lines, bytes) else (lines if isinstance(lines, str) else "\n".join(lines) + "\n").encode()
    )
    return lambda folder: (folder / name).write_bytes(content)


def frame(name: str, **columns: Any) -> Make:
    """Return what writes a Parquet file."""
    return lambda folder: pd.DataFrame(columns).to_parquet(folder / name)


def several(*makes: Make) -> Make:
    """Return what writes several files."""
    return lambda folder: [make(folder) for make in makes]


def column(cell: int, value: str) -> list[str]:
    """Return the table with one column of one value."""
    lines = table()
    for row in range(1, len(lines)):
        cells = lines[row].split(",")
        cells[cell] = value
        lines[row] = ",".join(cells)
    return lines


def wide(folder: Path, width: int = MANY + 1) -> None:
    """Write a table of many channels."""
    values = np.random.default_rng(0).normal(size=(30, width)).astype(np.float32)
    frame = pd.DataFrame(values, columns=[f"c{number}" for number in range(width)])
    frame.insert(0, "t", pd.date_range("2021-01-01", periods=30, freq="h"))
    frame.to_parquet(folder / "bad.parquet")


def hidden(folder: Path) -> None:
    """Write a file that may not be read."""
    text(table())(folder)
    (folder / "bad.csv").chmod(0)


def cut_short(folder: Path) -> None:
    """Write the first half of a Parquet file."""
    frame("bad.parquet", t=pd.date_range("2021", periods=500, freq="h"), a=np.arange(500.0))(folder)
    path = folder / "bad.parquet"
    path.write_bytes(path.read_bytes()[:2000])


def unequal(folder: Path) -> None:
    """Write arrays of unequal length."""
    np.savez(folder / "bad.npz", a=np.arange(50.0), b=np.arange(40.0))


def grouped(folder: Path) -> None:
    """Write an HDF5 file with all arrays in a group."""
    with h5py.File(folder / "bad.h5", "w") as file:
        file["run1/a"] = np.arange(50.0)


def pictures(folder: Path) -> None:
    """Write images of two classes, one of which is cut short."""
    random = np.random.default_rng(0)
    for number in range(12):
        place = folder / "images" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(place / f"{number}.png")
    path = folder / "images" / "a" / "0.png"
    path.write_bytes(path.read_bytes()[:200])


def objects(folder: Path) -> None:
    """Write an array of Python objects."""
    np.save(folder / "bad.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def deep(folder: Path) -> None:
    """Write a folder whose files lie one folder further down."""
    (folder / "data" / "run1").mkdir(parents=True)
    text(table(), "data/run1/a.csv")(folder)


def nothing(folder: Path) -> None:
    """Write nothing."""
    (folder / "empty").mkdir()


GARBAGE = np.random.default_rng(0).bytes(3_000)
AS_IT_IS = ["{}/bad.csv"]
T = pd.date_range("2021-01-01", periods=ROWS, freq="h")
WALK = np.random.default_rng(3).normal(size=ROWS).cumsum()

# What cannot be opened at all: exit code 2 and one sentence with these words.
REFUSED: dict[str, tuple[Make, list[str], list[str]]] = {
    "no argument": (nothing, [], ["[Nn]othing to check"]),
    "missing path": (nothing, ["{}/bad.csv"], ["bad.csv", "does not exist"]),
    "near name": (text(table()), ["{}/bed.csv"], ["did you mean 'bad.csv'"]),
    "missing folder": (nothing, ["{}/no/bad.csv"], ["does not exist"]),
    "glob of nothing": (nothing, ["{}/*.csv"], ["matches no file"]),
    "folder of nothing": (nothing, ["{}/empty"], ["no readable file"]),
    "folder of folders": (deep, ["{}/data"], ["no readable file"]),
    "empty file": (text(b""), AS_IT_IS, ["bad.csv", "empty first line"]),
    "header only": (text("t,a,b\n"), AS_IT_IS, ["bad.csv", "no rows"]),
    "no header": (text("1,2\n3,4\n"), AS_IT_IS, ["bad.csv", "column names"]),
    "duplicate headers": (text("t,a,a\n2020-01-01,1,2\n"), AS_IT_IS, ["bad.csv", "'a'", "rename"]),
    "unnamed column": (text("t,a,\n2020-01-01,1,2\n"), AS_IT_IS, ["bad.csv", "without a name"]),
    "binary garbage": (text(GARBAGE), AS_IT_IS, ["bad.csv", "text"]),
    "binary parquet": (text(GARBAGE, "bad.parquet"), ["{}/bad.parquet"], ["bad.parquet", "Parquet"]),
    "half a parquet": (cut_short, ["{}/bad.parquet"], ["bad.parquet", "Parquet"]),
    "binary hdf5": (text(GARBAGE, "bad.h5"), ["{}/bad.h5"], ["bad.h5", "HDF5"]),
    "binary npz": (text(GARBAGE, "bad.npz"), ["{}/bad.npz"], ["bad.npz", "NumPy"]),
    "wrong extension": (text(table(), "bad.parquet"), ["{}/bad.parquet"], ["bad.parquet", "Parquet"]),
    "unknown extension": (text(table(), "bad.xyz"), ["{}/bad.xyz"], ["bad.xyz", "format"]),
    "cut gzip": (
        text(gzip.compress("\n".join(table()).encode())[:200], "bad.csv.gz"),
        ["{}/bad.csv.gz"],
        ["bad.csv.gz"],
    ),
    "only text": (text("t,w\n2020-01-01,N\n2020-01-02,S\n"), AS_IT_IS, ["no column of numbers", "w"]),
    "one image": (text(GARBAGE, "bad.png"), ["{}/bad.png"], ["one image", "folder"]),
    "python objects": (objects, ["{}/bad.npy"], ["bad.npy", "Python|pickle"]),
    "arrays of unequal length": (unequal, ["{}/bad.npz"], ["bad.npz", "unequal length"]),
    "unequal lengths": (unequal, ["{}/bad.npz", "--channels", "[a, b]"], ["unequal length"]),
    "arrays in a group": (grouped, ["{}/bad.h5"], ["bad.h5", "run1"]),
    "unknown setting": (text(table()), [*AS_IT_IS, "--tiem", "t"], ["tiem", "did you mean 'time'"]),
    "wrong time": (text(table()), [*AS_IT_IS, "--time", "tt"], ["'tt'", "did you mean 't'"]),
    "wrong time format": (text(table()), [*AS_IT_IS, "--time_format", "seconds"], ["time_format"]),
    "output is a file": (text(table()), [*AS_IT_IS, "--output", "{}/bad.csv"], ["--output"]),
}

# What can be opened: exit code 0, findings of these kinds, and 1 with --strict where one is an error.
FOUND: dict[str, tuple[Make, list[str], list[str]]] = {
    "clean": (text(table()), AS_IT_IS, []),
    "one row": (text(table(1)), AS_IT_IS, ["one row"]),
    "all missing": (
        text(["t,a,b", *(f"2021-03-01T{hour:02d}:00,," for hour in range(24))]), AS_IT_IS, ["nothing measured"]
    ),
    "a word among numbers": (text(put(7, 1, "ERR")), AS_IT_IS, ["unreadable cells"]),
    "text with a comma": (text(put(7, 1, "a,b")), AS_IT_IS, ["ragged rows"]),
    "short row": (text([*table(), "2021-03-05T00:00,1"]), AS_IT_IS, ["ragged rows"]),
    "nul bytes": (text(put(7, 1, "\0\0")), AS_IT_IS, ["unreadable cells"]),
    "latin-1 below": (text("\n".join(put(7, 1, "\xb0")).encode("latin-1")), AS_IT_IS, ["encoding", "unreadable cells"]),
    "utf-16": (text("\n".join(table()).encode("utf-16")), AS_IT_IS, ["encoding"]),
    "infinite": (text(put(7, 1, "inf")), AS_IT_IS, ["infinite"]),
    "infinite parquet": (
        frame("bad.parquet", t=T, a=np.where(np.arange(ROWS) == 9, np.inf, WALK)), ["{}/bad.parquet"], ["infinite"]
    ),
    "too large": (text(put(7, 1, "1e39")), AS_IT_IS, ["infinite"]),
    "unreadable stamp": (text(put(7, 0, "yesterday")), AS_IT_IS, ["unreadable stamps"]),
    "another time format": (text(table()), [*AS_IT_IS, "--time", "t", "--time_format", "ms"], ["unreadable stamps"]),
    "no stamp": (text(put(7, 0, "")), AS_IT_IS, ["unreadable stamps"]),
    "ancient stamp": (text(put(7, 0, "0021-03-01T07:00")), AS_IT_IS, ["unreadable stamps"]),
    "a row of units": (
        text([table()[0], "[s],[V],[V]", *table()[1:]]), AS_IT_IS, ["unit row"]
    ),
    "no time": (text(["a,b", *(line.split(",", 1)[1] for line in table()[1:])]), AS_IT_IS, ["no stamps"]),
    "two times": (
        text(["t,logged,a", *(f"{line.split(',')[0]},{','.join(line.split(',')[:2])}" for line in table()[1:])]),
        AS_IT_IS, ["several times"],
    ),
    "day and time apart": (
        text(["Date;Time;a", *(f"{line[:10]};{line[11:16]};{line.split(',')[1]}" for line in table()[1:])]),
        AS_IT_IS, ["time in several columns"],
    ),
    "year, month, day": (
        text(["year,month,day,hour,a", *(f"2010,1,{1 + row // 24},{row % 24},{row % 7}.5" for row in range(50))]),
        AS_IT_IS, ["time in several columns"],
    ),
    "day or month": (
        text(["day,a", *(f"{1 + row:02d}/{1 + row:02d}/2021,{row % 7}.5" for row in range(12))]),
        AS_IT_IS, ["ambiguous dates"],
    ),
    "decimal commas": (text(table(split=";", mark=",")), AS_IT_IS, []),
    "both decimal marks": (
        text(["t;a;b;c", *(f"{line.split(',')[0]};1,{row};2.{row};3.{row}" for row, line in enumerate(table()[1:]))]),
        AS_IT_IS, ["mixed decimal marks"],
    ),
    "a decimal comma": (text(put(7, 1, '"1,5"')), AS_IT_IS, ["mixed decimal marks"]),
    "text column": (
        text(["t,a,w", *(f"{line.rsplit(',', 1)[0]},{'NSE'[row % 3]}" for row, line in enumerate(table()[1:]))]),
        AS_IT_IS, ["text column"],
    ),
    "a column of words": (text(column(1, "off")), AS_IT_IS, ["text column"]),
    "lists": (
        frame("bad.parquet", t=T, a=WALK, b=[[1, 2]] * ROWS), ["{}/bad.parquet"], ["other column"]
    ),
    "many channels": (wide, ["{}/bad.parquet"], ["many channels"]),
    "time goes back": (text([*table(), "2021-03-01T05:30,1,2"]), AS_IT_IS, []),
    "a broken file among others": (
        several(text(table(), "a.parquet"), text(table(), "b.csv")), ["{}"], ["unreadable file"],
    ),
    "an empty file among others": (
        several(text(table(), "a.csv"), text("t,a,b\n", "b.csv")), ["{}"], ["empty file|unreadable file"],
    ),
    "other columns": (
        several(text(table(), "a.csv"), text([line.replace("b", "c") for line in table()], "b.csv")), ["{}"],
        ["other columns"],
    ),
    "a broken image": (pictures, ["{}/images"], []),
    "time that runs backwards": (text([table()[0], *table()[:0:-1]]), AS_IT_IS, ["disorder"]),
    "one stamp for all rows": (text(column(0, "2021-03-01T00:00")), AS_IT_IS, ["duplicate stamp"]),
    "a stamp of another century": (text(put(7, 0, "1777-03-01T00:00")), AS_IT_IS, ["disorder", "gap"]),
    "a dead channel": (text(column(1, "7.5")), AS_IT_IS, ["constant"]),
    "a channel told twice": (
        text([f"{line},{'c' if line.startswith('t') else line.split(',')[1]}" for line in table()]), AS_IT_IS,
        ["duplicated channel"],
    ),
    "a sentinel": (text(put(7, 1, "-9999")), AS_IT_IS, ["sentinel"]),
    "everything at once": (
        text([*put(7, 1, "ERR"), "2021-03-05T00:00,1", "never,1,2", "2021-03-05T02:00,inf,2"]), AS_IT_IS,
        ["unreadable cells", "ragged rows", "unreadable stamps", "infinite"],
    ),
}  # fmt: skip


def kinds(folder: Path) -> dict[str, str]:
    """Return the level of each kind of finding in check.json."""
    found = json.loads((folder / "check.json").read_text())["findings"]
    return {one["kind"]: one["level"] for one in reversed(found)}
