"""What is known of the jobs of a folder: RUN/slurm/job, written when they are sent."""

import datetime as dt
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError
from dlkit.core.runfolder import read_json, write_json

ALIVE = ("PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESIZING",
         "SIGNALING", "STAGE_OUT", "STOPPED", "REQUEUE_FED", "SPECIAL_EXIT")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Record:
    """Jobs of a folder.

    Args:
        job: Number of the job, or of the job array.
        command: What it runs, behind ``dlkit``.
        then: Numbers and commands of the jobs that follow, in order.
        tasks: Names of the elements of a job array; element 1 is the first.
        submitted: When.
        cancelled: When the user cancelled it; "" when she did not.
        earlier: Numbers of the jobs that were sent before for the same folder.
    """

    job: str
    command: list[str]
    then: list[tuple[str, str]] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    submitted: str = ""
    cancelled: str = ""
    earlier: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> list[str]:
        """Numbers of all jobs, the first one first."""
        return [self.job, *(number for number, _ in self.then)]


def now() -> str:
    """Return the time, to the second."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")


def record_file(folder: Path) -> Path:
    """Return where the record of a folder is."""
    return folder / "slurm" / "job"


def write_record(folder: Path, record: Record) -> None:
    """Write a record; the job that it replaces is remembered."""
    before = read_record(folder)
    if before is not None:
        other = [] if before.job == record.job else [before.job]
        record = replace(record, earlier=[*before.earlier, *other])
    write_json(record_file(folder), asdict(record))


def read_record(folder: Path) -> Record | None:
    """Return the record of a folder, None when no job was ever sent for it.

    Raises:
        InputError: It was damaged.
    """
    path = record_file(folder)
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = read_json(path)
        return Record(**content | {"then": [(str(number), str(command)) for number, command in content["then"]]})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"'{path}' is damaged and names no job; remove it when no job is at work there.") from error


def need_record(folder: Path) -> Record:
    """Return the record of a folder.

    Raises:
        InputError: No job was sent for it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no run folder '{folder}'; `dlkit status` lists those with jobs.")
    record = read_record(folder)
    if record is None:
        raise InputError(f"No job was sent for '{folder}': `dlkit submit {folder} --time 8h` sends one.")
    return record
