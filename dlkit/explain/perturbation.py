"""Attribution by changing the input: how far a score falls when a part is replaced by the baseline."""

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.packing import borders, packed_size
from dlkit.core.specs import Part
from dlkit.explain.base import Explainer, wanted_scores
from dlkit.explain.rows import rows_at_once, scores_of

Extent = int | tuple[int, ...] | None


class Occlusion(Explainer):
    """The fall of the score when a sliding window is replaced (Zeiler & Fergus, arXiv:1311.2901).

    Where windows overlap their falls are averaged. Of several sources a window covers a stretch of a channel of one
    series, or a patch of one frame.

    Args:
        window: Extent of the window in each axis; None is an eighth of the input. A number is cut to the extent of
            each of several sources.
        stride: Step of the window; None is half the window.
        each_channel: Replace one channel at a time; None does so for series, and replaces all channels of images.
    """

    in_unit = True
    signed = True

    def __init__(self, *, window: Extent = None, stride: Extent = None, each_channel: bool | None = None) -> None:
        self.window, self.stride, self.each_channel = window, stride, each_channel

    def grid(self, size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return window and stride in each axis."""
        window = self.setting("window", self.window, tuple(max(1, extent // 8) for extent in size), size)
        return window, self.setting("stride", self.stride, tuple(max(1, wide // 2) for wide in window), size)

    def relevance(
        self,
        net: nn.Module,
        x: Float[Tensor, "batch channels *size"],
        targets: Int[Tensor, "batch wanted"] | None,
        baseline: Float[Tensor, "references #batch channels *size"],
    ) -> Float[Tensor, "batch scores channels *size"]:
        """Return the mean fall of the score at each input value."""
        places = borders(self.sources)
        windows = [self.of_source(part, places[part.name]) for part in self.sources]
        windows = windows or [self.over(x.shape[1], tuple(x.shape[2:]))]
        starts = [start.expand_as(x) for start in baseline]
        each = [torch.stack([falls(net, x, targets, start, own) for start in starts]).mean(0) for own in windows]
        return torch.stack(each).sum(0)

    def over(self, channels: int, size: tuple[int, ...]) -> "Windows":
        """Return the windows over a series or an image."""
        window, stride = self.grid(size)
        each = len(size) == 1 if self.each_channel is None else self.each_channel
        corners = window_corners(channels, size, window, stride, each_channel=each)
        return Windows(corners, (1 if each else channels, *window), (channels, *size))

    def of_source(self, part: Part, where: slice) -> "Windows":
        """Return the windows over one of several sources, each within one frame where it has frames."""
        own, values = self.over(len(part.channels), part.size), packed_size(self.sources)
        if not part.frames:
            return Windows(own.corners, own.extent, own.shape, where, values)
        count = len(part.times)
        frame = torch.arange(count).repeat_interleave(len(own.corners))[:, None]
        return Windows(torch.cat([frame, own.corners.repeat(count, 1)], 1), (1, *own.extent), part.shape, where, values)

    def setting(self, name: str, given: Extent, default: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
        """Return a setting for each axis of an input; a number is cut to the extent of each of several sources."""
        if self.sources and isinstance(given, int) and given > 0:
            given = tuple(min(given, extent) for extent in size)
        return per_axis(type(self).__name__, name, given, default, size)


class FeatureAblation(Occlusion):
    """The fall of the score when a part of a grid is replaced; the parts do not overlap.

    Args:
        parts: Parts in each axis; None is 16 for series and 8 for images.
        each_channel: Replace one channel at a time; None does so for series, and replaces all channels of images.
    """

    def __init__(self, *, parts: Extent = None, each_channel: bool | None = None) -> None:
        super().__init__(each_channel=each_channel)
        self.parts = parts

    def grid(self, size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the extent of a part, twice."""
        most = 16 if len(size) == 1 else 8
        parts = self.setting("parts", self.parts, tuple(min(most, extent) for extent in size), size)
        part = tuple(-(-extent // count) for extent, count in zip(size, parts, strict=True))
        return part, part


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows over an input or over one source of a packed input.

    Attributes:
        corners: Where each begins, (windows, axes).
        extent: How far each reaches in each axis.
        shape: Extent of the input or of the values of the source.
        where: Place of the values of the source in the packed input; None where there is one source.
        values: Number of values of a packed input.
    """

    corners: Int[Tensor, "windows axes"]
    extent: tuple[int, ...]
    shape: tuple[int, ...]
    where: slice | None = None
    values: int = 0

    def masks(self, first: int, last: int, device: torch.device) -> Bool[Tensor, "windows ..."]:
        """Return masks of some windows over the whole input, made on a device."""
        own = inside(self.corners[first:last].to(device), self.extent, self.shape)
        if self.where is None:
            return own
        packed = own.new_zeros(len(own), self.values)
        packed[:, self.where] = own.flatten(1)
        return packed


def per_axis(method: str, name: str, given: Extent, default: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    """Return a setting for each axis.

    Raises:
        InputError: It is not positive, larger than the input, or for another number of axes.
    """
    values = default if given is None else (given,) * len(size) if isinstance(given, int) else tuple(given)
    fits = len(values) == len(size) and all(0 < value <= extent for value, extent in zip(values, size, strict=True))
    require(fits, f"{method} {name}={given} does not fit an input of {size}: give 1 to that many for each axis.")
    return values


def window_corners(
    channels: int, size: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...], *, each_channel: bool
) -> Int[Tensor, "windows axes"]:
    """Return channel and position at which each window begins; together they cover the input."""
    starts: list[range] = [range(channels if each_channel else 1)]
    for extent, wide, step in zip(size, window, stride, strict=True):
        starts.append(range(0, step * (math.ceil((extent - wide) / step) + 1), step))
    return torch.tensor(list(itertools.product(*starts)))


def inside(
    corners: Int[Tensor, "windows axes"], extent: tuple[int, ...], shape: tuple[int, ...]
) -> Bool[Tensor, "windows ..."]:
    """Return a mask of each window, (windows, *shape), made on the device of ``corners``."""
    mask = torch.ones(len(corners), *[1] * len(shape), dtype=torch.bool, device=corners.device)
    for axis, (wide, length) in enumerate(zip(extent, shape, strict=True)):
        place = torch.arange(length, device=corners.device)
        start = corners[:, axis, None]
        part = (place >= start) & (place < start + wide)
        mask = mask & part.view(len(corners), *[length if other == axis else 1 for other in range(len(shape))])
    return mask


@torch.no_grad()
def falls(
    net: nn.Module, x: Tensor, targets: Tensor | None, start: Tensor, windows: Windows
) -> Float[Tensor, "batch scores ..."]:
    """Return the mean fall of the score for the windows over each input value, (batch, scores, channels, *size)."""
    shape = tuple(x.shape[1:])
    full = scores_of(net, x, targets)
    total = torch.zeros(full.numel(), math.prod(shape), dtype=full.dtype, device=x.device)
    cover = torch.zeros(math.prod(shape), dtype=full.dtype, device=x.device)
    some = max(1, rows_at_once(x) // len(x))
    for i in range(0, len(windows.corners), some):
        masks = windows.masks(i, i + some, x.device)
        changed = torch.where(masks[:, None], start, x).flatten(0, 1)
        numbers = None if targets is None else targets.repeat(len(masks), 1)
        scores = wanted_scores(net(changed).flatten(1), numbers).reshape(len(masks), -1)
        flat = masks.flatten(1).to(full.dtype)
        total += (full.reshape(1, -1) - scores).T @ flat
        cover += flat.sum(0)
    return (total / cover.clamp_min(1)).reshape(*full.shape, *shape)
