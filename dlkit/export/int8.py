"""Weights of 8 bits: written by onnxruntime, measured on real windows."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

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


def write_int8(source: Path, target: Path, given: Named) -> None:
    """Write a file with 8-bit weights; networks with convolutions learn the range of each activation from windows.

    Raises:
        InputError: There is nothing that can be stored in 8 bits.
    """
    kinds = {node.op_type for node in onnx.load(source).graph.node}
    with quiet():
        if "Conv" in kinds:
            layers = ["Conv", "Gemm", "MatMul"]
            quantize_static(source, target, Windows(given), op_types_to_quantize=layers, per_channel=True)
        else:
            quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
    done = {node.op_type for node in onnx.load(target).graph.node}
    require(
        bool(done & set(DONE)), "--int8: this network has no layer that onnxruntime stores in 8 bits: leave it out."
    )


def changes(found: Named, wanted: Named) -> dict[str, float]:
    """Return what 8 bits change: decisions in shares, probabilities and values by their root mean square.

    That of values is counted in standard deviations of the answers; of several targets or classes the largest is told.
    """
    measured = {}
    for name, answer in wanted.items():
        if answer.dtype == bool:
            continue
        axes, likely = tuple(range(answer.ndim - 1)), name.rpartition("/")[2] == "probabilities"
        if likely:
            measured[f"{name}: changed decisions"] = float((found[name].argmax(-1) != answer.argmax(-1)).mean())
        spread = np.ones(answer.shape[-1]) if likely else answer.std(axis=axes, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            off = np.sqrt(np.square(np.subtract(found[name], answer, dtype=np.float64)).mean(axis=axes))
        finite = np.isfinite(off) & (spread > 0)
        measured[name] = float((off[finite] / spread[finite]).max(initial=0.0))
    return measured


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
