"""A run that was asked to stop, wherever it was, ends after it was gone on with as if nothing had happened."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder
from dlkit.train.callbacks import Telemetry
from dlkit.train.evaluation.stop import StopEvaluation
from dlkit.train.preemption import Preemption
from tests.test_interrupt import last_of
from tests.test_resume import AVERAGE, EVERY_7_STEPS, assert_same, write_config

PLATEAU = {"class_path": "torch.optim.lr_scheduler.ReduceLROnPlateau", "init_args": {"patience": 0, "threshold": 0.9}}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "checkpoints": {"trainer.callbacks": [EVERY_7_STEPS]},
    "averaged weights": {"trainer.callbacks": [AVERAGE]},
    "several batches a step": {"data.batches_per_step": 4},
    "plateau": {"model.scheduler": PLATEAU, "model.scheduler_interval": "epoch"},
    "plateau, several": {
        "model.scheduler": PLATEAU,
        "model.scheduler_interval": "epoch",
        "data.batches_per_step": 4,
    },
    "no validation": {"trainer.limit_val_batches": 0, "trainer.callbacks": None},
    "by steps": {"trainer.max_steps": 80, "trainer.max_epochs": -1},
    "two validations an epoch": {"trainer.val_check_interval": 0.5},
    "accumulated gradients": {"trainer.accumulate_grad_batches": 3},
    "workers": {"data.num_workers": 2, "data.placement": "disk"},
}
# setting, what happens: ("step", n) after the n-th step, ("validation", n) after the n-th batch of validation
CASES = [
    ("checkpoints", ("step", 14), "in an epoch"),
    ("plain", ("step", "last"), "in a validation"),
    ("plain", ("validation", 1), "in a validation"),
    ("plain", ("validation", "last"), "between epochs"),
    ("averaged weights", ("step", 12), "in an epoch"),
    ("averaged weights", ("validation", 2), "in a validation"),
    ("several batches a step", ("step", 4), "in an epoch"),
    ("several batches a step", ("validation", 2), "in a validation"),
    ("plateau", ("validation", 2), "in a validation"),
    ("plateau", ("step", 9), "in an epoch"),
    ("plateau, several", ("step", 9), "in an epoch"),
    ("plateau, several", ("validation", 2), "in a validation"),
    ("no validation", ("step", "last"), "between epochs"),
    ("by steps", ("validation", "last"), "between epochs"),
    ("by steps", ("validation", 2), "in a validation"),
    ("two validations an epoch", ("validation", 2), "in a validation"),
    ("accumulated gradients", ("step", 4), "in an epoch"),
    ("workers", ("step", 9), "in an epoch"),
    ("workers", ("validation", 1), "in a validation"),
]


def write(path: Path, changes: dict[str, Any], cache: Path) -> Path:
    write_config(path, {})
    config = yaml.safe_load(path.read_text())
    config["data"]["init_args"] |= {"cache": str(cache), "eval_batch_size": 300}
    for key, value in changes.items():
        part, _, name = key.partition(".")
        place = config[part] if part == "trainer" else config[part]["init_args"]
        place[name] = [*place[name], *value] if name == "callbacks" and value is not None else value
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, RunFolder]]:
    """Return the configuration and the run, made once, that nothing stopped."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def make(name: str) -> tuple[Path, RunFolder]:
        if name not in made:
            config = write(folder / f"{len(made)}.yaml", SETTINGS[name], folder / "cache")
            assert main(["fit", str(config), "--runs", str(folder / str(len(made)))]) == 0
            made[name] = config, RunFolder(folder / str(len(made)) / "tiny-001")
        return made[name]

    return make


