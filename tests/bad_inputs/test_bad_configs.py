"""Whatever is wrong, `dlkit` answers with one sentence, exit code 2, and leaves everything as it was."""

import re
import shutil

import pytest

from dlkit.__main__ import main
from tests.bad_inputs import (
    cases_arguments,
    cases_cleaning,
    cases_data,
    cases_names,
    cases_processes,
    cases_report,
    cases_runs,
    cases_values,
)
from tests.bad_inputs.corpus import snapshot, write_job

ROOMS = {
    "names": cases_names.NAMES,
    "values": cases_values.VALUES,
    "cleaning": cases_cleaning.CLEANING,
    "data": cases_data.DATA,
    "yaml": cases_data.YAML,
    "arguments": cases_arguments.ARGUMENTS,
    "runs": cases_runs.RUNS,
    "processes": cases_processes.PROCESSES,
    "report": cases_report.REPORT,
}
CASES = {f"{room}: {name}": case for room, cases in ROOMS.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder whose content every case changes, and a copy of it with a trained run."""
    folder, kept = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("kept") / "kept"
    write_job(folder)
    assert main(["fit", str(folder / "config.yaml")]) == 0
    folder.rename(kept)
    return folder, kept


def check_sentence(err, command):
    """Assert that what was said is one sentence."""
    assert err.startswith(f"dlkit {command}: "), err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert len(err) < 500, err


def check_case(case, folder, capsys):
    """Run a case in a folder and assert that the answer is as wanted and that nothing else happened."""
    arguments = case.prepare(folder)
    before = snapshot(folder)
    code = main(arguments)
    err = capsys.readouterr().err
    assert code == 2
    check_sentence(err, arguments[0])
    assert all(re.search(pattern, err) for pattern in case.says), (err, case.says)
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:The checkpoint")
def test_a_bad_input_is_answered_by_one_sentence_and_changes_nothing(name, place, capsys, monkeypatch):
    case, (folder, kept) = CASES[name], place
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder) if case.trained else folder.mkdir()
    monkeypatch.chdir(folder)
    check_case(case, folder, capsys)
