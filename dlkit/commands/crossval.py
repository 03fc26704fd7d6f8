"""Train and test on every fold of the data: how good, how sure, and whether folds interpolate or extrapolate."""

import argparse
from pathlib import Path
from typing import Any

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = """dlkit crossval CONFIG.yaml --folds 5 [--repeats R] [--kind KIND] [--purge DURATION] [--key value ...]
       dlkit crossval FOLDER [--workers N | --slurm SITE ...]"""
DESCRIPTION = """Makes a run folder for each fold in RUNS/NAME_crossval-001, side by side or as a job array, and gathers
them: metrics with mean, deviation and interval, baselines beside, out-of-fold predictions of everything in one table,
figures, and a sentence a fold that says whether it interpolates or extrapolates. What was stopped goes on with
FOLDER."""


def parser() -> Parser:
    """Return the parser of this command."""
    from dlkit.submit.options import add_spread

    made = Parser("dlkit crossval", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    made.add_argument("--folds", type=int, default=None, metavar="K", help="Number of folds.")
    made.add_argument("--repeats", type=int, default=None, metavar="R", help="Deal and train anew so often.")
    made.add_argument(
        "--kind",
        default=None,
        help="shuffled, stratified or grouped samples; blocked, walk-forward or grouped windows.",
    )
    made.add_argument(
        "--purge", default=None, metavar="TIME",
        help="Rows or time, e.g. 7d, between windows of different roles; they share no row in any case.",
    )  # fmt: skip
    made.add_argument(
        "--train-blocks", type=int, default=None, metavar="N", help="Blocks that train when walking forward; else all."
    )
    made.add_argument("--seed", type=int, default=None, help="Seed of the deal.")
    made.add_argument("--fold", type=int, default=None, metavar="K", help="Make one fold of FOLDER.")
    made.add_argument("--gather", action="store_true", help="Gather the folds of FOLDER.")
    add_spread(made)
    return made


def main(arguments: list[str]) -> None:
    """Cross-validate."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    asked = ("folds", "repeats", "purge", "train_blocks", "seed")
    settings = {key: getattr(known, key) for key in asked if getattr(known, key) is not None}
    if known.purge is not None and known.purge.isdigit():
        settings["purge"] = int(known.purge)
    place = Path(rest[0]) if rest and not rest[0].startswith("-") else Path()
    if place.suffix in (".yaml", ".yml"):
        begin(known, rest, settings)
        return
    require(bool(rest), f"Nothing to cross-validate: give a YAML file or a folder; usage: {USAGE.splitlines()[0]}.")
    given = [f"--{key.replace('_', '-')}" for key in settings] + (["--kind"] if known.kind else []) + rest[1:2]
    require(
        not given,
        f"'{place}' has its folds and its configuration: leave out {', '.join(given)}, or begin anew with a YAML file.",
    )
    go_on(known, place)


def begin(known: argparse.Namespace, rest: list[str], settings: dict[str, Any]) -> None:
    """Make the folder of a cross-validation and its folds."""
    require("folds" in settings, "--folds is missing: give the number of folds, e.g. --folds 5.")
    require(
        known.fold is None and not known.gather,
        "--fold and --gather are for the folder of a cross-validation: give it instead of the YAML file.",
    )
    from dlkit.submit.options import where_of

    where = where_of(known, name="crossval")
    from dlkit.crossval.begin import begin as made
    from dlkit.crossval.work import folds_of

    folds_of(made(rest, known.kind, settings)).begin(where)


def go_on(known: argparse.Namespace, place: Path) -> None:
    """Make what is missing in the folder of a cross-validation, one fold of it, or gather its folds."""
    from dlkit.submit.options import where_of

    where = where_of(known, name="crossval")
    from dlkit.crossval.folder import CrossvalFolder

    folder = CrossvalFolder.open(place)
    if known.fold is not None:
        from dlkit.crossval.one import run_fold

        run_fold(folder, known.fold)
        return
    from dlkit.crossval.work import finish, folds_of

    if known.gather:
        finish(folder)
    else:
        folds_of(folder).work(where)
