"""Whatever is wrong with one of several sources, `dlkit` answers with one sentence and leaves all as it was."""

import shutil

import pytest

from dlkit.__main__ import main
from tests.bad_inputs import cases_frames, cases_sources
from tests.bad_inputs.source_jobs import write_several
from tests.bad_inputs.test_bad_configs import check_case

ROOMS = {
    "time": cases_sources.TIME,
    "clock": cases_sources.CLOCK,
    "methods": cases_sources.METHODS,
    "windows": cases_sources.WINDOWS,
    "targets": cases_sources.TARGETS,
    "names": cases_sources.NAMES,
    "frames": cases_frames.FRAMES,
    "events": cases_frames.EVENTS,
}
CASES = {f"{room}: {name}": case for room, cases in ROOMS.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@pytest.mark.parametrize("name", CASES)
def test_a_bad_source_is_answered_by_one_sentence_and_changes_nothing(name, place, capsys, monkeypatch):
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    monkeypatch.chdir(place)
    check_case(CASES[name], place, capsys)


def test_the_job_that_the_cases_spoil_is_sound(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_several(tmp_path)
    assert main(["fit", str(tmp_path / "several.yaml")]) == 0
    assert len(CASES) >= 40
