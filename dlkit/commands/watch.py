"""Follow a file and judge each row that is appended by the anomaly detector of a run."""

from dlkit.core.arguments import Parser

USAGE = """dlkit watch RUN --follow FILE [--from-start] [--output FILE] [--key value ...]"""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit watch", usage=USAGE, description=__doc__, allow_abbrev=False, add_help=False)
    own.add_argument("--follow", metavar="FILE", help="CSV file with a header line that rows are appended to.")
    own.add_argument("--from-start", action="store_true", help="Judge the rows that are there already too.")
    own.add_argument("--output", metavar="FILE", help="CSV file: time, score, alarm and channel of each row.")
    own.add_argument("--every", type=float, default=0.2, metavar="SECONDS", help="Time between two looks at the file.")
    own.add_argument("--until-idle", type=float, metavar="SECONDS", help="End when no row came for so long.")
    return own


def main(arguments: list[str]) -> None:
    """Watch."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    from pathlib import Path

    from dlkit.core.checks import require
    from dlkit.train.watch.watch import watch

    require(known.follow is not None, "dlkit watch needs a file: give it with --follow FILE.")
    output = None if known.output is None else Path(known.output)
    print(
        watch(
            rest,
            Path(known.follow),
            from_start=known.from_start,
            output=output,
            every=known.every,
            until_idle=known.until_idle,
        )
    )
