"""A run that was killed and resumed equals a run that was never stopped, bit for bit."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dlkit.__main__ import main

CONFIG = """
name: tiny
seed_everything: 1
data:
  class_path: dlkit.data.datamodules.TimeSeriesDataModule
  init_args:
    source: {class_path: dlkit.data.sources.weather.TMY3Weather}
    targets: [temperature]
    look_back: 24
    look_forward: 6
    batch_size: 256
    batches_per_step: 1
model:
  class_path: dlkit.tasks.forecast.Forecast
  init_args:
    net: {class_path: dlkit.models.mlp.MLP, init_args: {hidden_size: 16, dropout: 0.3}}
    optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.003}}
    scheduler: {class_path: torch.optim.lr_scheduler.CosineAnnealingLR, init_args: {T_max: 100}}
    scheduler_interval: step
trainer:
  max_epochs: 3
  gradient_clip_val: 0.5
  log_every_n_steps: 5
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: pytorch_lightning.callbacks.EarlyStopping, init_args: {monitor: val/loss, patience: 2}}
"""
EVERY_7_STEPS = {
    "class_path": "pytorch_lightning.callbacks.ModelCheckpoint",
    "init_args": {"every_n_train_steps": 7, "save_top_k": -1, "filename": "step-{step}"},
}
AVERAGE = {"class_path": "pytorch_lightning.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "killed between two checkpoints": ("step:50", {}),
    "killed in the middle of an epoch": ("step:33", {"callbacks": [EVERY_7_STEPS]}),
    "killed in the first save": ("save:1", {}),
    "killed in a later save": ("save:4", {}),
    "weight averaging": ("step:33", {"callbacks": [EVERY_7_STEPS, AVERAGE]}),
    "several batches a step": ("step:50", {"batches_per_step": 4}),
    "plateau schedule": ("step:50", {"plateau": True, "batches_per_step": 4}),
}


def write_config(path: Path, change: dict[str, Any]) -> Path:
    config = yaml.safe_load(CONFIG)
    config["trainer"]["callbacks"] += change.get("callbacks", [])
    config["data"]["init_args"]["batches_per_step"] = change.get("batches_per_step", 1)
    if change.get("plateau"):
        plateau = {"class_path": "torch.optim.lr_scheduler.ReduceLROnPlateau", "init_args": {"patience": 0}}
        config["model"]["init_args"] |= {"scheduler": plateau, "scheduler_interval": "epoch"}
    path.write_text(yaml.safe_dump(config))
    return path


def assert_same(one: Any, other: Any, place: str = "") -> None:
    """Compare two checkpoints to the last bit; paths differ by the folder."""
    if isinstance(one, dict):
        one, other = ({Path(str(key)).name: value for key, value in part.items()} for part in (one, other))
        assert one.keys() == other.keys(), place
        for key in one:
            assert_same(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{place}[{i}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    elif not (isinstance(one, str) and "/" in one):
        assert one == other or one != one, f"{place}: {one} {other}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Path]:
    """Return what gives the run that nothing stopped, which is made once for each configuration."""
    made: dict[str, Path] = {}

    def run_of(change: dict[str, Any]) -> Path:
        if str(change) not in made:
            folder = tmp_path_factory.mktemp("whole")
            assert main(["fit", str(write_config(folder / "config.yaml", change)), "--runs", str(folder)]) == 0
            made[str(change)] = folder / "tiny-001"
        return made[str(change)]

    return run_of


@pytest.fixture(scope="module")
def killer() -> Iterator[Callable[..., int]]:
    """Return what trains in a process that is killed, and says its exit code."""
    command = [sys.executable, str(Path(__file__).with_name("killed_run.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None

        def kill(*arguments: object) -> int:
            print(json.dumps([*map(str, arguments)]), file=process.stdin, flush=True)
            return int(process.stdout.readline())

        yield kill


@pytest.mark.parametrize("name", VARIANTS)
def test_killed_and_resumed_equals_uninterrupted(
    name: str, whole: Callable[[dict[str, Any]], Path], killer: Callable[..., int], tmp_path: Path
) -> None:
    how, change = VARIANTS[name]
    config = write_config(tmp_path / "config.yaml", change)
    assert killer(how, config, "--runs", tmp_path / "killed") == -9
    run = tmp_path / "killed" / "tiny-001"
    if not list((run / "checkpoints").glob("*.ckpt")):  # killed before anything was whole: nothing half is left to load
        assert main(["fit", "--resume", str(run)]) == 2
        return
    assert main(["fit", "--resume", str(run)]) == 0
    last = [torch.load(p / "checkpoints" / "last.ckpt", weights_only=True) for p in (whole(change), run)]
    for checkpoint in last:
        checkpoint.pop(
            "loops"
        )  # counts of restarts and of time are allowed to differ; steps and epochs are compared below
    assert_same(*last)
