"""Write a trained run as one file that answers without dlkit."""

import argparse

from dlkit.core.arguments import Parser

USAGE = """dlkit export RUN --to onnx|torch [--int8] [--output FILE]"""
NOTE = """Raw values go in (physical units, NaN where missing), answers come out: normalizer, masks, network, inverse
and what `dlkit calibrate` found are inside. Names, units, window and level are in the file. It is refused unless it
gives the answers of the run on real windows. Beside it lies run_model.py, which needs onnxruntime and numpy alone. See
docs/export.md."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit export", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--to", default="onnx", metavar="FORM", help="onnx (default) or torch (a torch.export program).")
    own.add_argument("--int8", action="store_true", help="Weights of 8 bits; the difference is measured and said.")
    own.add_argument("--limit", type=float, default=None, metavar="SHARE",
                     help="Largest difference by --int8 in standard deviations of the answers; 0.05.")  # fmt: skip
    own.add_argument("--windows", type=int, default=64, metavar="N", help="Real windows or samples to compare on.")
    own.add_argument("--output", default=None, metavar="FILE", help="RUN/export/model.onnx or .pt2 if absent.")
    return own


def main(arguments: list[str]) -> None:
    """Export."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    from dlkit.export.wish import Wish

    wish = Wish.of(known.to, known.output, int8=known.int8, limit=known.limit, windows=known.windows)
    from dlkit.export.exporting import export

    print(export(rest, wish))
