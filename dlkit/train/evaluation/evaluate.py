"""Measure a task, write metrics, figures, summary and predictions of a run."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, write_json
from dlkit.data.batches.batching import Batching
from dlkit.report.canvas import save_figure
from dlkit.report.sample_tables import rivals_table_text
from dlkit.tasks.network import NetTask
from dlkit.train.evaluation import classes, combined, forecasts, reconstruct, values
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of, quiet_trainer
from dlkit.train.evaluation.samples import SampleEvaluation

if TYPE_CHECKING:
    import matplotlib.figure

# Importing them is what makes evaluation_of know them.
REGISTERED = (forecasts, classes, values, combined, reconstruct)


def load_weights(task: pl.LightningModule, path: Path) -> None:
    """Put the weights of a checkpoint into a task.

    Raises:
        InputError: The checkpoint is damaged or belongs to other data or another network.
    """
    checkpoint = load_checkpoint(path)
    task.on_load_checkpoint(checkpoint)
    try:
        task.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:2]]
        raise InputError(
            f"The weights in '{path}' do not fit the network of the config ({lines[0] if lines else 'other shapes'}): "
            "use the config.yaml of the same run."
        ) from error


def test_beside_baselines(task: NetTask, data: Batching, trainer: pl.Trainer) -> Tested:
    """Test a task and its baselines on the same windows or samples.

    Raises:
        InputError: There is nothing to test on.
    """
    return test(evaluation_of(task, data), trainer)


def test(evaluation: Evaluation, trainer: pl.Trainer) -> Tested:
    """Test beside the baselines.

    Raises:
        InputError: There is nothing to test on.
    """
    evaluation.require_some("test")
    return evaluation.test(trainer)


def validate(evaluation: Evaluation, trainer: pl.Trainer) -> str:
    """Measure on everything that validates and return the table.

    Raises:
        InputError: Nothing validates.
    """
    evaluation.require_some("val")
    quiet = quiet_trainer(trainer)
    quiet.validate(evaluation.task, datamodule=evaluation.data, verbose=False)
    count, loss = evaluation.data.count("val"), float(quiet.callback_metrics["val/loss"])
    return f"{evaluation.table('val')}\nval/loss {loss:.4g} over {count} {evaluation.thing}s"


def panels(task: NetTask, data: Batching) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the figures of a validation that just ended.

    Args:
        task: The task while it trains.
        data: What it trains on.
    """
    evaluation = evaluation_of(task, data)
    if isinstance(evaluation, SampleEvaluation):
        yield from evaluation.panels()


def write_test(run: RunFolder, evaluation: Evaluation, tested: Tested) -> None:
    """Write metrics, summary and figures of a test into the run folder."""
    known = read_json(run.metrics) if run.metrics.exists() else {}
    write_json(run.metrics, known | tested.measures)
    with atomic_file(run.summary) as work:
        work.write_text(tested.table + "\n" + beside_sources(evaluation, known), encoding="utf-8")
    drawn = {save_figure(figure, run.figures / f"{name}.png") for name, figure in evaluation.figures()}
    for name in evaluation.sometimes:
        if (old := run.figures / f"{name}.png") not in drawn:  # of an earlier test, and no longer true
            old.unlink(missing_ok=True)
    evaluation.write(run)


def beside_sources(evaluation: Evaluation, known: dict[str, Any]) -> str:
    """Return the table of each source alone, where these were trained before; else nothing."""
    if "single_sources" not in known:
        return ""
    better = {name: one for name, (_, one) in evaluation.brief(evaluation.task).items()}
    measures = {
        method: {
            name: (math.nan if value is None else value, better.get(name, "neither")) for name, value in each.items()
        }
        for method, each in known["single_sources"].items()
    }
    return f"\n{rivals_table_text(measures)}\n"
