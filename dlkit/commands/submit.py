"""Send a run to a Slurm cluster; it goes on by itself after time limits, preemption and failures."""

import argparse
from pathlib import Path

from dlkit.core.arguments import Parser

USAGE = """dlkit submit CONFIG.yaml [--nodes 2] [--gpus-per-node 4] --time 8h [--then test,explain] [--key value ...]
       dlkit submit RUN [--time 8h ...]"""
NOTE = """Makes the run folder, writes RUN/slurm/job.sh, lets Slurm judge it, queues it, and returns with its number.
Everything else is a setting of the run, e.g. --data.batch_size 64. A run that exists is sent again with what it asked
for before. Follow it by `dlkit status RUN` and `dlkit logs RUN`, end it by `dlkit cancel RUN`."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    from dlkit.submit.options import add_resources

    own = Parser(
        "dlkit submit", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--site", default="", metavar="FILE", help="The cluster: a file of configs/slurm/.")
    own.add_argument("--then", default="", metavar="COMMANDS", help="What follows, e.g. test,explain.")
    own.add_argument("--only", choices=("fit", "run"), default=None, help="fit leaves tests and figures out.")
    own.add_argument(
        "--alone", choices=("true", "false"), default=None, help="Whether each of several sources trains alone."
    )
    own.add_argument("--job-name", default="", metavar="NAME", help="Name of the job; that of the run if absent.")
    own.add_argument("--local-disk", action="store_true", help="All nodes see the folders, whatever they look like.")
    own.add_argument("--dry-run", action="store_true", help="Show plan and script; write and send nothing.")
    add_resources(own)
    return own


def main(arguments: list[str]) -> None:
    """Submit."""
    own = parser()
    if not arguments or arguments[0] in ("-h", "--help"):
        own.print_help()
        return
    options, rest = own.parse_known_args(arguments)
    from dlkit.submit import submitting
    from dlkit.train.messages import SECTIONS

    own.check_misspelt(rest, SECTIONS)
    first = Path(rest[0]) if rest and not rest[0].startswith("-") else None
    if first is not None and first.suffix not in (".yaml", ".yml"):
        print(submitting.submit_again(first, options, rest[1:]))
    else:
        print(submitting.submit_new(options, rest))