def press(patch: pytest.MonkeyPatch, where: tuple[str, Any]) -> None:
    """Send TERM to this process at a place, once."""
    kind, wanted = where
    train, validate = Telemetry.on_train_batch_end, Preemption.on_validation_batch_end
    seen = {"step": 0, "validation": 0}

    def note(what: str, last: bool) -> None:
        seen[what] += 1
        if kind == what and (seen[what] == wanted or (wanted == "last" and last)) and not seen.get("sent"):
            seen["sent"] = 1
            os.kill(os.getpid(), signal.SIGTERM)

    def in_training(self: Telemetry, trainer: Any, *rest: Any) -> None:
        train(self, trainer, *rest)
        note("step", trainer.fit_loop.epoch_loop.batch_progress.is_last_batch)

    def in_validation(self: Preemption, trainer: Any, *rest: Any, **more: Any) -> None:
        note("validation", trainer.fit_loop.epoch_loop.val_loop.batch_progress.is_last_batch)
        validate(self, trainer, *rest, **more)

    patch.setattr(Telemetry, "on_train_batch_end", in_training)
    patch.setattr(Preemption, "on_validation_batch_end", in_validation)


@pytest.mark.parametrize(("name", "where", "place"), CASES)
def test_stopped_anywhere_ends_as_if_nothing_had_happened(
    name: str, where: tuple[str, Any], place: str, whole: Callable[[str], tuple[Path, RunFolder]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    config, reference = whole(name)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)}
    with pytest.MonkeyPatch.context() as patch:
        press(patch, where)
        assert main(["fit", str(config), "--runs", str(tmp_path)]) == 143
    run = RunFolder(tmp_path / "tiny-001")
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("dlkit ")]
    assert len(said) == 1
    assert said[0].startswith("dlkit fit: stopped by SIGTERM; saved at step ")
    assert said[0].endswith(f"{place}; go on with `dlkit fit --resume {run.path}`.")
    assert {number: signal.getsignal(number) for number in before} == before
    assert main(["fit", "--resume", str(run.path)]) == 0
    assert_same(last_of(reference), last_of(run))


def test_stopped_before_the_first_step_it_begins_when_it_goes_on(
    whole: Callable[[str], tuple[Path, RunFolder]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, reference = whole("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Telemetry, "on_fit_start", lambda *_: os.kill(os.getpid(), signal.SIGUSR2))
        assert main(["fit", str(config), "--runs", str(tmp_path)]) == 143
    run = RunFolder(tmp_path / "tiny-001")
    assert (
        f"stopped by SIGUSR2; nothing new was learnt; go on with `dlkit fit --into {run.path}`."
        in capsys.readouterr().err
    )
    assert main(["fit", "--into", str(run.path)]) == 0
    assert_same(last_of(reference), last_of(run))


def test_a_job_leaves_word_for_its_script(
    whole: Callable[[str], tuple[Path, RunFolder]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, reference = whole("plain")
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("DLKIT_SLURM_FOLDER", str(folder))
    with pytest.MonkeyPatch.context() as patch:
        press(patch, ("step", 5))
        assert main(["fit", str(config), "--runs", str(tmp_path)]) == 0
    assert (folder / "requeue").read_text() == "saved at step 5 in an epoch\n"
    assert (folder / "progress").read_text() == "5\n"
    run = RunFolder(tmp_path / "tiny-001")
    assert main(["fit", "--into", str(run.path)]) == 0
    assert_same(last_of(reference), last_of(run))


def test_a_test_is_left_and_made_again(
    whole: Callable[[str], tuple[Path, RunFolder]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = whole("plain")
    with pytest.MonkeyPatch.context() as patch:
        begin = StopEvaluation.on_test_start

        def asked_in_test(self: StopEvaluation, *rest: Any) -> None:
            begin(self, *rest)
            os.kill(os.getpid(), signal.SIGTERM)

        patch.setattr(StopEvaluation, "on_test_start", asked_in_test)
        assert main(["run", str(config), "--runs", str(tmp_path)]) == 143
    assert "training has ended and is kept; go on with `dlkit run --into` and the run folder" in capsys.readouterr().err
    run = RunFolder(tmp_path / "tiny-001")
    assert not run.predictions.exists()
    assert main(["run", "--into", str(run.path)]) == 0
    assert run.predictions.exists()
