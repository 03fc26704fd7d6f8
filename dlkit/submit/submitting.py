"""Send a run to a cluster: check, write the run folder, queue its jobs."""

import argparse
import glob
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dlkit import __version__
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file, fresh_run, write_json
from dlkit.submit.again import asked_before, check_again, fill_in, refit, write_config
from dlkit.submit.chain import read_chain
from dlkit.submit.checks import check_lead, check_site, check_words, check_workers
from dlkit.submit.options import request_of
from dlkit.submit.partitions import check_limits, partitions
from dlkit.submit.plan import Plan
from dlkit.submit.record import Record, now, write_record
from dlkit.submit.request import Request
from dlkit.submit.site import Site, site_of
from dlkit.submit.slurm import ask, send_script, try_out
from dlkit.submit.trainer import fit_trainer, workers_of


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a user wants to be sent.

    Args:
        request: Resources.
        site: The cluster.
        command: "run", or "fit" alone, and options of it.
        chain: Words of the commands that follow.
        local_disk: Believe that all nodes see the folders.
    """

    request: Request
    site: Site
    command: list[str]
    chain: list[list[str]]
    local_disk: bool = False


def wish_of(options: argparse.Namespace, before: Site | None = None) -> Wish:
    """Return what the options of ``dlkit submit`` wish for."""
    site = before or site_of(options.site)
    require(
        options.alone is None or options.only != "fit",
        "--alone is of `dlkit run`, and --only fit leaves that out: give one of them.",
    )
    command = [options.only or "run", *(["--alone", options.alone] if options.alone else [])]
    return Wish(
        request=request_of(options, site, name=options.job_name), site=site, command=command,
        chain=read_chain(options.then), local_disk=options.local_disk,
    )  # fmt: skip


def submit_new(options: argparse.Namespace, arguments: Sequence[str]) -> str:
    """Send a new run of YAML files and overrides; return what to tell.

    Raises:
        InputError: A setting is wrong, or the cluster would not run it; nothing is left behind.
    """
    wish = wish_of(options)
    from dlkit.submit.settings import read_settings  # loads torch, after what can be refused at once

    settings = read_settings(arguments)
    fit_trainer(settings.config["trainer"], wish.request)
    root, name, workers = Path(settings.config["runs"]), settings.config["name"], workers_of(settings.config["data"])
    plan = plan_of(wish, next_folder(root, name), workers)
    if options.dry_run:
        return preview(plan)
    starts = check_with_slurm(plan)
    with fresh_run(root, name) as path:
        settings.save(RunFolder(path))
        return told(send(plan_of(wish, path, workers)), path, starts)


def submit_again(path: Path, options: argparse.Namespace, changes: Sequence[str]) -> str:
    """Send an existing run; return what to tell.

    Raises:
        InputError: It is no run, a job is at work on it, or the cluster would not run it.
    """
    run = RunFolder.open(path)
    check_again(run, changes)
    wish = wish_of(options, fill_in(options, asked_before(path)))
    text = refit(run, wish.request)
    plan = plan_of(wish, path, workers_of(yaml.safe_load(text or run.config.read_text(encoding="utf-8"))["data"]))
    if options.dry_run:
        return preview(plan)
    starts = check_with_slurm(plan)
    if text:
        write_config(run, text)
    return told(send(plan), path, starts)


def preview(plan: Plan) -> str:
    """Return plan and script, and what Slurm says of it where there is one."""
    judged = (
        f"Slurm:      {check_with_slurm(plan)}"
        if shutil.which("sbatch")
        else "Slurm:      not here; nothing was checked"
    )
    return f"{plan.words()}\n{judged}\n\n{plan.script()}"


def told(record: Record, run: Path, starts: str) -> str:
    """Return what a user wants to know when jobs were sent."""
    lines = [f"job {record.job}: dlkit {' '.join(record.command[:1])} in {run}"]
    lines += [f"job {job}: dlkit {command} when the job before it is done" for job, command in record.then]
    lines += [f"Slurm {starts}"]
    return "\n".join([*lines, f"dlkit status {run}\ndlkit logs {run} --follow\ndlkit cancel {run}"])


def plan_of(wish: Wish, run: Path, workers: int) -> Plan:
    """Return the plan of a run folder, checked as far as can be done without Slurm.

    Raises:
        InputError: It could not work.
    """
    request = wish.request
    check_workers(request, workers)
    cores = request.cpus_per_task or workers + 1
    request = replace(request, name=request.name or job_name(run), cpus_per_task=cores)
    check_lead(request)
    check_site(wish.site, run, local_disk=wish.local_disk)
    argv = [wish.command[0], "--into", str(run.absolute()), *wish.command[1:]]
    check_words(argv)
    return Plan(run=run, request=request, site=wish.site, argv=argv, chain=wish.chain, local_disk=wish.local_disk)


def job_name(run: Path) -> str:
    """Return the name of a job that trains in a folder."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in run.absolute().name)


def check_with_slurm(plan: Plan) -> str:
    """Let Slurm judge a plan; return when it would start.

    Raises:
        InputError: Slurm is not there, or would not run it.
    """
    check_limits(plan.request, partitions(), gpu_type=plan.site.gpu_type)
    return try_out(plan.script())


def next_folder(root: Path, name: str) -> Path:
    """Return the folder that the next run of a name will get."""
    numbers = [path.name[len(name) + 1 :] for path in root.glob(f"{glob.escape(name)}-*")]
    return root / f"{name}-{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1:03d}"


def send(plan: Plan) -> Record:
    """Write the scripts of a plan into its run folder and queue its jobs.

    Raises:
        InputError: Slurm does not take one of them; those that were sent are cancelled.
    """
    plan.folder.mkdir(exist_ok=True)
    (plan.folder / "logs").mkdir(exist_ok=True)
    write_json(plan.folder / "request.json", request_json(plan))
    scripts = plan.scripts()
    for name, text in scripts.items():
        with atomic_file(plan.folder / name) as work:
            work.write_text(text, encoding="utf-8")
    first, *others = scripts
    record = Record(job=send_script(str(plan.folder / first)), command=plan.argv, submitted=now())
    write_record(plan.run, record)
    for name, words in zip(others, plan.chain, strict=True):
        try:
            job = send_script(str(plan.folder / name), [f"--dependency=afterok:{record.jobs[-1]}"])
        except InputError:
            ask("scancel", *record.jobs)  # all of a chain or nothing
            write_record(plan.run, replace(record, cancelled=now()))
            raise
        record = replace(record, then=[*record.then, (job, " ".join(words))])
        write_record(plan.run, record)
    return record


def request_json(plan: Plan) -> dict[str, Any]:
    """Return what was asked for, to ask for it again."""
    return {
        "request": asdict(plan.request),
        "site": asdict(plan.site),
        "argv": plan.argv,
        "then": plan.chain,
        "local_disk": plan.local_disk,
        "dlkit": __version__,
        "submitted": now(),
    }
