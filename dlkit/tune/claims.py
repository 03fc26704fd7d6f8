"""Who runs which trial: workers come and go, are killed, and never run the same one.

A worker holds a lock on ``workers/ID.lock`` as long as it lives; the system lets go however it ends. A running trial
whose worker's lock is free was killed with it: it is marked so, and its parameters, with its run folder, are given out
once more. All of this happens under one more lock, and so does the choice of new values.
"""

import fcntl
import os
import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, new_run
from dlkit.tune.study import Book, quiet_optuna
from dlkit.tune.values import Choice, Range, Values

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

MOST_TRIES = 3
HOPELESS = 3


@contextmanager
def worker(folder: Path) -> Iterator[str]:
    """Hold the lock of a worker and yield its name."""
    folder.mkdir(exist_ok=True)
    name = f"{re.sub(r'[^A-Za-z0-9-]', '-', socket.gethostname())}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    path = folder / f"{name}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield name
        path.unlink()  # only when nothing of it is left to heal


def is_alive(folder: Path, name: str) -> bool:
    """Tell whether a worker holds its lock."""
    try:
        with (folder / f"{name}.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one worker at a time look at the study and change it."""
    folder.mkdir(exist_ok=True)
    with (folder / "claims.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def claim(book: Book, name: str) -> tuple["Trial", dict[str, Any]] | None:
    """Return a trial of this worker's own and its values; None when as many as wanted have begun.

    Raises:
        InputError: The first trials all failed for the same reason.
    """
    from optuna.trial import TrialState

    with alone(book.folder.workers), quiet_optuna():
        heal(book)
        require_hope(book)
        trials = book.trials()
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if not waiting and len(trials) >= book.wanted:
            return None
        trial = book.study.ask()
        trial.set_user_attr("worker", name)
        values = book.space.filled(lambda key, among: suggest_value(trial, key, among))
        if "run" not in trial.user_attrs:
            run = new_run(book.folder.trials, str(book.config["name"]))
            trial.set_user_attr("run", run.name)
        return trial, values


def suggest_value(trial: "Trial", key: str, among: Values) -> Any:
    """Return the value that the sampler chooses."""
    if isinstance(among, Choice):
        return trial.suggest_categorical(key, list(among.options))
    assert isinstance(among, Range)
    if among.whole:
        return trial.suggest_int(key, int(among.low), int(among.high), step=int(among.step or 1), log=among.log)
    return trial.suggest_float(key, among.low, among.high, step=among.step, log=among.log)


def heal(book: Book) -> None:
    """Give out once more what was running in workers that are no longer alive."""
    from optuna.trial import TrialState

    trials = book.study.get_trials(deepcopy=False)
    begun_again = {trial.user_attrs["again"] for trial in trials if "again" in trial.user_attrs}
    for trial in trials:
        owner = trial.user_attrs.get("worker")  # none: killed while values were chosen, as we hold the lock
        if trial.state != TrialState.RUNNING or (owner and is_alive(book.folder.workers, owner)):
            continue
        if owner:
            (book.folder.workers / f"{owner}.lock").unlink(missing_ok=True)
        tries = 0 if came_further(book, trial) else int(trial.user_attrs.get("tries", 1))
        if tries >= MOST_TRIES:
            why = f"its worker was killed {tries} times before the first checkpoint, perhaps for want of memory."
            book.note(trial.number, "why", why)
        else:
            if trial.number not in begun_again:
                book.study.enqueue_trial(trial.params, user_attrs=once_more(trial, tries))
            book.note(trial.number, "lost", True)
        book.study.tell(trial.number, state=TrialState.FAIL)


def came_further(book: Book, trial: "FrozenTrial") -> bool:
    """Tell whether a try left a checkpoint: it was preempted, or will end some day."""
    run = RunFolder(book.folder.trials / str(trial.user_attrs.get("run", "")))
    began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return "run" in trial.user_attrs and any(file.stat().st_mtime > began for file in run.checkpoint_files())


def once_more(trial: "FrozenTrial", tries: int) -> dict[str, Any]:
    """Return what the trial that goes on with this one must know."""
    run = {"run": trial.user_attrs["run"]} if "run" in trial.user_attrs else {}
    return run | {"again": trial.number, "tries": tries + 1}


def require_hope(book: Book) -> None:
    """Refuse to go on when the first trials all failed, and for the same reason.

    Raises:
        InputError: The reason.
    """
    ended = book.finished()
    reasons = [str(trial.user_attrs.get("why", "")) for trial in ended if trial.state.name == "FAIL"]
    if len(ended) < HOPELESS or len(reasons) < len(ended):
        return
    alike = {re.sub(r"[\d.e+\-]+", "#", reason) for reason in reasons[:HOPELESS]}
    if len(alike) == 1:
        raise InputError(
            f"The first {HOPELESS} trials of {book.folder.path} all failed for the same reason: {reasons[0]}"
        )
