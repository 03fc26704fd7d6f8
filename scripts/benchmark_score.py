"""How long anomaly scores of a long recording take, as a multiple of the network's own forward time.

    python scripts/benchmark_score.py [--rows 31536000] [--model lstm_autoencoder.LSTMAutoencoder] [--merge causal]

A table of 1 Hz x 32 channels, white noise, is scored: windows of ``--look-back`` rows every quarter of that (every row
for "causal"), merged errors, scores, alarms. The other contestant is ``net(x)`` alone on the very same windows; making
them is not counted. Contestants take turns; a year (31,536,000 rows) takes minutes to an hour, so the default is a
slice. Peak memory is that of scoring, above the table itself.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.thresholds import Quantile
from dlkit.data.base import Source
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.records import Stream
from dlkit.data.splits import ByFraction
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import row_errors

SECOND = 10**9


class Noise(Source):
    """White noise, once a second, made chunk by chunk."""

    def __init__(self, rows: int, channels: int) -> None:
        self.shape = (rows, channels)

    def fingerprint(self) -> dict[str, Any]:
        return {"noise": self.shape}

    def chunks(self) -> Iterator[Stream]:
        (rows, width), generator = self.shape, np.random.default_rng(0)
        names = tuple(f"x{i}" for i in range(width))
        for first in range(0, rows, 100_000):
            times = np.arange(first, min(first + 100_000, rows), dtype=np.int64) * SECOND
            values = generator.standard_normal((len(times), width), dtype=np.float32)
            yield Stream("noise", times, values, names, ("",) * width, SECOND, continues=first > 0)


def resident(kind: str) -> int:
    """Return the resident memory, VmRSS, or its peak, VmHWM, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(kind)).split()[1])


def job(args: argparse.Namespace) -> tuple[ReconstructionDataModule, Reconstruct]:
    data = ReconstructionDataModule(
        source=Noise(args.rows, args.channels), look_back=args.look_back, eval_batch_size=args.batch,
        split=ByFraction(train=0.02, val=0.01, test=0.97), placement="host", batches_per_step=1,
    )  # fmt: skip
    file, _, name = args.model.rpartition(".")
    task = Reconstruct(spec=data.spec, net=getattr(import_module(f"dlkit.models.{file}"), name))
    task.take_scaling(data)
    data.setup()
    return data, task.eval()


def forward(data: ReconstructionDataModule, task: Reconstruct, stride: int, clock: Callable[[], float]) -> float:
    """Return the seconds in the network on all windows that test."""
    spent = 0.0
    with torch.no_grad():
        for starts in data.scoring_starts("test", stride).split(data.eval_batch_size):
            x = data.make_batch(starts).x
            begin = clock()
            task.net(x)
            spent += clock() - begin
    return spent


def main(args: argparse.Namespace) -> None:
    data, task = job(args)
    clock = {"wall": time.perf_counter, "cpu": time.process_time}[args.clock]
    detector = Detector(merge=args.merge, threshold=Quantile(), smooth=5)
    stride, borders = detector.stride_of(args.look_back), data.segments("test")
    errors = row_errors(task, data, "val", merge=args.merge, stride=stride)
    fitted = detector.fit(errors, data.rows_of("val"), data.segments("val"))
    alone, whole = [], []
    for _ in range(args.rounds):
        alone.append(forward(data, task, stride, clock))
        del errors
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        begin = clock()
        errors = row_errors(task, data, "test", merge=args.merge, stride=stride)
        scores = fitted.scores(errors, borders)
        alarms = fitted.alarms(scores, borders)
        whole.append(clock() - begin)
        peak = resident("VmHWM") - before
    windows = len(data.scoring_starts("test", stride))
    ratios = [one / other for one, other in zip(whole, alone, strict=True)]
    print(f"{windows:,} windows, {int(alarms.sum()):,} rows alarmed, seconds by the {args.clock} clock")
    print(f"network {statistics.median(alone):.2f} s, scoring {statistics.median(whole):.2f} s")
    print(f"scoring / network: {statistics.median(ratios):.2f} (rounds {', '.join(f'{r:.2f}' for r in ratios)})")
    table = args.rows * args.channels * 4
    print(f"peak memory of scoring {peak / 1e6:.0f} MB, the table {table / 1e6:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--look-back", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--merge", choices=["overlap", "causal"], default="overlap")
    parser.add_argument("--model", default="autoencoder.ConvAutoencoder", help="file.Class in dlkit.models")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu where others use the machine")
    ARGS = parser.parse_args()
    torch.set_num_threads(ARGS.threads)
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    print(model.partition(": ")[2], platform.machine(), f"{os.cpu_count()} cores, torch {torch.__version__}")
    main(ARGS)
