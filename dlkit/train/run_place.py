"""Where a command trains: in a new run folder, in one to go on with, or in one that others made ready."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import yaml

from dlkit.core.checks import InputError, require
from dlkit.core.processes import joined_folder, leads, started_together
from dlkit.core.runfolder import RunFolder, read_json, sole_user
from dlkit.train.cli import with_config


def lock_of(run: RunFolder | None) -> AbstractContextManager[None]:
    """Return what holds a run folder for this job; its first process does."""
    return nullcontext() if run is None or not leads() else sole_user(run.path)


def place_of(arguments: Sequence[str]) -> tuple[list[str], RunFolder | None, bool]:
    """Return arguments for the parser, the folder to train in unless it is new, and whether training may begin there.

    ``--resume RUN`` needs a checkpoint. ``--into RUN`` takes the newest one, or begins where there is none: every try
    of a job gives the same command.
    """
    rest, into = taken(arguments, "--into", "to train in, with its config.yaml")
    rest, resumed = taken(rest, "--resume", "to go on with")
    named = into or resumed
    if named is None:
        rest, run = with_config(rest)
        require_known_folder()
        if run is not None:
            raise InputError(
                f"'{run.path}' is a run: go on with it by --resume {run.path}, or give its config.yaml to begin anew."
            )
        joined = joined_folder()
        return rest, None if joined is None else RunFolder(joined), joined is not None
    require(not (into and resumed), "--into and --resume both name a run folder: give one of them.")
    others = [part for part in rest[:1] if not part.startswith("-")] + [part for part in rest if part == "--config"]
    require(
        not others or into is None,
        f"--into {into} trains what its own config.yaml says: leave out {(others or [''])[0]}; settings may be "
        "overridden, e.g. --trainer.max_epochs 3.",
    )
    run = RunFolder.open(Path(named))
    return ["--config", str(run.config), *rest], run, into is not None


def require_known_folder() -> None:
    """Refuse processes that would each make a run folder of their own."""
    require(
        started_together() == 1,
        "This is one of several processes that torchrun or srun started: name the run folder that they share by "
        "--into RUN, a folder with config.yaml in it, e.g. made by `dlkit submit`.",
    )


def taken(arguments: Sequence[str], option: str, what: str) -> tuple[list[str], str | None]:
    """Return the arguments without an option and its run folder, and that folder."""
    rest = list(arguments)
    if option not in rest:
        return rest, None
    place = rest.index(option)
    given = rest[place + 1] if len(rest) > place + 1 and not rest[place + 1].startswith("--") else None
    require(given is not None, f"{option} needs the run folder {what}, e.g. {option} runs/weather_forecast-001.")
    rest[place : place + 2] = []
    return rest, given


def on_this_machine(run: RunFolder, arguments: list[str]) -> list[str]:
    """Let a trained run be used by one process, where it was trained by many; what the command line names holds.

    Args:
        run: A run that may have been trained on a cluster.
        arguments: For the parser: the run's settings, then overrides.
    """
    if started_together() > 1:
        return arguments
    kept = yaml.safe_load(run.config.read_text(encoding="utf-8")).get("trainer") or {}
    here = {"devices": 1, "num_nodes": 1, "strategy": "auto", "accelerator": "auto"}
    if kept.get("accelerator") == "cpu":
        del here["accelerator"]
    changes = [word for name, value in here.items() for word in (f"--trainer.{name}", str(value))]
    return [*arguments[:2], *changes, *arguments[2:]]


def require_trained(run: RunFolder) -> None:
    """Refuse a run of which the training has not come to its end."""
    require(
        is_trained(run),
        f"The training of '{run.path}' has not come to its end: go on with `dlkit run --resume {run.path}`.",
    )


def is_trained(run: RunFolder) -> bool:
    """Tell whether the training of a run came to its end."""
    return run.metrics.exists() and "fit" in read_json(run.metrics) and bool(run.checkpoint_files())
