"""What became of jobs, in words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlkit.core.checks import counted
from dlkit.core.runfolder import RunFolder
from dlkit.submit.progress import progress_in_words
from dlkit.submit.queue import State, states_of
from dlkit.submit.record import Record, need_record

COMPLAINT = re.compile(r"dlkit \w+: |\[job .* given up|[\w.]*(Error|Exception)\b")
SCRIPT = re.compile(r"\[job \S+, try \d+, ")
SEEN = 6  # states that are listed of an array


def folders_with_jobs(root: Path) -> list[Path]:
    """Return the folders below a root for which jobs were sent, the newest last."""
    files = [*root.glob("*/slurm/job"), *root.glob("*/*/slurm/job")]
    return [path.parents[1] for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]


def report(folders: Sequence[Path]) -> str:
    """Return what is known of the jobs of some folders; Slurm is asked once."""
    records = {folder: need_record(folder) for folder in folders}
    states = states_of([job for record in records.values() for job in record.jobs])
    return "\n\n".join(report_one(folder, record, states) for folder, record in records.items())


def report_one(folder: Path, record: Record, states: Mapping[str, State]) -> str:
    """Return what is known of the jobs of a folder."""
    lines = [str(folder)]
    if record.tasks:
        lines.append(f"  array {record.job}: {array_in_words(record, states)}")
        lines += [f"    {text}" for text in elements_in_words(record, states)]
    else:
        state = in_words(states.get(record.job), record) + said_last(folder, record, states)
        lines.append(f"  job {record.job}: {state}{tries_of(folder, record)}")
        lines += why_failed(folder, record.job, states)
    run = RunFolder(folder)
    if run.config.is_file():
        lines.append(f"  {progress_in_words(run)}")
    for job, command in record.then:
        lines.append(f"  then {job}, {command}: {in_words(states.get(job), record)}")
        lines += why_failed(folder, job, states)
    return "\n".join(lines)


def in_words(state: State | None, record: Record) -> str:
    """Return the state of a job in words."""
    if state is None:
        sent = f"not known to Slurm, here or any more; sent {record.submitted}"
        return f"cancelled {record.cancelled}" if record.cancelled else sent
    why = f", {state.words()}" if state.words() else ""
    where = f" on {state.nodes}" if state.nodes else ""
    took = f", {state.elapsed} of {state.limit}" if state.elapsed and state.state != "PENDING" else ""
    return f"{state.state}{where}{took}{why}"


def said_last(folder: Path, record: Record, states: Mapping[str, State]) -> str:
    """Return what the script of a job that Slurm does not know said last."""
    log = folder / "slurm" / "logs" / f"{record.job}.out"
    if record.job in states or not log.is_file():
        return ""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if SCRIPT.match(line)]
    return f"; its log ends with: {lines[-1]}" if lines else ""


def why_failed(folder: Path, job: str, states: Mapping[str, State]) -> list[str]:
    """Return the last line of the log of a failed job in which a program says what is wrong."""
    log, state = folder / "slurm" / "logs" / f"{job}.out", states.get(job)
    if state is None or state.state != "FAILED" or not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [f"  {line[:300]}" for line in reversed(lines) if COMPLAINT.match(line)][:1]


def tries_of(folder: Path, record: Record) -> str:
    """Return how often a job began, where it began more than once."""
    path = folder / "slurm" / "tries"
    number = len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
    sent = f", sent {len(record.earlier) + 1} times" if record.earlier else ""
    return (f", try {number}" if number > 1 else "") + sent


def elements(record: Record, states: Mapping[str, State]) -> dict[str, State | None]:
    """Return the state of each element of an array by the name of its task."""
    return {name: states.get(f"{record.job}_{number}") for number, name in enumerate(record.tasks, 1)}


def array_in_words(record: Record, states: Mapping[str, State]) -> str:
    """Return how many elements of an array are in which state."""
    counts = Counter(state.state if state else "unknown" for state in elements(record, states).values())
    return f"{counted(len(record.tasks), 'run')}, " + ", ".join(f"{n} {state}" for state, n in counts.most_common())


def elements_in_words(record: Record, states: Mapping[str, State]) -> list[str]:
    """Return the elements that run or failed, a line each; some of them where there are many."""
    told = [f"{name}: {in_words(state, record)}" for name, state in elements(record, states).items()
            if state and state.state not in ("PENDING", "COMPLETED")]  # fmt: skip
    return told if len(told) <= SEEN else [*told[:SEEN], f"and {len(told) - SEEN} more"]
