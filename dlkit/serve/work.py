"""Jobs in threads beside the one that listens, no more at a time than allowed."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dlkit.serve.limits import Limits
from dlkit.serve.measures import Measures

T = TypeVar("T")


class BusyError(Exception):
    """Too many requests wait, or one took too long."""


class Work:
    """Does jobs.

    Args:
        limits: How many at a time, how many wait, how long.
        measures: Where they are counted.
    """

    def __init__(self, limits: Limits, measures: Measures) -> None:
        self.limits, self.measures = limits, measures
        self.pool = ThreadPoolExecutor(limits.workers, thread_name_prefix="predict")

    async def __call__(self, job: Callable[[], T]) -> T:
        """Return what a job returns.

        Raises:
            BusyError: Nobody has time.
        """
        if self.measures.running >= self.limits.workers + self.limits.waiting:
            raise BusyError(f"{self.measures.running} requests are under way already: come again later.")
        late = time.monotonic() + self.limits.timeout
        self.measures.running += 1  # until the thread is done, which no timeout stops
        future = asyncio.get_running_loop().run_in_executor(self.pool, in_time, job, late)
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.limits.timeout)
        except TimeoutError as error:
            seconds = f"{self.limits.timeout:g} seconds"
            raise BusyError(f"The answer took more than {seconds}: send fewer windows.") from error

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self.measures.running -= 1
        if not future.cancelled():
            future.exception()  # was told, or nobody waits any more


def in_time(job: Callable[[], T], late: float) -> T:
    """Return what a job returns, unless nobody waits for it any more."""
    if time.monotonic() > late:
        raise TimeoutError
    return job()
