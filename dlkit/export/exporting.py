"""Export a run: load, trace, write, compare with the run on real windows, and only then keep the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlkit.core.checks import require, suggest

FORMS = {"onnx": ".onnx", "torch": ".pt2"}


@dataclass(frozen=True)
class Wish:
    """What is wanted.

    Attributes:
        form: "onnx" or "torch".
        output: The file; None puts it into the run.
        int8: Weights of 8 bits.
        limit: Largest difference by them, in standard deviations of the answers.
        windows: Number of real windows or samples to compare on.
    """

    form: str
    output: Path | None
    int8: bool
    limit: float
    windows: int

    @classmethod
    def of(cls, form: str, output: str | None, *, int8: bool, limit: float | None, windows: int) -> "Wish":
        """Return a checked wish.

        Raises:
            InputError: The form does not exist, or settings do not go together.
        """
        require(form in FORMS, f"--to {form}: {suggest(form, FORMS)}")
        require(not int8 or form == "onnx", "--int8 is for --to onnx: leave it out, or export to onnx.")
        require(int8 or limit is None, "--limit bounds what --int8 may change: give --int8 too, or leave it out.")
        require(limit is None or limit > 0, f"--limit {limit} must be positive, e.g. 0.1.")
        require(windows > 0, f"--windows {windows} must be positive, e.g. 64.")
        path = None if output is None else Path(output)
        require(
            path is None or path.suffix == FORMS[form],
            f"--output '{output}' must end in {FORMS[form]}, as --to {form} writes it.",
        )
        return cls(form, path, int8, 0.1 if limit is None else limit, windows)


def export(arguments: Sequence[str], wish: Wish) -> str:
    """Export a run and return what was written, as text."""
    raise NotImplementedError(arguments, wish)
