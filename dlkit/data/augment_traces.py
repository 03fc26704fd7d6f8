"""Augmentations of traces: each changes a whole batch at once, every trace with parameters of its own.

Missing values stay missing, and where a trace ends is never moved (Um et al. 2017, arXiv:1706.00527; Le Guennec et al.
2016 for the crop).
"""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.data.base import Augment
from dlkit.data.batches.augment_draws import between, normal


class TraceAugment(Augment):
    """Changes the values of traces, (batch, channels, time), not the channel that says where they are."""

    padded: bool = False

    def start(self, spec: Spec) -> None:
        """Learn whether the last channel says where a trace is; refuse images."""
        require(
            len(spec.size) == 1,
            f"`augment`: {type(self).__name__} changes traces, the samples are images: take one of dlkit.data.augment.",
        )
        self.padded = spec.padded

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Change the values in place."""
        values = x[:, :-1] if self.padded else x
        lengths = x[:, -1].sum(-1) if self.padded else x.new_full((len(x),), x.shape[-1])
        values.copy_(self.change(values, lengths, generator))
        return x, y

    @abstractmethod
    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """Return the values changed, with NaN where they were NaN; ``lengths`` are float, (batch,)."""


class Jitter(TraceAugment):
    """Add normal noise.

    Args:
        std: Its standard deviation, in standard deviations of the training traces.
    """

    def __init__(self, std: float = 0.03) -> None:
        require(std >= 0, f"Jitter std={std} must not be negative.")
        self.std = std

    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Add noise."""
        return values.add_(normal(values, generator), alpha=self.std)


class Scale(TraceAugment):
    """Multiply every channel of every trace by a factor of its own.

    Args:
        std: Standard deviation of the factor around 1.
    """

    def __init__(self, std: float = 0.1) -> None:
        require(std >= 0, f"Scale std={std} must not be negative.")
        self.std = std

    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Multiply."""
        factor = 1 + self.std * torch.randn((*values.shape[:2], 1), generator=generator)
        return values.mul_(factor.to(values.device, non_blocking=True))


class TimeMask(TraceAugment):
    """Set a stretch of every trace to 0, the mean of the training traces.

    Args:
        longest: Its greatest length, as a part of the trace.
    """

    def __init__(self, longest: float = 0.1) -> None:
        require(0 <= longest <= 1, f"TimeMask longest={longest} must be between 0 and 1.")
        self.longest = longest

    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """Blank a stretch of all channels."""
        width, place = between(0.0, 1.0, (2, len(values)), generator, values)
        width = (width * self.longest * lengths).round()
        first = (place * (lengths - width + 1)).floor()
        time = torch.arange(values.shape[-1], device=values.device)
        inside = (time >= first[:, None]) & (time < (first + width)[:, None])
        return values.mul_(~inside[:, None])  # NaN times 0 is NaN: what is missing stays missing


class TimeWarp(TraceAugment):
    """Let time run faster and slower along every trace; its ends stay where they are.

    Args:
        strength: Standard deviation of the logarithm of the speed.
        knots: Number of places between which the speed changes evenly.
    """

    def __init__(self, strength: float = 0.2, knots: int = 4) -> None:
        require(strength >= 0 and knots > 1, f"TimeWarp strength={strength} must be positive, knots={knots} 2 or more.")
        self.strength, self.knots = strength, knots

    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """Read each trace at the times that its speed says."""
        pace = (self.strength * torch.randn((len(values), 1, self.knots), generator=generator)).exp().double()
        # The speed at 256 steps from start to end, its sum from 0 to 1: where the time of each step lies.
        steps = functional.interpolate(pace, size=256, mode="linear", align_corners=True)[:, 0].cumsum(1)
        path = functional.pad(steps / steps[:, -1:], (1, 0)).to(values.device)
        return read_at(values, along(path, lengths, values.shape[-1]))


class Crop(TraceAugment):
    """Cut a part out of every trace and stretch it over the length of the whole.

    Args:
        shortest: Smallest length of the part, as a part of the trace.
    """

    def __init__(self, shortest: float = 0.8) -> None:
        require(0 < shortest <= 1, f"Crop shortest={shortest} must be above 0 and at most 1.")
        self.shortest = shortest

    def change(self, values: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """Read each trace along its part."""
        length, place = between(0.0, 1.0, (2, len(values)), generator, values).double()
        length = self.shortest + (1 - self.shortest) * length
        first = place * (1 - length)
        return read_at(values, along(torch.stack([first, first + length], dim=1), lengths, values.shape[-1]))


def along(path: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Return the times, in samples, at which a path from start (0) to end (1) is at each sample of a trace.

    Args:
        path: Places along each trace at equal steps, (batch, steps), float64.
        lengths: Length of each trace in samples, (batch,).
        size: Samples to read.

    Returns:
        (batch, size), float64; past the end of a trace the time goes on as it was.
    """
    last, steps = (lengths.double() - 1).clamp_min(1)[:, None], path.shape[1] - 1
    time = torch.arange(size, device=path.device, dtype=torch.float64)[None]
    at = (time / last).clamp_max(1) * steps
    left = at.floor().long().clamp_max(steps - 1)
    place = torch.lerp(path.gather(1, left), path.gather(1, left + 1), at - left).clamp(0, 1) * last
    # Rounding must not mix in a neighbour, which may be missing.
    place = torch.where((place - place.round()).abs() < 1e-6, place.round(), place)
    return torch.where(time <= last, place, time)


def read_at(values: Tensor, times: Tensor) -> Tensor:
    """Return traces, (batch, channels, time), read between their samples at times of their own, (batch, time)."""
    left = times.floor().long().clamp(0, max(values.shape[-1] - 2, 0))
    right = (left + 1).clamp_max(values.shape[-1] - 1)
    share = (times - left).to(values.dtype)[:, None]
    before, after = (values.gather(2, at[:, None].expand_as(values)) for at in (left, right))
    # A neighbour without weight may be missing, or lie past the end.
    return torch.where(share == 0, before, torch.where(share == 1, after, torch.lerp(before, after, share)))
