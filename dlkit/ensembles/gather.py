"""Gather the members of an ensemble: their scores beside its own, and all that a run has, in one folder."""

import shutil
from pathlib import Path
from typing import Any

from dlkit.core.runfolder import RunFolder, atomic_file, read_json, write_json
from dlkit.ensembles.folder import EnsembleFolder
from dlkit.ensembles.scores import scores_of, table_text
from dlkit.train import stages
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.confidence import calibrating
from dlkit.train.evaluation.base import plain
from dlkit.train.evaluation.members import record


def gather(folder: EnsembleFolder) -> None:
    """Make the folder a run whose network is all members: compare, test, calibrate and predict."""
    runs = [folder.run(number) for number in range(1, folder.count + 1)]
    take_first(folder.whole, runs[0])
    fits = [read_json(run.metrics)["fit"] for run in runs]
    known = read_json(folder.whole.metrics) if folder.whole.metrics.is_file() else {}
    write_json(folder.whole.metrics, known | {"fit": {key: sum(one[key] for one in fits) for key in fits[0]}})
    record(folder.whole, [run.path for run in runs[1:]])
    cli, run = stages.load([str(folder.path)])
    assert run is not None
    print(compared(cli, run))
    cli.tested = None
    print(stages.test(cli, run))
    if promises := calibrating.in_run(cli, run):
        print(promises)
    path, rows = stages.predict(cli, run, [], None)
    print(f"{rows} predictions: {path}\nfigures: {run.figures}\nrun folder: {run.path}")


def compared(cli: Any, run: RunFolder) -> str:
    """Return the table of the scores of the members and of all together; keep it in the folder."""
    scores = scores_of(cli)
    text = table_text(scores)
    known = read_json(run.metrics) if run.metrics.is_file() else {}
    table = {name: {"members": values[:-1], "ensemble": values[-1]} for name, values in plain(scores).items()}
    write_json(run.metrics, known | {"ensemble": table})
    with atomic_file(run.path / "ensemble.txt") as work:
        work.write_text(text + "\n", encoding="utf-8")
    return text


def take_first(whole: RunFolder, first: RunFolder) -> None:
    """Copy what the folder of an ensemble shares with its first member: a checkpoint, and what is known of the data."""
    for source in (best_or_newest(first), first.data):
        copied(source, whole.path / source.relative_to(first.path))


def copied(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    if source.is_file():
        with atomic_file(target) as work:
            shutil.copyfile(source, work)
