"""`dlkit tune --slurm` on a real Slurm: a worker an array element; a trial that was cut off goes on in its folder."""

import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.submit.record import read_record
from dlkit.tune.study import StudyFolder, open_book
from tests.bad_inputs.corpus import change, snapshot, tiny, write_job

SHORT = ("--slurm", "auto", "--time", "5m", "--lead", "1m", "--local-disk")
BEGIN = ("tune", "config.yaml", "--space", "space.yaml", "--trials", "3", "--workers", "2")


@pytest.fixture
def job(slurm, tmp_path, monkeypatch):
    """Return a folder with a tiny job that takes some seconds, and a space."""
    write_job(tmp_path)
    settings = tiny(tmp_path)
    change(settings, "T.max_epochs", 30, tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    space = {"model.lr": {"low": 1e-4, "high": 1e-2, "log": True}}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump({"sampler": "random", "space": space}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_workers_of_an_array_share_a_study_and_one_that_is_requeued_goes_on(job, slurm, capsys):
    assert main([*BEGIN, *SHORT]) == 0
    study = StudyFolder.open(job / "runs" / "tiny_tune-001")
    record = read_record(study.path)
    assert f"job array {record.job} of 2 workers" in capsys.readouterr().out
    slurm.wait_for(lambda: list(study.trials.glob("*/checkpoints/last.ckpt")))
    slurm.call("scontrol", "requeue", f"{record.job}_1")
    (last, _), *_ = record.then
    assert slurm.wait_for_state(last) == "COMPLETED"
    assert read_json(study.summary)["trials"] == {"complete": 3, "pruned": 0, "failed": 0}
    book = open_book(study)
    assert len({trial.user_attrs["run"] for trial in book.finished()}) == len(book.finished()) == 3
    for trial in book.finished():
        assert len(trial.intermediate_values) == 30  # also of the one that was cut off, each once


def test_an_impossible_request_leaves_nothing_behind(job, slurm, capsys):
    before = snapshot(job)
    for impossible in (["--nodes", "99"], ["--gpus-per-node", "2"], ["--partition", "nowhere"]):
        assert main([*BEGIN, *SHORT, *impossible]) == 2
        assert capsys.readouterr().err.startswith("dlkit tune: ")
        assert snapshot(job) == before
