"""Make batches of windows of several sources: one copy a source and batch, into one packed buffer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.packing import borders, packed_size
from dlkit.core.specs import Part
from dlkit.data.base import Augment
from dlkit.data.batches.gather import Buffers, OneThread
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.answers import Answers, Asking
from dlkit.data.several.augment import augment
from dlkit.data.several.camera import Camera
from dlkit.data.several.dropout import drawn_sources, leave_out
from dlkit.data.several.series import Series, SeriesFill


class Decoded(NamedTuple):
    """Frames of windows as they are stored: what a worker reads and what moves to a device.

    Attributes:
        pixels: Bytes of the frames of all cameras in files, one camera after the other, (batch, bytes).
        places: Row at which each window begins, on the host, (batch,).
    """

    pixels: Tensor
    places: Tensor


@dataclass(eq=False)
class SourcesGather:
    """Turns starts of windows into a batch of packed inputs.

    Attributes:
        values: (rows, columns), in any order of memory; normalized, or raw when ``raw`` says so; NaN where missing.
        raw: Scaling of the columns of a table in physical units, else None.
        complete: No value of the table is missing.
        sources: What a window holds of each source, in the order of the parts.
        span: Rows of the inputs of a window.
        asking: The heads.
        labels: Class of each row by source of events, int32, (rows,); -1 where unknown.
        times: int64 nanoseconds of the rows, where the age of frames goes in.
        changes: Augmentations of each source.
        rates: Probability with which each source is left out of a training window, (sources,).
        host: The cameras on the host, where frames in files are decoded.
    """

    values: Tensor
    raw: ChannelScaling | None
    complete: bool
    sources: Sequence[Series | Camera]
    span: int
    asking: Sequence[Asking]
    labels: Mapping[str, Tensor]
    times: Tensor | None
    changes: Mapping[str, Sequence[Augment]]
    rates: Tensor
    host: Sequence[Series | Camera] = ()

    def __post_init__(self) -> None:
        """Lay the views."""
        self.host = self.host or self.sources
        self.parts: list[Part] = [source.part for source in self.sources]
        self.borders = borders(self.parts)
        self.fills = [
            one if isinstance(one, Camera) else SeriesFill(one.at_end_of(self.span), self.values, self.raw)
            for one in self.sources
        ]
        self.answers = Answers(
            self.asking, self.values, raw=self.raw is not None, complete=self.complete, labels=self.labels,
            last=self.span - 1, parts=self.parts,
        )  # fmt: skip
        self.whole = self.complete and all(one.complete for one in self.sources if isinstance(one, Camera))
        self.decodes = [one for one in self.host if isinstance(one, Camera) and one.pixels is None]
        self.drops = bool((self.rates > 0).any())
        self.random = self.drops or any(self.changes.values())
        self._buffers, self._masks, self._size = Buffers(), Buffers(), packed_size(self.parts)
        self._layout = [
            (part.shape, torch.empty(part.shape, device="meta").stride(), where.start)
            for part, where in zip(self.parts, self.borders.values(), strict=True)
        ]

    def to(self, device: torch.device) -> "SourcesGather":
        """Return the same with its table on a device; frames in files stay where they are."""
        if device == self.values.device:
            return self
        sources = [one.to(device) if isinstance(one, Camera) else one for one in self.sources]
        labels = {name: one.to(device) for name, one in self.labels.items()}
        asking = [replace(one, scaling=_moved(one.scaling, device)) for one in self.asking]
        times = None if self.times is None else self.times.to(device)
        raw = None if self.raw is None else _moved(self.raw, device)
        return replace(
            self, values=self.values.to(device), raw=raw, sources=sources, labels=labels, asking=asking, times=times
        )

    # ------------------------------------------------------------------ batches
    def read(self, places: Tensor) -> Decoded:
        """Return the frames in files of the windows that begin at these rows, on the host."""
        last = places + (self.span - 1)
        found = [one.read(last).flatten(1).contiguous().view(torch.uint8) for one in self.decodes]
        return Decoded(torch.cat(found, 1) if found else torch.empty(len(places), 0, dtype=torch.uint8), places)

    def make(self, places: Tensor | Decoded, generator: torch.Generator | None = None) -> Batch:
        """Return the batch where the table is; augmented, and with sources left out, when there is a generator."""
        read = self.read(places) if isinstance(places, Tensor) and self.decodes else places
        pixels, starts = read if isinstance(read, Decoded) else (None, read)
        starts = starts.to(self.values.device, non_blocking=True)
        with OneThread():
            return self._make(starts, self._decoded(pixels), generator)

    def _decoded(self, pixels: Tensor | None) -> dict[str, Tensor]:
        """Return the frames of each camera in files, out of their bytes."""
        found, first = {}, 0
        for camera in self.decodes:
            shape, stored = (len(camera.part.times), *camera.pictures.shape), camera.stored
            size = prod(shape) * stored.itemsize
            assert pixels is not None
            own = pixels[:, first : first + size].to(self.values.device, non_blocking=True).contiguous()
            found[camera.part.name] = own.view(stored).unflatten(1, shape)
            first += size
        return found

    def _make(self, starts: Tensor, decoded: dict[str, Tensor], generator: torch.Generator | None) -> Batch:
        x = self._empty(len(starts))
        blocks = [x.as_strided((len(x), *shape), (self._size, *steps), first) for shape, steps, first in self._layout]
        frames = self._fill(blocks, starts, decoded)
        if generator is not None:
            for block, part in zip(blocks, self.parts, strict=True):
                if self.changes.get(part.name):
                    augment(block, part, self.changes[part.name], generator)
        observed = self._observe(x)
        there = self._presence(blocks, frames, observed)
        if observed is not None:
            leave_out(x, observed, there, self.parts)
        y, y_observed = self.answers(starts, x, observed)
        if generator is not None and self.drops:
            observed = torch.ones_like(x, dtype=torch.bool) if observed is None else observed
            leave_out(x, observed, drawn_sources(there, self.rates, generator), self.parts)
        return Batch(x, y, observed, y_observed, start=starts)

    def _empty(self, count: int) -> Tensor:
        if self.values.is_cuda:
            return torch.empty(count, self._size, device=self.values.device)
        return self._buffers.take(count, self._size, torch.float32)

    def _fill(self, blocks: list[Tensor], starts: Tensor, decoded: dict[str, Tensor]) -> dict[str, Tensor]:
        """Write what each source has; return whether each window has the last frame of each camera."""
        frames = {}
        for source, block in zip(self.fills, blocks, strict=True):
            if isinstance(source, Camera):
                name, times = source.part.name, self.times if source.part.helpers else None
                frames[name] = source.fill(block, starts + (self.span - 1), times, decoded.get(name))
            else:
                source.fill(block, starts)
        return frames

    def _observe(self, x: Tensor) -> Tensor | None:
        """Fill what is missing with 0; return what is not, None where nothing is missing."""
        x[:, -len(self.parts) :] = 1.0
        if self.whole:
            return None
        masks = None if x.is_cuda else self._masks.take(len(x), self._size, torch.bool)
        observed = torch.eq(x, x, out=masks)  # NaN is not equal to itself
        x.nan_to_num_(nan=0.0)
        return observed

    def _presence(self, blocks: list[Tensor], frames: dict[str, Tensor], observed: Tensor | None) -> Tensor:
        """Write the helpers; return which sources are there, (batch, sources)."""
        there = torch.ones(len(blocks[0]), len(self.parts), dtype=torch.bool, device=blocks[0].device)
        for number, (source, where) in enumerate(zip(self.fills, self.borders.values(), strict=True)):
            if isinstance(source, Camera):
                if observed is not None:
                    there[:, number] = frames[source.part.name]
                continue
            seen = None if observed is None else observed[:, where].unflatten(1, source.part.shape)
            fresh = source.help(blocks[number], seen)
            if fresh is not None:
                there[:, number] = fresh
        return there


def _moved(scaling: ChannelScaling, device: torch.device) -> ChannelScaling:
    return scaling.select(list(range(len(scaling.shift)))).to(device)
