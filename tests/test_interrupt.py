"""Ctrl-C ends a job with a word on how to go on; a run that is being written takes no second writer."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dlkit.__main__ import guarded, main
from dlkit.core.runfolder import RunFolder, sole_user
from dlkit.train.callbacks import Telemetry
from tests.bad_inputs.corpus import snapshot
from tests.test_resume import EVERY_7_STEPS, assert_same, write_config

SECOND = "is being written by another job that is alive"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(tmp_path_factory.mktemp("job") / "config.yaml", {"callbacks": [EVERY_7_STEPS]})


@pytest.fixture(scope="module")
def whole(config: Path) -> RunFolder:
    """Return the run that nothing stopped."""
    assert main(["fit", str(config), "--runs", str(config.parent / "whole")]) == 0
    return RunFolder(config.parent / "whole" / "tiny-001")


def last_of(run: RunFolder) -> dict[str, Any]:
    content = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    content.pop("loops")  # counts of restarts and of time
    return content


def test_ctrl_c_says_how_to_go_on_and_what_is_kept_goes_on_as_if_nothing_had_happened(
    config: Path, whole: RunFolder, tmp_path: Path
) -> None:
    command = [sys.executable, str(Path(__file__).with_name("killed_run.py")), "ctrl-c:33", str(config)]
    done = subprocess.run([*command, "--runs", str(tmp_path)], check=False, capture_output=True, text=True)
    run = RunFolder(tmp_path / "tiny-001")
    assert done.returncode == 130, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("dlkit ")]
    way = f"go on with `dlkit fit --resume {run.path}`"
    assert said == [f"dlkit fit: interrupted; checkpoints written so far are whole; {way}."], done.stderr
    assert "Traceback" not in done.stderr
    assert not list(run.path.rglob("*.tmp"))
    steps = {torch.load(path, weights_only=True)["global_step"] for path in run.checkpoint_files()}
    assert steps, "nothing was saved before the interrupt"
    assert max(steps) <= 33
    offered = re.search(r"`dlkit (.*)`\.$", said[0])
    assert offered is not None
    assert main(offered.group(1).split()) == 0
    assert_same(last_of(whole), last_of(run))


def test_ctrl_c_before_anything_was_saved_does_not_promise_a_resume(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(self: Telemetry, *rest: Any) -> None:
        raise SystemExit(1)  # what Lightning makes of Ctrl-C

    monkeypatch.setattr(Telemetry, "on_train_batch_end", stop)
    assert main(["fit", str(config), "--runs", str(tmp_path)]) == 130
    assert "there is none yet, so begin anew" in capsys.readouterr().err


def test_a_second_fit_on_a_live_run_is_refused_and_the_first_ends_as_if_alone(
    config: Path, whole: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, watched, codes = RunFolder(tmp_path / "tiny-001"), Telemetry.on_train_batch_end, []

    def press_on(self: Telemetry, trainer: Any, *rest: Any) -> None:
        watched(self, trainer, *rest)
        if trainer.global_step == 20:
            before = snapshot(run.path)
            codes.append(main(["fit", "--resume", str(run.path)]))
            assert snapshot(run.path) == before

    monkeypatch.setattr(Telemetry, "on_train_batch_end", press_on)
    assert main(["fit", str(config), "--runs", str(tmp_path)]) == 0
    assert codes == [2]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("dlkit ")]
    assert len(said) == 1
    assert f"'{run.path}' {SECOND}" in said[0]
    assert_same(last_of(whole), last_of(run))


def test_a_second_resume_is_refused_while_the_first_lives_and_taken_when_it_has_ended(
    whole: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(whole.path, tmp_path / "tiny-001"))
    before = snapshot(run)
    with sole_user(run):
        assert main(["fit", "--resume", str(run)]) == 2
        assert SECOND in capsys.readouterr().err
        assert snapshot(run) == before
    assert main(["fit", "--resume", str(run), "--trainer.max_epochs", "4"]) == 0


def test_ctrl_c_speaks_of_checkpoints_where_they_are_written_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dlkit.__main__.importlib.import_module", stop)
    assert guarded("embed", []) == 130
    assert capsys.readouterr().err == "dlkit embed: interrupted; files written so far are whole.\n"
