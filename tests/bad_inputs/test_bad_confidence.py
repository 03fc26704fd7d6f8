"""Whatever is wrong with confidence, `dlkit` answers with one sentence and changes nothing."""

import shutil

import pytest

from dlkit.__main__ import main
from tests.bad_inputs import cases_confidence, cases_export
from tests.bad_inputs.corpus import Case, write_job
from tests.bad_inputs.test_bad_configs import check_case

CASES = {
    f"{room.lower()}: {name}": case
    for room, cases in (vars(cases_confidence) | vars(cases_export)).items()
    if room.isupper() and isinstance(cases, dict)
    for name, case in cases.items()
    if isinstance(case, Case)
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder whose content every case changes, and a copy of it with a trained run."""
    folder, kept = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("kept") / "kept"
    write_job(folder)
    assert main(["fit", str(folder / "config.yaml")]) == 0
    folder.rename(kept)
    return folder, kept


@pytest.mark.parametrize("name", CASES)
def test_bad_confidence_is_answered_by_one_sentence_and_changes_nothing(name, place, capsys, monkeypatch):
    case, (folder, kept) = CASES[name], place
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder) if case.trained else folder.mkdir()
    monkeypatch.chdir(folder)
    check_case(case, folder, capsys)
