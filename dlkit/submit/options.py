"""The options of every command that sends jobs to a cluster or spreads work over it."""

import argparse
import re

from dlkit.core.checks import InputError, require
from dlkit.submit.array import Array
from dlkit.submit.request import Request
from dlkit.submit.site import Site, site_of
from dlkit.submit.spread import Local
from dlkit.submit.times import seconds_of

RESOURCES = (
    "nodes",
    "gpus_per_node",
    "tasks_per_node",
    "cpus_per_task",
    "mem",
    "time",
    "lead",
    "partition",
    "account",
    "qos",
)


def add_resources(parser: argparse.ArgumentParser) -> None:
    """Add what a job can ask of a cluster."""
    group = parser.add_argument_group("resources of a Slurm job")
    group.add_argument("--nodes", type=int, default=None, metavar="N", help="Nodes, 1 if absent.")
    group.add_argument(
        "--gpus-per-node", type=int, default=None, metavar="N", help="GPUs of each node; each gets a process."
    )
    group.add_argument(
        "--tasks-per-node", type=int, default=None, metavar="N", help="Processes on each node where there is no GPU."
    )
    group.add_argument(
        "--cpus-per-task", type=int, default=None, metavar="N",
        help="Processor cores of each process; one more than the data has workers if absent.",
    )  # fmt: skip
    group.add_argument("--mem", default=None, metavar="SIZE", help="Memory of each node, e.g. 64G.")
    group.add_argument("--time", default=None, metavar="TIME", help="Time limit, e.g. 8h, 30m or 1-00:00:00.")
    group.add_argument(
        "--lead", default=None, metavar="TIME", help="How long before the time limit the job saves, e.g. 5m."
    )
    for name in ("partition", "account", "qos"):
        group.add_argument(f"--{name}", default=None, metavar="NAME", help=f"The {name}; that of the site if absent.")


def add_spread(parser: argparse.ArgumentParser) -> None:
    """Add where many runs are made: on this machine, or as a job array of a cluster."""
    parser.add_argument("--workers", type=int, default=None, metavar="N", help="Runs at once.")
    parser.add_argument("--local-disk", action="store_true", help="All nodes see the folders, whatever they look like.")
    parser.add_argument(
        "--slurm", default=None, metavar="SITE", help="Send a job array: a file of configs/slurm/, or auto."
    )
    add_resources(parser)


def request_of(options: argparse.Namespace, site: Site, *, name: str = "") -> Request:
    """Return what the options ask for; the site fills in what they leave out.

    Raises:
        InputError: A value is impossible anywhere, or there is no time limit.
    """
    given = {key: getattr(options, key) for key in RESOURCES if getattr(options, key) is not None}
    for key in ("partition", "account", "qos", "mem", "time"):
        given[key] = given.get(key) or getattr(site, key)
    require(bool(given["time"]), "A job needs a time limit: give --time, e.g. --time 8h.")
    for key in ("nodes", "tasks_per_node", "cpus_per_task"):
        require(given.get(key) != 0, f"--{key.replace('_', '-')} 0 runs nothing: give at least 1, or leave it out.")
    given["time"] = seconds_of(given["time"])
    given["lead"] = seconds_of(given.get("lead") or site.lead, setting="--lead")
    if size := re.fullmatch(r"\s*(\d+)\s*([kmgtKMGT])(?:i?[bB])?\s*", given["mem"]):
        given["mem"] = f"{size[1]}{size[2].upper()}"
    given["cpus_per_task"] = given.get("cpus_per_task") or site.cpus_per_gpu
    return Request(name=name, **given)


def where_of(options: argparse.Namespace, *, name: str) -> Local | Array:
    """Return where the runs of a command are to be made.

    Raises:
        InputError: Options contradict each other, or ask for what is impossible.
    """
    if options.slurm is None:
        idle = [key for key in RESOURCES if getattr(options, key) is not None]
        if idle:
            raise InputError(
                f"--{idle[0].replace('_', '-')} is of a Slurm job: add --slurm auto to send one, or leave it out."
            )
        return Local(workers=1 if options.workers is None else options.workers)
    site = site_of(options.slurm)
    request = request_of(options, site, name=name)
    return Array(request=request, site=site, at_once=options.workers or 0, local_disk=options.local_disk)
