"""`dlkit certify RUN`: radii of test samples in files that say what they mean."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.train import stages
from dlkit.train.confidence import progress
from dlkit.train.confidence.certifying import noisy_values
from tests.bad_inputs.sample_jobs import job, module

COUNT, STEPS = 60, 16


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run on traces of two classes and unequal lengths, some values missing."""
    folder = tmp_path_factory.mktemp("certify")
    random, classes = np.random.default_rng(0), np.arange(COUNT) % 2
    values = random.normal(size=(COUNT, 2, STEPS)).astype(np.float32)
    values[:, 0] += 4 * classes[:, None]
    values[:, 1] = 100 + 50 * values[:, 1]
    values[::4, :, 12:] = np.nan
    values[1::5, 1, 3] = np.nan
    np.savez(folder / "traces.npz", X=values, y=classes)
    data = module("TraceDataModule", "sample_arrays.SampleArrays", path=f"{folder}/traces.npz",
                  channels=["current", "pressure"], units={"current": "A", "pressure": "Pa"})  # fmt: skip
    job(folder, "traces", data, "cnn.CNN", width=4)
    settings = yaml.safe_load((folder / "traces.yaml").read_text())
    settings["trainer"]["max_epochs"] = 10
    settings["model"]["init_args"]["optimizer"] = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}
    (folder / "traces.yaml").write_text(yaml.safe_dump(settings))
    assert main(["fit", str(folder / "traces.yaml")]) == 0
    return folder / "runs" / "traces-001"


def test_radii_are_written_with_their_curve_and_told(run, capsys):
    assert main(["certify", str(run), "--sigma", "0.5", "--draws", "200"]) == 0
    told = capsys.readouterr().out
    assert "12 test samples, noise of 0.5 standard deviations, 200 draws each" in told
    assert f"robustness: {run / 'robustness'}" in told
    table = pd.read_parquet(run / "robustness" / "certified.parquet")
    summary = read_json(run / "robustness" / "summary.json")
    assert len(table) == summary["samples"] == 12
    assert list(table.columns) == [
        "sample", "truth", "prediction", "smoothed", "share", "radius", "radius_current", "radius_pressure",
    ]  # fmt: skip
    certain = table.smoothed.notna()
    assert certain.any()
    assert (table.radius[~certain] == 0).all()
    assert (table.share[certain] > 0.5).all()
    accuracy = np.array(summary["curve"]["accuracy"])
    radius = np.array(summary["curve"]["radius"])
    expected = [((table.smoothed == table.truth) & (table.radius >= r)).mean() for r in radius]
    np.testing.assert_allclose(accuracy, expected)
    assert (np.diff(accuracy) <= 0).all()
    assert summary["plain_accuracy"] == (table.prediction == table.truth).mean()
    assert (run / "robustness" / "radius.png").stat().st_size > 10_000


def test_physical_radii_are_those_of_the_scaling(run):
    assert main(["certify", str(run), "--draws", "50", "--samples", "5"]) == 0
    cli, _ = stages.load([str(run)])
    scale = cli.model.scaling.scale
    table = pd.read_parquet(run / "robustness" / "certified.parquet")
    assert len(table) == 5
    for k, name in enumerate(("current", "pressure")):
        np.testing.assert_allclose(table[f"radius_{name}"], table.radius * float(scale[k]), rtol=1e-6)
    channel = read_json(run / "robustness" / "summary.json")["channels"]["pressure"]
    assert channel["unit"] == "Pa"
    assert channel["sigma"] == pytest.approx(0.25 * float(scale[1]), rel=1e-6)
    assert channel["each_value"] == pytest.approx(channel["median_radius"] / 4, rel=0.2)  # 16 values, some missing


def test_noise_goes_where_something_was_measured(run):
    cli, _ = stages.load([str(run)])
    task, data = cli.model.eval(), cli.datamodule
    batch = data.pick_batch("train", 40)
    noisy = noisy_values(task, batch)
    helpers = task.spec.masks + int(task.spec.padded)
    assert helpers > 0
    assert not noisy[:, -helpers:].any()
    samples = torch.from_numpy(data.prepared.samples.values[batch.start.numpy()])
    assert torch.equal(noisy[:, :2], ~samples.isnan())


def test_the_same_seed_gives_the_same_radii(run):
    tables = []
    for seed in ("3", "3", "4"):
        assert main(["certify", str(run), "--draws", "50", "--sigma", "3", "--seed", seed]) == 0
        tables.append(pd.read_parquet(run / "robustness" / "certified.parquet"))
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0].equals(tables[2])


@pytest.mark.parametrize("shows", [True, False])
def test_the_time_that_is_left_is_that_of_the_copies_that_are_left(shows, monkeypatch, capsys):
    """A machine of 50 copies a second; the lines of a log come ever less often."""
    clock = iter(range(2001))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    told = progress.Progress(100_000, shows=shows)
    for _ in range(2000):
        told.add(50)
    said = [line for line in capsys.readouterr().err.replace("\r", "\n").split("\n") if line]
    assert said[0].startswith("certify: 50 of" if shows else "certify: 500 of")
    assert len(said) == (1999 if shows else 8)
    assert "certify: 1,000 of 100,000 noisy copies, 1 %, about 33 min 00 s left" in "".join(said)


def test_every_noisy_copy_is_counted_and_told(run, monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST", 0.0)
    assert main(["certify", str(run), "--draws", "200", "--samples", "5"]) == 0
    assert "of 1,100 noisy copies" in capsys.readouterr().err  # 5 samples, 20 and 200 draws
