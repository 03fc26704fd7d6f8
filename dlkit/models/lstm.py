"""The long short-term memory."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Spec
from dlkit.models.recurrent import Recurrent, StatePool


@contextmanager
def onednn_off() -> Iterator[None]:
    """CPU kernels are PyTorch's own instead of oneDNN's; what was set before comes back."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property of the module
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


def runs_on_onednn(x: Tensor) -> bool:
    """Say whether PyTorch would hand an LSTM on ``x`` to oneDNN in single precision."""
    plain = x.device.type == "cpu" and x.dtype == torch.float32
    return plain and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()


class LSTM(Recurrent):
    """A long short-term memory with a direct multi-step head (Hochreiter and Schmidhuber, Neural Comp. 9, 1997).

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units of a layer.
        layers: Number of layers.
        dropout: Rate at which units are dropped between layers and before the head.
        pool: "last" state, which suits forecasts; "mean" of the states; or their mean weighted by "attention". With the
            latter two the features keep the time, so that class activation maps are exact.
        onednn: Use oneDNN for float32 on the CPU. The result is the same to rounding, but the speed differs up to
            threefold either way with processor and version: measure, and switch it off where PyTorch's own is faster.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: int = 128,
        layers: int = 1,
        dropout: float = 0.0,
        pool: StatePool = "last",
        onednn: bool = True,
    ) -> None:
        super().__init__(spec, hidden_size=hidden_size, layers=layers, dropout=dropout, pool=pool)
        self.onednn = onednn

    @staticmethod
    def cells() -> type[nn.LSTM | nn.GRU]:
        """Return the kind of recurrence."""
        return nn.LSTM

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features *positions"]:
        """Return the last state of the last layer; else the states times their weights, whose plain mean counts."""
        with nullcontext() if self.onednn or not runs_on_onednn(x) else onednn_off():
            return super().features(x)
