"""Certify how far an input may change before the answer of a network that tells classes does."""

import argparse
import math

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = """dlkit certify RUN [--sigma 0.25] [--samples 100] [--draws 1000]"""
NOTE = """Randomized smoothing (arXiv:1902.02918): the class that the network gives most often under normal noise cannot
be changed by any change of the input that is shorter than the radius, whoever makes it. What is certified is this
smoothed answer, not that of the network without noise. Writes RUN/robustness/: certified.parquet (a row a sample, radii
also in the unit of each channel), summary.json, radius.png. Networks that trained with noise of the same strength
(`augment`: dlkit.data.augment.Noise, dlkit.data.augment_traces.Jitter) reach much further."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit certify", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--sigma", type=float, default=0.25, metavar="S",
                     help="Noise, in standard deviations of the training inputs.")  # fmt: skip
    own.add_argument("--samples", type=int, default=100, metavar="N", help="Test samples, spread evenly.")
    own.add_argument("--draws", type=int, default=1000, metavar="N", help="Noisy copies that measure each answer.")
    own.add_argument("--alpha", type=float, default=0.001, metavar="P",
                     help="Probability that the certificate of a sample is wrong.")  # fmt: skip
    own.add_argument("--seed", type=int, default=0, help="Seed of the noise.")
    return own


def check(known: argparse.Namespace) -> None:
    """Refuse what can be refused before anything is read."""
    require(0 < known.sigma < float("inf"), f"--sigma {known.sigma:g} must be positive, e.g. 0.25.")
    require(0 < known.alpha < 0.5, f"--alpha {known.alpha:g} must lie between 0 and 0.5, e.g. 0.001.")
    fewest = math.floor(math.log2(1 / known.alpha)) + 1  # so often the same class shows a share above one half
    for name, least in {"samples": 1, "draws": fewest, "seed": 0}.items():
        value = getattr(known, name)
        require(value >= least, f"--{name} {value} must be at least {least}.")


def main(arguments: list[str]) -> None:
    """Certify."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    check(known)
    from dlkit.train.messages import SECTIONS

    parser().check_misspelt(rest, SECTIONS)
    from dlkit.train import stages
    from dlkit.train.confidence.certified import Wish
    from dlkit.train.confidence.certifying import certify_run
    from dlkit.train.explain.explaining import require_run
    from dlkit.train.run_place import require_trained

    cli, found = stages.load(rest)
    run = require_run(found)
    require_trained(run)
    task = cli.model.to(cli.trainer.strategy.root_device)
    print(certify_run(task, cli.datamodule, run, Wish(**vars(known))))
