"""The other networks of a run that is an ensemble: which they are, and how they answer together with its own."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.tasks.members import Ensemble
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.evaluation.evaluate import load_weights

FILE = "ensemble.json"
OTHERS = "others"


def known_of(run: RunFolder) -> dict[str, Any]:
    """Return what is known of the members of a run; nothing of a run with one network."""
    file = run.path / FILE
    found: dict[str, Any] = read_json(file) if file.is_file() else {}
    return found


def others_of(run: RunFolder) -> list[RunFolder]:
    """Return the runs that answer together with a run, none unless it is an ensemble."""
    return [RunFolder(run.path / name) for name in known_of(run).get(OTHERS, [])]


def record(run: RunFolder, others: Sequence[Path], **about: Any) -> None:
    """Write which runs, all of them inside the folder of a run, answer together with it from now on."""
    names = [str(other.relative_to(run.path)) for other in others]
    write_json(run.path / FILE, known_of(run) | {OTHERS: names} | about)


def join_recorded(task: Any, run: RunFolder) -> None:
    """Let a task of a run answer together with the other networks of the run, where there are any.

    Raises:
        InputError: One of them is missing, or belongs to another network or other data.
    """
    task.members = None
    others = []
    for other in others_of(run):
        require(
            other.path.is_dir(),
            f"'{run.path}' is an ensemble, but its member '{other.path.name}' is not there: copy the whole folder.",
        )
        others.append(copy.deepcopy(task))
        load_weights(others[-1], best_or_newest(other))
    if others:
        task.members = Ensemble(task, others)
