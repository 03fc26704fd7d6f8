"""`dlkit crossval` and `dlkit ensemble` on a real Slurm: an array element a fold or member, and a job that gathers."""

import pandas as pd
import pytest

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.submit.record import read_record
from tests.bad_inputs.corpus import snapshot, write_job

SHORT = ("--slurm", "auto", "--time", "5m", "--lead", "1m", "--local-disk")


@pytest.fixture
def job(slurm, tmp_path, monkeypatch):
    """Return a folder with a tiny job, in which commands are called."""
    write_job(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folds_are_made_by_an_array_and_gathered(job, slurm, capsys):
    assert main(["crossval", "config.yaml", "--folds", "3", *SHORT]) == 0
    place = job / "runs" / "tiny_crossval-001"
    record = read_record(place)
    assert f"job array {record.job} of 3 folds" in capsys.readouterr().out
    (last, _), *_ = record.then
    assert slurm.wait_for_state(last) == "COMPLETED"
    found = read_json(place / "metrics.json")
    assert len(found["metrics"]["model"]["standardized/mae"]["folds"]) == 3
    assert pd.read_parquet(place / "predictions.parquet")["fold"].unique().tolist() == [1, 2, 3]
    assert main(["crossval", str(place), *SHORT]) == 0  # everything is there: it is gathered here, no job is sent
    assert "out-of-fold predictions" in capsys.readouterr().out


def test_members_are_made_by_an_array_and_gathered(job, slurm, capsys):
    assert main(["ensemble", "config.yaml", "--members", "2", *SHORT]) == 0
    place = job / "runs" / "tiny_ensemble-001"
    record = read_record(place)
    assert f"job array {record.job} of 2 members" in capsys.readouterr().out
    (last, _), *_ = record.then
    assert slurm.wait_for_state(last) == "COMPLETED"
    found = read_json(place / "metrics.json")["ensemble"]["mae"]
    assert found["ensemble"] <= sum(found["members"]) / len(found["members"])  # by convexity
    assert (place / "predictions.parquet").is_file()


def test_an_impossible_request_leaves_nothing_behind(job, slurm, capsys):
    before = snapshot(job)
    assert main(["crossval", "config.yaml", "--folds", "3", *SHORT, "--nodes", "99"]) == 2
    assert capsys.readouterr().err.startswith("dlkit crossval: ")
    assert snapshot(job) == before
