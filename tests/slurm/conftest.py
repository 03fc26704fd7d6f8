"""A real Slurm of four nodes, one for each process that tests; skipped with one line where it cannot be started."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cluster.sh")
LONG = 600.0  # seconds; these tests are about what comes, not how fast
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "DEADLINE"}


class Slurm:
    """The cluster, as far as tests ask it.

    Args:
        config: Its slurm.conf.
        prefix: What the names of its nodes begin with; numbers from 1 follow.
    """

    def __init__(self, config: Path, prefix: str) -> None:
        self.config, self.nodes = config, [f"{prefix}{k}" for k in range(1, 5)]

    def call(self, *command: str, check: bool = True) -> str:
        """Return what a command prints."""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout} {done.stderr}"
        return done.stdout.strip()

    def sbatch(self, script: Path, *options: str) -> str:
        """Submit a script and return the number of the job."""
        return self.call("sbatch", "--parsable", *options, str(script)).partition(";")[0]

    def show(self, job: str) -> dict[str, str]:
        """Return what Slurm knows of a job, by name."""
        return dict(re.findall(r"(\S+?)=(\S*)", self.call("scontrol", "show", "job", "-o", job)))

    def state(self, job: str) -> str:
        """Return the state of a job."""
        return self.show(job)["JobState"]

    def wait_for(self, what: Callable[[], object], *, within: float = LONG, of: str = "") -> None:
        """Wait until something holds.

        Raises:
            AssertionError: It does not within these seconds.
        """
        end = time.monotonic() + within
        while not what():
            queue = ", ".join(self.call("squeue", "-h", "-o", "%i %T %r").splitlines())
            assert time.monotonic() < end, f"not within {within} s: {of or what}; queue: {queue}"
            time.sleep(0.1)

    def wait_for_state(self, job: str, *states: str, within: float = LONG) -> str:
        """Wait until a job is in one of some states, by default ended, and return which."""
        wanted = set(states) or ENDED
        self.wait_for(lambda: self.state(job) in wanted, within=within, of=f"job {job} {' or '.join(sorted(wanted))}")
        return self.state(job)


ROOTS = "/tmp/dlkit-slurm"


def free_port(first: int) -> int:
    """Return the first port from here on of which those that a cluster uses are free."""
    for port in range(first, 32_000, 200):
        if all(is_free(port + offset) for offset in (0, 1, 101, 102, 103, 104)):
            return port
    return pytest.skip("no ports are free for a private Slurm cluster")


def is_free(port: int) -> bool:
    """Tell whether nothing listens at a port."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return one.connect_ex(("127.0.0.1", port)) != 0


def purge_orphans() -> None:
    """End the clusters of processes that were killed before they could."""
    for root in Path(ROOTS).parent.glob(f"{Path(ROOTS).name}-*-?"):
        if not Path("/proc", root.name.split("-")[-2]).exists():
            settings = os.environ | {"SLURM_CLUSTER_ROOT": str(root)}
            subprocess.run([SCRIPT, "purge"], capture_output=True, env=settings, check=False)


@contextmanager
def started(*, accounts: bool) -> Iterator[Slurm]:
    """Run a cluster of its own for this process: other workers, and other test runs, have theirs."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a private Slurm cluster")
    purge_orphans()
    number = os.getpid()
    prefix = f"n{number}{'a' if accounts else 'b'}"
    settings = os.environ | {
        "SLURM_CLUSTER_ROOT": f"{ROOTS}-{number}-{int(accounts)}",
        "SLURM_CLUSTER_PORT": str(free_port(11_817 + 400 * (number % 40) + 200 * accounts)),
        "SLURM_CLUSTER_PREFIX": prefix,
        "SLURM_CLUSTER_MEM": "8000",  # pretended, as the processors are
        "SLURM_CLUSTER_ACCT": str(int(accounts)),
    }
    done = subprocess.run([SCRIPT, "start"], capture_output=True, text=True, env=settings, check=False)
    if done.returncode:
        pytest.skip(f"Slurm cannot be started here: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}")
    config = Path(settings["SLURM_CLUSTER_ROOT"]) / "etc" / "slurm.conf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(config))
        try:
            yield Slurm(config, prefix)
        finally:
            subprocess.run([SCRIPT, "purge"], capture_output=True, env=settings, check=False)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A cluster without accounting, as it is the faster one to start."""
    with started(accounts=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def slurm_with_accounts() -> Iterator[Slurm]:
    """A cluster with accounting: sacct knows jobs that have ended. Beside it ``slurm`` is out of sight."""
    with started(accounts=True) as cluster:
        yield cluster
