"""Operations that torch's exporter to ONNX does not know."""

from collections.abc import Callable
from typing import Any

import onnxscript
import torch

op: Any = onnxscript.opset18
INT64 = 7
LAST = [-1]


def sort_stable(x: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:  # noqa: ARG001
    """Sort; of equal values TopK gives the first one first, as a stable sort does."""
    count = op.Gather(op.Shape(x), op.Constant(value_ints=[dim]))
    return op.TopK(x, count, axis=dim, largest=int(descending), sorted=1)


def searchsorted(
    ordered: Any,
    x: Any,
    out_int32: bool = False,  # noqa: ARG001 - the operation has them all
    right: bool = False,  # noqa: ARG001
    side: Any = None,  # noqa: ARG001
    sorter: Any = None,  # noqa: ARG001
) -> Any:
    """Count the values of a rising row that are smaller."""
    smaller = op.Less(ordered, op.Unsqueeze(x, op.Constant(value_ints=LAST)))
    return op.ReduceSum(op.Cast(smaller, to=INT64), op.Constant(value_ints=LAST), keepdims=0)


TABLE: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.sort.stable: sort_stable,
    torch.ops.aten.searchsorted.Tensor: searchsorted,
}
"""What to write for an operation."""
