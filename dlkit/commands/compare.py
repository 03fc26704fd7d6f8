"""Put runs or cross-validations side by side: settings, measures, and which differences are more than chance."""

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = "dlkit compare RUN RUN ... [--output FILE.html] [--metrics-only]"
DESCRIPTION = """Compares the first run with each other one on the same test data: forecasts and answers in time by
Diebold & Mariano, classes by McNemar, values of samples by the bootstrap, seeds by Welch's t, folds of
cross-validations by the corrected resampled t. Runs on different test data are refused, unless measures alone are asked
for."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser("dlkit compare", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    own.add_argument("runs", nargs="+", metavar="RUN", help="Folders of runs, or of cross-validations.")
    own.add_argument("--output", default=None, metavar="FILE", help="Write a page too.")
    own.add_argument("--metrics-only", action="store_true", help="Measures alone, whatever they were measured on.")
    return own


def main(arguments: list[str]) -> None:
    """Compare."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known = parser().parse_args(arguments)
    from pathlib import Path

    output = None if known.output is None else Path(known.output)
    require(
        output is None or output.suffix.lower() in (".html", ".htm"),
        f"--output '{output}' is no page: end it in .html.",
    )
    from dlkit.compare.compare import compare

    print(compare([Path(name) for name in known.runs], output, metrics_only=known.metrics_only))
