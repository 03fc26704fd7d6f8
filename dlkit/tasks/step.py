"""What one step of a task gives."""

from typing import Any, NamedTuple

from torch import Tensor


class Step(NamedTuple):
    """What a task made of a batch.

    Attributes:
        loss: Mean cost over the observed targets.
        prediction: Output of the network; a dictionary of steps by head where there are several.
        target: What was measured; a dictionary by head where there are several.
        terms: What the loss is made of where that are several costs, each a mean of its own, (costs,).
    """

    loss: Tensor
    prediction: Any
    target: Any
    terms: Tensor | None = None

    @property
    def costs(self) -> Tensor:
        """What the loss is made of, (costs,)."""
        return self.loss[None] if self.terms is None else self.terms
