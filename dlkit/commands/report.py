"""Write one page of a run: data, training, results, confidence, cases, and how to repeat it."""

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = "dlkit report RUN [--output FILE.html]"
DESCRIPTION = """Writes RUN/report.html: one file that opens from disk without a network, with everything that a
reviewer asks of a run. What was not made says which command makes it."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit report", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    own.add_argument("run", metavar="RUN", help="Folder of a run.")
    own.add_argument("--output", default=None, metavar="FILE", help="The page; RUN/report.html if absent.")
    return own


def main(arguments: list[str]) -> None:
    """Report."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known = parser().parse_args(arguments)
    from pathlib import Path

    from dlkit.core.runfolder import RunFolder

    output = None if known.output is None else Path(known.output)
    require(
        output is None or output.suffix.lower() in (".html", ".htm"),
        f"--output '{output}' is no page: end it in .html.",
    )
    run = RunFolder.open(Path(known.run))
    from dlkit.train.report.reporting import report_run

    print(f"report: {report_run(run, output)}")
