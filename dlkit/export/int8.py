"""Weights of 8 bits: written by onnxruntime, measured on real windows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from dlkit.core.checks import require
from dlkit.export.tracing import quiet

Named = Mapping[str, np.ndarray]

DONE = ("QLinearConv", "DequantizeLinear", "MatMulInteger", "ConvInteger", "DynamicQuantizeLSTM")
AT_ONCE = 32


class Windows(CalibrationDataReader):  # type: ignore[misc]  # untyped
    """Hands out windows from which the range of every activation is learned."""

    def __init__(self, given: Named) -> None:
        count = len(next(iter(given.values())))
        self.parts: Iterator[Named] = iter(
            {name: value[first : first + AT_ONCE] for name, value in given.items()}
            for first in range(0, count, AT_ONCE)
        )

    def get_next(self) -> Named | None:
        """Return the next windows."""
        return next(self.parts, None)


def write_int8(path: Path, given: Named) -> None:
    """Give a file 8-bit weights; networks with convolutions learn the range of each activation from windows.

    Raises:
        InputError: There is nothing that can be stored in 8 bits.
    """
    with quiet(), TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        quant_pre_process(path, plain, skip_symbolic_shape=True)  # weights are constants then, not made of constants
        if "Conv" in kinds_in(plain):
            layers = ["Conv", "Gemm", "MatMul"]
            quantize_static(plain, path, Windows(given), op_types_to_quantize=layers, per_channel=True)
        else:
            quantize_dynamic(plain, path, weight_type=QuantType.QInt8, per_channel=True)
    found = bool(kinds_in(path) & set(DONE))
    require(found, "--int8: this network has no layer that onnxruntime stores in 8 bits: leave it out.")


def kinds_in(path: Path) -> set[str]:
    """Return the kinds of operations in a file."""
    return {node.op_type for node in onnx.load(path).graph.node}


def changes(found: Named, wanted: Named) -> dict[str, float]:
    """Return what 8 bits change: decisions in shares, probabilities and values by their root mean square.

    That of values is counted in standard deviations of the answers; of several targets or classes the largest is told.
    """
    measured = {}
    for name, answer in wanted.items():
        if name.rpartition("/")[2] in ("probabilities", "alarm"):
            measured[f"{name}: changed decisions"] = float((decided(found[name]) != decided(answer)).mean())
        if answer.dtype == bool:
            continue
        with quiet():  # of columns without a number
            off = np.sqrt(np.nanmean(np.square(apart(found[name], answer)), axis=0))
        measured[name] = float((off / spread_of(name, answer))[np.isfinite(off)].max(initial=0.0))
    return measured


def largest(found: Named, wanted: Named) -> dict[str, float]:
    """Return the largest change of one number, of values in standard deviations of the answers."""
    measured = {}
    for name, answer in wanted.items():
        if answer.dtype == bool:
            continue
        off = np.abs(apart(found[name], answer)) / spread_of(name, answer)
        measured[name] = float(off[np.isfinite(off)].max(initial=0.0))
    return measured


def apart(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return what lies between answers, a line each number that has a spread of its own; infinite ones are equal."""
    with np.errstate(invalid="ignore"):
        off = np.subtract(found, wanted, dtype=np.float64)
    return lines_of(off)


def lines_of(answer: np.ndarray) -> np.ndarray:
    """Return answers with one axis, (answers, columns): the last one of several, or none."""
    return answer.reshape(-1, answer.shape[-1] if answer.ndim > 1 else 1)


def spread_of(name: str, answer: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column; 1 of probabilities, infinite where nothing varies."""
    if name.rpartition("/")[2] == "probabilities":
        return np.ones(answer.shape[-1])
    with quiet():
        spread = np.nanstd(lines_of(answer), axis=0, dtype=np.float64)
    return np.where(spread > 0, spread, np.inf)


def said_of(measured: Mapping[str, float], most: Mapping[str, float]) -> list[str]:
    """Return in words what 8 bits change.

    Args:
        measured: Of :func:`changes`.
        most: Of :func:`largest`.
    """
    lines = []
    for name, value in measured.items():
        if name not in most:
            lines.append(f"8 bits, {name}: {value:.3g} of all")
            continue
        unit = "" if name.rpartition("/")[2] == "probabilities" else " standard deviations of the answers"
        lines.append(f"8 bits change {name} by {value:.3g} (root mean square), at most {most[name]:.3g}{unit}")
    return lines


def decided(probabilities: np.ndarray) -> np.ndarray:
    """Return the likeliest class; of labels, whose probabilities do not sum to 1, which are there; an alarm itself."""
    if probabilities.dtype == bool:
        return probabilities
    one_of = np.allclose(probabilities.sum(-1), 1, atol=1e-3)
    return probabilities.argmax(-1) if one_of else probabilities > 0.5


def require_small(measured: Mapping[str, float], limit: float) -> None:
    """Refuse 8-bit weights that change answers too much.

    Raises:
        InputError: They do.
    """
    name, worst = max(measured.items(), key=lambda pair: pair[1], default=("", 0.0))
    require(
        worst <= limit,
        f"--int8 changes '{name}' by {worst:.3g}, more than --limit {limit:g} (values in standard deviations of the "
        "answers, decisions in shares): leave out --int8, or allow more by --limit.",
    )
