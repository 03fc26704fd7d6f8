"""Whose answers are trusted: those of one network, of several, of one that drops values or draws its last layer."""

from collections.abc import Sequence
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import torch

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder
from dlkit.tasks.members import Dropout, Ensemble
from dlkit.train.confidence.laplace_files import laplace_of
from dlkit.train.confidence.wish import Wish
from dlkit.train.run_place import require_trained


def join_members(cli: Any, wish: Wish, others: Sequence[str] = (), *, run: RunFolder) -> None:
    """Let the task of a run answer as its settings want: with other runs, with dropout, or with drawn last layers.

    Args:
        cli: Its data, task and trainer.
        wish: The settings.
        others: Folders of the runs that answer too.
        run: Its folder.

    Raises:
        InputError: The runs do not belong together, the network has no dropout, or no posterior of its last layer.
    """
    cli.members = [str(path) for path in others]
    if others:
        cli.model.members = Ensemble(cli.model, [task_of(Path(path)) for path in others])
    elif wish.dropout:
        cli.model.members = Dropout(cli.model, draws=wish.dropout)
    elif wish.laplace:
        cli.model.members = laplace_of(cli, run)


def require_others(run: RunFolder, others: Sequence[str]) -> None:
    """Refuse runs that have nothing of their own to say: this run itself, or one that is still being trained."""
    for path in others:
        other = RunFolder.open(Path(path))
        require(
            other.path.resolve() != run.path.resolve(),
            f"--ensemble names '{path}', the run itself: give other finished runs, trained from other seeds.",
        )
        require_trained(other)


def require_unlike(cli: Any, run: RunFolder) -> None:
    """Refuse networks of the same weights, which agree everywhere and so tell no doubt."""
    if not isinstance(cli.model.members, Ensemble) or not cli.members:
        return
    named = zip([str(run.path), *cli.members], [cli.model, *cli.model.members.others], strict=True)
    for (one, task), (other, its) in combinations(named, 2):
        pairs = zip_longest(task.net.parameters(), its.net.parameters(), fillvalue=torch.empty(0))
        require(
            not all(torch.equal(mine.cpu(), theirs.cpu()) for mine, theirs in pairs),
            f"'{one}' and '{other}' have the same weights, so they cannot disagree: give runs of other seeds, trained "
            "with --seed_everything N.",
        )


def task_of(path: Path) -> Any:
    """Return the trained task of another run."""
    from dlkit.train import stages

    cli, _ = stages.load([str(RunFolder.open(path).path)], reads=False)
    return cli.model
