"""`dlkit tune`: trials leave run folders, never look at the test, survive a kill, and give the config that was best."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.batches.batching import Batching
from dlkit.tune import tuning
from dlkit.tune.study import StudyFolder, open_book
from tests.bad_inputs.corpus import cell, table, text, tiny

MLP = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8, "dropout": 0.1}}
LR = {"model.optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}
SPACE = {
    **LR,
    "model.net": {
        "choices": [
            {"class_path": MLP["class_path"], "init_args": {"hidden_size": {"choices": [4, 8]}}},
            {"class_path": "dlkit.models.linear.Linear"},
        ]
    },
    "data.look_back": {"low": 4, "high": 8, "step": 2},
}
CONFIGS = Path(__file__).parents[1] / "configs"


def write(folder, *, lines=None, epochs=2, space=None, **content):
    """Write a job and a space into a folder; return the arguments that begin the study."""
    folder.mkdir(exist_ok=True)
    (folder / "tiny.csv").write_text(text(lines or table()))
    settings = tiny(folder)
    settings["model"]["init_args"] |= {
        "net": MLP, "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.01}},
    }  # fmt: skip
    settings["trainer"]["max_epochs"] = epochs
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "space.yaml").write_text(yaml.safe_dump({"space": space or SPACE, **content}))
    return ["tune", f"{folder}/config.yaml", "--space", f"{folder}/space.yaml"]


def study_of(folder):
    return StudyFolder.open(folder / "runs" / "tiny_tune-001")


def rows_of(folder):
    with study_of(folder).table.open() as file:
        return list(csv.DictReader(file))


def values_of(folder):
    """Return what was tried and what came out, to the last bit."""
    return [(trial.state.name, trial.params, trial.intermediate_values, trial.value)
            for trial in open_book(study_of(folder)).finished()]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a job with a study of four trials."""
    folder = tmp_path_factory.mktemp("whole")
    assert main([*write(folder), "--trials", "4"]) == 0
    return folder


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Leave the pictures out; the study of all tests has them."""
    monkeypatch.setattr(tuning, "draw", lambda _: None)


# ---------------------------------------------------------------------- what is left
def test_a_study_leaves_a_run_folder_a_trial_and_what_was_found(whole):
    study = study_of(whole)
    for trial, row in enumerate(rows_of(whole)):
        run = RunFolder.open(study.trials / f"tiny-{trial + 1:03d}")
        assert (row["number"], row["state"], row["run"]) == (str(trial), "complete", run.path.name)
        record = read_json(run.path / "trial.json")
        assert record["value"] == float(row["value"]) == min(record["values"].values())
        assert (run.checkpoints / "best.ckpt").is_file()
        assert yaml.safe_load(run.config.read_text())["data"]["init_args"]["look_back"] == int(row["data.look_back"])
    found = read_json(study.summary)
    assert found["trials"] == {"complete": 4, "pruned": 0, "failed": 0}
    assert found["best"]["value"] == min(float(row["value"]) for row in rows_of(whole))
    assert {path.name for path in study.figures.iterdir()} >= {"history.png", "parallel.png", "slices.png"}


def test_every_trial_stands_in_the_hparams_tab(whole):
    for row in rows_of(whole):
        events = EventAccumulator(str(study_of(whole).trials / row["run"] / "tensorboard")).Reload()
        assert "_hparams_/session_start_info" in events.summary_metadata
        assert events.Scalars("hp/val_loss")[-1].value == pytest.approx(float(row["value"]))
        assert events.Scalars("val/loss")


def test_the_best_config_gives_the_best_value_again_bit_for_bit(whole):
    study = study_of(whole)
    assert main(["fit", str(study.best), "--runs", str(whole / "again")]) == 0
    saved = torch.load(whole / "again/tiny-001/checkpoints/best.ckpt", weights_only=True)
    scores = [part["best_model_score"] for name, part in saved["callbacks"].items() if "best_model_score" in part]
    assert float(scores[0]) == read_json(study.summary)["best"]["value"]
    assert yaml.safe_load(study.best.read_text())["runs"] == f"{whole}/runs"


def test_the_same_seed_gives_the_same_study_and_more_trials_go_on_with_it(whole, tmp_path, capsys):
    assert main([*write(tmp_path), "--trials", "2"]) == 0
    assert "2 trials: 2 complete" in capsys.readouterr().out
    assert main(["tune", str(study_of(tmp_path).path), "--trials", "3"]) == 0
    said = capsys.readouterr().out
    assert "3 trials: 3 complete" in said
    assert values_of(tmp_path) == values_of(whole)[:3]


# ---------------------------------------------------------------------- the test split
def test_no_value_depends_on_the_test(whole, tmp_path, monkeypatch):
    lines = table()
    for row in range(97, 121):  # the last fifth tests
        lines = cell(row, 1, "nan" if row % 3 else "1e30", lines)
    for name in ("test_dataloader", "predict_dataloader"):
        monkeypatch.setattr(Batching, name, lambda self: pytest.fail("the test was looked at"))
    assert main([*write(tmp_path, lines=lines), "--trials", "3"]) == 0
    assert values_of(tmp_path) == values_of(whole)[:3]


def test_folds_validate_all_but_the_test_and_give_their_mean(tmp_path):
    job = {"folds": 2, "sampler": "random", "pruner": "wilcoxon", "space": LR}
    assert main([*write(tmp_path / "plain", epochs=1, **job), "--trials", "1"]) == 0
    lines = table()
    for row in range(97, 121):
        lines = cell(row, 1, "-7e20", lines)
    assert main([*write(tmp_path / "poisoned", epochs=1, lines=lines, **job), "--trials", "1"]) == 0
    assert values_of(tmp_path / "plain") == values_of(tmp_path / "poisoned")
    for _, _, folds, value in values_of(tmp_path / "plain"):
        assert len(folds) == 2
        assert value == pytest.approx(sum(folds.values()) / 2)
    run = study_of(tmp_path / "plain").trials / "tiny-001"
    assert all((run / f"fold-{fold}" / "checkpoints" / "best.ckpt").is_file() for fold in (1, 2))


# ---------------------------------------------------------------------- how trials end
def test_pruned_trials_train_less_and_say_so(tmp_path):
    space = {"model.optimizer.lr": {"choices": [0.01, 1e-9]}}
    pruner = {"name": "median", "n_startup_trials": 1}
    assert main([*write(tmp_path, epochs=6, sampler="random", pruner=pruner, space=space), "--trials", "4"]) == 0
    by = {state: [row for row in rows_of(tmp_path) if row["state"] == state] for state in ("complete", "pruned")}
    assert by["complete"]
    assert by["pruned"]
    for row in by["pruned"]:
        run = RunFolder.open(study_of(tmp_path).trials / row["run"])
        assert read_json(run.metrics)["fit"]["epochs"] < 6
        record = read_json(run.path / "trial.json")
        assert record["state"] == "pruned"
        assert "given up by the median pruner" in record["why"]


def test_failed_trials_are_kept_with_their_sentence_and_the_rest_goes_on(tmp_path, capsys):
    space = {"model.net.dropout": {"choices": [0.1, 1.5]}}
    assert main(write(tmp_path, epochs=1, sampler="grid", space=space)) == 0
    rows = rows_of(tmp_path)
    assert {row["state"] for row in rows} == {"complete", "failed"}
    for row in rows:
        assert (row["state"] == "failed") == (row["model.net.dropout"] == "1.5")
        assert ("dropout=1.5" in row["why"]) == (row["state"] == "failed")
    assert "failed" in capsys.readouterr().out


def test_a_study_in_which_all_fail_alike_stops_after_three(tmp_path, capsys):
    space = {"model.net.dropout": {"low": 1.5, "high": 2.5}}
    assert main([*write(tmp_path, epochs=1, space=space), "--trials", "9"]) == 2
    said = capsys.readouterr().err
    assert "first 3 trials" in said
    assert "all failed for the same reason: " in said
    assert said.count("\n") == 1
    assert len(open_book(study_of(tmp_path)).finished()) == 3


def test_a_diverged_trial_is_a_failed_one(tmp_path):
    space = {"model.optimizer.lr": {"choices": [0.01, 1e30]}}
    assert main([*write(tmp_path, epochs=2, sampler="grid", space=space)]) == 0
    assert sorted(row["state"] for row in rows_of(tmp_path)) == ["complete", "failed"]


# ---------------------------------------------------------------------- workers
def test_a_study_whose_worker_was_killed_ends_as_one_that_never_was(whole, tmp_path):
    killer = [sys.executable, str(Path(__file__).with_name("killed_tune.py")), "tiny-002:9"]
    killed = subprocess.run([*killer, *write(tmp_path)[1:], "--trials", "3"], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    study = study_of(tmp_path)
    assert main(["tune", str(study.path)]) == 0
    trials = open_book(study).study.get_trials()
    assert len({trial.number for trial in trials}) == len(trials) == 4
    assert len(open_book(study).finished()) == 3
    assert [value[1:] for value in values_of(tmp_path)] == [value[1:] for value in values_of(whole)[:3]]
    assert {path.name for path in study.trials.iterdir()} == {f"tiny-{i:03d}" for i in range(1, 4)}


def test_two_workers_never_run_the_same_trial(tmp_path, capsys):
    assert main([*write(tmp_path, epochs=1), "--trials", "4", "--workers", "2"]) == 0
    book = open_book(study_of(tmp_path))
    trials = book.study.get_trials()
    assert len({trial.user_attrs["run"] for trial in trials}) == len(book.finished()) == 4
    assert len({json.dumps(trial.params, sort_keys=True) for trial in trials}) == 4
    assert not [path for path in book.folder.workers.glob("*.lock") if path.name != "claims.lock"]
    assert "4 trials: 4 complete" in capsys.readouterr().out


# ---------------------------------------------------------------------- the spaces that ship
SHORT = {"max_epochs": 1, "limit_train_batches": 2, "limit_val_batches": 1, "accelerator": "cpu", "callbacks": None,
         "enable_progress_bar": False, "enable_model_summary": False}  # fmt: skip


@pytest.mark.parametrize(
    ("space", "experiment"),
    [("lstm", "weather_forecast"), ("dlinear", "etth1_dlinear"), ("cnn_images", "digits_classify")],
)
def test_every_space_trains(space, experiment, tmp_path):
    settings = yaml.safe_load((CONFIGS / "experiment" / f"{experiment}.yaml").read_text())
    if experiment == "etth1_dlinear":  # on data that ship with dlkit
        settings["data"] = yaml.safe_load((CONFIGS / "experiment" / "weather_forecast.yaml").read_text())["data"]
    settings |= {"runs": str(tmp_path / "runs"), "trainer": SHORT}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--space", str(CONFIGS / "tune" / f"{space}.yaml"), "--trials", "1"]
    assert main(["tune", str(tmp_path / "config.yaml"), *arguments]) == 0
    [study] = (tmp_path / "runs").iterdir()
    assert read_json(study / "study.json")["trials"]["complete"] == 1
    shutil.rmtree(study)
