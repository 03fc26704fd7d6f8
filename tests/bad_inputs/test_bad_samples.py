"""Whatever is wrong with images, traces or labels, `dlkit` answers with one sentence and leaves all as it was."""

import json
import math
import shutil

import pytest
import torch

from dlkit.__main__ import main
from tests.bad_inputs import cases_harmless, cases_images, cases_sample_runs, cases_tasks, cases_traces
from tests.bad_inputs.sample_jobs import JOBS
from tests.bad_inputs.test_bad_configs import check_case

ROOMS = {
    "images": cases_images.IMAGES,
    "manifests": cases_images.MANIFESTS,
    "cleaning": cases_images.CLEANING,
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


@pytest.mark.parametrize("name", cases_harmless.HARMLESS)
def test_what_only_looks_bad_trains_and_is_on_record(name, tmp_path, monkeypatch):
    case, left_out = cases_harmless.HARMLESS[name]
    monkeypatch.chdir(tmp_path)
    assert main(case.prepare(tmp_path)) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "data.json").read_text()).get("skipped", {}) == left_out
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    numbers = [value for value in checkpoint["state_dict"].values() if value.is_floating_point()]
    assert all(math.isfinite(float(value.sum())) for value in numbers)


def test_the_jobs_that_the_cases_spoil_are_sound(place):
    _, kept = place
    assert {path.name for path in (kept / "runs").iterdir()} == {f"{name}-001" for name in JOBS}
    assert len(CASES) >= 40
