"""Configs whose data are not the right ones: `dlkit check` says so, and only strictly refuses them."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main

ROWS = 600
WINDOWS = {"targets": ["a"], "look_back": 6, "look_forward": 2}
SPLITS = "dlkit.data.sample_splits."


def table(change):
    """Return what writes a config of three noisy channels after a change."""

    def write(folder):
        values = np.random.default_rng(0).normal(10, 1, (ROWS, 3))
        change(values)
        frame = pd.DataFrame(values, columns=["a", "b", "c"])
        frame.assign(t=pd.date_range("2021-03-01", periods=ROWS, freq="h")).to_parquet(folder / "d.parquet")
        source = {"path": str(folder / "d.parquet"), "time": "t"}
        return "datamodules.TimeSeriesDataModule", "files.Files", source, WINDOWS

    return write


def samples(change, **split):
    """Return what writes a config of 200 traces of two classes after a change of values, labels and groups."""

    def write(folder):
        random = np.random.default_rng(0)
        parts = {"x": random.normal(size=(200, 1, 20)).astype(np.float32), "y": np.arange(200) % 2,
                 "g": np.arange(200) // 10}  # fmt: skip
        change(parts)
        np.savez(folder / "d.npz", **parts)
        source = {"path": str(folder / "d.npz"), "inputs": "x", "labels": "y", "groups": "g"}
        return "sample_modules.TraceDataModule", "sample_arrays.SampleArrays", source, split

    return write


def constant(values):
    values[:, 0] = 3.0


def constant_later(values):
    values[480:, 0] = 3.0


def shifted(values):
    values[:-2, 1] = values[2:, 0]


def copied(values):
    values[490:590] = values[20:120]


def moved(values):
    values[430:, 2] += 9


def fahrenheit(values):
    values[400:, 1] = 1.8 * values[400:, 1] + 32


def repeated(parts):
    parts["x"][100:] = parts["x"][:100]


def marked(parts):
    parts["x"][:, 0, 3] = 5 * parts["y"]


GROUPED = {"split": {"class_path": SPLITS + "Grouped"}}
FOUND = {
    "a target that never varies": (table(constant), "constant target", "error"),
    "a target that does not vary in test": (table(constant_later), "constant target", "warning"),
    "an input that is the target of later": (table(shifted), "too good to be true", "error"),
    "rows of train that test again": (table(copied), "rows in two roles", "error"),
    "a channel that test has elsewhere": (table(moved), "extrapolation", "warning"),
    "a channel in another unit from one day on": (table(fahrenheit), "unit change", "warning"),
    "groups in two roles": (samples(lambda _: None), "groups in two roles", "warning"),
    "a value that tells the class": (samples(marked, **GROUPED), "too good to be true", "warning"),
    "traces of train that test again": (samples(repeated, split={"class_path": SPLITS + "Stratified"}),
                                        "samples in two roles", "error"),
    "clean windows": (table(lambda _: None), "", ""),
    "clean traces": (samples(lambda _: None, **GROUPED), "", ""),
}  # fmt: skip


def check(make, folder, *more):
    """Write a config and check it; return the exit code and the level of each kind of finding."""
    module, source, arguments, settings = make(folder)
    found = {"source": {"class_path": f"dlkit.data.sources.{source}", "init_args": arguments}, **settings}
    (folder / "d.yaml").write_text(yaml.safe_dump({"class_path": f"dlkit.data.{module}", "init_args": found}))
    code = main(["check", str(folder / "d.yaml"), "--quick", "--output", str(folder / "out"), *more])
    known = json.loads((folder / "out" / "check.json").read_text())["findings"]
    return code, {one["kind"]: one["level"] for one in reversed(known)}  # the worst of each kind


@pytest.mark.parametrize("name", FOUND)
def test_data_that_are_not_the_right_ones_are_told(name, tmp_path, capsys):
    make, kind, level = FOUND[name]
    code, found = check(make, tmp_path, "--strict")
    assert (not kind and "warning" not in found.values()) or found[kind] == level, found
    assert code == int("error" in found.values()), capsys.readouterr().out
