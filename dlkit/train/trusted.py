"""Whose answers are trusted: those of one network, of several, of one that drops values or draws its last layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlkit.core.runfolder import RunFolder
from dlkit.tasks.members import Dropout, Ensemble
from dlkit.train.confidence_wish import Wish
from dlkit.train.laplace_files import laplace_of


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


def task_of(path: Path) -> Any:
    """Return the trained task of another run."""
    from dlkit.train import stages

    cli, _ = stages.load([str(RunFolder.open(path).path)], reads=False)
    return cli.model
