"""Bring channels to a common scale, and back: fitted on training rows in one pass, kept with the network."""

import copy
from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require, suggest
from dlkit.data.table.reservoir import Reservoir

NORMAL_RANGE = 1.3489795003921634  # interquartile range of the standard normal law
SMALLEST = 1e-35  # near the smallest float32


class ChannelScaling(nn.Module):
    """The fitted state of every normalizer: ``(f(x) - shift) / scale`` per channel.

    ``f`` is the identity, or ``sign(x) log(1 + |x|)`` for the channels marked in ``log``. Being three buffers, it lives
    in the checkpoint of the network and in its export, and loads without running code.
    """

    shift: Tensor
    scale: Tensor
    log: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("log", torch.zeros(channels, dtype=torch.bool))

    def forward(self, x: Float[Tensor, "*any"], dim: int = -1) -> Float[Tensor, "*any"]:
        """Return physical values on the common scale; ``dim`` is the axis of the channels."""
        shape = [-1 if axis == dim % x.ndim else 1 for axis in range(x.ndim)]
        if self._curved():
            x = torch.where(self.log.view(shape), x.sign() * x.abs().log1p(), x)
        return (x - self.shift.view(shape)) / self.scale.view(shape)

    def inverse(self, z: Float[Tensor, "*any"], dim: int = -1) -> Float[Tensor, "*any"]:
        """Return values of the common scale in physical units."""
        shape = [-1 if axis == dim % z.ndim else 1 for axis in range(z.ndim)]
        x = z * self.scale.view(shape) + self.shift.view(shape)
        if self._curved():
            x = torch.where(self.log.view(shape), x.sign() * x.abs().expm1(), x)
        return x

    def deviation(self, z: Float[Tensor, "*any"], at: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Return standard deviations of the common scale in physical units, the channels last.

        Args:
            z: The deviations.
            at: The values that they belong to, in physical units; where a channel takes the logarithm, the deviation
                is exact to first order.
        """
        found = z * self.scale
        return torch.where(self.log, found * (1 + at.abs()), found) if self._curved() else found

    def _curved(self) -> bool:
        """Tell whether a channel takes the logarithm; a compiled or exported graph cannot depend on it."""
        return torch.compiler.is_compiling() or bool(self.log.any())

    def select(self, channels: list[int] | Tensor) -> "ChannelScaling":
        """Return the scaling of some of the channels."""
        part = ChannelScaling(len(channels))
        part.shift, part.scale, part.log = self.shift[channels], self.scale[channels], self.log[channels]
        return part


class Normalizer(ABC):
    """Learns a :class:`ChannelScaling` from rows that arrive in chunks; NaN does not count; sums are float64."""

    log = False

    def start(self, channels: tuple[str, ...]) -> "Normalizer":
        """Forget what was seen; the rows to come have these channels."""
        self.channels_ = channels
        self.begin(len(channels))
        return self

    def add(self, rows: np.ndarray) -> None:
        """Take in rows, (time, channels), in physical units."""
        rows = rows.astype(np.float64)
        self.update(np.sign(rows) * np.log1p(np.abs(rows)) if self.log else rows)

    def finish(self) -> ChannelScaling:
        """Return the scaling; a constant channel keeps scale 1, so that it becomes 0."""
        shift, scale = self.result()
        flat = ~(scale > np.maximum(1e-12 * np.abs(shift), SMALLEST))  # float32 values differ by 6e-8 at least
        fitted = ChannelScaling(len(shift))
        fitted.shift = torch.from_numpy(np.nan_to_num(shift)).float()
        fitted.scale = torch.from_numpy(np.where(flat, 1.0, scale)).float()
        fitted.log = torch.full((len(shift),), self.log)
        return fitted

    @abstractmethod
    def begin(self, channels: int) -> None:
        """Prepare the sums."""

    @abstractmethod
    def update(self, rows: np.ndarray) -> None:
        """Add float64 rows to the sums."""

    @abstractmethod
    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return shift and scale of each channel."""


class Standard(Normalizer):
    """Subtract the mean, divide by the standard deviation (Chan et al. 1983, merged chunk by chunk)."""

    def begin(self, channels: int) -> None:
        """Prepare count, mean and sum of squared deviations."""
        self._count, self._mean, self._squares = np.zeros((3, channels))

    def update(self, rows: np.ndarray) -> None:
        """Merge the moments of a chunk; sums run over differences from a near value, so an offset costs no digits."""
        seen = ~np.isnan(rows)
        count = np.asarray(seen.sum(0))
        first = np.take_along_axis(rows, seen.argmax(0)[None], 0)[0] if len(rows) else self._mean
        near = np.where(self._count > 0, self._mean, np.nan_to_num(first))
        off = np.where(seen, rows - near, 0).sum(0) / np.maximum(count, 1)
        squares = (np.where(seen, rows - near - off, 0) ** 2).sum(0)
        total = np.maximum(self._count + count, 1)
        delta = near + off - self._mean
        self._squares += squares + delta**2 * self._count * count / total
        self._mean = np.where(self._count > 0, self._mean + delta * count / total, near + off)
        self._count += count

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation (population)."""
        return self._mean, np.sqrt(self._squares / np.maximum(self._count, 1))


class LogStandard(Standard):
    """Take ``sign(x) log(1 + |x|)``, then standardize: for channels that span decades."""

    log = True


class MinMax(Normalizer):
    """Map the smallest training value to 0 and the largest to 1."""

    def begin(self, channels: int) -> None:
        """Prepare the extremes."""
        self._low, self._high = np.full(channels, np.inf), np.full(channels, -np.inf)

    def update(self, rows: np.ndarray) -> None:
        """Widen the extremes."""
        self._low = np.fmin(self._low, np.where(np.isnan(rows), np.inf, rows).min(0, initial=np.inf))
        self._high = np.fmax(self._high, np.where(np.isnan(rows), -np.inf, rows).max(0, initial=-np.inf))

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return minimum and range."""
        seen = self._high >= self._low
        low = np.where(seen, self._low, 0.0)
        return low, np.where(seen, self._high, 0.0) - low


class Robust(Normalizer):
    """Subtract the median, divide by the interquartile range / 1.349 (for a normal law, the standard deviation).

    Exact up to a million training rows; beyond that from a seeded uniform sample of a million rows (Vitter 1985), fewer
    for more than 134 channels, so that the sample takes at most a gigabyte.
    """

    def begin(self, channels: int) -> None:
        """Prepare the sample."""
        self._sample = Reservoir(channels)

    def update(self, rows: np.ndarray) -> None:
        """Keep a sample of the rows."""
        self._sample.add(rows)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return median and scaled interquartile range."""
        low, middle, high = np.nan_to_num(self._sample.quantiles([0.25, 0.5, 0.75]))
        return middle, (high - low) / NORMAL_RANGE


class Identity(Normalizer):
    """Leave the values as they are."""

    def begin(self, channels: int) -> None:
        """Remember how many channels there are."""
        self._channels = channels

    def update(self, rows: np.ndarray) -> None:
        """Learn nothing."""

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return shift 0 and scale 1."""
        return np.zeros(self._channels), np.ones(self._channels)


class InGroups(Normalizer, ABC):
    """Hands groups of channels to normalizers of their own."""

    def begin(self, channels: int) -> None:
        """Start the normalizer of each group; a copy, so that one normalizer may serve several groups."""
        self._groups = [
            (places, copy.copy(normalizer).start(names)) for places, names, normalizer in self.groups(channels)
        ]

    @abstractmethod
    def groups(self, channels: int) -> list[tuple[list[int], tuple[str, ...], Normalizer]]:
        """Return places and names of the channels of each group, and its normalizer."""

    def update(self, rows: np.ndarray) -> None:
        """Pass each normalizer its channels."""
        for index, normalizer in self._groups:
            normalizer.add(rows[:, index])

    def finish(self) -> ChannelScaling:
        """Join the scalings."""
        fitted = ChannelScaling(len(self.channels_))
        for index, normalizer in self._groups:
            part = normalizer.finish()
            fitted.shift[index], fitted.scale[index], fitted.log[index] = part.shift, part.scale, part.log
        return fitted

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return shift and scale of each channel."""
        fitted = self.finish()
        return fitted.shift.double().numpy(), fitted.scale.double().numpy()


class PerChannel(InGroups):
    """Use a normalizer of its own for some channels.

    Args:
        default: Normalizer of the channels that are not named.
        channels: Normalizer of each named channel.
    """

    def __init__(self, *, default: Normalizer, channels: dict[str, Normalizer]) -> None:
        self.default, self.channels = default, channels

    def groups(self, channels: int) -> list[tuple[list[int], tuple[str, ...], Normalizer]]:
        """Return each named channel by itself, and the rest."""
        names = self.channels_
        for name in self.channels:
            require(name in names, f"PerChannel: there is no channel '{name}' to normalize; {suggest(name, names)}")
        rest = [i for i in range(channels) if names[i] not in self.channels]
        found = [([names.index(name)], normalizer) for name, normalizer in self.channels.items()]
        every = [*found, (rest, self.default)]
        return [(places, tuple(names[i] for i in places), normalizer) for places, normalizer in every if places]
