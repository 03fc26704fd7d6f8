"""Search for the settings that validate best: many trainings, each with other values."""

import argparse

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError, require

USAGE = """dlkit tune CONFIG.yaml --space SPACE.yaml --trials N [--workers N | --slurm SITE --time T] [--key value ...]
       dlkit tune STUDY [--trials N] [--workers N | --slurm SITE --time T]"""
NOTE = """The space names settings of the configuration and their values, see configs/tune/ and docs/tuning.md. A key
that does not exist is refused before any trial. Trials look at validation alone, never at the test. Leaves a study
folder RUNS/NAME_tune-001 with a run folder for each trial, best.yaml (ready for `dlkit fit`), trials.csv, study.json
and figures/; `tensorboard --logdir STUDY` compares all trials. What was stopped or killed goes on with `dlkit tune
STUDY`, also with more trials than first asked for; workers may come and go."""


def parser() -> Parser:
    """Return the parser of this command."""
    from dlkit.submit.options import add_spread

    made = Parser(
        "dlkit tune", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("--space", default=None, metavar="SPACE", help="YAML file of the settings and their values.")
    made.add_argument("--trials", type=int, default=None, metavar="N", help="How many in all; a grid knows its end.")
    made.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)  # one of several, without the end
    made.add_argument("--gather", action="store_true", help="Only write and draw what is known so far.")
    add_spread(made)
    return made


def main(arguments: list[str]) -> None:
    """Tune."""
    options = parser()
    if not arguments or arguments[0] in ("-h", "--help"):
        options.print_help()
        return
    known, rest = options.parse_known_args(arguments)
    from pathlib import Path

    from dlkit.submit.options import where_of
    from dlkit.tune import tuning
    from dlkit.tune.study import StudyFolder, open_book

    where = where_of(known, name="tune")
    first = rest[0] if rest and not rest[0].startswith("-") else ""
    if known.space is None and first.endswith((".yaml", ".yml")):
        raise InputError("what is tuned? Give --space, e.g. --space configs/tune/lstm.yaml.")
    if known.space is not None:
        folder = tuning.begin(rest, Path(known.space), known.trials)
    else:
        require(bool(first), f"nothing to tune: give a YAML file and --space, or a study folder; usage: {USAGE}")
        require(len(rest) == 1, f"'{' '.join(rest[1:])}' cannot be changed in a study that has begun: begin a new one.")
        folder = StudyFolder.open(Path(first))
        if known.trials is not None:
            book = open_book(folder)
            tuning.ask_for(book, tuning.number_of(book.space, known.trials))
    if known.worker:
        tuning.work(folder)
    elif known.gather:
        tuning.finish(folder)
    else:
        tuning.tune(folder, where, known.workers, new=known.space is not None)
