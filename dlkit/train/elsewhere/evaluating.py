"""Test a run on other data, beside its own test: the wiring of `dlkit evaluate`."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder, atomic_file, atomic_folder, write_json
from dlkit.data.batches.batching import Batching
from dlkit.report.canvas import save_figure
from dlkit.tasks.network import NetTask
from dlkit.train import stages
from dlkit.train.cli import RunCLI
from dlkit.train.confidence import confidence
from dlkit.train.confidence.novelty import Novelty, fit_novelty
from dlkit.train.elsewhere.drift import Reference, reference_of
from dlkit.train.elsewhere.figures import figures
from dlkit.train.elsewhere.known import had_before
from dlkit.train.elsewhere.sides import Side, side_of
from dlkit.train.elsewhere.text import measures_of, text_of
from dlkit.train.evaluation.base import Evaluation, evaluation_of
from dlkit.train.evaluation.predictions import write_predictions
from dlkit.train.evaluation.whole import placed
from dlkit.train.left_out import left_out_text, write_left_out
from dlkit.train.new_recordings import source_of
from dlkit.train.other_data import other_data

OWN = "own test"


def evaluate_run(cli: RunCLI, run: RunFolder, paths: Sequence[str], folder: str) -> str:
    """Measure a run on other data and on its own test; write ``RUN/FOLDER/`` and return the tables.

    Args:
        cli: Data, task and trainer of the run, with its best weights.
        run: Its folder.
        paths: The other data.
        folder: Name of the folder to write.

    Raises:
        InputError: The other data lack a channel, or the run has too little training or validation data to compare.
    """
    task, data = cli.model, cli.datamodule
    require(
        isinstance(task, NetTask) and isinstance(data, Batching),
        f"An evaluation needs a task and a data module of dlkit; the config has {type(task).__name__} and "
        f"{type(data).__name__}.",
    )
    own = evaluation_of(task, data)
    for role in ("train", "val", "test"):
        own.require_some(role)
    with other_data(getattr(data, "source", None)):
        other = own.on_new(source_of(data, list(paths), run, task.spec, cli.arguments))
    before = had_before(data, other.data)
    for one in (own, other):
        one.know(run)
        stages.trust(cli, run, one, followed=False)
    with placed(task, cli.trainer.strategy.root_device):
        novelty = own.novelty or fit_novelty(task, data)
        known = reference_of(task, data)
        sides = []
        for name, one in ((OWN, own), (name_of(paths), other)):
            task.to(cli.trainer.strategy.root_device)  # a test leaves it elsewhere
            sides.append(side_of(name, one, novelty, known, cli.trainer))
    sides[-1] = replace(sides[-1], had=before)
    other.novelty = novelty
    told = left_out_text(other.data, names=True)
    text = "\n\n".join(part for part in (told, text_of(sides, level_of(run, own))) if part)
    place = run.path / folder
    again = f"replaced: an evaluation of data of this name (next time rename its folder to keep both): {place}\n"
    said = again * place.exists()
    write(cli, place, sides, (known, novelty), text, level_of(run, own))
    return f"{text}\n\n{said}evaluation: {place}"


def level_of(run: RunFolder, evaluation: Evaluation) -> float | None:
    """Return what is promised: by the calibration of the run, else by the network itself; None where nothing is."""
    found = confidence.read(run)
    heads = getattr(evaluation, "heads", {"": evaluation})
    levels = [getattr(getattr(one.task, "loss", None), "level", None) for one in heads.values()]
    return next((level for level in levels if level is not None), None) if found is None else found.level


def name_of(paths: Sequence[str]) -> str:
    """Return what the other data are called."""
    first = Path(paths[0].rpartition("=")[2]).name
    return first + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def write(
    cli: RunCLI, folder: Path, sides: list[Side], against: tuple[Reference, Novelty], text: str, level: float | None
) -> None:
    """Write measures, tables, figures and predictions, all of them or nothing."""
    known, novelty = against
    val: np.ndarray = novelty.distance(novelty.places(known.val.features)).cpu().numpy()
    with atomic_folder(folder) as work:
        write_json(work / "metrics.json", {side.name: measures_of(side) for side in sides} | {"level": level})
        with atomic_file(work / "summary.txt") as file:
            file.write_text(text + "\n", encoding="utf-8")
        for name, figure in figures(sides, val, level):
            save_figure(figure, work / "figures" / f"{name}.png")
        evaluation: Any = sides[-1].evaluation
        write_predictions(work / "predictions.parquet", evaluation, cli.trainer)
        write_left_out(work / "predictions.parquet", evaluation.data)
        shutil.rmtree(folder, ignore_errors=True)
