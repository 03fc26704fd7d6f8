"""One trial: a training in a run folder of its own, watched in validation alone."""

import contextlib
import io
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import require, suggest
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, sole_user, write_json
from dlkit.data.batches.batching import Batching
from dlkit.models.base import weights_come_later
from dlkit.tasks.network import NetTask
from dlkit.train.callbacks import ShortSummary
from dlkit.train.checkpoints import newest_whole
from dlkit.train.cli import RunCLI, build
from dlkit.train.run_place import is_trained
from dlkit.train.stages import train
from dlkit.tune.kept import Kept, keeping

RECORD = "trial.json"
Report = Callable[[float, int], bool]
"""Takes the metric and the number of the validation; tells whether to give the trial up."""


@dataclass
class Record:
    """What ``trial.json`` says of a trial.

    Args:
        path: The file.
        about: Number, parameters and metric.
        values: The metric after each validation, by the number of steps trained until then.
        state: "running", "complete", "pruned" or "failed".
        value: The metric of the best checkpoint.
        why: Why it was pruned or failed.
    """

    path: Path
    about: dict[str, Any] = field(default_factory=dict)
    values: dict[int, float] = field(default_factory=dict)
    state: str = "running"
    value: float | None = None
    why: str = ""

    def write(self) -> None:
        """Write it, whole or not at all."""
        found = {"state": self.state, "value": self.value, "why": self.why}
        write_json(self.path, self.about | found | {"values": {str(step): v for step, v in self.values.items()}})

    def read_values(self) -> None:
        """Take over the values of a try that was stopped."""
        if self.path.is_file():
            self.values = {int(step): float(value) for step, value in read_json(self.path)["values"].items()}


class Watch(pl.Callback):
    """Reports the metric after each validation and ends a trial that does not look good.

    Args:
        metric: What is reported.
        record: Where it is kept.
        report: Takes the value and its number; tells whether to give up.
    """

    content_with_several_batches = True

    def __init__(self, metric: str, record: Record, report: Report) -> None:
        self.metric, self.record, self.report, self.pruned = metric, record, report, False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Report, and stop the training when it is given up."""
        if trainer.sanity_checking:
            return
        value = float(trainer.callback_metrics[self.metric])
        self.record.values[trainer.global_step] = value
        self.record.write()
        if self.report(value, len(self.record.values) - 1):
            self.pruned = trainer.should_stop = True


def write_config(run: RunFolder, config: dict[str, Any]) -> None:
    """Write the configuration of a trial."""
    with atomic_file(run.config) as work:
        work.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def check_metric(cli: RunCLI, metric: str) -> None:
    """Refuse a metric that nothing logs, and data of which nothing validates."""
    data, task = cli.datamodule, cli.model
    require(
        not isinstance(data, Batching) or data.count("val") > 0,
        "Tuning compares validation, but no window or sample validates: give `data.split` a larger val part.",
    )
    known = task.logged() if isinstance(task, NetTask) else {metric}
    known = {name for name in known if name.startswith("val/")}
    require(metric in known, f"metric '{metric}' is not logged by {type(task).__name__}; {suggest(metric, known)}")


def train_trial(run: RunFolder, metric: str, record: Record, report: Report, kept: Kept) -> bool:
    """Train in a run folder with a config, or go on there; return whether it was given up.

    The test split is neither loaded nor looked at. ``record.value`` is then the metric of the best checkpoint.
    """
    with sole_user(run.path), contextlib.redirect_stdout(io.StringIO()):
        checkpoint = newest_whole(run) if run.checkpoint_files() else None
        reached = load_checkpoint(checkpoint)["global_step"] if checkpoint is not None else 0
        record.values = {step: value for step, value in record.values.items() if step <= reached}
        for number, value in enumerate(record.values.values()):
            report(value, number)
        with nullcontext() if checkpoint is None else weights_come_later():
            cli = build(["--config", str(run.config)], trains=True, run=run, checkpoint=checkpoint, kind=keeping(kept))
        check_metric(cli, metric)
        watch = Watch(metric, record, report)
        trainer: Any = cli.trainer
        shown = pl.callbacks.ProgressBar | ShortSummary
        trainer.callbacks = [one for one in trainer.callbacks if not isinstance(one, shown)]
        trainer.callbacks.insert(0, watch)
        if not is_trained(run):
            train(cli, run, checkpoint, keeps=True)
    record.value = value_of_best(run, record)
    return watch.pruned


def value_of_best(run: RunFolder, record: Record) -> float:
    """Return the metric of the checkpoint with the best validation loss."""
    step = load_checkpoint(run.checkpoints / "best.ckpt")["global_step"]
    value = record.values.get(step, math.nan)
    require(math.isfinite(value), "the metric of the best checkpoint is not a number.")
    return value
