"""The same network, faster: batch norms folded into the convolutions before them, images with channels last."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dlkit.explain.base import still

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def folded(net: nn.Module, x: Tensor) -> nn.Module:
    """Return a copy that answers the same in evaluation mode, to rounding; where it would not, the network itself.

    Args:
        net: Any network; it is not changed.
        x: Inputs on which the copy is tried.
    """
    own = copy.deepcopy(net).eval()
    for conv, norm in norms_behind_convolutions(own, x):
        put_instead(own, {conv: fuse_conv_bn_eval(conv, norm), norm: nn.Identity()})
    own = own.to(memory_format=torch.channels_last) if x.ndim == 4 else own
    with still(net):
        truth, told = net(x), own(x)
    rounding = 1e-4 if truth.dtype == torch.float32 else 1e3 * torch.finfo(truth.dtype).eps
    return own if bool(((told - truth).abs() <= rounding * (1 + truth.abs().max())).all()) else net


def norms_behind_convolutions(net: nn.Module, x: Tensor) -> list[tuple[Any, Any]]:
    """Return every batch norm whose input is what a convolution returned, both used once in a pass."""
    made: dict[int, tuple[nn.Module, Tensor]] = {}
    calls: dict[nn.Module, int] = {}
    pairs: list[tuple[Any, Any]] = []

    def after(conv: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made[id(output)] = (conv, output)  # kept alive, so that no other tensor gets its id
        calls[conv] = calls.get(conv, 0) + 1

    def before(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[norm] = calls.get(norm, 0) + 1
        if id(inputs[0]) in made:
            pairs.append((made[id(inputs[0])][0], norm))

    handles = [part.register_forward_hook(after) for part in net.modules() if isinstance(part, CONVOLUTIONS)]
    usable = [part for part in net.modules() if isinstance(part, NORMS) and part.running_mean is not None]
    handles += [part.register_forward_pre_hook(before) for part in usable]
    net(x)
    for handle in handles:
        handle.remove()
    return [(conv, norm) for conv, norm in pairs if calls[conv] == calls[norm] == 1]


def put_instead(net: nn.Module, others: dict[nn.Module, nn.Module]) -> None:
    """Replace modules wherever they are held."""
    for holder in list(net.modules()):
        for name, child in list(holder.named_children()):
            if child in others:
                setattr(holder, name, others[child])
