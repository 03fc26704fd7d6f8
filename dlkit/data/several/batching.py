"""The half of a data module that makes batches of windows of several sources."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.base import Augment
from dlkit.data.batches.loader import Fetch
from dlkit.data.batches.placement import free_memory
from dlkit.data.batches.sample_batching import generator_of
from dlkit.data.batches.window_batching import BLOCK_BYTES, WindowBatching
from dlkit.data.several.augment import start_augments
from dlkit.data.several.dropout import Dropout, dropout_rates
from dlkit.data.several.gather import Decoded, SourcesGather
from dlkit.data.several.place import FramesPlace, place_sources
from dlkit.data.several.prepare import SourcesPrepared


class SourcesBatching(WindowBatching, ABC):
    """Hands out batches of windows of several sources.

    Args:
        modality_dropout: Probability with which a source is left out of a training window.
        frames: Where the frames of cameras lie.
        batching: What :class:`dlkit.data.batches.batching.Batching` takes.
    """

    def __init__(self, *, modality_dropout: Dropout, frames: FramesPlace, **batching: Any) -> None:
        super().__init__(mask_channels=False, **batching)
        self.modality_dropout, self.frames = modality_dropout, frames
        self._sources: SourcesGather | None = None

    @property
    @abstractmethod
    def prepared(self) -> SourcesPrepared:
        """The table with its split, windows and scaling."""

    @property
    @abstractmethod
    def changes(self) -> Mapping[str, Sequence[Augment]]:
        """Augmentations of each source."""

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's name
        """Place table and frames; what lies in memory is normalized where it lies."""
        if self._sources is None:
            rates = self.start(self.prepared)
            self._sources = place_sources(
                self.prepared, frames=self.frames, changes=self.changes, rates=rates, room=self._room()
            )
        self._sources = self._sources.to(self.device())

    def start(self, ready: SourcesPrepared) -> Tensor:
        """Tell augmentations what their source is; return with which probability each source is left out.

        Raises:
            InputError: Augmentations or ``modality_dropout`` do not fit the sources.
        """
        parts = ready.laid.parts
        for part in parts:
            start_augments(part, self.changes.get(part.name, ()), ready.spec.step)
        return dropout_rates(self.modality_dropout, [part.name for part in parts])

    def _room(self) -> int:
        """Return the bytes that are free where decoded frames would lie."""
        return min(free_memory(), torch.cuda.mem_get_info()[0]) if self.device().type == "cuda" else free_memory()

    @property
    def gather(self) -> SourcesGather:
        """What makes batches, once they can be made."""
        assert self._sources is not None
        return self._sources

    @property
    def target(self) -> torch.device:
        """Where the network is."""
        return self.device() if self.trainer is None else self.trainer.strategy.root_device

    def maker(self, role: str) -> Fetch:
        """Return what makes a batch where the network is, of rows at which windows begin or of what was read there."""
        make = self._host_maker(role)
        return lambda places: _batch_on(make(places), self.target)

    def _host_maker(self, role: str) -> Fetch:
        """Return what makes a batch where the table is; a worker gets it only where it needs not know the epoch."""
        return self._by_chance if role == "train" and self.gather.random else self.gather.make

    def _by_chance(self, places: Tensor | Decoded) -> Batch:
        first = places.places if isinstance(places, Decoded) else places
        return self.gather.make(places, generator_of(self.seed, self.epoch, int(first[0])))

    def make_batch(self, places: Tensor, role: str = "test") -> Batch:
        """Return the batch of these windows on the host, without augmentation unless ``role`` is "train"."""
        return _batch_on(super().make_batch(places, role), places.device)

    def stages(self, role: str, *, later: bool) -> tuple[Fetch | None, Fetch | None]:
        """Let workers read only what needs not know the epoch."""
        if later:
            return self.gather.read if self.gather.decodes else None, None
        if self.num_workers > 0 and role == "train" and self.gather.random:
            return self.gather.read if self.gather.decodes else None, self._host_maker(role)
        return self._host_maker(role), None

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leave the places of windows on the host, where they seed what chance does."""
        if isinstance(batch, Tensor):
            return batch
        if isinstance(batch, Decoded):
            return Decoded(batch.pixels.to(device, non_blocking=True), batch.places)
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def block(self) -> int | None:
        """Return the windows of a block: a table on disk is read block by block."""
        if not self.prepared.on_disk:
            return None
        window_bytes = 4 * self.gather.values.shape[1] * self.prepared.geometry.stride
        return max(BLOCK_BYTES // max(window_bytes, 1), self.batch_size * self.processes)


def _batch_on(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device; one that is there already as it is."""
    return batch if batch.x.device == device else Batch._make(to_device(one, device) for one in batch)


def to_device(part: Any, device: torch.device) -> Any:
    """Return a part of a batch on a device."""
    if isinstance(part, dict):
        return {name: to_device(one, device) for name, one in part.items()}
    return part.to(device) if isinstance(part, Tensor) else part
