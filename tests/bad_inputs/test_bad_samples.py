"""Whatever is wrong with images, traces or labels, `dlkit` answers with one sentence and leaves all as it was."""

import shutil

import pytest

from dlkit.__main__ import main
from tests.bad_inputs import cases_images, cases_sample_runs, cases_tasks, cases_traces
from tests.bad_inputs.sample_jobs import JOBS
from tests.bad_inputs.test_bad_configs import check_case

ROOMS = {
    "images": cases_images.IMAGES,
    "manifests": cases_images.MANIFESTS,
    "arrays": cases_traces.ARRAYS,
    "labels": cases_traces.LABELS,
    "splits": cases_traces.SPLITS,
    "archives": cases_traces.ARCHIVES,
    "tasks": cases_tasks.TASKS,
    "nets": cases_tasks.NETS,
    "augmentations": cases_tasks.AUGMENTS,
    "weights": cases_tasks.WEIGHTS,
    "explain": cases_sample_runs.EXPLAIN,
    "landscape": cases_sample_runs.LANDSCAPE,
    "runs": cases_sample_runs.RUNS,
}
CASES = {f"{room}: {name}": case for room, cases in ROOMS.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder whose content every case changes, and a copy of it with a trained run of each job."""
    folder, kept = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("kept") / "kept"
    for name, write in JOBS.items():
        write(folder)
        assert main(["fit", str(folder / f"{name}.yaml")]) == 0
    folder.rename(kept)
    return folder, kept


@pytest.mark.parametrize("name", CASES)
def test_a_bad_sample_is_answered_by_one_sentence_and_changes_nothing(name, place, capsys, monkeypatch):
    folder, kept = place
    shutil.rmtree(folder, ignore_errors=True)
    if CASES[name].trained:
        shutil.copytree(kept, folder)
    else:
        folder.mkdir()
    monkeypatch.chdir(folder)
    check_case(CASES[name], folder, capsys)


def test_the_jobs_that_the_cases_spoil_are_sound(place):
    _, kept = place
    assert {path.name for path in (kept / "runs").iterdir()} == {f"{name}-001" for name in JOBS}
    assert len(CASES) >= 40
