"""One fold: train, test beside baselines, predict, and measure how new its test is."""

from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import RunFolder, atomic_file, write_json
from dlkit.crossval.errors import error_name
from dlkit.crossval.folder import CrossvalFolder
from dlkit.crossval.measure import measure
from dlkit.crossval.when import when
from dlkit.data.splits import ROLES
from dlkit.train import stages
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.evaluation.base import plain
from dlkit.train.evaluation.evaluate import load_weights
from dlkit.train.together import in_first


def run_fold(folder: CrossvalFolder, number: int) -> None:
    """Make a fold, or go on where an earlier try was cut off; what is done is not done again."""
    run = folder.prepare(number)
    if folder.done(number):
        print(f"fold {number} was made before: {run.path}")
        return
    cli = stages.fit(["--into", str(run.path)], tests=True)
    load_weights(cli.model, best_or_newest(run))
    print(stages.test(cli, run))
    stages.predict(cli, run, [], None)
    in_first(write_fold, run, cli.model, cli.datamodule, folder.plan.purge)
    print(f"fold {number}: {run.path}")


def write_fold(run: RunFolder, task: Any, data: Any, purge: int | str) -> None:
    """Write what is to be known of a fold beside its metrics; last, for it says that the fold is done."""
    spec, found = task.spec, measure(task, data, purge)
    everything = starts_of(data)
    with atomic_file(arrays_of(run.path)) as work, work.open("wb") as file:
        np.savez(file, places=everything, starts=found.starts, distance=found.distance, error=found.error)
    write_json(
        run.path / "fold.json",
        {
            "counts": {role: data.count(role) for role in ROLES},
            "when": when(data),
            "novelty": plain(found.about),
            "error": error_name(spec.kind),
            "kind": spec.kind,
            "classes": list(spec.classes),
            "units": dict(zip(spec.targets, spec.target_units, strict=True)),
        },
    )


def starts_of(data: Any) -> np.ndarray:
    """Return the places of all test windows or samples, in the order in which they are predicted."""
    import torch

    places = data.places("test")
    found: np.ndarray = places.starts(torch.arange(len(places))).numpy()
    return found


def arrays_of(run: Path) -> Path:
    """Return the file of places, distances and errors of a fold."""
    return run / "fold.npz"
