"""Whatever lies on a disk, `dlkit check` answers with one sentence or with findings, never with a traceback."""

import re

import pytest

from dlkit.__main__ import main
from dlkit.data.raw import guess_findings
from tests.bad_inputs.cases_check import FOUND, MANY, REFUSED, hidden, kinds


def check(folder, arguments):
    """Run the command in a folder; its output goes to `out`, unless the case names another."""
    given = [word.replace("{}", str(folder)) for word in arguments]
    output = [] if "--output" in given else ["--output", str(folder / "out")]
    return main(["check", *given, *output, "--quick"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_opened_is_refused_in_one_sentence(name, tmp_path, capsys):
    make, arguments, words = REFUSED[name]
    make(tmp_path)
    code = check(tmp_path, arguments)
    said = capsys.readouterr().err.strip()
    assert code == 2, said
    assert len([line for line in said.splitlines() if line.startswith("dlkit check:")]) == 1, said
    assert all(re.search(word, said) for word in words), said


@pytest.mark.parametrize("name", FOUND)
def test_what_can_be_opened_is_told_and_only_strictly_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(guess_findings, "MANY", MANY)
    make, arguments, wanted = FOUND[name]
    make(tmp_path)
    strict = ["--strict"] * (len(name) % 2)  # once each way, over all of them
    code = check(tmp_path, [*arguments, *strict])
    found = kinds(tmp_path / "out")
    assert all(any(re.fullmatch(word, kind) for kind in found) for word in wanted), found
    assert code == int(bool(strict) and "error" in found.values()), capsys.readouterr()


def test_a_file_that_may_not_be_read_is_refused(tmp_path, capsys):
    hidden(tmp_path)
    try:
        (tmp_path / "bad.csv").read_bytes()
    except PermissionError:
        assert check(tmp_path, ["{}/bad.csv"]) == 2
        assert "bad.csv" in capsys.readouterr().err
    else:
        pytest.skip("this user reads files without permission, as root does: none can be made unreadable")
