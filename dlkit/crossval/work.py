"""Make the folds of a cross-validation on this machine or on a cluster, and gather them."""

from dlkit.core.checks import InputError
from dlkit.core.runfolder import discard_run, sole_user
from dlkit.crossval.folder import CrossvalFolder
from dlkit.crossval.gather import gather
from dlkit.submit.array import Array
from dlkit.submit.spread import Local, spread
from dlkit.submit.task import Task


def work(folder: CrossvalFolder, where: Local | Array) -> None:
    """Make the folds that are missing; gather them here, or let the cluster do it.

    Raises:
        InputError: A fold failed, the cluster would not take the jobs, or another job is at work in the folder.
    """
    missing, place = folder.missing(), str(folder.path.absolute())
    for number in missing:
        folder.prepare(number)
    with sole_user(folder.path):
        if missing:
            tasks = [Task(f"fold-{number}", ["crossval", place, "--fold", str(number)]) for number in missing]
            made = spread(tasks, where, folder=folder.path, gather=Task("gather", ["crossval", place, "--gather"]))
            if made.job:
                print(f"job array {made.job} of {len(tasks)} folds, gathered by job {made.gather}: {folder.path}")
                return
            if made.failed:
                raise InputError(f"{made.complaint().rstrip('.')}; `dlkit crossval {folder.path}` goes on.")
        finish(folder)


def begin_work(folder: CrossvalFolder, where: Local | Array) -> None:
    """Do the same in a new folder, which is removed again when the cluster would not take the jobs."""
    try:
        work(folder, where)
    except InputError:
        if isinstance(where, Array):
            discard_run(folder.path)
        raise


def finish(folder: CrossvalFolder) -> None:
    """Gather the folds and say where everything is."""
    print(gather(folder))
    print(f"metrics: {folder.metrics}\npredictions: {folder.predictions}\nfigures: {folder.figures}")
