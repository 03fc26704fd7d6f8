"""Predict the test windows or samples of a run, or everything in files never seen."""

from dlkit.core.arguments import Parser

USAGE = """dlkit predict RUN [--data FILE ...] [--output FILE] [--key value ...]"""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit predict", usage=USAGE, description=__doc__, allow_abbrev=False, add_help=False)
    own.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="FILE",
        help="New files in the format of the training files; NAME=FILE for each where there are several sources.",
    )
    own.add_argument(
        "--output",
        default=None,
        metavar="FILE",
        help="Parquet or CSV to write; RUN/predictions.parquet if absent.",
    )
    return own


def main(arguments: list[str]) -> None:
    """Predict."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    from pathlib import Path

    from dlkit.train import stages
    from dlkit.train.evaluation.predictions import form_of

    output = None if known.output is None else Path(known.output)
    if output is not None:
        form_of(output)
    cli, run = stages.load(rest, reads=not known.data)
    path, rows = stages.predict(cli, run, known.data, output, tells=True)
    print(f"{rows} predictions: {path}")
