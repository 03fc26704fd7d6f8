"""How fast several rates come to one clock, beside pandas and polars, and what memory it takes.

    OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 python scripts/benchmark_align.py [--rows 10000000 --rounds 3]

A source of 1 kHz x 8 channels, one of 7 Hz and the exposures of a camera at 30 frames/s, all jittered, float32 in
memory, are brought to 100 Hz. Contestants take turns in every round, each on one thread, timed by processor time, so
that other users of the machine count less; conversion into their own tables is counted. Medians of the rounds are
printed, and ratios of the medians. The bound reads times and values of the large table once. Extra memory is the peak
above what was resident before, in a process of its own, with the result. Answers are compared before.
"""

import argparse
import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dlkit.data.base import Source
from dlkit.data.clock import Regular
from dlkit.data.inputs import StreamInput
from dlkit.data.records import Stream
from dlkit.data.sources.aligned import Aligned

STEP = 10_000_000
SOURCES = {"monitors": (1000, 8), "temperature": (7, 1), "camera": (30, 1)}
OPERATIONS: dict[str, Any] = {
    "as-of": "last", "mean": "mean", "min, max, std": ["min", "max", "std"], "linear": "linear", "nearest": "nearest",
}  # fmt: skip


class Made(Source):
    """Noise around an offset at a jittered rate, in memory."""

    def __init__(self, name: str, rate: float, channels: int, seconds: float) -> None:
        random, rows, self.step = np.random.default_rng(len(name)), int(seconds * rate), int(1e9 / rate)
        self.name, self.times = name, np.arange(rows, dtype=np.int64) * self.step
        for first in range(0, rows, 1 << 20):
            part = self.times[first : first + (1 << 20)]
            part += (random.random(len(part), dtype=np.float32) * 0.3 * self.step).astype(np.int64)
        self.samples = np.empty((rows, channels), np.float32)
        for first in range(0, rows, 1 << 20):
            part = self.samples[first : first + (1 << 20)]
            part[:] = random.standard_normal(part.shape, dtype=np.float32) + 5
        self.channels = tuple(f"{name}{i}" for i in range(channels))

    def chunks(self) -> Iterator[Stream]:
        yield Stream(self.name, self.times, self.samples, self.channels, ("",) * len(self.channels), self.step)

    def fingerprint(self) -> dict[str, Any]:
        return {"made": self.samples.shape}


def made(rows: int) -> list[Made]:
    return [Made(name, rate, channels, rows / 1000) for name, (rate, channels) in SOURCES.items()]


