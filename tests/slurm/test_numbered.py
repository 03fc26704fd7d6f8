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


@pytest.fixture
def gathered(job, slurm, capsys):
    """Return what makes parts by an array and waits until they are gathered, and returns their folder."""

    def make(command, number, what):
        assert main([command, "config.yaml", f"--{what}", str(number), *SHORT]) == 0
        place = job / "runs" / f"tiny_{command}-001"
        record = read_record(place)
        assert f"job array {record.job} of {number} {what}" in capsys.readouterr().out
        (last, _), *_ = record.then
        assert slurm.wait_for_state(last) == "COMPLETED"
        return place

    return make


def test_folds_are_made_by_an_array_and_gathered(gathered, capsys):
    place = gathered("crossval", 3, "folds")
    found = read_json(place / "metrics.json")
    assert len(found["metrics"]["model"]["standardized/mae"]["folds"]) == 3
    assert pd.read_parquet(place / "predictions.parquet")["fold"].unique().tolist() == [1, 2, 3]
    assert main(["crossval", str(place), *SHORT]) == 0  # everything is there: it is gathered here, no job is sent
    assert "out-of-fold predictions" in capsys.readouterr().out


def test_members_are_made_by_an_array_and_gathered(gathered):
    place = gathered("ensemble", 2, "members")
    found = read_json(place / "metrics.json")["ensemble"]["mae"]
    assert found["ensemble"] <= sum(found["members"]) / len(found["members"])  # by convexity
    assert (place / "predictions.parquet").is_file()


def test_an_impossible_request_leaves_nothing_behind(job, slurm, capsys):
    before = snapshot(job)
    assert main(["crossval", "config.yaml", "--folds", "3", *SHORT, "--nodes", "99"]) == 2
    assert capsys.readouterr().err.startswith("dlkit crossval: ")
    assert snapshot(job) == before
