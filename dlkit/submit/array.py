"""Many runs as one job array of a Slurm cluster."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dlkit import __version__
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import atomic_file, write_json
from dlkit.submit.checks import check_free, check_lead, check_site, check_words
from dlkit.submit.partitions import check_limits, partitions
from dlkit.submit.plan import alone
from dlkit.submit.record import Record, now, write_record
from dlkit.submit.request import Request
from dlkit.submit.script import python_of, render
from dlkit.submit.site import Site
from dlkit.submit.slurm import answer, ask, send_script, try_out
from dlkit.submit.task import Task


@dataclass(frozen=True, kw_only=True)
class Array:
    """A job array.

    Args:
        request: What each run asks for.
        site: The cluster.
        at_once: How many runs may be made at the same time; 0 takes all that fit.
        local_disk: Believe that all nodes see the folders.
    """

    request: Request
    site: Site = field(default_factory=Site)
    at_once: int = 0
    local_disk: bool = False


def send(tasks: Sequence[Task], where: Array, *, folder: Path, gather: Task | None) -> tuple[str, str]:
    """Send a job array and what gathers its results; return both numbers at once.

    Args:
        tasks: What the elements run, from element 1.
        where: Resources and cluster.
        folder: Where ``slurm/`` goes.
        gather: What runs when all elements have ended, however they ended.

    Raises:
        InputError: The cluster would not take it; nothing is left behind.
    """
    check_array(tasks, where, folder)
    slurm = folder.absolute() / "slurm"
    scripts = scripts_of(tasks, where, slurm, gather)
    check_limits(where.request, partitions(), gpu_type=where.site.gpu_type)
    for text in scripts.values():
        try_out(text)
    (slurm / "logs").mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{shlex.join(task.argv)}\n" for task in tasks)
    for name, text in {"tasks.txt": lines, **scripts}.items():
        with atomic_file(slurm / name) as work:
            work.write_text(text, encoding="utf-8")
    write_json(slurm / "request.json", request_json(where))
    job = send_script(str(slurm / "array.sh"))
    record = Record(job=job, command=tasks[0].argv, tasks=[task.name for task in tasks], submitted=now())
    write_record(folder, record)
    if gather is None:
        return job, ""
    try:
        last = send_script(str(slurm / "gather.sh"), [f"--dependency=afterany:{job}"])
    except InputError:
        ask("scancel", job)
        write_record(folder, replace(record, cancelled=now()))
        raise
    write_record(folder, replace(record, then=[(last, gather.name)]))
    return job, last


def check_array(tasks: Sequence[Task], where: Array, folder: Path) -> None:
    """Refuse an array that could not work."""
    require(bool(tasks), "There is nothing to run: no job array was sent.")
    check_lead(where.request)
    check_site(where.site, folder, local_disk=where.local_disk)
    check_free(folder)
    for task in tasks:
        check_words(task.argv)
    told = answer("scontrol", "show", "config")
    most = next((line.split()[-1] for line in told.splitlines() if line.startswith("MaxArraySize")), "")
    require(
        not most.isdigit() or len(tasks) < int(most),
        f"{len(tasks)} runs are more than a job array of this cluster may have (MaxArraySize {most}): ask for fewer.",
    )


def scripts_of(tasks: Sequence[Task], where: Array, slurm: Path, gather: Task | None) -> dict[str, str]:
    """Return the scripts of an array and of what gathers, as pure text."""
    python = python_of(where.site)
    limit = f"%{where.at_once}" if where.at_once else ""
    line = f'sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(slurm / "tasks.txt"))}'
    element = ["bash", "-c", f'eval "exec \\"\\$@\\" $({line})"', "element", python, "-m", "dlkit"]
    request = replace(where.request, cpus_per_task=max(1, where.request.cpus_per_task))
    scripts = {
        "array.sh": render(
            request, where.site, command=element, folder=slurm, log="%A_%a.out",
            options=[f"--array=1-{len(tasks)}{limit}"], element="${SLURM_ARRAY_TASK_ID}",
        )
    }  # fmt: skip
    if gather is not None:
        last = alone(request, f"{request.name}-{gather.name}")
        command = [python, "-m", "dlkit", *gather.argv]
        scripts["gather.sh"] = render(last, where.site, command=command, folder=slurm, element=gather.name)
    return scripts


def request_json(where: Array) -> dict[str, Any]:
    """Return what was asked for."""
    return {"request": asdict(where.request), "site": asdict(where.site), "dlkit": __version__, "submitted": now()}
