"""A loader whose unit is the batch: an order of windows, sliced; state to go on exactly where it stopped."""

import math
import multiprocessing
from collections.abc import Callable, Iterator
from itertools import chain, islice
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
    """Yields the places of each batch; several processes share them.

    In training a step takes ``batch_size`` windows of every process, together those that one process would take with
    a batch of that many, dealt out in turn; the last step of an epoch deals out what is left, see :meth:`share`. The
    windows of a batch stand in the order of the table, which is up to half faster to read. In evaluation the processes
    take whole batches in turn, and every window comes exactly once.

    Args:
        places: All windows or samples of a role.
        batch_size: Windows a batch and process.
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
        if not shuffle:  # a process without a single batch would not come to where all join their sums
            batch_size = min(batch_size, max(self.count // world, 1))
        self.single, self.batch_size = batch_size, batch_size * several
        self.shuffle, self.seed, self.block = shuffle, seed, block
        self.rank, self.world, self.epoch, self.skip = rank, world, 0, 0

    @property
    def step_size(self) -> int:
        """Windows that a training step takes in all processes."""
        return self.batch_size * self.world

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        if self.shuffle:
            return math.ceil(self.count / self.step_size)
        return len(range(self.rank, math.ceil(self.count / self.batch_size), self.world))

    def share(self, number: int) -> float:
        """Return what the loss of a batch counts, so that the mean over processes is that over all windows of the step.

        1, but for the last step of an epoch, of which some processes may get one window less than others, or, where
        there are fewer windows than processes, one that another process has as well, which counts 0.
        """
        left = self.count - number * self.step_size
        if self.world == 1 or left >= self.step_size:
            return 1.0
        return len(range(self.rank, left, self.world)) * self.world / left

    def _dealt(self) -> Iterator[Tensor]:
        """Yield the numbers of this process, in runs of whole batches, then the last batch."""
        rest = torch.empty(0, dtype=torch.int64)
        for part in shuffled(self.count, self.seed, self.epoch, self.block):
            numbers = torch.cat([rest, part]) if len(rest) else part
            whole = len(numbers) - len(numbers) % self.step_size
            rest = numbers[whole:]
            ordered = sort_batches(numbers[:whole], self.single * self.world)
            yield ordered[self.rank :: self.world].contiguous()  # whole steps, so every process has as many
        last = sort_batches(rest, self.single * self.world)
        yield last[self.rank :: self.world].contiguous() if self.rank < len(last) else last[:1]

    def _split(self, numbers: Tensor) -> Iterator[Tensor]:
        """Yield the places of these numbers batch by batch."""
        for some in torch.split(numbers, AT_ONCE * self.batch_size) if len(numbers) else ():
            # New memory: what is sent to a worker moves to shared memory in another thread, with all it is part of.
            yield from torch.split(self.places.starts(some), self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        first, self.skip = self.skip, 0
        if self.shuffle:
            yield from islice(chain.from_iterable(map(self._split, self._dealt())), first, None)
        else:
            every = self._split(torch.arange(self.count))
            yield from islice(every, first * self.world + self.rank, None, self.world)


def epoch_ended(state: dict[str, int], count: int, batch_size: int, world: int) -> bool:
    """Tell whether a loader had given all its batches.

    Args:
        state: Of the loader.
        count: Windows or samples of an epoch.
        batch_size: Windows that each of ``world`` processes will take in a step from now on.
        world: Number of processes.

    Raises:
        InputError: It had not, and the next ones are of another size.
    """
    before, now = state.get("step_size", batch_size * world), batch_size * world
    ended = state["given"] * before >= count
    if state["given"] and not ended and before != now:
        raise InputError(
            f"The run stopped in the middle of an epoch of {before} windows a step, all processes together; with "
            f"{world} x {batch_size} = {now} windows it cannot go on at the same place: change `data.batch_size` so "
            f"that batch_size x processes is {before}."
        )
    return ended


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
