"""One process of a run fails: it says why, once, and all others end.

The one that fails leaves a file in the run folder, which the others look for: a process that waits for another one's
numbers, perhaps on a GPU, cannot be told in any other way. The first to make the file speaks for all.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

from dlkit.core.processes import JOB, leads

BEGAN = time.time()
EVERY, GRACE = 0.3, 1.5  # seconds between two looks; until a process that is told to end has cleaned up
CODE = 2
LOST = (
    "another process of this run ended without a word: was it killed, or out of memory? What was written before is "
    "whole; go on with --resume or --into."
)


class Meeting:
    """Where the processes of a run find out that one of them failed.

    Args:
        folder: That all of them see.
        children: Returns the processes that this one started.
    """

    def __init__(self, folder: Path, children: Callable[[], Sequence[Popen[Any]]]) -> None:
        self.file, self.children, self.parent = folder / f".failed-{job_name()}", children, os.getppid()
        self._over = False

    def start(self) -> None:
        """Look for the file from now on."""
        if leads():
            for old in self.file.parent.glob(".failed-*"):
                if old.stat().st_mtime < BEGAN:
                    old.unlink(missing_ok=True)
        threading.Thread(target=self._watch, name="watches the other processes", daemon=True).start()

    def end(self) -> None:
        """Look no longer."""
        self._over = True

    def told(self) -> bool:
        """Tell whether a process of this job has failed."""
        with suppress(OSError):
            return self.file.stat().st_mtime > BEGAN - 60  # clocks of machines differ
        return False

    def speak(self) -> bool:
        """Tell all processes to end; return whether this is the first one to do so."""
        try:
            self.file.touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:  # the folder is gone: each speaks for itself
            return True
        return True

    def _watch(self) -> None:
        while not self._over:
            time.sleep(EVERY)
            if JOB in os.environ and not leads() and os.getppid() != self.parent:
                os._exit(CODE)
            ended = [child.poll() for child in self.children()]
            if any(code not in (None, 0) for code in ended) and not self.told() and self.speak():
                print(f"dlkit: {LOST}", file=sys.stderr, flush=True)
            if self.told():
                time.sleep(GRACE)
                self.leave()

    def leave(self) -> None:
        """End this process and those that it started."""
        for child in self.children():
            child.kill()
        if JOB in os.environ and leads():
            self.file.unlink(missing_ok=True)
        os._exit(CODE)

    def linger(self) -> None:
        """Stay until the first process, which started this one, has ended: Lightning kills it otherwise."""
        until = time.time() + 10
        while JOB in os.environ and not leads() and os.getppid() == self.parent and time.time() < until:
            time.sleep(0.05)


def job_name() -> str:
    """Return a name that all processes of a job know, and no other job has."""
    if JOB in os.environ:
        return os.environ[JOB]
    names = (
        "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT",
        "MASTER_PORT",
    )  # fmt: skip
    return "-".join(os.environ.get(name, "") for name in names).replace("/", "_")


_MEETING: list[Meeting] = []


def meet(folder: Path, children: Callable[[], Sequence[Popen[Any]]]) -> None:
    """From now on end when another process of this run fails."""
    if not _MEETING:
        _MEETING.append(Meeting(folder, children))
        _MEETING[0].start()


def meeting() -> Meeting | None:
    """Return where the processes of this run meet; None where this one is alone."""
    return _MEETING[0] if _MEETING else None


def part() -> None:
    """The run is over: end no longer when another process fails."""
    while _MEETING:
        _MEETING.pop().end()
