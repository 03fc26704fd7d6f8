"""Say how sure the answers of a run are, what is promised of them, and whether the test bears it out."""

import argparse
from dataclasses import replace
from itertools import pairwise
from typing import Any

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError, require

USAGE = (
    "dlkit calibrate RUN [--level 0.9] [--method auto] [--scaling temperature] [--ensemble RUN ...] [--dropout N] "
    "[--laplace] [--risk NAME=VALUE] [--csv] [--key value ...]"
)
NOTE = """Fits on validation, checks on the test, prints what was promised beside what was seen with its 95 % interval,
and writes RUN/confidence.json, RUN/confidence.npz and RUN/predictions.parquet. What is not given stays as the settings
of the run have it (`confidence:`). See docs/confidence.md for what each promise rests on."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit calibrate", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--level", type=float, metavar="SHARE", help="Probability that is promised, e.g. 0.95.")
    own.add_argument("--method", metavar="NAME",
                     help="auto; lac, aps, raps for classes; split, scaled, cqr, mondrian, weighted, adaptive for "
                     "values.")  # fmt: skip
    own.add_argument("--scaling", metavar="NAME", help="temperature, vector, isotonic or none, for classes.")
    own.add_argument("--ensemble", nargs="+", metavar="RUN", help="Finished runs that answer together with this one.")
    own.add_argument("--dropout", type=int, metavar="N", help="Passes with dropout switched on.")
    own.add_argument("--laplace", action="store_true", help="Take the last layer as uncertain.")
    own.add_argument("--risk", metavar="NAME=VALUE", help="E.g. false_alarms_per_day=1 of anomalies.")
    own.add_argument("--no-distance", action="store_true", help="Leave out distances to the training data.")
    own.add_argument("--csv", action="store_true", help="Write RUN/predictions.csv too.")
    return own


def risk_of(text: str) -> dict[str, float]:
    """Return the name and the value of a risk."""
    name, _, value = text.partition("=")
    try:
        return {name: float(value)}
    except ValueError as error:
        raise InputError(f"--risk {text}: write NAME=VALUE, e.g. --risk false_alarms_per_day=1.") from error


def changes(known: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that are given."""
    found = {name: getattr(known, name) for name in ("level", "method", "scaling", "dropout", "laplace")}
    found = {name: value for name, value in found.items() if value is not None and value is not False}
    found |= {} if known.risk is None else {"risk": risk_of(known.risk)}
    found |= {"distance": False} if known.no_distance else {}
    found |= {name: found[name].lower() for name in ("method", "scaling") if name in found}
    return found if known.ensemble is None else found | {"ensemble": len(known.ensemble) + 1}


def wished(kept: Any, given: dict[str, Any]) -> Any:
    """Return the settings of a run with those that are given; one way of drawing answers replaces another."""
    ways = {"ensemble": 1, "dropout": 0, "laplace": False}
    return replace(kept, **(ways if ways.keys() & given.keys() else {}) | given)


def check_rest(rest: list[str]) -> None:
    """Refuse other data and misspelt options."""
    from dlkit.train.messages import SECTIONS

    parser().check_misspelt(rest, SECTIONS)
    for word, value in pairwise([*rest, ""]):
        name, _, own = word.partition("=")
        require(
            name != "--data" or (own or value).endswith((".yaml", ".yml")),
            f"dlkit calibrate takes no other data: leave out --data, or see whether the promises hold there by `dlkit "
            f"evaluate RUN --data {own or value}`.",
        )


def main(arguments: list[str]) -> None:
    """Calibrate."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    check_rest(rest)
    given = changes(known)
    from dlkit.train.confidence.wish import Wish

    Wish(**given)  # refused before anything is read
    from dlkit.train import stages
    from dlkit.train.confidence import calibrating
    from dlkit.train.run_place import require_trained

    cli, run = stages.load(rest)
    require(run is not None, f"Only a trained run can be calibrated: {USAGE}.")
    assert run is not None
    require_trained(run)
    wish = wished(cli.wish or Wish(), given)
    print(calibrating.calibrate(cli, run, wish, known.ensemble or ()))
    path, rows = stages.predict(cli, run, [], None)
    print(f"{rows} predictions: {path}")
    if known.csv:
        path, _ = stages.predict(cli, run, [], path.with_suffix(".csv"))
        print(f"as CSV: {path}")
