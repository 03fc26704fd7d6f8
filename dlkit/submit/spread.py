"""Many runs of one command line: side by side on this machine, or as a job array of a cluster."""

import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.core.checks import counted, require
from dlkit.submit.array import Array, send
from dlkit.submit.local import end, environment_of, start, stopped_like_ctrl_c, visible_gpus
from dlkit.submit.task import Task


@dataclass(frozen=True, kw_only=True)
class Local:
    """Processes of this machine.

    Args:
        workers: How many at once.
    """

    workers: int = 1

    def __post_init__(self) -> None:
        """Refuse work by nobody."""
        require(self.workers > 0, f"--workers {self.workers} does nothing: give at least 1.")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What became of many runs.

    Attributes:
        codes: Exit code of each task by its name; empty when a cluster makes them later.
        said: Last line of the log of each task that failed.
        logs: Folder of the logs.
        job: Number of the job array.
        gather: Number of the job that gathers what the array leaves.
    """

    codes: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    logs: Path
    job: str = ""
    gather: str = ""

    @property
    def failed(self) -> list[str]:
        """Names of the tasks that failed."""
        return [name for name, code in self.codes.items() if code]

    def complaint(self) -> str:
        """Say which tasks failed and why; nothing when none did."""
        if not self.failed:
            return ""
        told = "; ".join(f"{name} ({self.said[name]})" for name in self.failed[:3])
        more = f" and {len(self.failed) - 3} more" if len(self.failed) > 3 else ""
        number = f"{len(self.failed)} of {counted(len(self.codes), 'run')}"
        return f"{number} failed: {told}{more}; their logs are in {self.logs}."


def spread(tasks: Sequence[Task], where: Local | Array, *, folder: Path, gather: Task | None = None) -> Spread:
    """Run command lines of dlkit, all of them even when some fail.

    Args:
        tasks: What to run; names are different and name the logs ``folder/logs/NAME.log``.
        where: Processes of this machine, which are waited for, or a job array, which is only sent.
        folder: Where logs and scripts go.
        gather: What a cluster runs when all tasks have ended, however they ended; on this machine the caller goes on.

    Returns:
        Exit codes, or the number of the job array.

    Raises:
        InputError: The cluster would not take the jobs.
    """
    names = [task.name for task in tasks]
    assert len(set(names)) == len(names), names
    assert all(re.fullmatch(r"[\w.\-]+", name) for name in names), names
    if isinstance(where, Array):
        job, gathering = send(tasks, where, folder=folder, gather=gather)
        return Spread(logs=folder / "slurm" / "logs", job=job, gather=gathering)
    return run_here(tasks, min(where.workers, max(1, len(tasks))), folder / "logs")


def run_here(tasks: Sequence[Task], workers: int, logs: Path) -> Spread:
    """Run tasks as processes; when this one is told to stop, so are they."""
    logs.mkdir(parents=True, exist_ok=True)
    gpus, waiting, free = visible_gpus(), deque(tasks), list(range(workers))[::-1]
    running: dict[subprocess.Popen[bytes], tuple[Task, int]] = {}
    codes: dict[str, int] = {}
    with stopped_like_ctrl_c():
        try:
            while waiting or running:
                while waiting and free:
                    task, worker = waiting.popleft(), free.pop()
                    with (logs / f"{task.name}.log").open("ab") as log:
                        child = start(command(task), environment_of(worker, workers, gpus), log)
                    running[child] = task, worker
                for child in [child for child in running if child.poll() is not None]:
                    task, worker = running.pop(child)
                    free.append(worker)
                    codes[task.name] = child.returncode
                    print(f"{task.name}: {ending(child.returncode)}", flush=True)
                time.sleep(0.05)
        finally:
            end(list(running))
    said = {name: f"{ending(code)}: {last_line(logs / f'{name}.log')}" for name, code in codes.items() if code}
    return Spread(codes={task.name: codes[task.name] for task in tasks}, said=said, logs=logs)


def command(task: Task) -> list[str]:
    """Return what runs a task here."""
    return [sys.executable, "-m", "dlkit", *task.argv]


def ending(code: int) -> str:
    """Return an exit code in words."""
    if code == 0:
        return "done"
    return f"killed by signal {-code}" if code < 0 else f"failed with exit code {code}"


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
