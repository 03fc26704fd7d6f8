"""How fast windows become batches, beside a memcpy of the same windows and a plain Dataset with a DataLoader.

    python scripts/benchmark_windows.py speed neighbours memory disk [--gigabytes 8 --folder DIR]

Every round takes each contestant in turn; medians of the rounds and their ratios are printed. What runs in this process
alone is timed by the processor time of its thread, so that other users of the machine count less. The bound is a loop
of memcpy in C on one thread, from random rows into two buffers in turn, because a loader may not write over the batch
that is in use. A C compiler, cc, is needed for it.
"""

import argparse
import ctypes
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dlkit.data.base import Source
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.records import Stream
from dlkit.data.splits import ByFraction

BACK, FORWARD, BATCH, HOUR = 336, 96, 256, 3600 * 10**9
SHAPES = {"8,640 x 7": (8_640, 7), "1,000,000 x 32": (1_000_000, 32)}
MEMCPY = """#include <string.h>
void copy(const char *table, const long *starts, char *out, long count, long row, long bytes) {
    for (long i = 0; i < count; i++) memcpy(out + i * bytes, table + starts[i] * row, bytes);
}"""


class Noise(Source):
    """White noise that is made chunk by chunk."""

    def __init__(self, rows: int, channels: int) -> None:
        self.shape = (rows, channels)

    def fingerprint(self) -> dict[str, Any]:
        return {"noise": self.shape}

    def chunks(self) -> Iterator[Stream]:
        rows, width = self.shape
        names, generator = tuple(f"x{i}" for i in range(width)), np.random.default_rng(0)
        for first in range(0, rows, 10_000):
            times = np.arange(first, min(first + 10_000, rows), dtype=np.int64) * HOUR
            values = generator.standard_normal((len(times), width), dtype=np.float32)
            yield Stream("noise", times, values, names, ("",) * width, HOUR, continues=first > 0)


class Plain(Dataset[Any]):
    """A window a call, as tutorials write it."""

    def __init__(self, values: torch.Tensor, count: int) -> None:
        self.values, self.count = values, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, start: int) -> tuple[torch.Tensor, torch.Tensor]:
        middle = start + BACK
        return self.values[start:middle], self.values[middle : middle + FORWARD]


def data_module(rows: int, channels: int, placement: Any = "host", **settings: Any) -> TimeSeriesDataModule:
    return TimeSeriesDataModule(
        source=Noise(rows, channels), targets=["x*"], look_back=BACK, look_forward=FORWARD, batch_size=BATCH,
        split=ByFraction(train=0.98, val=0.01, test=0.01), placement=placement, batches_per_step=1, **settings,
    )  # fmt: skip


def speed_of(batches: Any, seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return windows/s; a new epoch begins when one is over."""
    begin, count, epoch = clock(), 0, 0
    while True:
        getattr(getattr(batches, "sampler", None), "set_epoch", lambda _: None)(epoch := epoch + 1)
        for x, *_ in batches:
            count += len(x)
            if clock() - begin > seconds:
                return count / (clock() - begin)


def memcpy_batches(table: np.ndarray, count: int) -> Iterator[tuple[np.ndarray]]:
    """Yield batches that a loop in C copies, shuffled."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "copy.c"), Path(folder, "copy.so")
        source.write_text(MEMCPY)
        subprocess.run(["cc", "-O3", "-shared", "-fPIC", "-o", library, source], check=True)
        copy = ctypes.CDLL(str(library)).copy
    row, length = table.shape[1] * 4, BACK + FORWARD
    outs = [np.zeros((BATCH, length * table.shape[1]), np.float32) for _ in range(2)]
    while True:
        order = np.random.default_rng().permutation(count)
        for turn, first in enumerate(range(0, count, BATCH)):
            starts, out = order[first : first + BATCH], outs[turn % 2]
            pointers = [ctypes.c_void_p(array.ctypes.data) for array in (table, starts, out)]
            copy(*pointers, *map(ctypes.c_long, (len(starts), row, length * row)))
            yield (out[: len(starts)],)


def rounds(contestants: dict[str, Any], clock: Callable[[], float], seconds: float = 1) -> dict[str, list[float]]:
    """Return the speeds of each contestant in each round."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ARGS.rounds):
        for name, batches in contestants.items():
            found[name].append(speed_of(batches, seconds, clock))
    return found


def show(title: str, found: dict[str, list[float]]) -> None:
    """Print medians, and the median over the rounds of dlkit's speed divided by that of each contestant."""
    print(f"\n{title}\n| | windows/s | dlkit / it |\n|-|-:|-:|")
    for name, speeds in found.items():
        ratio = statistics.median(a / b for a, b in zip(found["dlkit"], speeds, strict=True))
        print(f"| {name} | {statistics.median(speeds):,.0f} | {ratio:.2f} |", flush=True)


def speed() -> None:
    for title, (rows, channels) in SHAPES.items():
        loader = data_module(rows, channels).train_dataloader()
        values = loader.dataset.fetch.values
        plain = Plain(values, len(loader.sampler.places))
        bound = memcpy_batches(values.numpy(), len(plain))
        peers = [DataLoader(plain, BATCH, shuffle=True), DataLoader(plain, BATCH, shuffle=True, num_workers=2)]
        alone = {"dlkit": loader, "memcpy, 1 thread": bound, "Dataset + DataLoader": peers[0]}
        beside = {"dlkit": loader, "Dataset + DataLoader, 2 workers": peers[1]}
        show(f"{title}, processor time", rounds(alone, time.thread_time))
        show(f"{title}, wall time", rounds(beside, time.perf_counter))


def spin() -> None:
    while True:
        pass


def neighbours() -> None:
    """Measure alone and beside two processes that compute without a pause, in turn."""
    print(f"\nWith two busy neighbours on {os.cpu_count()} cores, part of the speed that is kept")
    for title, (rows, channels) in SHAPES.items():
        loader, kept = data_module(rows, channels).train_dataloader(), []
        for _ in range(ARGS.rounds):
            alone = speed_of(loader, 1)
            busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(2)]
            for process in busy:
                process.start()
            kept.append(speed_of(loader, 2) / alone)
            for process in busy:
                process.kill()
                process.join()
        print(f"{title}: {statistics.median(kept):.0%}", flush=True)


