"""A copy of a network in which no module is used twice, for methods that keep what they saw at each module."""

import copy

import torch
from torch import Tensor, nn


class InTurn(nn.Module):
    """One module for each call; the first call of a pass takes the first of them.

    Args:
        module: What is called several times in a pass.
        calls: How often.
    """

    def __init__(self, module: nn.Module, calls: int) -> None:
        super().__init__()
        self.turns = nn.ModuleList(copy.deepcopy(module) for _ in range(calls))
        self._next = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer of the module whose turn it is."""
        turn = self.turns[self._next]
        self._next = (self._next + 1) % len(self.turns)
        answer: Tensor = turn(x)
        return answer


@torch.no_grad()
def separate(net: nn.Module, x: Tensor) -> nn.Module:
    """Return a copy of a network in which every leaf module is called once and none works in place."""
    own = copy.deepcopy(net)
    calls: dict[nn.Module, int] = {}
    leaves = [module for module in own.modules() if not any(True for _ in module.children())]

    def count(module: nn.Module, _inputs: object) -> None:
        calls[module] = calls.get(module, 0) + 1

    handles = [leaf.register_forward_pre_hook(count) for leaf in leaves]
    own(x)
    for handle in handles:
        handle.remove()
    for module in list(own.modules()):
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]  # a flag of activations
        for name, child in list(module.named_children()):
            if calls.get(child, 0) > 1 and not isinstance(module, InTurn):
                setattr(module, name, InTurn(child, calls[child]))
    return own
