"""The order of batches: windows shuffled or in turn, sliced, and dealt out to several processes."""

import math
from collections.abc import Iterator
from itertools import chain, islice
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import Sampler

from dlkit.core.checks import InputError

AT_ONCE = 64  # batches whose places are found in one call, which takes as long as one for a single batch


@runtime_checkable
class Places(Protocol):
    """Where the windows or samples of a role are in the whole of the data."""

    def __len__(self) -> int:
        """Return how many there are."""

    def starts(self, numbers: Tensor) -> Tensor:
        """Return the places of those with these numbers."""


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
