"""Full disks, damaged files, lost losses, foreign checkpoints: what was good stays good, and one sentence says so."""

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from tests.bad_inputs.corpus import change, snapshot, tiny, write_job


def one_sentence(err):
    assert err.startswith("dlkit "), err
    assert err.count("\n") == 1, err
    return err


def job(folder, **settings):
    """Write the tiny job with other settings, ``_`` for ``.``, and return the arguments of its fit."""
    write_job(folder)
    config = tiny(folder)
    for key, value in settings.items():
        change(config, key.replace("__", "."), value, folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return ["fit", str(folder / "config.yaml")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    assert main(job(folder, T__max_epochs=2)) == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """Return a run of two epochs that may be spoilt."""
    subprocess.run(["cp", "-a", f"{trained}/runs", str(tmp_path)], check=True)
    return RunFolder(tmp_path / "runs" / "tiny-001")


def test_two_epochs_leave_two_whole_checkpoints_of_tensors_and_plain_types(trained):
    files = RunFolder(trained / "runs" / "tiny-001").checkpoint_files()
    assert len(files) >= 2
    safe = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        assert all(torch.load(path, weights_only=True)["epoch"] >= 0 for path in files)
    finally:
        torch.serialization.add_safe_globals(safe)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fills_up_during_a_save_leaves_the_checkpoint_before_it(tmp_path, capsys, monkeypatch, code):
    arguments, saved, save = job(tmp_path, T__max_epochs=4), [], torch.save

    def full(content, file):
        saved.append(content["epoch"])
        save(content, file)
        if content["epoch"] == 2:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(torch, "save", full)
    assert main(arguments) == 2
    assert "written before is whole" in one_sentence(capsys.readouterr().err)
    run = RunFolder(tmp_path / "runs" / "tiny-001")
    assert {load_checkpoint(path)["epoch"] for path in run.checkpoint_files()} == {1}
    assert not [path for path in run.path.rglob("*") if path.name.endswith(".tmp")]


def test_a_file_size_limit_stops_a_job_with_one_sentence(tmp_path):
    job(tmp_path)
    command = f"ulimit -f 5; exec {sys.executable} -m dlkit fit {tmp_path}/config.yaml"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "size" in one_sentence(done.stderr)
    assert not list(tmp_path.rglob("*.ckpt"))


def test_a_folder_that_must_not_be_written_to_is_named(tmp_path, capsys, monkeypatch):
    arguments, make = job(tmp_path), Path.mkdir

    def refuse(path, *args, **options):
        if path.name == "runs":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return make(path, *args, **options)

    before = snapshot(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(arguments) == 2
    assert f"{tmp_path}/runs" in one_sentence(capsys.readouterr().err)
    assert snapshot(tmp_path) == before


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "cut short": lambda content: content[: len(content) * 3 // 4],
    "emptied": lambda content: b"",
    "flipped bit": flip,
    "overwritten": lambda content: b"x" * len(content),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_it_goes_on(run, caplog, damage):
    newest, before = run.checkpoint_files()[:2]
    newest.write_bytes(DAMAGES[damage](newest.read_bytes()))
    assert main(["fit", "--resume", str(run.path), "--trainer.max_epochs", "3"]) == 0
    assert f"'{newest}'" in caplog.text
    assert f"Falling back to '{before}'" in caplog.text
    assert {load_checkpoint(path)["epoch"] for path in run.checkpoint_files()} == {2}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_best_checkpoint_is_named_and_the_last_one_is_tested(run, caplog, capsys, damage):
    best = run.checkpoints / "best.ckpt"
    best.write_bytes(DAMAGES[damage](best.read_bytes()))
    assert main(["validate", str(run.path)]) == 0
    assert f"'{best}'" in caplog.text
    assert "Falling back" in caplog.text


@pytest.mark.parametrize("several", [1, 3])
def test_a_lost_loss_stops_the_run_names_the_place_and_keeps_the_last_good_checkpoint(tmp_path, capsys, several):
    explode = {"class_path": "torch.optim.lr_scheduler.ExponentialLR", "init_args": {"gamma": 1e30}}
    arguments = job(tmp_path, T__max_epochs=5, M__scheduler=explode, D__batches_per_step=several)
    assert main(arguments) == 2
    said = one_sentence(capsys.readouterr().err)
    assert all(word in said for word in ("step", "batch", "channel", "learning rate", "checkpoint is kept")), said
    files = RunFolder(tmp_path / "runs" / "tiny-001").checkpoint_files()
    assert files
    for path in files:
        assert all(value.isfinite().all() for key, value in load_checkpoint(path)["state_dict"].items() if "net" in key)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_that_fails_before_its_first_step_is_gone_unless_it_had_learnt_before(
    run, tmp_path, monkeypatch, resumed
):
    def fail(self, trainer, *rest):
        raise InputError("no first step")

    monkeypatch.setattr("dlkit.train.callbacks.Telemetry.on_train_start", fail)
    before = snapshot(run.path)
    again = ["fit", "--resume", str(run.path), "--trainer.max_epochs", "3"]
    assert main(again if resumed else job(tmp_path)) == 2
    kept = snapshot(run.path)
    assert {name: kept[name] for name in before if "checkpoints" in name} == {
        n: before[n] for n in before if "checkpoints" in n
    }
    assert [path.name for path in run.path.parent.iterdir()] == [run.path.name]


class Intruder:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.mark.parametrize("form", ["torch", "pickle"])
@pytest.mark.parametrize("command", [["test"], ["predict"], ["validate"], ["fit", "--resume"]])
def test_a_foreign_checkpoint_runs_no_code(run, capsys, tmp_path, command, form):
    mark = tmp_path / "mark"
    content = {"state_dict": {}, "spec": Intruder(mark)}
    for path in run.checkpoint_files():
        torch.save(content, path) if form == "torch" else path.write_bytes(pickle.dumps(content))
    assert main([*command, str(run.path)]) == 2
    assert "ckpt" in one_sentence(capsys.readouterr().err)
    assert not mark.exists()


def test_watching_what_is_not_measured_is_answered_by_what_is(tmp_path, capsys):
    stop = {"class_path": "pytorch_lightning.callbacks.EarlyStopping", "init_args": {"monitor": "val/los"}}
    assert main(job(tmp_path, T__callbacks=[stop])) == 2
    said = one_sentence(capsys.readouterr().err)
    assert "'val/los'" in said
    assert "'val/loss'" in said


def test_training_without_validation_and_test_is_no_cause_for_a_warning(tmp_path, recwarn):
    whole = {"class_path": "dlkit.data.splits.ByFraction", "init_args": {"train": 1.0, "val": 0.0, "test": 0.0}}
    assert main(job(tmp_path, D__split=whole)) == 0
    assert not [str(one.message) for one in recwarn if "across ranks" in str(one.message)]


def test_a_fault_of_the_code_keeps_its_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.train.stages.fit", lambda arguments: {}["fault"])
    with pytest.raises(KeyError):
        main(job(tmp_path))
