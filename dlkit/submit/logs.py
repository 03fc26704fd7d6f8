"""What jobs printed."""

import re
import time
from pathlib import Path

from dlkit.core.checks import InputError, counted
from dlkit.submit.queue import states_of
from dlkit.submit.record import need_record
from dlkit.submit.status import in_words

ASKED_EVERY = 5.0  # seconds between questions to Slurm


def newest_log(folder: Path, element: str = "") -> Path:
    """Return the log of the newest job of a folder.

    Args:
        folder: Run folder, or that of an array.
        element: Name or number of an element of an array; "" takes the newest log of all.

    Raises:
        InputError: There is none yet.
    """
    record = need_record(folder)
    logs = folder / "slurm" / "logs"
    pattern = f"{record.job}.out"
    if record.tasks:
        names = {str(number): number for number in range(1, len(record.tasks) + 1)}
        names |= {name: number for number, name in enumerate(record.tasks, 1)}
        if element and element not in names:
            raise InputError(f"'{folder}' has no run '{element}'; there is {', '.join(record.tasks[:12])}.")
        pattern = f"{record.job}_{names[element] if element else '*'}.out"
    after = [] if element else [logs / f"{job}.out" for job, _ in record.then]
    found = sorted([*logs.glob(pattern), *after], key=age)
    there = [path for path in found if path.is_file()]
    if not there:
        state = states_of([record.job])
        first = next(iter(state.values()), None)
        raise InputError(f"Job {record.job} has printed nothing yet: it is {in_words(first, record)}.")
    return there[-1]


def age(path: Path) -> int:
    """Return when a log was written to, 0 where there is none."""
    return path.stat().st_mtime_ns if path.is_file() else 0


def of_try(text: str, number: int) -> str:
    """Return the part of a log that one try wrote.

    Raises:
        InputError: There was no such try.
    """
    starts = [
        match.start() for match in re.finditer(r"^\[job \S+ try \d+, [^]]+\] begins on ", text, flags=re.MULTILINE)
    ]
    if not 1 <= number <= len(starts):
        raise InputError(
            f"--try {number}: the job began {counted(len(starts), 'time')}; give one from 1 to {len(starts)}."
        )
    return text[starts[number - 1] : [*starts, len(text)][number]]


def follow(folder: Path, element: str = "") -> None:
    """Print a log, once there is one, and what is added to it, until its job is at work no more."""
    path = awaited_log(folder, element)
    asked, alive = 0.0, True
    with path.open(encoding="utf-8", errors="replace") as log:
        while True:
            text = log.read()
            print(text, end="", flush=True)
            if not text and not alive:
                return
            if alive and time.monotonic() - asked > ASKED_EVERY:
                asked, alive = time.monotonic(), is_alive(need_record(folder).job)
            if not text:
                time.sleep(0.3)


def awaited_log(folder: Path, element: str) -> Path:
    """Return the newest log of a folder; while its job waits, say why and wait too."""
    told = ""
    while True:
        try:
            return newest_log(folder, element)
        except InputError as error:
            if not is_alive(need_record(folder).job):
                raise
            if str(error) != told:
                told = str(error)
                print(told, flush=True)
            time.sleep(1.0)


def is_alive(job: str) -> bool:
    """Tell whether a job, or an element of an array, waits or runs."""
    return any(state.alive for state in states_of([job]).values())
