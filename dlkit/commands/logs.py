"""Print what the Slurm job of a run printed."""

from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError

USAGE = "dlkit logs RUN [--follow] [--try N] [--element NAME]"


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit logs", usage=USAGE, description=__doc__, allow_abbrev=False, add_help=False)
    own.add_argument("run", metavar="RUN", type=Path, help="Run folder, or that of a study or of folds.")
    own.add_argument("--follow", action="store_true", help="Go on printing until no job is at work.")
    own.add_argument(
        "--try", dest="number", type=int, default=None, metavar="N", help="Only what the N-th try printed."
    )
    own.add_argument("--element", default="", metavar="NAME", help="Which run of a job array; the newest if absent.")
    return own


def main(arguments: list[str]) -> None:
    """Print."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    options = parser().parse_args(arguments)
    from dlkit.submit.logs import follow, newest_log, of_try

    if options.follow and options.number is not None:
        raise InputError("--follow prints what comes, --try what came in one try: give one of them.")
    if options.follow:
        follow(options.run, options.element)
        return
    text = newest_log(options.run, options.element).read_text(encoding="utf-8", errors="replace")
    print(text if options.number is None else of_try(text, options.number), end="")
