"""Measure a run on other data beside its own test: errors, promises, distance to training, drift."""

import argparse
from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = """dlkit evaluate RUN --data FILE ... [--key value ...]"""
NOTE = """Prints the same tables of the run's own test and of the other data side by side, and writes
RUN/evaluate_FILE/: metrics.json, summary.txt, predictions.parquet and figures. Where the other data have no truth,
there are distances, drift and predictions. See docs/novelty.md."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit evaluate", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="FILE",
        help="Other data in the format of the training files; NAME=FILE for each where there are several sources.",
    )
    return own


def lacking(rest: list[str]) -> str:
    """Return the sentence for a command without --data; a file that stands alone is probably meant."""
    run, *others = rest or ["RUN"]
    meant = [one for one in others if not one.startswith("-") and Path(one).exists()]
    return f"There are no other data: give them with --data, `dlkit evaluate {run} --data {' '.join(meant) or 'FILE'}`."


def main(arguments: list[str]) -> None:
    """Evaluate."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    require(len(known.data) > 0, lacking(rest))
    from dlkit.commands.embed import folder_of
    from dlkit.train import stages
    from dlkit.train.elsewhere.evaluating import evaluate_run
    from dlkit.train.explain.explaining import require_run

    cli, found = stages.load(rest)
    print(evaluate_run(cli, require_run(found), known.data, folder_of(known.data, "evaluate")))
