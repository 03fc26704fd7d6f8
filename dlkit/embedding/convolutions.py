"""Traces as numbers without learning: convolutions with fixed kernels, after MiniRocket (Dempster et al., KDD 2021)."""

from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.specs import Spec

LENGTH, FEATURES, DILATIONS = 9, 10_000, 32
AT_ONCE = 64  # traces


def patterns() -> Float[Tensor, "kernels 9"]:
    """Return the 84 kernels of length 9 of which three weights are 2 and six are -1."""
    found = torch.full((84, LENGTH), -1.0)
    for kernel, places in zip(found, combinations(range(LENGTH), 3), strict=True):
        kernel[list(places)] = 2.0
    return found


class Convolutions:
    """Shares of the time in which convolutions are above thresholds, (rows, features).

    Thresholds are quantiles of the convolutions of training traces; dilations grow exponentially up to the length of
    the trace. Of several channels each kernel sums a random choice. Behind the end of a shorter trace nothing counts.

    Args:
        spec: Of traces.
        seed: Of traces for thresholds, and of channels.
        features: About how many.
    """

    def __init__(self, spec: Spec, seed: int, features: int = FEATURES) -> None:
        self.channels, self.time, self.padded = len(spec.channels) - spec.padded, spec.size[0], spec.padded
        self.random = torch.Generator().manual_seed(seed)
        longest = np.log2(max((self.time - 1) / (LENGTH - 1), 1))
        exponents = np.linspace(0, longest, min(DILATIONS, features // 84))
        self.dilations, counts = np.unique((2**exponents).astype(int), return_counts=True)
        self.shares = np.maximum(counts * (features // 84) // counts.sum(), 1)  # thresholds of a kernel and dilation
        self.weights = [self.kernels() for _ in self.dilations]
        self.thresholds: list[Tensor] = []

    def kernels(self) -> Float[Tensor, "kernels channels 9"]:
        """Return the kernels, each over a random choice of channels."""
        most = np.log2(min(self.channels, LENGTH) + 1)
        wanted = (2 ** (torch.rand(84, 1, generator=self.random) * most)).int()
        places = torch.rand(84, self.channels, generator=self.random).argsort(1).argsort(1)
        found: Tensor = patterns()[:, None] * (places < wanted.clamp_min(1))[..., None]
        return found

    def traces(self, x: np.ndarray) -> tuple[Float[Tensor, "rows channels time"], Bool[Tensor, "rows 1 time"] | None]:
        """Return traces, and where they are where lengths differ."""
        found = torch.from_numpy(x).view(len(x), -1, self.time)
        return found[:, : self.channels], found[:, -1:] > 0 if self.padded else None

    def convolved(self, x: Float[Tensor, "rows channels time"], number: int) -> Float[Tensor, "rows kernels time"]:
        """Return the convolutions of a dilation, as long as the traces."""
        dilation = int(self.dilations[number])
        found: Tensor = F.conv1d(x, self.weights[number], padding=dilation * (LENGTH // 2), dilation=dilation)
        return found

    def fit(self, x: np.ndarray) -> "Convolutions":
        """Choose thresholds from some training traces."""
        some = torch.randperm(len(x), generator=self.random)[:AT_ONCE].numpy()
        traces, inside = self.traces(x[some])
        phase, used = (5**0.5 - 1) / 2, 0
        for number, share in enumerate(self.shares.tolist()):
            values = self.convolved(traces, number)
            which = torch.randint(len(traces), (84,), generator=self.random)
            rows = values[which, torch.arange(84)]
            rows = rows if inside is None else rows.where(inside[which, 0], torch.nan)
            levels = (torch.arange(used + 1, used + 84 * share + 1) * phase) % 1  # of little discrepancy
            found = [row.nanquantile(own) for row, own in zip(rows, levels.view(84, share), strict=True)]
            self.thresholds.append(torch.stack(found))
            used += 84 * share
        return self

    def transform(self, x: np.ndarray) -> Float[np.ndarray, "rows features"]:
        """Return the features of traces."""
        return np.concatenate([self.some(x[first : first + AT_ONCE]) for first in range(0, len(x), AT_ONCE)])

    def some(self, x: np.ndarray) -> Float[np.ndarray, "rows features"]:
        """Return the features of few traces."""
        traces, inside = self.traces(x)
        count = None if inside is None else inside.sum(-1).clamp_min(1)
        found = []
        for number, levels in enumerate(self.thresholds):
            values = self.convolved(traces, number)
            values = values if inside is None else values.where(inside, -torch.inf)
            for threshold in levels.unbind(1):
                above = (values > threshold[:, None]).sum(-1, dtype=torch.float32)
                found.append(above / (self.time if count is None else count))
        return torch.cat(found, 1).numpy()
