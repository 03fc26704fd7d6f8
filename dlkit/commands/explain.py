"""Show which part of its inputs a trained network's answers come from."""

import argparse

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError

USAGE = """dlkit explain RUN [--method METHOD ...] [--split test] [--samples 16 | --number N ...] [--target NAME]"""
NOTE = """Methods, several at once: cam, gradcam, gradcam++, hirescam, layercam, xgradcam, scorecam (networks with
feature maps); saliency, smooth_grad, integrated_gradients, gradient_shap, deep_lift, occlusion, feature_ablation (every
network). Settings follow a colon: integrated_gradients:steps=64, gradcam:layer=body.3; own methods go by import path.
Writes RUN/explain/METHOD/ (METHOD-TARGET/ where a target is named, and so on): figures, maps.npz, summary.json; of
several sources also the share of each, exact Shapley values to compare with, and what a shift in time does.
Every method answers for itself by deletion and insertion curves and by randomized weights: it holds, fails, or is not
decided by so few samples; the 95 % intervals stand beside. One that this network does not allow is refused at once.
Class activation maps and gradients are relative; the others have the unit of the score. Only integrated_gradients and
deep_lift add up to its change: of several sources the shares of all others are proportions. A dashed box encloses what
is above 20 % of the maximum of a class activation map."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit explain", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--method", nargs="+", default=[], metavar="METHOD", help="What to explain with; see below.")
    own.add_argument("--split", default="test", help="Where the samples come from: train, val or test.")
    own.add_argument("--samples", type=int, default=16, metavar="N", help="How many, spread evenly over the split.")
    own.add_argument(
        "--number", nargs="+", type=int, default=None, metavar="N", help="Numbers within the split instead."
    )
    own.add_argument(
        "--target", default="", metavar="NAME",
        help="What to explain: a class, 'predicted' (by default) or 'true'; a label, by default the most probable of "
        "each sample; a target of a forecast or of values; of several heads HEAD or HEAD:NAME.",
    )  # fmt: skip
    own.add_argument(
        "--horizon", nargs="+", type=int, default=None, metavar="STEP", help="Steps of a forecast, from 1."
    )
    own.add_argument(
        "--baseline", default="", metavar="NAME",
        help="What inputs are compared with: the training mean, zero in physical units, or train samples.",
    )  # fmt: skip
    own.add_argument(
        "--shift", nargs="+", default=None, metavar="TIME",
        help="By how much each of several sources is shifted to see what misalignment does, e.g. 10ms 50ms.",
    )  # fmt: skip
    return own


def main(arguments: list[str]) -> None:
    """Explain."""
    options = parser()
    if not arguments or arguments[0] in ("-h", "--help"):
        options.print_help()
        return
    known, rest = options.parse_known_args(arguments)
    from dlkit.explain.methods import make_method
    from dlkit.train import stages
    from dlkit.train.explain import explaining
    from dlkit.train.explain.question import Wanted
    from dlkit.train.explain.result import Choice

    for name in known.method:
        make_method(name)  # refused before anything is read
    cli, run = stages.load(rest)
    kind = cli.model.spec.kind
    if known.shift is not None and not cli.model.spec.parts:
        raise InputError("--shift moves one of several sources in time, but the run has one: leave it out.")
    if known.horizon is not None and kind not in ("forecast", "several"):
        raise InputError(f"--horizon chooses steps of a forecast, but the run answers with {kind}: leave it out.")
    wanted = Wanted(target=known.target, horizon=known.horizon, baseline=known.baseline)
    choice = Choice(split=known.split, samples=known.samples, numbers=known.number, wanted=wanted, shifts=known.shift)
    folder = explaining.require_run(run)
    task = cli.model.to(cli.trainer.strategy.root_device)
    print(explaining.explain_run(task, cli.datamodule, folder, known.method, choice))
