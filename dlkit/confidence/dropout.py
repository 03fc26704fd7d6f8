"""Monte Carlo dropout: the layers that drop in training drop in prediction too (Gal & Ghahramani, ICML 2016)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from dlkit.core.checks import require


def drops(layer: nn.Module) -> bool:
    """Tell whether training a layer does nothing but let it drop values: dropout, or dropout between recurrent layers.

    Training a recurrent layer changes nothing else; batch normalization would move its running mean.
    """
    if isinstance(layer, _DropoutNd):
        return layer.p > 0
    return isinstance(layer, nn.RNNBase) and layer.dropout > 0 and layer.num_layers > 1


@contextmanager
def dropout_on(net: nn.Module) -> Iterator[None]:
    """Let dropout draw, also in evaluation; every other layer, and afterwards every layer, stays as it was.

    Raises:
        InputError: The network drops nothing.
    """
    layers = [layer for layer in net.modules() if drops(layer)]
    require(
        bool(layers),
        f"{type(net).__name__} has no dropout that could draw: set its `dropout` above 0 and train anew, or take "
        "several trained runs (an ensemble).",
    )
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.training = True
    try:
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.training = was


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed of its own; the random state outside, of this device and the CPU, stays as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def draws_of(net: nn.Module, x: Tensor, draws: int, seed: int) -> Tensor:
    """Return answers to the same batch, each with other values dropped, (draws, batch, ...).

    Args:
        net: The network.
        x: A batch of inputs.
        draws: How many answers.
        seed: Of what is dropped; the same for every batch, so an answer does not depend on the batches before.
    """
    with dropout_on(net), seeded(seed, x.device):
        return torch.stack([net(x) for _ in range(draws)])
