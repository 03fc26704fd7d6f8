"""Train the members of an ensemble on this machine or on a cluster, and gather them."""

from dlkit.core.checks import InputError
from dlkit.core.runfolder import discard_run, sole_user
from dlkit.ensembles.folder import EnsembleFolder
from dlkit.ensembles.gather import gather
from dlkit.submit.array import Array
from dlkit.submit.spread import Local, spread
from dlkit.submit.task import Task
from dlkit.train import stages


def train_member(folder: EnsembleFolder, number: int) -> None:
    """Train a member, or go on where an earlier try was cut off."""
    run = folder.prepare(number)
    stages.fit(["--into", str(run.path)])
    print(f"member {number}: {run.path}")


def work(folder: EnsembleFolder, where: Local | Array) -> None:
    """Train the members that are missing; gather them here, or let the cluster do it.

    Raises:
        InputError: A member failed, the cluster would not take the jobs, or another job is at work in the folder.
    """
    missing, place = folder.missing(), str(folder.path.absolute())
    for number in missing:
        folder.prepare(number)
    with sole_user(folder.path):
        if missing:
            tasks = [Task(f"member-{number}", ["ensemble", place, "--member", str(number)]) for number in missing]
            made = spread(tasks, where, folder=folder.path, gather=Task("gather", ["ensemble", place, "--gather"]))
            if made.job:
                print(f"job array {made.job} of {len(tasks)} members, gathered by job {made.gather}: {folder.path}")
                return
            if made.failed:
                raise InputError(f"{made.complaint().rstrip('.')}; `dlkit ensemble {folder.path}` goes on.")
        gather(folder)


def begin_work(folder: EnsembleFolder, where: Local | Array) -> None:
    """Do the same in a new folder, which is removed again when the cluster would not take the jobs."""
    try:
        work(folder, where)
    except InputError:
        if isinstance(where, Array):
            discard_run(folder.path)
        raise
