"""Random parameters of augmentations: drawn on the host, one a sample, so that every device gets the same."""

import numpy as np
import torch
from torch import Tensor


def between(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Return float32 numbers that are even between ``low`` and ``high``, on the device of ``like``."""
    return (low + (high - low) * torch.rand(shape, generator=generator)).to(like.device, non_blocking=True)


def integers(low: int, high: int, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return int64 numbers from ``low`` to ``high``, both included, on the device of ``like``."""
    return torch.randint(low, high + 1, (count,), generator=generator).to(like.device, non_blocking=True)


def chosen(probability: float, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return the numbers of the samples that are chosen, on the device of ``like``, which need not be waited for."""
    return (torch.rand(count, generator=generator) < probability).nonzero()[:, 0].to(like.device, non_blocking=True)


def beta(alpha: float, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return float32 numbers of the law Beta(alpha, alpha), on the device of ``like``."""
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count).astype(np.float32))
    return drawn.to(like.device, non_blocking=True)


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return normal noise shaped like ``like``, drawn where it lies: host and GPU draw different noise."""
    if like.device.type != "cpu":
        seed = int(torch.randint(2**62, (), generator=generator))
        generator = torch.Generator(like.device).manual_seed(seed)
    return torch.empty(like.shape, device=like.device, dtype=like.dtype).normal_(generator=generator)


def column(values: Tensor, x: Tensor) -> Tensor:
    """Return one number a sample so that it applies to all of its values, (batch, 1, ...)."""
    return values.view(-1, *[1] * (x.ndim - 1))
