"""A run of many sensors and a camera, from the simulated beam line to tables, figures and predictions on one clock."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlkit.commands import run as command
from dlkit.core.checks import InputError
from dlkit.data.simulators.beamline_clocks import START
from dlkit.data.simulators.beamline_run import simulate
from dlkit.train import stages
from dlkit.train.evaluation import single_sources

EXPERIMENT = Path(__file__).parents[1] / "configs" / "experiment" / "beamline_fusion.yaml"
SOURCES = ("magnets", "bpms", "temperatures", "camera")
SECONDS = 150.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The run folder of a short run, and what the run said."""
    place = tmp_path_factory.mktemp("beamline")
    config = place / "short.yaml"
    text = EXPERIMENT.read_text().replace("duration: 1800", f"duration: {SECONDS}")
    config.write_text(text.replace("look_back: 36s", "look_back: 12s").replace("stride: 20", "stride: 8"))
    quick = ["--trainer.max_epochs", "4", "--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dlkit"])
        command.main([str(config), *quick, "--runs", str(place)])
    return place / "beamline_fusion-001"


def test_clocks_are_brought_together_by_what_two_of_them_saw(folder):
    timings = json.loads((folder / "data.json").read_text())["fitted"]["timings"]
    for name, one in simulate(SECONDS, "medium", 0).clocks.items():
        if name in SOURCES:
            assert timings[name]["offset"] == pytest.approx(one.offset, abs=0.02)
            assert timings[name]["drift"] == pytest.approx(one.drift, abs=100)
    assert (folder / "sync.json").exists()


def test_all_sources_together_beat_each_alone(folder):
    found = json.loads((folder / "metrics.json").read_text())["single_sources"]
    assert list(found) == ["all sources", *(f"{name} alone" for name in SOURCES)]
    together = found.pop("all sources")
    assert together["R2"] > max(one["R2"] for one in found.values())
    assert "camera alone" in (folder / "summary.txt").read_text()


def test_predictions_have_the_time_that_they_are_for_on_the_clock_and_the_truth_of_that_time(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    own = ["series", "time", "target", "unit", "prediction", "lower", "upper", "truth"]
    sure = ["level", "uncertainty_total", "uncertainty_aleatoric", "uncertainty_epistemic", "distance", "flag"]
    assert list(table) == own + sure
    assert set(table["target"]) == {"target.x", "target.y"}
    assert set(table["unit"]) == {"mm"}
    x = table[table["target"] == "target.x"]
    seconds = (x["time"].astype("datetime64[ns]").astype(np.int64).to_numpy() - START) / 1e9
    assert (np.diff(seconds) > 0).all()
    assert seconds.min() > 0.75 * SECONDS
    beam, truth = simulate(SECONDS, "medium", 0).beam, x["truth"].to_numpy()

    def miss(late):
        return np.nanmedian(np.abs(beam.target(seconds - late)[:, 0] - truth))

    assert miss(0.0085) < 0.05  # noise of 0.02 mm; the last sample is 7 to 10 ms old
    assert min(miss(0.05), miss(-0.05)) > 5 * miss(0.0085)


def test_every_figure_is_drawn(folder):
    drawn = {path.name for path in (folder / "figures").glob("*.png")}
    assert {"time_beamline.png", "values_target.x.png", "values_target.y.png", "sync.png"} <= drawn
    assert any((folder / "explain").iterdir())


def test_a_run_is_validated_and_tested_again_from_its_folder(folder, monkeypatch):
    monkeypatch.setattr("sys.argv", ["dlkit"])
    cli, _ = stages.load([str(folder)])
    before = json.loads((folder / "metrics.json").read_text())["test"]["physical"]["overall"]["mae"]
    assert "val/loss" in stages.validate(cli)
    stages.test(cli, None)
    after = float(cli.model.test_scores.physical.compute()["mae"])
    assert after == pytest.approx(before, rel=1e-4)


def test_a_test_anew_keeps_the_table_of_single_sources(folder, monkeypatch):
    monkeypatch.setattr("sys.argv", ["dlkit"])
    before = (folder / "summary.txt").read_text()
    cli, run = stages.load([str(folder)])
    stages.test(cli, run)
    after = (folder / "summary.txt").read_text()
    beside = before[before.index("\n\n") :]
    assert "camera alone" in beside
    assert after.endswith(beside)
    assert after.count("camera alone") == 1


def test_alone_is_true_or_false():
    assert single_sources.asked_for(["a.yaml"]) == (["a.yaml"], True)
    assert single_sources.asked_for(["a.yaml", "--alone", "false", "--name", "b"]) == (["a.yaml", "--name", "b"], False)
    with pytest.raises(InputError, match="--alone"):
        single_sources.asked_for(["a.yaml", "--alone"])
