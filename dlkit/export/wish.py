"""What is wanted of an export."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dlkit.core.checks import require, suggest
from dlkit.core.runfolder import RunFolder

FORMS = {"onnx": ".onnx", "torch": ".pt2"}


@dataclass(frozen=True)
class Wish:
    """What is wanted.

    Attributes:
        form: "onnx" or "torch".
        output: The file; None puts it into the run.
        int8: Weights of 8 bits.
        limit: Largest difference by them, in standard deviations of the answers or shares of decisions.
        windows: Number of real windows or samples to compare on.
    """

    form: str = "onnx"
    output: Path | None = None
    int8: bool = False
    limit: float = 0.05
    windows: int = 64

    @classmethod
    def of(cls, form: str, output: str | None, *, int8: bool, limit: float | None, windows: int) -> "Wish":
        """Return a checked wish.

        Raises:
            InputError: The form does not exist, settings do not go together, or a package is not installed.
        """
        require(form in FORMS, f"--to {form}: {suggest(form, FORMS)}")
        require(not int8 or form == "onnx", "--int8 is for --to onnx: leave it out, or export to onnx.")
        require(int8 or limit is None, "--limit bounds what --int8 may change: give --int8 too, or leave it out.")
        require(limit is None or limit > 0, f"--limit {limit} must be positive, e.g. 0.05.")
        require(windows > 1, f"--windows {windows} must be at least 2, e.g. 64.")
        path = None if output is None else Path(output)
        require(
            path is None or path.suffix == FORMS[form],
            f"--output '{output}' must end in {FORMS[form]}, as --to {form} writes it.",
        )
        known = form == "torch" or all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
        require(bool(known), "--to onnx needs onnx, onnxruntime and onnxscript: pip install 'dlkit[export]'.")
        return cls(form, path, int8, 0.05 if limit is None else limit, windows)

    def place(self, run: RunFolder) -> Path:
        """Return the file to write."""
        name = f"model{'_int8' if self.int8 else ''}{FORMS[self.form]}"
        return self.output or run.path / "export" / name
