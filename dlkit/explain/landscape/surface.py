"""The loss on lines and planes through the weights.

The weights of a copy are written over in place, a point after the other; the data are where the network is, once; and
the device is asked for numbers once a row.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.explain.landscape.directions import Direction

Precision = Literal["32", "bf16"]
Cost = Callable[[Any], Tensor]
"""The mean loss of a batch, a scalar, computed by the network whose weights move."""


def arranged(tensor: Tensor, *, channels_last: bool) -> Tensor:
    """Return a copy; images and filters of images with the channels as the fastest axis where that is asked for."""
    last = channels_last and tensor.ndim == 4
    return tensor.detach().clone(memory_format=torch.channels_last if last else torch.preserve_format)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluate: no dropout, batch norm as it was learned; every part then goes back to the mode that it had."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def borrowed(module: nn.Module, *, channels_last: bool = False) -> Iterator[None]:
    """Let a module work on copies of its parameters and buffers; whatever happens, its own were never touched."""
    own = [(tensor, tensor.data) for tensor in (*module.parameters(), *module.buffers())]
    places = [(part, name, held) for part in module.modules() for name, held in part.named_buffers(recurse=False)]
    try:
        for tensor, data in own:
            tensor.data = arranged(data, channels_last=channels_last)
        _flatten_recurrent(module)
        yield
    finally:
        for part, name, held in places:
            setattr(part, name, held)
        for tensor, data in own:
            tensor.data = data


def _flatten_recurrent(module: nn.Module) -> None:
    """Put the copies of a recurrent layer's weights into one piece of memory, as cuDNN wants them."""
    for part in module.modules():
        if isinstance(part, nn.RNNBase):
            part.flatten_parameters()


def _lifted(loss: Tensor) -> Tensor:
    """Return a loss in single precision at least."""
    return loss if loss.dtype == torch.float64 else loss.float()


class Surface:
    """The mean loss at any point of a plane through the weights of a module; used as a context manager.

    Args:
        module: The network, or what holds it; evaluated, on its device.
        cost: The mean loss of a batch, computed by the module.
        batches: What the cost takes, on the device of the module.
        directions: One or more steps of the weights, by the name of the parameter.
        counts: Weight of each batch in the mean; None takes all alike.
        precision: "bf16" computes in bfloat16 where that is safe for the loss (autocast).
        channels_last: Arrange filters of images with the channels as the fastest axis, faster on most processors.
    """

    def __init__(
        self,
        module: nn.Module,
        cost: Cost,
        batches: Sequence[Any],
        directions: Sequence[Direction],
        *,
        counts: Sequence[int] | None = None,
        precision: Precision = "32",
        channels_last: bool = False,
    ) -> None:
        self.module, self.cost, self.batches, self.directions = module, cost, batches, directions
        counts = [1] * len(batches) if counts is None else counts
        self.shares = torch.tensor(counts, dtype=torch.float64) / sum(counts)
        self.precision, self.channels_last = precision, channels_last
        self._stack = ExitStack()

    def __enter__(self) -> "Surface":
        """Borrow the module."""
        names = list(self.directions[0])
        parameters = dict(self.module.named_parameters())
        with ExitStack() as stack:
            stack.enter_context(evaluating(self.module))
            stack.enter_context(borrowed(self.module, channels_last=self.channels_last))
            stack.enter_context(torch.no_grad())
            self._moved = [parameters[name].data for name in names]
            self._centre = [moved.clone() for moved in self._moved]
            self._steps = [self._placed([step[name] for name in names]) for step in self.directions]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Give the module back as it was."""
        self._stack.close()
        self._centre, self._moved, self._steps = [], [], []

    def _placed(self, step: list[Tensor]) -> list[Tensor]:
        """Return a step laid out in memory like the weights."""
        return [torch.empty_like(moved).copy_(part) for moved, part in zip(self._moved, step, strict=True)]

    def _move(self, place: Sequence[float]) -> None:
        """Put the weights at a point; always from the centre, so that rounding does not add up."""
        torch._foreach_copy_(self._moved, self._centre)
        for step, far in zip(self._steps, place, strict=True):
            if far != 0:
                torch._foreach_add_(self._moved, step, alpha=far)

    def _precision(self) -> AbstractContextManager[Any]:
        """Compute as asked for; entered anew at each point, as it remembers the weights that it has rounded."""
        if self.precision == "32":
            return nullcontext()
        return torch.autocast(self._moved[0].device.type, dtype=torch.bfloat16)

    def row(self, places: Float[Tensor, "points directions"]) -> Float[Tensor, " points"]:
        """Return the mean loss at each of some points, in float64 on the CPU."""
        losses = []
        for place in places.tolist():
            self._move(place)
            with self._precision():
                losses.append(torch.stack([_lifted(self.cost(batch)) for batch in self.batches]))
        return torch.stack(losses).cpu().double() @ self.shares