def resident(kind: str) -> int:
    """Return the resident memory, VmRSS, or its peak, VmHWM, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(kind)).split()[1])


def memory() -> None:
    """Measure the peak in a new process, with a source that makes its rows chunk by chunk."""
    print("\nPeak memory above that of the imports, MB")
    for title, (rows, channels) in SHAPES.items():
        command = [sys.executable, __file__, "peak", "--rows", str(rows), "--channels", str(channels)]
        extra = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        table, batch = rows * (channels * 4 + 8), BATCH * (BACK + FORWARD) * channels * 4
        print(
            f"{title}: {extra / 1e6:.0f}; table with its times {table / 1e6:.0f}, three batches {3 * batch / 1e6:.0f}, "
            f"both {(table + 3 * batch) / 1e6:.0f}",
            flush=True,
        )


def peak_of_a_run() -> None:
    list(zip(data_module(2_000, 7).train_dataloader(), range(5), strict=False))  # loads what any data need
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for batch in data_module(ARGS.rows, ARGS.channels).train_dataloader():
        batch.x.size()
    print(resident("VmHWM") - before)


def forget_files() -> None:
    """Empty the file cache, which only root may do; without it, only a table larger than memory comes from the disk."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("1")
        print("file cache emptied")
    except OSError:
        print("the file cache could not be emptied (needs root)")


def disk() -> None:
    """Stream a table from disk in block-shuffled order, beside a table of 128 MB in memory."""
    rows = int(ARGS.gigabytes * 1e9) // (4 * 32)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    print(f"\nA table of {ARGS.gigabytes:g} GB on disk, {memory / 1e9:.0f} GB of memory", flush=True)
    with tempfile.TemporaryDirectory(dir=ARGS.folder) as cache:
        host = data_module(1_000_000, 32).train_dataloader()
        bound = memcpy_batches(host.dataset.fetch.values.numpy(), len(host.sampler.places))
        mapped = data_module(rows, 32, "disk", cache=cache).train_dataloader()
        found: dict[str, list[float]] = {"dlkit": [], "dlkit, table in memory": [], "memcpy, table in memory": []}
        for _ in range(ARGS.rounds):
            forget_files()
            for speeds, batches in zip(found.values(), (mapped, host, bound), strict=True):
                speeds.append(speed_of(batches, ARGS.seconds))
        show("From disk, wall time", found)


PARTS = {"speed": speed, "neighbours": neighbours, "memory": memory, "disk": disk, "peak": peak_of_a_run}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["speed", "neighbours", "memory"], help=f"some of {list(PARTS)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gigabytes", type=float, default=8.0, help="size of the table on disk")
    parser.add_argument("--seconds", type=float, default=10.0, help="time of a round from disk")
    parser.add_argument("--folder", default=".", help="where the table on disk may lie for the time of the run")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--channels", type=int)
    ARGS = parser.parse_args()
    if ARGS.parts != ["peak"]:
        model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
        print(model.partition(": ")[2], platform.machine(), f"{os.cpu_count()} cores, torch {torch.__version__}")
    for part in ARGS.parts:
        PARTS[part]()
