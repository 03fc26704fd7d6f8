"""`dlkit crossval` from a YAML file to metrics, predictions and figures; what was stopped goes on."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.runfolder import read_json
from dlkit.submit.spread import Local, Spread
from tests.bad_inputs.corpus import text, tiny

ROWS = 240


@pytest.fixture(autouse=True)
def no_arguments_of_pytest(monkeypatch):
    """Lightning warns when the command line of the process is another than the one it is given."""
    monkeypatch.setattr("sys.argv", ["dlkit"])


@pytest.fixture
def ran(monkeypatch):
    """Run the folds in this process, at most as many as ``ran.most`` says; return their command lines."""
    commands = []

    class Ran:
        most = 99

    def spread(tasks, where, *, folder, gather=None):
        assert isinstance(where, Local)
        assert gather.argv == ["crossval", str(folder.absolute()), "--gather"]
        for task in tasks[: Ran.most]:
            commands.append(task.argv)
            assert main(task.argv) == 0
        return Spread(codes=dict.fromkeys([task.name for task in tasks[: Ran.most]], 0), logs=folder / "logs")

    monkeypatch.setattr("dlkit.submit.numbered.spread", spread)
    Ran.commands = commands
    return Ran


def drifting(folder):
    """Write an hourly series that rises, and its configuration."""
    random = np.random.default_rng(0)
    times = pd.date_range("2021-03-01", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M")
    a = np.sin(np.arange(ROWS) / 4) + 0.05 * np.arange(ROWS) + 0.1 * random.normal(size=ROWS)
    lines = ["t,a,b", *(f"{t},{x:.4f},{y:.4f}" for t, x, y in zip(times, a, random.normal(size=ROWS), strict=True))]
    (folder / "tiny.csv").write_text(text(lines))
    config = tiny(folder)
    config["data"]["init_args"]["source"]["init_args"]["units"] = {"a": "mm"}
    config["trainer"]["max_epochs"] = 2
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


def traces(folder, *, kind="class", count=45):
    """Write traces whose height says what they are, three of each device, and their configuration."""
    random = np.random.default_rng(1)
    labels = np.arange(count) % 3 if kind == "class" else random.normal(size=count).astype(np.float32)
    values = random.normal(size=(count, 1, 12)) * 0.3 + np.asarray(labels)[:, None, None]
    groups = {"groups": np.arange(count) // 3} if kind == "class" else {}
    np.savez(folder / "made.npz", X=values.astype(np.float32), y=labels, **groups)
    task = {"class": "classify.Classify", "values": "regress.Regress"}[kind]
    source = {"path": f"{folder}/made.npz", "kind": kind}
    source |= {"targets": ["height"], "target_units": ["mm"]} if kind == "values" else {}
    config = tiny(folder)
    config["data"] = {
        "class_path": "dlkit.data.sample_modules.TraceDataModule",
        "init_args": {
            "source": {"class_path": "dlkit.data.sources.sample_arrays.SampleArrays", "init_args": source},
            "batch_size": 8,
            "batches_per_step": 1,
        },
    }
    config["model"] = {
        "class_path": f"dlkit.tasks.{task}",
        "init_args": {"net": {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8}}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_blocks_predict_every_window_once_in_the_order_of_time(tmp_path, ran, capsys):
    assert main(["crossval", str(drifting(tmp_path)), "--folds", "4"]) == 0
    said, place = capsys.readouterr().out, tmp_path / "runs" / "tiny_crossval-001"
    assert "folds: 4, blocked because windows of a time series overlap" in said
    windows = ROWS - 8 - 4 + 1
    assert f"{windows} of {windows} windows are tested once" in said
    table = pd.read_parquet(place / "predictions.parquet")
    issued = table["issued"].to_numpy()[::4]
    assert len(table) == 4 * windows
    assert (np.diff(issued) == np.timedelta64(1, "h")).all()
    assert table["fold"].is_monotonic_increasing
    found = read_json(place / "metrics.json")
    folds = [read_json(place / f"fold-{k}" / "metrics.json") for k in range(1, 5)]
    each = [fold["test"]["standardized"]["overall"]["mae"] for fold in folds]
    own = found["metrics"]["model"]["standardized/mae"]
    assert own["folds"] == each
    assert own["mean"] == pytest.approx(np.mean(each))
    naive = [fold["baselines"]["repeat last"]["standardized"]["overall"]["mae"] for fold in folds]
    difference = found["differences"]["repeat last"]["standardized/mae"]
    assert difference["mean"] == pytest.approx(np.mean(each) - np.mean(naive))
    miss = (table["prediction"] - table["truth"]).abs()
    assert found["pooled"]["a"]["mae"] == pytest.approx(float(miss.mean()), rel=1e-5)
    weights = [load_checkpoint(place / f"fold-{k}" / "checkpoints" / "best.ckpt")["state_dict"] for k in range(1, 5)]
    assert len({tuple(one["scaling.shift"].tolist()) for one in weights}) == 4
    assert {path.stem for path in (place / "figures").iterdir()} == {"folds", "metrics", "distance"}
    assert "MAE a (mm)" in (place / "summary.txt").read_text()
    assert all(len(line) <= 120 for line in (place / "summary.txt").read_text().splitlines() if "fold " not in line[:5])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_walking_forward_through_a_drift_extrapolates_and_what_was_stopped_goes_on(tmp_path, ran, capsys):
    ran.most = 1
    config = str(drifting(tmp_path))
    command = ["crossval", config, "--folds", "3", "--kind", "walk-forward", "--purge", "3h"]
    assert main(command) == 2
    place = tmp_path / "runs" / "tiny_crossval-001"
    assert "fold-2, fold 3" in capsys.readouterr().err.replace("fold 2", "fold-2")
    assert not (place / "metrics.json").exists()
    before = (place / "fold-1" / "metrics.json").read_bytes()
    ran.most = 99
    assert main(["crossval", str(place)]) == 0
    assert [argv[-1] for argv in ran.commands] == ["1", "2", "3"]
    assert (place / "fold-1" / "metrics.json").read_bytes() == before
    found = read_json(place / "metrics.json")
    assert [fold["extrapolates"] for fold in found["folds"]] == [True] * 3
    assert all("later than all training data" in one for one in found["verdicts"])
    for fold in found["folds"]:
        assert fold["when"]["train"][1] < fold["when"]["test"][0]
    table = pd.read_parquet(place / "predictions.parquet")
    assert not table.duplicated(["issued", "horizon"]).any()
    assert json.dumps(found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_devices_are_kept_together_and_repeats_deal_anew(tmp_path, ran, capsys):
    repeated = ["--folds", "2", "--repeats", "2", "--model.net.hidden_size", "6"]
    assert main(["crossval", str(traces(tmp_path)), *repeated]) == 0
    assert "grouped because the samples come in groups" in capsys.readouterr().out
    place = tmp_path / "runs" / "tiny_crossval-001"
    table = pd.read_parquet(place / "predictions.parquet")
    assert table["repeat"].tolist() == [1] * 45 + [2] * 45
    first, second = (table[table["repeat"] == number].reset_index(drop=True) for number in (1, 2))
    assert first["sample"].tolist() == second["sample"].tolist()
    assert first["sample"].is_unique
    assert first["fold"].tolist() != second["fold"].tolist()
    for one in (first, second):
        assert (one["fold"].to_numpy().reshape(15, 3).std(1) == 0).all()
    found = read_json(place / "metrics.json")
    assert len(found["metrics"]["model"]["accuracy"]["folds"]) == 4
    confusion = np.array(found["pooled"]["classes"]["confusion"])
    assert confusion.sum() == 90
    assert confusion.trace() == (table["truth"] == table["prediction"]).sum()
    assert (place / "figures" / "confusion.png").is_file()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_values_are_dealt_at_random_and_a_fold_of_another_configuration_is_refused(tmp_path, ran, capsys):
    ran.most = 0
    assert main(["crossval", str(traces(tmp_path, kind="values", count=20)), "--folds", "2"]) == 2
    place = tmp_path / "runs" / "tiny_crossval-001"
    assert "shuffled because the targets are values" in capsys.readouterr().out
    config = place / "fold-2" / "config.yaml"
    config.write_text(config.read_text().replace("fold: 1", "fold: 0"))
    assert main(["crossval", str(place), "--fold", "2"]) == 2
    assert "holds another configuration: its `data` differ" in capsys.readouterr().err
    config.write_text(config.read_text().replace("fold: 0", "fold: 1"))
    ran.most = 99
    assert main(["crossval", str(place)]) == 0
    assert "MAE height (mm)" in capsys.readouterr().out
    assert len(pd.read_parquet(place / "predictions.parquet")) == 20
