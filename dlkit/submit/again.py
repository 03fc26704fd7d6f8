"""Send an existing run once more: with what it asked for before, and with settings of its own."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, sole_user
from dlkit.submit.checks import check_free
from dlkit.submit.options import RESOURCES
from dlkit.submit.request import Request
from dlkit.submit.site import Site
from dlkit.submit.times import clock_of
from dlkit.submit.trainer import fit_trainer


def asked_before(run: Path) -> dict[str, Any]:
    """Return what was asked for when a run was sent the last time; nothing when it never was."""
    path = run / "slurm" / "request.json"
    content: dict[str, Any] = read_json(path) if path.is_file() else {}
    return content


def fill_in(options: argparse.Namespace, before: dict[str, Any]) -> Site | None:
    """Give options that were left out the values of the last time; return its site where none is named."""
    if not before:
        return None
    for key in RESOURCES:
        value = before["request"][key]
        if key == "tasks_per_node" and options.gpus_per_node:  # asked for now: one process a GPU
            continue
        if getattr(options, key) is None and value:
            setattr(options, key, clock_of(value) if key in ("time", "lead") else value)
    options.local_disk = options.local_disk or before["local_disk"]
    command, *others = before["argv"]
    options.only = options.only or command
    if "--alone" in others and options.only == "run" and options.alone is None:
        options.alone = others[others.index("--alone") + 1]
    return None if options.site else Site(**before["site"])


def check_again(run: RunFolder, changes: Sequence[str]) -> None:
    """Refuse to send a run with other settings, or one at which a job is at work."""
    first = (changes or [""])[0]
    require(
        not changes,
        f"'{run.path}' is a run with settings of its own: leave out {first}, or submit a YAML file for a new run.",
    )
    check_free(run.path)
    with sole_user(run.path):  # refuses when a process of this machine is at work there
        pass


def refit(run: RunFolder, request: Request) -> str:
    """Return the settings of a run with its trainer fitted to a request; nothing when they are so already."""
    text = run.config.read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    before = dict(config["trainer"])
    config["trainer"] |= {"devices": "auto", "num_nodes": 1, "accelerator": "auto"}
    fit_trainer(config["trainer"], request)
    return "" if config["trainer"] == before else yaml.safe_dump(config, sort_keys=False)


def write_config(run: RunFolder, text: str) -> None:
    """Write the settings of a run."""
    with atomic_file(run.config) as work:
        work.write_text(text, encoding="utf-8")
