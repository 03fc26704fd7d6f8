"""The half of a data module that makes batches of labelled samples."""

from abc import ABC, abstractmethod
from functools import partial
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.data.base import Augment
from dlkit.data.batches.batching import Batching
from dlkit.data.batches.loader import Fetch
from dlkit.data.batches.sample_batches import Numbers, Raw, SampleBatches
from dlkit.data.labelled.prepare import PreparedSamples

Placement = Literal["auto", "device", "host", "files"]


class SampleBatching(Batching, ABC):
    """Hands out batches of the samples that a subclass prepares.

    Args:
        augment: What changes training batches.
        placement: Where the samples lie.
        batching: What :class:`dlkit.data.batches.batching.Batching` takes.
    """

    def __init__(self, *, augment: list[Augment], placement: Placement, **batching: Any) -> None:
        super().__init__(**batching)
        self.augment, self.placement = augment, placement
        self._batches: SampleBatches | None = None
        self._placed: Placement | None = None

    @property
    @abstractmethod
    def prepared(self) -> PreparedSamples:
        """The samples with their split and scaling."""

    @property
    def on_device(self) -> bool:
        """Whether the samples should lie where the network is."""
        return self.placed == "device"

    @property
    def placed(self) -> Placement:
        """Where the samples lie, decided once."""
        values = self.prepared.samples.values
        if self._placed is None:
            self._placed = self.placement
            if self.placement == "auto":
                self._placed = place_array(values.nbytes) if isinstance(values, np.ndarray) else "files"
        return self._placed

    @property
    def target(self) -> torch.device:
        """Where the network is, and batches are finished."""
        return self.device() if self.trainer is None else self.trainer.strategy.root_device

    @property
    def made_later(self) -> bool:
        """Whether batches are made, or finished, by Lightning's hook where the network is."""
        return self.target.type == "cuda"

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's name
        """Place the samples."""
        if self._batches is None:
            self._batches = SampleBatches.place(self.prepared, self.augment)
        self._batches = self._batches.to(self.target, table=self.on_device)

    def places(self, role: str) -> Numbers:
        """Return the samples of a role."""
        return Numbers(self.prepared.numbers[role])

    def maker(self, role: str) -> Fetch:
        """Return what makes a batch of samples, or of what was read of them."""
        return partial(self._make, train=role == "train")

    def _make(self, places: Tensor | Raw, *, train: bool) -> Batch:
        assert self._batches is not None
        first = places if isinstance(places, Tensor) else places.places
        augment = train and len(self.augment) > 0
        return self._batches.make(places, generator_of(self.seed, self.epoch, int(first[0])) if augment else None)

    def make_batch(self, places: Tensor, role: str = "test") -> Batch:
        """Return the batch of these samples on the host, without augmentation unless ``role`` is "train"."""
        batch = super().make_batch(places, role)
        return Batch._make(None if part is None else part.to(places.device) for part in batch)

    def stages(self, role: str, *, later: bool) -> tuple[Fetch | None, Fetch | None]:
        """Let the loader only read where workers or another device take part, so that no worker must know the epoch."""
        assert self._batches is not None
        if self.on_device or not (self.placed == "files" or self.num_workers > 0 or self.made_later):
            return super().stages(role, later=later)
        return self._batches.read, None if later else self.maker(role)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leave the numbers of samples on the host, where they seed the augmentation."""
        if isinstance(batch, Tensor):
            return batch
        if isinstance(batch, Raw):
            return Raw(batch.values.to(device, non_blocking=True), batch.places)
        return super().transfer_batch_to_device(batch, device, dataloader_idx)


def place_array(size: int) -> Placement:
    """Return where an array in memory, of this many bytes, should lie."""
    return "device" if torch.cuda.is_available() and 4 * size < torch.cuda.mem_get_info()[0] else "host"


def generator_of(seed: int, epoch: int, place: int) -> torch.Generator:
    """Return the random numbers of a batch, by the first of its samples: the same after a resumed run."""
    digest = blake2b(f"{seed} {epoch} {place}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest) >> 1)
