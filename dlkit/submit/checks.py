"""What would only be noticed after hours in the queue, or never."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import InputError, require
from dlkit.submit.disks import check_shared
from dlkit.submit.queue import states_of
from dlkit.submit.record import read_record
from dlkit.submit.request import Request
from dlkit.submit.site import Site
from dlkit.submit.times import in_words

EARLY = 60  # seconds by which a signal of Slurm may come early
START_UP = 60  # seconds until a job trains
LONGEST_LEAD = 65_535  # Slurm keeps it in 16 bits


def check_workers(request: Request, workers: int) -> None:
    """Refuse fewer cores than processes that read data."""
    require(
        request.cpus_per_task == 0 or request.cpus_per_task >= max(1, workers),
        f"--cpus-per-task {request.cpus_per_task} for {workers} data workers of each process: they would wait for each "
        "other; give at least as many cores, or lower data.num_workers.",
    )


def check_lead(request: Request) -> None:
    """Refuse a time limit that leaves no time to train."""
    least, lead = in_words(request.lead + EARLY + START_UP), in_words(request.lead)
    require(
        request.time > request.lead + EARLY + START_UP,
        f"--time {in_words(request.time)} leaves no time to train: the job saves {lead} before its end, Slurm may "
        f"signal {EARLY} s early and starting takes {START_UP} s; give more than {least}, or a shorter --lead.",
    )
    longest = in_words(LONGEST_LEAD)
    require(
        request.lead <= LONGEST_LEAD, f"--lead {lead} is more than the {longest} before the end that Slurm can signal."
    )


def check_site(site: Site, folder: Path, *, local_disk: bool) -> None:
    """Refuse a container that is not there, and folders that the nodes do not see."""
    for word in shlex.split(site.container):
        require(
            not word.endswith((".sif", ".sqsh", ".img")) or Path(word).expanduser().exists(),
            f"The container '{word}' of the site is not there: build it (containers/dlkit.def), or mend `container`.",
        )
    if not local_disk:
        check_shared(folder, site.shared, what="The run folder")
        check_shared(Path.cwd(), site.shared, what="The folder that this is called in")


def check_free(folder: Path) -> None:
    """Refuse a folder for which a job waits or runs.

    Raises:
        InputError: One does.
    """
    record = read_record(folder)
    alive = {job: state for job, state in states_of(record.jobs if record else []).items() if state.alive}
    if alive:
        job, state = next(iter(alive.items()))
        raise InputError(
            f"Job {job} ({state.state}) is at work on '{folder}': wait for it, or end it by `dlkit cancel {folder}`."
        )


def check_words(words: Sequence[str]) -> None:
    """Refuse what a script cannot carry."""
    for word in words:
        require(
            "\n" not in word and "\0" not in word, f"{word!r:.80} holds a line break, which no job script can carry."
        )
