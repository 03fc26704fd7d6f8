"""Several processes train, test and predict what one would, and end together."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from tests.processes.jobs import ENVIRONMENT, HERE, dlkit, last_of, of, said, torchrun, write_job
from tests.test_resume import EVERY_7_STEPS, assert_same

CONFIGS = HERE.parents[1] / "configs" / "trainer"
EXACT = {"trainer__precision": "64-true", "model__init_args__net__init_args__dropout": 0.0}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run by 1, 2 and 4 processes, in float64 and without dropout, and what the jobs said."""
    place = tmp_path_factory.mktemp("processes")
    config = write_job(place / "config.yaml", **EXACT)
    assert main(["run", str(config), "--runs", str(place / "one"), *of(1)]) == 0
    part = ["--trainer", str(CONFIGS / "ddp.yaml"), "--trainer.accelerator", "cpu", *of(2)[:2]]
    two = dlkit("run", str(config), "--runs", str(place / "two"), *part)
    assert two.returncode == 0, two.stderr
    (place / "four").mkdir()
    (place / "four" / "config.yaml").write_text(config.read_text())
    four = torchrun(4, "run", "--into", str(place / "four"), *of(4))
    assert four.returncode == 0, four.stderr
    folders = {1: place / "one" / "tiny-001", 2: place / "two" / "tiny-001", 4: place / "four"}
    return {count: RunFolder(path) for count, path in folders.items()}, {2: two, 4: four}


@pytest.mark.parametrize("count", [2, 4])
def test_weights_are_those_of_one_process(runs, count):
    one, several = (last_of(runs[0][number]) for number in (1, count))
    assert one["global_step"] == several["global_step"]
    for name, weight in one["state_dict"].items():
        torch.testing.assert_close(several["state_dict"][name], weight, rtol=1e-12, atol=1e-12, equal_nan=True)
    states = [found["optimizer_states"][0]["state"] for found in (one, several)]
    for kept, other in zip(*(state.values() for state in states), strict=True):
        torch.testing.assert_close(other["exp_avg_sq"], kept["exp_avg_sq"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("count", [2, 4])
def test_what_is_watched_and_measured_is_that_of_one_process(runs, count):
    def numbers(node, name=""):
        if isinstance(node, dict):
            return {k: v for key, part in node.items() for k, v in numbers(part, f"{name}/{key}").items()}
        if isinstance(node, list):
            return {k: v for i, part in enumerate(node) for k, v in numbers(part, f"{name}[{i}]").items()}
        return {name: node}

    one, several = (numbers(read_json(runs[0][number].metrics)) for number in (1, count))
    assert several == pytest.approx(one | {"/fit/seconds": several["/fit/seconds"]}, rel=1e-6)
    best = [last_of(runs[0][number])["callbacks"] for number in (1, count)]
    scores = [next(s for name, s in found.items() if "ModelCheckpoint" in name)["best_model_score"] for found in best]
    torch.testing.assert_close(scores[1], scores[0], rtol=1e-6, atol=0)


@pytest.mark.parametrize("count", [2, 4])
def test_predictions_hold_every_window_once_and_in_order(runs, count):
    one, several = (pd.read_parquet(runs[0][number].predictions) for number in (1, count))
    pd.testing.assert_frame_equal(several, one, rtol=1e-6)


@pytest.mark.parametrize("count", [2, 4])
def test_one_process_writes_and_prints(runs, count):
    folders, jobs = runs

    def files(run):
        kept = {str(path.relative_to(run.path)) for path in run.path.rglob("*")}
        return {name for name in kept if "tfevents" not in name}

    assert files(folders[count]) == files(folders[1])
    boards = [sum("tfevents" in path.name for path in folders[n].tensorboard.iterdir()) for n in (1, count)]
    assert boards[0] == boards[1]
    assert jobs[count].stdout.count("run folder: ") == 1
    assert jobs[count].stdout.count("predictions: ") == 1
    assert len(list(folders[2].path.parent.iterdir())) == 1
    table = folders[1].summary.read_text().splitlines()[:4]
    assert "\n".join(table) in jobs[count].stdout


def test_a_run_of_several_processes_is_tested_and_predicted_again_by_any_number(runs, tmp_path):
    run = runs[0][2]
    before = run.metrics.read_bytes()
    again = dlkit("test", str(run.path), *of(2))
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("standardized") == 1
    assert run.metrics.read_bytes() == before
    assert main(["predict", str(run.path), "--output", str(tmp_path / "one.csv")]) == 0  # by one: nothing else is asked
    two = dlkit("predict", str(run.path), *of(2), "--output", str(tmp_path / "two.csv"))
    assert two.returncode == 0, two.stderr
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one.csv"), pd.read_csv(tmp_path / "two.csv"), rtol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"one.csv", "two.csv"}


def test_killed_in_an_epoch_and_resumed_equals_uninterrupted(tmp_path, capsys):
    saves = write_job(tmp_path / "config.yaml", trainer__callbacks=[EVERY_7_STEPS])
    whole = dlkit("fit", str(saves), "--runs", str(tmp_path / "whole"), *of(2))
    assert whole.returncode == 0, whole.stderr
    arguments = [str(saves), "--runs", str(tmp_path / "killed"), *of(2)]
    killed = dlkit("step:9", *arguments, script="../killed_run.py")
    assert killed.returncode in (-9, 2), killed.stderr
    run = RunFolder(tmp_path / "killed" / "tiny-001")
    assert last_of_all(run)["global_step"] == 7  # in the middle of an epoch
    other = dlkit("fit", "--resume", str(run.path), "--data.batch_size", "64")
    assert other.returncode == 2
    assert len(said(other)) == 1
    assert "batch_size x processes is 512" in said(other)[0]
    alone = RunFolder(Path(shutil.copytree(run.path, tmp_path / "alone")))
    assert main(["fit", "--resume", str(alone.path), *of(1)]) == 0
    assert "going on with 1 process, 2 before" in capsys.readouterr().out
    resumed = dlkit("fit", "--resume", str(run.path))
    assert resumed.returncode == 0, resumed.stderr
    found = [last_of(RunFolder(tmp_path / "whole" / "tiny-001")), last_of(run)]
    assert last_of(alone)["global_step"] == found[0]["global_step"]
    for checkpoint in found:
        checkpoint.pop("loops")
    assert_same(*found)


def last_of_all(run):
    return torch.load(run.checkpoint_files()[0], weights_only=True)


@pytest.mark.parametrize(
    ("how", "number", "says"),
    [
        ("nan", 1, "The loss is not a number at step 4"),
        ("killed", 1, "another process of this run ended without a word"),
        ("blind", 1, "Process 1 of 2 read other data than process 0"),
        ("fault", 1, ""),
    ],
)
def test_a_process_that_fails_ends_all_and_one_says_why(tmp_path, how, number, says):
    job = write_job(tmp_path / "config.yaml")
    done = dlkit(how, str(number), "fit", str(job), "--runs", str(tmp_path / "runs"), *of(2), script="failing.py")
    assert done.returncode == 2, done.stderr
    assert (tmp_path / "runs").exists() == (how != "blind")
    if how == "fault":
        assert done.stderr.count("ZeroDivisionError: a fault of dlkit") == 1
        assert not said(done)
    else:
        assert len(said(done)) == 1, done.stderr
        assert says in said(done)[0]
        assert "Traceback" not in done.stderr


def test_measures_words_and_patience_among_three_processes(tmp_path):
    command = [sys.executable, str(HERE / "joining.py")]
    jobs = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
        for rank in range(3)
    ]
    errors = [job.communicate(timeout=600)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], errors
