"""`--into RUN` begins in a folder, goes on there, or finds all done: the same command for every try of a job."""

import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from tests.bad_inputs.corpus import snapshot
from tests.test_interrupt import last_of
from tests.test_resume import EVERY_7_STEPS, assert_same, write_config


def prepared(folder: Path) -> RunFolder:
    folder.mkdir()
    write_config(folder / "config.yaml", {"callbacks": [EVERY_7_STEPS]})
    return RunFolder(folder)


def test_every_try_gives_the_same_command_and_the_last_ends_as_if_nothing_had_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = prepared(tmp_path / "whole"), prepared(tmp_path / "tried")
    assert main(["fit", "--into", str(whole.path)]) == 0
    again = ["--into", str(run.path)]
    killer = [sys.executable, str(Path(__file__).with_name("killed_run.py"))]
    for how in ("step:5", "step:33"):  # the first is killed before anything was saved
        assert subprocess.run([*killer, how, *again], check=False, capture_output=True).returncode == -9
    assert main(["run", *again]) == 0
    assert_same(last_of(whole), last_of(run))
    assert {"fit", "test"} <= read_json(run.metrics).keys()
    before = snapshot(run.checkpoints)
    capsys.readouterr()
    run.predictions.unlink()
    assert main(["run", *again]) == 0
    assert "trained before" in capsys.readouterr().out
    assert run.predictions.exists()
    assert snapshot(run.checkpoints) == before


def test_a_folder_that_was_made_for_a_run_stays_when_training_fails_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepared(tmp_path / "run")
    assert main(["fit", "--into", str(run.path), "--model.optimizer.init_args.lr", "1e30"]) == 2
    assert "The loss is not a number" in capsys.readouterr().err
    assert run.config.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--into"], "--into needs the run folder"),
        (["{}/config.yaml", "--into", "{}"], "leave out"),
        (["--into", "{}", "--config", "{}/config.yaml"], "leave out --config"),
        (["--into", "{}", "--resume", "{}"], "both name a run folder"),
        (["--into", "{}/no"], "There is no run folder"),
    ],
)
def test_what_cannot_be_trained_into_is_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepared(tmp_path / "run")
    assert main(["fit", *(part.format(run.path) for part in arguments)]) == 2
    assert said in capsys.readouterr().err
