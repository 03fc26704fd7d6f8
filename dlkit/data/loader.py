"""A loader whose unit is the batch: an order of windows, sliced; state to go on exactly where it stopped."""

import math
import multiprocessing
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError

AT_ONCE = 64  # batches whose places are found in one call, which takes as long as one for a single batch
Fetch = Callable[[Any], Any]  # makes a batch, or a part of the work, of places or of what was made of them before


@runtime_checkable
class Places(Protocol):
    """Where the windows or samples of a role are in the whole of the data."""

    def __len__(self) -> int:
        """Return how many there are."""

    def starts(self, numbers: Tensor) -> Tensor:
        """Return the places of those with these numbers."""


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


def shuffled(count: int, seed: int, epoch: int, block: int | None) -> Iterator[Tensor]:
    """Yield the numbers below ``count`` in the random order of an epoch.

    With ``block``, blocks of neighbouring numbers are dealt in random order and shuffled in groups of 16, so that a
    table on disk is read in long runs, one in memory from the cache of the processor; a group is made when its turn
    comes, as a table may have billions of windows.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    if block is None or block >= count:
        yield torch.randperm(count, generator=generator)
        return
    for group in torch.split(torch.randperm(math.ceil(count / block), generator=generator), 16):
        numbers = torch.cat([torch.arange(b * block, min((b + 1) * block, count)) for b in group.tolist()])
        yield numbers[torch.randperm(len(numbers), generator=generator)]


def sort_batches(order: Tensor, size: int) -> Tensor:
    """Put the numbers of each batch in rising order, in place: the same batches, read from neighbouring memory."""
    numbers = order.numpy()
    whole = len(numbers) // size * size
    numbers[:whole].reshape(-1, size).sort(axis=1)
    numbers[whole:].sort()
    return order


class BatchOrder(Sampler[Tensor]):
    """Yields the places of each batch; every rank takes its own batches.

    In training the first batches are given again until every rank has as many as the others, and the windows of a batch
    stand in the order of the table, which is up to half faster to read; in evaluation every window comes exactly once.

    Args:
        places: All windows or samples of a role.
        batch_size: Windows a batch and rank.
        several: Number of batches that are given at once.
        shuffle: A new order each epoch, from ``seed`` and the epoch.
        seed: Seed of the order.
        block: Length of the blocks of a block shuffle, or None for a full shuffle.
        rank: Number of this process.
        world: Number of processes.
    """

    def __init__(
        self,
        places: Places,
        batch_size: int,
        *,
        shuffle: bool,
        several: int = 1,
        seed: int = 0,
        block: int | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.places, self.count = places, len(places)
        self.single, self.batch_size = batch_size, batch_size * several
        self.shuffle, self.seed, self.block = shuffle, seed, block
        self.rank, self.world, self.epoch, self.skip = rank, world, 0, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        batches = math.ceil(self.count / self.batch_size)
        return math.ceil(batches / self.world) if self.shuffle else len(range(self.rank, batches, self.world))

    def _batches(self) -> Iterator[Tensor]:
        """Yield the batches of all ranks."""
        if not self.shuffle:
            yield from self._split(torch.arange(self.count))
            return
        rest = torch.empty(0, dtype=torch.int64)
        for part in shuffled(self.count, self.seed, self.epoch, self.block):
            numbers = torch.cat([rest, part]) if len(rest) else part
            whole = len(numbers) - len(numbers) % self.batch_size
            rest = numbers[whole:]
            yield from self._split(sort_batches(numbers[:whole], self.single))
        yield from self._split(sort_batches(rest, self.single))

    def _split(self, numbers: Tensor) -> Iterator[Tensor]:
        """Yield the places of these numbers batch by batch."""
        for some in torch.split(numbers, AT_ONCE * self.batch_size) if len(numbers) else ():
            # New memory: what is sent to a worker moves to shared memory in another thread, with all it is part of.
            yield from torch.split(self.places.starts(some), self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        first, self.skip = self.skip, 0
        again = chain.from_iterable(self._batches() for _ in repeat(None))
        every = again if self.shuffle and self.count else self._batches()
        start = first * self.world + self.rank
        yield from islice(every, start, start + max(len(self) - first, 0) * self.world, self.world)


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
        """Return the epoch and the number of batches given in it."""
        return {"epoch": self.sampler.epoch, "given": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after the batches that were given."""
        self.sampler.epoch = state["epoch"]
        self.sampler.skip = self.given = state["given"]
