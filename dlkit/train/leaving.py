"""How a process leaves when it was asked to: the script of a Slurm job is told, or the user."""

import os
from pathlib import Path
from typing import NoReturn

import pytorch_lightning as pl

from dlkit.core.runfolder import atomic_file
from dlkit.core.signal import Stopped, asked

FOLDER = "DLKIT_SLURM_FOLDER"  # set by the script of a job (dlkit/submit/job.sh)


def job_file(name: str) -> Path | None:
    """Return a file by which a job's script and its training leave word for each other; None outside such a job."""
    folder = os.environ.get(FOLDER)
    return Path(folder) / name if folder else None


def note(name: str, text: str) -> None:
    """Leave word for the script of the job, if there is one."""
    if (file := job_file(name)) is not None:
        with atomic_file(file) as work:
            work.write_text(f"{text}\n", encoding="utf-8")


def leave(what: str, further: str, *, first: bool) -> NoReturn:
    """Leave the process, and ask the script of the job, if there is one, to go on with it later.

    Args:
        what: What was kept.
        further: How to go on by hand.
        first: This is the first of the processes.

    Raises:
        Stopped: Always. The code is 0 in a job, whose script looks for the marker, else that of an ended process.
    """
    by = asked() or "the script of the job"
    if first:
        note("requeue", what)
    if job_file("") is not None:
        raise Stopped(f"stopped by {by}; {what}; the job goes on from there.", 0)
    raise Stopped(f"stopped by {by}; {what}; {further}.", 143 if first else 0)


def leave_signals_alone(trainer: pl.Trainer) -> None:
    """Keep Lightning's handlers away: they speak to other processes inside a handler, and at every step."""
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign] # noqa: SLF001 - no switch
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign] # noqa: SLF001 - same
