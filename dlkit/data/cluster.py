"""Where the pieces of a record are made: in processes of this machine, or in jobs of a Slurm cluster (Dask)."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from dlkit.core.checks import InputError, require


@dataclass(frozen=True, kw_only=True)
class Cluster(ABC):
    """Workers that make pieces of a record.

    Args:
        workers: How many.
        wait: Seconds after which the first worker must be there.
    """

    workers: int = 2
    wait: float = 600.0

    def __post_init__(self) -> None:
        """Refuse a cluster of nobody."""
        require(self.workers > 0, f"cluster.workers={self.workers} must be positive: set `workers`, e.g. 2.")

    @abstractmethod
    def start(self) -> Any:
        """Return a Dask cluster without workers of which more may be asked for, or with all of them."""

    def check(self) -> None:
        """Refuse a cluster that cannot be had here.

        Raises:
            InputError: Dask is not installed.
        """
        require(
            find_spec("distributed") is not None,
            "A cluster needs Dask: install dlkit with the extra `dask`, or leave `cluster` out.",
        )

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Start the workers, connect to them, and end them afterwards.

        Raises:
            InputError: Dask is not installed, or no worker came in time.
        """
        self.check()
        from distributed import Client

        with self.start() as cluster, Client(cluster) as client:
            try:
                client.wait_for_workers(1, timeout=self.wait)
            except TimeoutError as error:
                raise InputError(
                    f"No worker of the cluster came within {self.wait:g} s: look at its jobs, or raise `cluster.wait`."
                ) from error
            yield client


@dataclass(frozen=True, kw_only=True)
class LocalCluster(Cluster):
    """Processes of this machine, one thread each."""

    def start(self) -> Any:
        """Return a cluster of this machine, reached from nowhere else.

        Its log is silent: what fails in a worker is raised here, and a heartbeat that finds the scheduler gone when
        all ends is no failure.
        """
        from distributed import LocalCluster as Processes

        return Processes(
            n_workers=self.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0,
            silence_logs=logging.CRITICAL,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SlurmCluster(Cluster):
    """Jobs of a Slurm cluster, one worker each (dask-jobqueue); this process must reach them by the network.

    Args:
        memory: Memory of a job, e.g. "4GB".
        time: Time limit of a job, "HH:MM:SS".
        partition: Partition; "" takes the default of the site.
        account: Account that is charged; "" takes the default of the site.
        interface: Network interface that the nodes share, e.g. "ib0"; "" takes that of the host name.
        options: Further lines for the job script, without ``#SBATCH``, e.g. ["--constraint=cpu"].
        logs: Folder of what the jobs print.
        prologue: Shell lines before the worker starts, e.g. ["module load python"].
    """

    memory: str = "4GB"
    time: str = "01:00:00"
    partition: str = ""
    account: str = ""
    interface: str = ""
    logs: str = "slurm_logs"
    options: list[str] = field(default_factory=list)
    prologue: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Refuse jobs where what sends them is not installed."""
        super().check()
        require(
            find_spec("dask_jobqueue") is not None,
            "A cluster of Slurm jobs needs dask-jobqueue: install dlkit with the extra `dask`.",
        )

    def start(self) -> Any:
        """Return a cluster whose jobs have been asked for."""
        from dask_jobqueue.slurm import SLURMCluster

        cluster = SLURMCluster(
            queue=self.partition or None, account=self.account or None, interface=self.interface or None, cores=1,
            processes=1, memory=self.memory, walltime=self.time, log_directory=self.logs,
            job_extra_directives=self.options,
            job_script_prologue=self.prologue, scheduler_options={"dashboard_address": None},
        )  # fmt: skip
        cluster.scale(jobs=self.workers)
        return cluster


def in_order(client: Any, make: Callable[[Any], Any], items: Sequence[Any], *, ahead: int) -> Iterator[Any]:
    """Yield ``make(item)`` of each item in their order, while workers make at most ``ahead`` of those that follow."""
    waiting: deque[Any] = deque()
    rest = iter(items)
    for item in rest:
        waiting.append(client.submit(make, item, pure=False))
        if len(waiting) > ahead:
            break
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(client.submit(make, item, pure=False) for item in [next(rest, None)] if item is not None)
