"""Whether to stop, decided by all processes of a training at the same step."""

import math
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from dlkit.core.signal import asked

EVERY = 1.0  # seconds between two agreements
MOST = 1000  # steps between two agreements, for steps that become much slower


@cache
def host_group() -> Any:
    """Return the processes as a group whose messages go from memory to memory of the hosts; None is all of them."""
    return None if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")


class Agreement:
    """Knows when some process was asked to stop, by a signal or by a file.

    A single process looks at its flag at every step and at the file every second. Several agree by a MAX all-reduce
    of a few numbers in the memory of the host about every second: each proposes in how many steps the next one shall
    be, the smallest number holds for all, so that all come to it at the same step. Nothing waits for the device.

    Args:
        file: Asks to stop when it exists; only the first process looks.
        world: Number of processes that train together.
    """

    def __init__(self, file: Path | None, world: int) -> None:
        self.file, self.world = file, world
        self.first = world == 1 or dist.get_rank() == 0
        self._group = host_group() if world > 1 else None
        self._planned = self._left = 1  # steps between the last agreement and the next, steps until the next
        self._last, self._looked = time.monotonic(), -math.inf  # whoever asked before is heard at once

    def _asked(self) -> bool:
        """Tell whether this process was asked."""
        if asked() is not None:
            return True
        now = time.monotonic()
        if self.file is None or not self.first or now - self._looked < EVERY / 2:
            return False
        self._looked = now
        return self.file.exists()

    def at_step(self) -> bool:
        """Tell after a step whether all stop; every process must have taken the same number of steps."""
        if self.world == 1:
            return self._asked()
        self._left -= 1
        return self._left <= 0 and self.now()

    def now(self) -> bool:
        """Agree now and tell whether all stop."""
        return self._reduce(0.0)[0]

    def begin(self, steps: int | float = math.inf) -> tuple[bool, int | float]:
        """Agree now, soon again as steps of another kind follow, and find how many of them every process will take.

        Args:
            steps: How many this process will take.

        Returns:
            Whether all stop, and the smallest number of steps.
        """
        stop, fewest = self._reduce(steps)
        self._planned = self._left = 1
        return stop, fewest

    def _reduce(self, steps: int | float) -> tuple[bool, int | float]:
        if self.world == 1:
            return self._asked(), steps
        taken, seconds = self._planned - self._left, time.monotonic() - self._last
        pace = int(taken * EVERY / max(seconds, 1e-6)) if taken else self._planned
        told = torch.tensor(
            [float(self._asked()), -max(1, min(pace, 2 * self._planned, MOST)), -steps], dtype=torch.float64
        )
        dist.all_reduce(told, dist.ReduceOp.MAX, group=self._group)
        stop, planned, fewest = told.tolist()
        self._planned = self._left = int(-planned)
        self._last = time.monotonic()
        return bool(stop), -fewest
