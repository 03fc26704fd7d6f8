"""Commands of dlkit as processes of this machine."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from dlkit.core.processes import FOLDER, JOB

GRACE = 30.0  # seconds in which a child may write its checkpoint
OF_A_TASK = (
    "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS",
    JOB, FOLDER,
)  # fmt: skip


def visible_gpus() -> list[str]:
    """Return the names of the GPUs that this process may use, without loading a library for it."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S607
        return [str(i) for i in range(sum(line.startswith("GPU ") for line in listed.stdout.splitlines()))]
    return []


def share_of(gpus: Sequence[str], worker: int, workers: int) -> list[str]:
    """Return the GPUs of one of several workers: a part of them, or one shared with others where there are fewer."""
    if len(gpus) >= workers:
        return list(gpus[worker * len(gpus) // workers : (worker + 1) * len(gpus) // workers])
    return [gpus[worker % len(gpus)]] if gpus else []


def environment_of(worker: int, workers: int, gpus: Sequence[str]) -> dict[str, str]:
    """Return the environment of a worker: its GPUs, its share of the cores, and no place in a Slurm step."""
    environment = {key: value for key, value in os.environ.items() if key not in OF_A_TASK}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cores // workers)))
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(share_of(gpus, worker, workers))
    return environment


def start(argv: Sequence[str], environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own: Ctrl-C reaches it through us, once."""
    return subprocess.Popen(  # noqa: S603 - a command line of dlkit
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextmanager
def stopped_like_ctrl_c() -> Iterator[None]:
    """Let TERM, and the end of the terminal, leave by an exception, so that what stands in ``finally`` is done."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, before in kept.items():
        if before is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, leave)
    try:
        yield
    finally:
        for number, before in kept.items():
            signal.signal(number, before)


def end(children: Sequence[subprocess.Popen[bytes]], grace: float = GRACE) -> None:
    """End processes: ask them, wait, and kill what is left of them and of theirs."""
    for child in children:
        child.terminate()
    until = time.monotonic() + grace
    try:
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, until - time.monotonic()))
    finally:
        for child in children:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
