"""Fit classical methods on the very windows and splits of a network, and put it beside them."""

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = "dlkit baselines CONFIG.yaml|RUN [--only ridge,random_forest] [--most 20000] [--key value ...]"
DESCRIPTION = """Fits ridge, trees, kernels, Gaussian processes and, for traces, random convolutions on the windows or
samples that the network trains on, normalized, filled and with masks as it gets them, and measures them on those that
test with the measures of the task. Settings are chosen on what validates. Prints one table with times, what was chosen
and what was cut; leaves baselines.json, baselines.txt and a figure in the run, or in a folder of its own."""


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("dlkit baselines", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    made.add_argument("--only", default="", metavar="NAMES", help="Methods, with commas between; else all that fit.")
    made.add_argument("--most", type=int, default=20_000, help="Training windows or samples of a method at most.")
    made.add_argument(
        "--features", type=int, default=3000, help="Numbers of an input at most; longer ones are averaged."
    )
    made.add_argument("--seed", type=int, default=0, help="Seed of what is random in the methods.")
    return made


def main(arguments: list[str]) -> None:
    """Compare."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    from dlkit.train.messages import SECTIONS

    made = parser()
    known, rest = made.parse_known_args(arguments)
    made.check_misspelt(rest, SECTIONS)
    for name, least in (("most", 20), ("features", 1)):
        value = getattr(known, name)
        require(value >= least, f"--{name} {value} leaves nothing to learn from: give at least {least}.")
    require(0 <= known.seed < 2**32, f"--seed {known.seed} must be 0 or more, and below 2^32.")
    from dlkit.baselines.compare import compare
    from dlkit.baselines.contest import Limits

    only = [name.strip() for name in known.only.split(",") if name.strip()]
    print(compare(rest, only=only, limits=Limits(most=known.most, features=known.features, seed=known.seed)))