def ticks_of(sources: list[Made]) -> np.ndarray:
    first, last = max(s.times[0] for s in sources), min(s.times[-1] for s in sources)
    return np.arange(-(-first // STEP), last // STEP + 1) * STEP


def with_dlkit(sources: list[Made], operation: str) -> np.ndarray:
    method, ahead = OPERATIONS[operation], operation in {"linear", "nearest"}
    given = {s.name: StreamInput(source=s, method={"*": method}, look_ahead=ahead) for s in sources}
    ticks = ticks_of(sources)
    width = sum(len(s.channels) for s in sources) * (len(method) if isinstance(method, list) else 1)
    out, row = np.empty((len(ticks), width), np.float32), 0
    for stream in Aligned(clock=Regular(step="10ms"), sources=given).chunks():
        out[row : row + len(stream.times)] = stream.values  # noqa: PD011 - an array
        row += len(stream.times)
    assert row == len(ticks)
    return out


def with_pandas(sources: list[Made], operation: str) -> np.ndarray:
    ticks, parts = pd.DatetimeIndex(ticks_of(sources)), []
    for source in sources:
        frame = pd.DataFrame(source.samples, index=pd.DatetimeIndex(source.times), columns=list(source.channels))
        if operation in {"as-of", "nearest"}:
            direction = "backward" if operation == "as-of" else "nearest"
            left = pd.DataFrame(index=ticks)
            found = pd.merge_asof(left, frame, left_index=True, right_index=True, direction=direction)
        elif operation == "linear":
            found = frame.reindex(frame.index.union(ticks)).interpolate(method="index").reindex(ticks)
        else:
            bins = frame.resample("10ms", closed="right", label="right")
            found = (bins.mean() if operation == "mean" else bins.agg(["min", "max", "std"])).reindex(ticks)
        parts.append(found.to_numpy(np.float32))
    return np.concatenate(parts, 1)


def with_polars(sources: list[Made], operation: str) -> np.ndarray:
    import polars as pl

    ticks, parts = pl.DataFrame({"t": ticks_of(sources)}).with_columns(pl.col("t").cast(pl.Datetime("ns"))), []
    for source in sources:
        columns = {name: source.samples[:, i] for i, name in enumerate(source.channels)}
        frame = pl.DataFrame({"t": source.times, **columns}).with_columns(pl.col("t").cast(pl.Datetime("ns")))
        names = pl.col(source.channels)
        if operation in {"as-of", "nearest"}:
            strategy: Any = "backward" if operation == "as-of" else "nearest"
            found = ticks.join_asof(frame.set_sorted("t"), on="t", strategy=strategy)
        elif operation == "linear":
            both = pl.concat([frame, ticks], how="diagonal").sort("t", maintain_order=True)
            both = both.with_columns(names.interpolate_by("t")).unique("t", keep="last", maintain_order=True)
            found = ticks.join(both, on="t", how="left", maintain_order="left")
        else:
            wanted = [names.mean()] if operation == "mean" else [
                expression for name in source.channels for expression in (
                    pl.col(name).min().alias(f"{name} min"), pl.col(name).max().alias(f"{name} max"),
                    pl.col(name).std().alias(f"{name} std"),
                )
            ]  # fmt: skip
            bins = frame.set_sorted("t").group_by_dynamic("t", every="10ms", closed="right", label="right").agg(wanted)
            found = ticks.join(bins, on="t", how="left", maintain_order="left")
        parts.append(found.drop("t").to_numpy().astype(np.float32))
    return np.concatenate(parts, 1)


CONTESTANTS: dict[str, Callable[[list[Made], str], np.ndarray]] = {
    "dlkit": with_dlkit, "pandas": with_pandas, "polars": with_polars,
}  # fmt: skip


def read_once(sources: list[Made]) -> float:
    return float(torch.from_numpy(sources[0].samples).sum()) + float(sources[0].times.max())


def compare(sources: list[Made]) -> None:
    """Refuse answers that differ where all have one; the standard deviation of a single sample is not compared."""
    for operation in OPERATIONS:
        answers = {name: contestant(sources, operation) for name, contestant in CONTESTANTS.items()}
        for name, answer in answers.items():
            ours, theirs = answers["dlkit"][100:-100], answer[100:-100]
            if operation == "min, max, std":  # dlkit's deviation is that of the population
                ours, theirs = (np.delete(a, np.s_[2::3], 1) for a in (ours, theirs))
            np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4, err_msg=f"{name}, {operation}")


def timed(action: Callable[[], Any]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) // 1024


def extra_memory(rows: int, name: str, operation: str) -> int:
    """Return the MB that a contestant takes beyond its inputs, measured in a process of its own."""
    command = [sys.executable, __file__, "--rows", str(rows), "--memory-of", name, operation]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_memory(rows: int, name: str, operation: str) -> None:
    contestant, few = CONTESTANTS[name], made(20_000)
    contestant(few, operation)  # imports
    sources = made(rows)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = resident("VmRSS")
    contestant(sources, operation)
    print(resident("VmHWM") - before)


def row(operation: str, rows: int, seconds: dict[str, float], memory: list[str]) -> str:
    speeds = [f"{rows / seconds[name] / 1e6:.1f}" for name in (*CONTESTANTS, "bound")]
    ratios = [f"{seconds[name] / seconds['dlkit']:.2f}" for name in ("pandas", "polars", "bound")]
    return "| " + " | ".join([operation, *speeds, *ratios, *memory]) + " |"


def measure(sources: list[Made], operation: str, rounds: int) -> dict[str, float]:
    """Return the median seconds of each contestant, which take turns."""
    actions = {name: functools.partial(contestant, sources, operation) for name, contestant in CONTESTANTS.items()}
    actions["bound"] = functools.partial(read_once, sources)
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(timed(action))
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--operations", nargs="+", default=list(OPERATIONS), choices=list(OPERATIONS))
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--memory-of", nargs=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.memory_of:
        print_memory(args.rows, *args.memory_of)
        return
    compare(made(200_000))
    sources, total = made(args.rows), dict.fromkeys((*CONTESTANTS, "bound"), 0.0)
    titles = [f"{name}, M rows/s" for name in (*CONTESTANTS, "bound")] + ["x pandas", "x polars", "of bound"]
    print("| " + " | ".join(["operation", *titles]) + " |")
    print("|-" * (len(titles) + 1) + "|", flush=True)
    for operation in args.operations:
        seconds = measure(sources, operation, args.rounds)
        total = {name: total[name] + seconds[name] for name in total}
        print(row(operation, args.rows, seconds, []), flush=True)
    print(row("all", args.rows * len(args.operations), total, []), flush=True)
    del sources
    for operation in () if args.skip_memory else args.operations:
        memory = [f"{extra_memory(args.rows, name, operation)} MB" for name in CONTESTANTS]
        print("| " + " | ".join([f"extra memory, {operation}", *memory]) + " |", flush=True)


if __name__ == "__main__":
    main()
