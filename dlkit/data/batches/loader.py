"""A loader whose unit is the batch; state to go on exactly where it stopped."""

import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.data.batches.order import BatchOrder, epoch_ended

Fetch = Callable[[Any], Any]  # makes a batch, or a part of the work, of places or of what was made of them before


class Batches:
    """Several batches of one training step, each made when its turn comes.

    Args:
        fetch: Makes a batch.
        starts: Places, or a named tuple of what was read there, its first axis one of places.
        batch_size: Places a batch.
    """

    def __init__(self, fetch: Fetch, starts: Any, batch_size: int) -> None:
        self.fetch, self.parts = fetch, split_places(starts, batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return (self.fetch(part) for part in self.parts)

    def __len__(self) -> int:
        return len(self.parts)


def split_places(starts: Any, size: int) -> list[Any]:
    """Split places, or each part of a named tuple, along the first axis."""
    if isinstance(starts, Tensor):
        return list(torch.split(starts, size))
    return [type(starts)._make(parts) for parts in zip(*(torch.split(part, size) for part in starts), strict=True)]


class PlacedBatches(Dataset[Any]):
    """Gives the batch of an array of places, or the places themselves where the batch is made later.

    Args:
        fetch: Makes a batch of places, or reads what it needs; None returns the places.
    """

    def __init__(self, fetch: Fetch | None) -> None:
        self.fetch = fetch

    def __getitem__(self, starts: Tensor) -> Any:
        try:
            return starts if self.fetch is None else self.fetch(starts)
        except InputError as error:
            if get_worker_info() is None:
                raise
            return error  # raised by the loader: torch would wrap a traceback around its sentence


class BatchLoader:
    """Iterates over batches, says how far it came and goes on from there.

    Not a ``DataLoader``, which Lightning would take apart and build anew; one is used inside when worker processes or
    pinned memory are asked for.

    Args:
        dataset: Batches by places.
        sampler: The order of batches.
        finish: Done in this process with what was made, perhaps by a worker; None leaves it as it is.
        options: Arguments of ``torch.utils.data.DataLoader``; without any, batches are made in this process.
    """

    batch_sampler = None  # Lightning asks for it wherever there is a sampler

    def __init__(
        self, dataset: PlacedBatches, sampler: BatchOrder, finish: Fetch | None = None, **options: Any
    ) -> None:
        self.dataset, self.sampler, self.finish, self.given = dataset, sampler, finish, 0
        self._loader: DataLoader[Any] | None = None
        if options:
            # A forked worker sees the memory map; to another one the whole table would be sent.
            if options.get("num_workers") and "fork" in multiprocessing.get_all_start_methods():
                options["multiprocessing_context"] = "fork"
            generator = torch.Generator().manual_seed(sampler.seed)
            self._loader = DataLoader(dataset, sampler=sampler, batch_size=None, generator=generator, **options)

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Any]:
        self.given = self.sampler.skip = self.sampler.skip % max(len(self), 1)
        batches = map(self.dataset.__getitem__, self.sampler) if self._loader is None else self._loader
        for batch in batches:
            self.given += 1
            if isinstance(batch, InputError):
                raise batch
            yield batch if self.finish is None else self.finish(batch)

    def state_dict(self) -> dict[str, int]:
        """Return the epoch, the number of batches given in it, and how many windows a step took in all processes."""
        return {"epoch": self.sampler.epoch, "given": self.given, "step_size": self.sampler.step_size}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after the batches that were given.

        Raises:
            InputError: They were of another size, in the middle of an epoch.
        """
        ended = epoch_ended(state, self.sampler.count, self.sampler.batch_size, self.sampler.world)
        self.sampler.epoch = state["epoch"]
        self.sampler.skip = self.given = len(self) if ended else state["given"]
