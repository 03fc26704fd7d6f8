"""Train a network as a CUDA graph: all its kernels in one launch, forward and back."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from dlkit.core.checks import InputError, require


class Surface(nn.Module):
    """A network inside a module of its own, whose forward pass may be exchanged for a graph."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer of the network."""
        answer: Tensor = self.net(x)
        return answer


class Graphed:
    """Calls a network, in training as a graph of the first batch's shape; what cannot be replayed runs as it is.

    A small or deep network leaves a GPU waiting for the next launch; a graph needs one launch for all of them. It
    computes what the network computes, dropout and running statistics included. An answer is overwritten by the next.

    Args:
        net: The network, on its device.
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._forget()

    def _forget(self) -> None:
        self._replay: Any = None
        self._shape: torch.Size | None = None
        self._trained: list[bool] = []

    def __getstate__(self) -> dict[str, Any]:
        """Leave the graph out of copies, whose weights lie elsewhere."""
        return {"net": self.net}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin without a graph."""
        self.net = state["net"]
        self._forget()

    def __call__(self, x: Tensor) -> Tensor:
        """Return the answer of the network."""
        trained = [weight.requires_grad for weight in self.net.parameters()]
        if not (self.net.training and torch.is_grad_enabled() and x.device.type == "cuda" and any(trained)):
            answer: Tensor = self.net(x)
            return answer
        if self._replay is None or trained != self._trained:
            self._shape, self._trained = x.shape, trained
            self._replay = captured(self.net, x)
        found: Tensor = self._replay(x) if x.shape == self._shape else self.net(x)
        return found


def captured(net: nn.Module, x: Tensor) -> Any:
    """Return the network as a graph for inputs like ``x``; running statistics and random state stay as they were.

    Raises:
        InputError: The network does something that a graph cannot hold, such as waiting for the device.
    """
    kept = [buffer.clone() for buffer in net.buffers()]
    random = torch.cuda.get_rng_state(x.device)
    # Weights are rounded inside the graph, anew at every replay.
    precision = torch.autocast(
        "cuda",
        dtype=torch.get_autocast_dtype("cuda"),
        enabled=torch.is_autocast_enabled("cuda"),
        cache_enabled=False,
    )
    try:
        with precision:
            replay: Any = torch.cuda.make_graphed_callables(
                Surface(net).train(), (torch.empty_like(x).copy_(x),), allow_unused_input=True
            )
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The network cannot be run as a CUDA graph ({reason}): leave out `graph`, or set `compile: true`."
        ) from error
    with torch.no_grad():
        for buffer, before in zip(net.buffers(), kept, strict=True):
            buffer.copy_(before)
    torch.cuda.set_rng_state(random, x.device)
    return replay


def graphed(net: nn.Module, *, parts: bool, compiled: bool, trainer: Any) -> Graphed | None:
    """Return the network to be run as a graph, or None where there is no GPU.

    Args:
        net: The network.
        parts: It takes several sources, which draw and measure on the host.
        compiled: It is compiled as well.
        trainer: Lightning's trainer.

    Raises:
        InputError: Another setting does not go with a graph.
    """
    for wrong, setting in {
        "several sources": parts,
        "compile: true": compiled,
        "several processes": trainer.world_size > 1,
        "accumulate_grad_batches": trainer.accumulate_grad_batches > 1,  # the graph writes each gradient to one place
    }.items():
        require(not setting, f"`graph: true` cannot be used with {wrong}: leave out one of them.")
    if trainer.strategy.root_device.type != "cuda":
        warnings.warn("`graph: true` needs a CUDA device and changes nothing here.", stacklevel=2)
        return None
    return Graphed(net)
