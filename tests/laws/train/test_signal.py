"""A command that is asked to end leaves nothing half written."""

import os
import signal

import pytest

from dlkit.__main__ import main
from dlkit.commands import list as command
from dlkit.core.runfolder import atomic_file, atomic_folder


@pytest.mark.parametrize("making", [atomic_file, atomic_folder])
def test_a_command_that_is_ended_removes_what_is_half_written(tmp_path, monkeypatch, capsys, making):
    def write(arguments):
        with making(tmp_path / "made") as work:
            (work if making is atomic_file else work / "part").write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)
            work.touch()

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(command, "main", write)
    assert main(["list"]) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == "dlkit list: stopped by SIGTERM; files written so far are whole.\n"
    assert signal.getsignal(signal.SIGTERM) == before
