"""Know the data before the model: what is there, what is wrong, and what it looks like."""

import argparse
import tempfile
from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import InputError, require

USAGE = """dlkit check DATA [DATA ...] [--output DIR] [--strict] [--quick] [--seed N] [--key value ...]"""
NOTE = """DATA is a file, a folder or a glob of recordings, traces or images, the YAML file of a job, of a data module
or of a source, or the folder of a run. Prints what is there and what is wrong, the worst first, and leaves check.json
and check.html (one page that opens from disk) in DIR. Each finding says where, how much, why it matters, and the line
of YAML that repairs it. Further settings are those of the source (--time_format ms) or, of a YAML file, of its data
(--data.init_args.look_back 6h). See docs/check.md."""


def parser() -> Parser:
    """Return the parser of the arguments."""
    own = Parser(
        "dlkit check", usage=USAGE, description=__doc__, epilog=NOTE, allow_abbrev=False, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    own.add_argument("--output", default="check", metavar="DIR", help="Folder of check.json and check.html (check).")
    own.add_argument("--strict", action="store_true", help="Exit with 1 where there are errors.")
    own.add_argument("--quick", action="store_true", help="Leave out what takes long: labels, embeddings, the page.")
    own.add_argument("--seed", type=int, default=0, metavar="N", help="Of folds, samples and models (0).")
    return own


def require_writable(folder: Path) -> None:
    """Refuse a folder in which nothing can be written, before anything is read.

    Raises:
        InputError: No file can be made in it, or in the nearest folder above it that there is.
    """
    there = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
        raise InputError(f"--output {folder} {reason}: give a folder in which you may write.") from error


def main(arguments: list[str]) -> int:
    """Check; return 1 where --strict finds something wrong."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return 0
    known, rest = parser().parse_known_args(arguments)
    output = Path(known.output)
    require(not output.is_file(), f"--output {output} is a file: give a folder.")
    require_writable(output)
    from dlkit.train.check.asked import asked_for
    from dlkit.train.check.checking import check_data

    found, said = check_data(asked_for(rest), output, quick=known.quick, seed=known.seed)
    print(said)
    return int(known.strict and bool(found.of("error")))
