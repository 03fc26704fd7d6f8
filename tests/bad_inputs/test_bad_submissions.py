"""Whatever is wrong with a job, `dlkit` says it before the job waits for hours, and sends and writes nothing."""

import shutil
from pathlib import Path

import pytest

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, sole_user
from dlkit.submit.settings import read_settings
from tests.bad_inputs import cases_submit
from tests.bad_inputs.corpus import write_job
from tests.bad_inputs.test_bad_configs import check_case
from tests.made_slurm import write_slurm

ROOMS = {
    "resources": cases_submit.RESOURCES,
    "limits": cases_submit.LIMITS,
    "settings": cases_submit.SETTINGS,
    "sites": cases_submit.SITES,
    "chains": cases_submit.CHAINS,
    "runs": cases_submit.RUNS,
}
CASES = {f"{room}: {name}": case for room, cases in ROOMS.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder whose content every case changes, and a copy of it with a run."""
    folder, kept = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("kept") / "kept"
    write_job(folder)
    read_settings([str(folder / "config.yaml")]).save(RunFolder(folder / "runs" / "tiny-001"))
    folder.rename(kept)
    return folder, kept


@pytest.fixture
def folder(place, monkeypatch):
    """Return the folder, with a Slurm of its own on the path."""
    folder, _ = place
    shutil.rmtree(folder, ignore_errors=True)
    write_slurm(folder / "bin")
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.delenv("DLKIT_SITE", raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_bad_submission_is_answered_by_one_sentence_and_changes_nothing(name, folder, place, capsys):
    if CASES[name].trained:
        shutil.copytree(place[1], folder, dirs_exist_ok=True)
    check_case(CASES[name], folder, capsys)
    assert not Path("/dev/shm/runs").exists()


def test_a_run_in_which_a_process_trains_is_not_sent(folder, place, capsys):
    shutil.copytree(place[1], folder, dirs_exist_ok=True)
    with sole_user(folder / "runs" / "tiny-001"):
        assert main(["submit", "runs/tiny-001", "--time", "8h", "--local-disk"]) == 2
    assert "another job that is alive" in capsys.readouterr().err
    assert not (folder / "bin" / "sent").exists()


def test_the_job_that_the_cases_spoil_is_sent(folder, capsys):
    write_job(folder)
    arguments = ["submit", "config.yaml", "--time", "8h", "--local-disk", "--then", "test"]
    assert main([*arguments, "--dry-run"]) == 0
    assert not (folder / "bin" / "sent").exists()
    assert not (folder / "runs").exists()
    assert main(arguments) == 0
    assert "job 11" in capsys.readouterr().out
    assert len((folder / "bin" / "sent").read_text().splitlines()) == 2
    assert len(CASES) >= 60
