"""The part of a window that comes from a camera: frames by their number, never copied before their batch."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from dlkit.core.specs import Part
from dlkit.data.labelled.pictures import SameSize
from dlkit.data.normalize import ChannelScaling
from dlkit.data.table.tables import Table


def frames_at(table: Table, stamps: list[np.ndarray]) -> np.ndarray:
    """Return the number of the last frame at or before each row, int32, (rows,); -1 before the first of its series.

    Args:
        table: The rows.
        stamps: Times of the frames of each series of the table; frames are numbered over all of them.
    """
    numbers = np.full(len(table.times), -1, np.int32)
    firsts = np.cumsum([0, *(len(one) for one in stamps)])
    for (start, stop), series in zip(table.segments.tolist(), table.series.tolist(), strict=True):
        found = np.searchsorted(stamps[series], table.times[start:stop], side="right") - 1
        numbers[start:stop] = np.where(found < 0, -1, found + firsts[series])
    return numbers


def without_stale(numbers: np.ndarray, times: np.ndarray, stamps: np.ndarray, max_age: int | None) -> np.ndarray:
    """Return -1 where the last frame is older than ``max_age`` nanoseconds."""
    if max_age is None or not len(stamps):
        return numbers
    old = times - stamps[np.maximum(numbers, 0)] > max_age
    return np.asarray(np.where(old, np.int32(-1), numbers))


def window_borders(segments: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return runs of rows, (runs, 2): first row, and the row before which windows that end in the run must not look.

    That is the start of the segment, for training windows that of their range.
    """
    runs = {int(start): int(start) for start in segments[:, 0]}
    owner = np.searchsorted(segments[:, 0], train[:, 0], side="right") - 1
    for (start, stop), (begin, end) in zip(train.tolist(), segments[owner].tolist(), strict=True):
        if stop < end:
            runs.setdefault(stop, begin)
        runs[start] = start
    return np.asarray(np.array(sorted(runs.items()), np.int64).reshape(-1, 2))


def frames_held(
    table: Table, last: np.ndarray, newest: np.ndarray, borders: np.ndarray, firsts: np.ndarray, most: int
) -> np.ndarray:
    """Return how many of the last ``most`` frames a window that ends at each row may hold, int16, (rows,).

    It holds none from before the one that is the last at its border, and none at all where the last one is stale.

    Args:
        table: The rows.
        last: Last frame at each row, stale or not.
        newest: The same, -1 where stale.
        borders: Of :func:`window_borders`.
        firsts: First frame of each series.
        most: Frames of a window.
    """
    held = np.zeros(len(last), np.int16)
    owner = np.searchsorted(table.segments[:, 0], borders[:, 1], side="right") - 1
    oldest = np.maximum(last[borders[:, 1]], firsts[table.series[owner]])
    for (start, stop), first in zip(pairwise([*borders[:, 0].tolist(), len(last)]), oldest.tolist(), strict=True):
        own = newest[start:stop]
        held[start:stop] = np.where(own < 0, 0, np.clip(own - first + 1, 0, most))
    return held


@dataclass(frozen=True, eq=False)
class Camera:
    """Frames of a camera, by the rows of a table.

    Attributes:
        part: For the network.
        pictures: All frames, decoded when asked for.
        pixels: All frames decoded, (frames, channels, height, width), as they are stored; None leaves them in files.
        stamps: int64 nanoseconds of each frame, (frames,).
        newest: Last frame at each row, int32, (rows,); -1 where there is none or it is stale.
        held: How many frames a window that ends at each row may hold, int16, (rows,).
        scaling: Of the channels.
        back: Frames from the last one to each of a window, int32, (frames,), rising to 0.
        complete: No window lacks a frame.
    """

    part: Part
    pictures: SameSize
    pixels: Tensor | None
    stamps: Tensor
    newest: Tensor
    held: Tensor
    scaling: ChannelScaling
    back: Tensor
    complete: bool = False

    @property
    def channels(self) -> int:
        """Number of channels of a frame, without helpers."""
        return len(self.part.channels) - self.part.helpers

    @property
    def stored(self) -> torch.dtype:
        """Type of the pixels."""
        return torch.from_numpy(np.empty(0, self.pictures.dtype)).dtype

    def to(self, device: torch.device) -> "Camera":
        """Return the same with its numbers, and pixels in memory, on a device."""
        pixels = None if self.pixels is None else self.pixels.to(device)
        numbers = {name: getattr(self, name).to(device) for name in ("stamps", "newest", "held", "back")}
        scaling = self.scaling.select(list(range(len(self.scaling.shift)))).to(device)
        return replace(self, pixels=pixels, scaling=scaling, **numbers)

    def numbers(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the frames of windows that end at these rows, (batch, frames), oldest first, and which are there."""
        wanted = self.newest.index_select(0, rows)[:, None] + self.back
        return wanted, self.held.index_select(0, rows)[:, None] > -self.back

    def read(self, rows: Tensor) -> Tensor:
        """Return the frames of windows that end at these rows, decoded, (batch, frames, channels, height, width)."""
        wanted, there = self.numbers(rows)
        some, place = torch.unique(wanted.where(there, -1), return_inverse=True)
        decoded = np.zeros((len(some), *self.pictures.shape), self.pictures.dtype)
        for position, number in enumerate(some.tolist()):
            if number >= 0:
                decoded[position] = self.pictures.decode(number)
        return torch.from_numpy(decoded[place.numpy()])

    def fill(self, block: Tensor, rows: Tensor, times: Tensor | None, decoded: Tensor | None) -> Tensor:
        """Write normalized frames and their age, NaN where there is none, into a part of a batch.

        Args:
            block: (batch, frames, channels, height, width).
            rows: Last row of each window.
            times: Of the rows of the table, where the age goes in.
            decoded: Frames that :meth:`read` gave; None takes those in memory.

        Returns:
            Whether each window has its last frame, (batch,).
        """
        wanted, there = self.numbers(rows)
        pixels = self._choose(wanted.clamp_min(0)) if decoded is None else decoded
        image, shape = block[:, :, : self.channels], (-1, 1, 1)
        if self._curved:
            image.copy_(self.scaling(pixels.float(), dim=2))
        else:
            torch.sub(_signed(pixels), self.scaling.shift.view(shape), out=image)
            image.mul_(self.scaling.scale.reciprocal().view(shape))
        if times is not None:
            age = (times.index_select(0, rows)[:, None] - self.stamps[wanted.clamp_min(0)]).double() / 1e9
            block[:, :, self.channels :] = age[:, :, None, None, None]
        if not self.complete:
            block.masked_fill_(~there[:, :, None, None, None], torch.nan)
        return there[:, -1]

    def _choose(self, wanted: Tensor) -> Tensor:
        assert self.pixels is not None
        stored = self.pixels.dtype
        # As int16, for on a GPU torch cannot choose among uint16.
        whole = self.pixels.view(torch.int16) if stored == torch.uint16 else self.pixels
        chosen: Tensor = whole.index_select(0, wanted.flatten()).view(stored).unflatten(0, wanted.shape)
        return chosen

    @cached_property
    def _curved(self) -> bool:
        return bool(self.scaling.log.any())


def _signed(pixels: Tensor) -> Tensor:
    """Return what torch can calculate with: it knows little of uint16."""
    return pixels.to(torch.int32) if pixels.dtype == torch.uint16 else pixels
