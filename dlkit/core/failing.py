"""One process of a run fails: it says why, once, and all others end.

The one that fails leaves a file in the run folder, which the others look for: a process that waits for another one's
numbers, perhaps on a GPU, cannot be told in any other way. The first to make the file speaks for all.
"""

import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any, NoReturn

from dlkit.core.checks import InputError, require
from dlkit.core.processes import JOB, leads, started_together, wait_for_all
from dlkit.core.runfolder import discard_run

BEGAN = time.time()
EVERY, GRACE = 0.3, 1.5  # seconds between two looks; until a process that is to end has cleaned up
CODE = 2
TOGETHER = ("fit", "run", "test", "validate", "predict")
"""Commands that several processes can share."""
GONE = ("Connection closed by peer", "Connection reset by peer", "remote process exited", "Broken pipe")
"""What gloo and NCCL say of a process that is gone."""
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
        self.over = False
        self.discards: Path | None = None
        self.but = ""

    def start(self) -> None:
        """Look for the file from now on."""
        if leads():
            for old in self.file.parent.glob(".failed-*"):
                if old.stat().st_mtime < BEGAN - 60:
                    old.unlink(missing_ok=True)
        threading.Thread(target=self._watch, name="watches the other processes", daemon=True).start()

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

    def leave(self) -> NoReturn:
        """End this process and those that it started."""
        for child in self.children():
            child.kill()
            child.wait()
        if JOB in os.environ and leads():
            self.file.unlink(missing_ok=True)
        if self.discards is not None:
            discard_run(self.discards, but=self.but)
        sys.stderr.flush()
        os._exit(CODE)

    def _watch(self) -> None:
        while not self.over:
            time.sleep(EVERY)
            orphan = JOB in os.environ and not leads() and os.getppid() != self.parent
            if orphan or self.told() or any(child.poll() for child in self.children()):
                time.sleep(GRACE)
                if not self.over:
                    if not self.told() and self.speak():
                        print(f"dlkit: {LOST}", file=sys.stderr)
                    self.leave()


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


def part() -> None:
    """End no longer when another process does."""
    while _MEETING:
        _MEETING.pop().over = True


def discard(folder: Path, *, but: str = "") -> None:
    """Remove a run folder in which nothing was learnt, once the processes that meet there have ended.

    Args:
        folder: The folder.
        but: Name of a file that stays, and its folder with it.
    """
    if _MEETING:
        _MEETING[0].discards, _MEETING[0].but = folder, but
    else:
        discard_run(folder, but=but)


@contextmanager
def together(command: str) -> Iterator[None]:
    """Let only the first process of a command print; return from it in all of them at the same time.

    Args:
        command: Its name.

    Raises:
        InputError: Several processes were started for what one does.
    """
    require(
        command in TOGETHER or started_together() == 1,
        f"`dlkit {command}` works in one process: start it without torchrun, or with one task of srun.",
    )
    if not leads():
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
    try:
        yield
        wait_for_all()
    except Exception:
        raise  # the others are told by first_to_fail
    except BaseException:
        part()
        raise
    part()


def first_to_fail(error: Exception) -> Exception:
    """Return what is to be said in the first process that fails; end the others."""
    if not _MEETING:  # nothing was begun: all have failed alike
        if not leads():
            time.sleep(GRACE)  # whoever started them all ends the first one as soon as another has ended
            os._exit(CODE)
        return error
    met = _MEETING[0]
    if not isinstance(error, InputError):  # perhaps it only noticed that another one is gone, which has its say
        time.sleep(GRACE)
    if met.told() or not met.speak():
        met.leave()
    return InputError(LOST) if any(word in str(error) for word in GONE) else error


def end_all(fault: Exception | None) -> None:
    """End the other processes once this one has said why, and this one with them; nothing where it is alone.

    Args:
        fault: What is still to be told, with its traceback.
    """
    if _MEETING:
        met = _MEETING[0]
        if fault is not None:
            traceback.print_exception(fault)
        time.sleep(0 if met.children() else GRACE)
        met.leave()
