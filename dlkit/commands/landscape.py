"""Draw the loss around the weights of a run: lines, planes, the way of the optimizer, curvature."""

import re

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = "dlkit landscape RUN [--lines | --plane] [--directions trajectory] [--shard 3/8] [--key value ...]"
DESCRIPTION = """Measures the loss around the trained weights: along two directions that are random and as long in each
filter as its weights (arXiv:1712.09913), or along those in which the optimizer went most. Leaves contours, a surface, a
page to turn it on and the largest eigenvalues of the Hessian in RUN/landscape/. What was stopped goes on where it was;
several devices or jobs share the work: CUDA_VISIBLE_DEVICES=2 dlkit landscape RUN --shard 3/8."""


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("dlkit landscape", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    made.add_argument("--lines", action="store_true", help="Only a line along each direction.")
    made.add_argument("--plane", action="store_true", help="Only the plane; without both options lines and plane.")
    made.add_argument("--points", type=int, default=25, help="Points along each axis (25).")
    made.add_argument(
        "--range",
        type=float,
        default=1.0,
        help="How far the axes go, to both sides (1): of random directions 1 moves each filter by as much as its own "
        "length, of a trajectory 1 just holds the whole way of the optimizer.",
    )
    made.add_argument(
        "--directions",
        choices=("random", "trajectory"),
        default="random",
        help="Random ones, or those in which the optimizer went most, which needs a run with the callback "
        "dlkit.train.trajectory.Trajectory (random).",
    )
    made.add_argument(
        "--eigenvalues", type=int, default=2, help="How many of the largest eigenvalues (2); 0 leaves them out."
    )
    made.add_argument(
        "--samples", type=int, default=1024, help="Windows or samples that the loss is the mean of (1024)."
    )
    made.add_argument(
        "--split", choices=("train", "val", "test"), default="train", help="Where these come from (train)."
    )
    made.add_argument("--seed", type=int, default=0, help="Of the random directions (0).")
    made.add_argument("--shard", default="1/1", metavar="I/N", help="Compute the I-th of N parts (1/1, all).")
    made.add_argument(
        "--precision", choices=("32", "bf16"), default="32", help="bf16 is faster and rounds the loss (32)."
    )
    return made


def shard_of(text: str) -> tuple[int, int]:
    """Return the number of a shard and how many there are."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    shard, shards = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    require(
        1 <= shard <= shards, f"--shard {text} is no part of a whole: give I/N with I from 1 to N, e.g. --shard 3/8."
    )
    return shard, shards


def main(arguments: list[str]) -> None:
    """Draw the landscape."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    shard, shards = shard_of(known.shard)
    from dlkit.train import stages
    from dlkit.train.landscape.data import Wish
    from dlkit.train.landscape.surfaces import in_words, landscape

    wish = Wish(
        lines=known.lines or not known.plane,
        plane=known.plane or not known.lines,
        reach=known.range,
        **{
            name: getattr(known, name)
            for name in ("points", "directions", "eigenvalues", "samples", "split", "seed", "precision")
        },
    )
    cli, run = stages.load(rest)
    require(run is not None, f"A loss surface needs the folder of a run: {USAGE}.")
    assert run is not None
    folder, missing = landscape(cli, run, wish, shard=shard, shards=shards)
    for text in missing:
        print(f"still to come from other shards: {text}")
    if not missing:
        print(in_words(folder))
    print(f"landscape: {folder}")
