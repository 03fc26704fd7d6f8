"""How a training speeds up with 1, 2 and 4 processes, what adding up gradients costs, and whether the model knows it.

    python scripts/benchmark_scaling.py                        # gloo on CPUs, one thread a process
    python scripts/benchmark_scaling.py --devices 1 2 4 8      # NCCL, where there are as many GPUs

Lightning's DDP on dlkit's task and data module, a small and a large network. Weak: the same batch in every process;
strong: one batch divided among them. In each training blocks of steps with and without adding up the gradients take
turns, so the difference is what communication costs; the same bytes are added up alone as well. The bound of that is
the ring's 2 (n - 1) / n of the bytes at the best speed at which every process passes 1, 4 or 32 MB on to the next.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from scaling_model import bucket_share, exposed_time, ring_time, slowest_of

from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.models.mlp import MLP
from dlkit.tasks.forecast import Forecast
from dlkit.train.quiet import quiet_lightning

NETWORKS = {"small": {"hidden_size": 128}, "large": {"hidden_size": 1024, "layers": 4}}
BATCH, BLOCK = 128, 6
WIRE = (2**20, 2**22, 2**25)
CORES = len(os.sched_getaffinity(0))


class Turns(pl.Callback):
    """Times blocks of steps; in every other one the gradients stay in their process."""

    def __init__(self, blocks: int, device: str) -> None:
        self.blocks, self.device, self.began = blocks, device, 0.0
        self.times: dict[bool, list[float]] = {True: [], False: []}

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, number: int) -> None:  # noqa: ARG002
        self.adds = trainer.world_size == 1 or (number // BLOCK) % 2 == 0
        trainer.strategy.model.require_backward_grad_sync = self.adds

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, number: int) -> None:  # noqa: ARG002
        place = number % BLOCK
        if place in (0, BLOCK - 1):  # the first of a block waits for the others
            if self.device == "gpu":
                torch.cuda.synchronize()
            now = time.perf_counter()
            if place and number > 2 * BLOCK:
                self.times[self.adds].append((now - self.began) / (BLOCK - 1))
            self.began = now


def usual(times: list[float]) -> float:
    """Return the lower quartile: other users of the machine make some times longer, none shorter."""
    return float(np.quantile(times, 0.25))


def clocked(work: Any, times: int, device: str) -> float:
    """Return the time of some work that all processes begin together."""
    found = []
    for _ in range(times):
        if dist.is_initialized():
            dist.barrier()
        began = time.perf_counter()
        work()
        if device == "gpu":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return usual(found[1:])


def pass_on(size: int, where: torch.device) -> Any:
    """Return what sends ``size`` bytes to the next process and takes as many from the one before."""
    rank, world = dist.get_rank(), dist.get_world_size()
    sent, taken = torch.zeros(size // 4, device=where), torch.zeros(size // 4, device=where)

    def work() -> None:
        pair = [
            dist.P2POp(dist.isend, sent, (rank + 1) % world),
            dist.P2POp(dist.irecv, taken, (rank - 1) % world),
        ]
        for one in dist.batch_isend_irecv(pair):
            one.wait()

    return work


def wires(sizes: dict[str, int], device: str, where: torch.device) -> dict[str, Any]:
    """Return bandwidth and latency between processes, and the times of all-reduces."""
    block = torch.zeros(WIRE[-1] // 4, device=where)
    found: dict[str, Any] = {"copy": WIRE[-1] / clocked(block.clone, 9, device)}
    if dist.is_initialized():
        found["wire"] = max(size / clocked(pass_on(size, where), 9, device) for size in WIRE)
        found["latency"] = clocked(pass_on(4, where), 30, device)
        for name, size in sizes.items():
            gradient = torch.zeros(size // 4, device=where)
            found[f"reduce {name}"] = clocked(lambda part=gradient: dist.all_reduce(part), 9, device)
    return found


def train(data: TimeSeriesDataModule, name: str, device: str, world: int, blocks: int) -> dict[str, Any]:
    """Return the times of a step with and without adding up gradients, and of making a batch alone."""
    turns = Turns(blocks, device)
    torch.manual_seed(0)
    task = Forecast(spec=data.spec, net=lambda spec: MLP(spec, dropout=0.0, **NETWORKS[name]))
    trainer = pl.Trainer(
        accelerator=device, devices=world, strategy="ddp" if world > 1 else "auto", max_steps=blocks * BLOCK,
        max_epochs=-1, limit_val_batches=0, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[turns],
    )  # fmt: skip
    trainer.fit(task, datamodule=data)
    loader = iter(data.train_dataloader())
    load = clocked(lambda: next(loader), min(20, len(data.train_dataloader()) - 1), device)
    return {"with": turns.times[True], "without": turns.times[False], "load": load}


def data_module(batch: int) -> TimeSeriesDataModule:
    values = np.random.default_rng(0).standard_normal((40_000, 7), dtype=np.float32)
    return TimeSeriesDataModule(
        source=Arrays(values, step="1h"), targets=["x*"], look_back=96, look_forward=24, batch_size=batch,
        batches_per_step=1,
    )  # fmt: skip


def gradient_bytes(name: str) -> int:
    net = MLP(data_module(BATCH).spec.with_parameters(1), dropout=0.0, **NETWORKS[name])
    return 4 * sum(p.numel() for p in net.parameters())


def worker(device: str, blocks: int, out: Path) -> None:
    quiet_lightning()
    torch.set_num_threads(1)
    rank, world = int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])
    where = torch.device("cuda", rank) if device == "gpu" else torch.device("cpu")
    if device == "gpu":
        torch.cuda.set_device(where)
    if world > 1:
        dist.init_process_group("nccl" if device == "gpu" else "gloo", rank=rank, world_size=world)
    sizes = {name: gradient_bytes(name) for name in NETWORKS}
    found: dict[str, Any] = {"sizes": sizes, "wires": wires(sizes, device, where)}
    for mode, batch in (("weak", BATCH), ("strong", BATCH // world))[: min(world, 2)]:
        data = data_module(batch)
        for name in NETWORKS:
            found[f"{name} {mode}"] = train(data, name, device, world, blocks if name == "large" else 3 * blocks)
    if rank == 0:
        out.write_text(json.dumps(found))


def measure(world: int, device: str, blocks: int) -> dict[str, Any]:
    """Start ``world`` processes and return what the first measured."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world), "NODE_RANK": "0"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [sys.executable, __file__, "--worker", str(out), "--accelerator", device, "--blocks", str(blocks)]
        running = [
            subprocess.Popen(command, env=os.environ | shared | {"LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"})
            for rank in range(world)
        ]
        codes = [one.wait() for one in running]
        assert not any(codes), codes
        return json.loads(out.read_text())


HEAD = (
    "network, gradients", "batch", "n", "samples/s", "efficiency", "ms a step", "not added up", "loader alone",
    "all-reduce alone, ms", "its bound", "hidden", "model, ms", "off",
)  # fmt: skip


def modelled(
    n: int, batch: int, size: int, one: list[float], wire: dict[str, float], crowd: float, hides: bool
) -> float:
    """Return what the model makes of the steps of one process and the wire between two.

    Args:
        n: Number of processes.
        batch: Samples of one of them.
        size: Bytes of the gradients.
        one: Times of steps of one process with ``BATCH`` samples.
        wire: Bandwidth and latency between two processes.
        crowd: Processes that share a core.
        hides: Sending runs beside computing; on CPUs it takes the same core.
    """
    compute = crowd * usual(one) * batch / BATCH
    deviation = crowd * (np.quantile(one, 0.5) - usual(one)) / 0.67 * batch / BATCH
    reduce = crowd * ring_time(n, size, wire["wire"], wire["latency"]) if n > 1 else 0.0
    return compute + exposed_time(reduce, 2 / 3 * compute * hides, bucket_share(size)) + slowest_of(n, deviation)


def row(found: dict[int, dict[str, Any]], name: str, mode: str, n: int, device: str) -> tuple[list[str], float]:
    """Return the cells of a training and by which share of it the model is off."""
    case, wire, size = found[n][f"{name} {mode}"], found[n]["wires"], found[n]["sizes"][name]
    one, batch = found[1][f"{name} weak"]["with"], BATCH if mode == "weak" else BATCH // n
    step, without = usual(case["with"]), usual(case["without"] or case["with"])
    crowd = max(1.0, n / CORES) if device == "cpu" else 1.0
    told = modelled(n, batch, size, one, found[min(n, 2)]["wires"], crowd, device == "gpu")
    alone = wire.get(f"reduce {name}", 0.0)
    bound = 2 * (n - 1) / n * size / wire["wire"] if alone else 0.0
    hidden = f"{1 - (step - without) / alone:.0%}" if alone else "-"
    times = [f"{1e3 * value:.2f}" for value in (step, without)]
    reduced = [f"{1e3 * value:.2f}" for value in (alone, bound)]
    cells = [f"{name}, {size / 1e6:.2g} MB", f"{mode}, {batch}", str(n), f"{batch * n / step:,.0f}"]
    cells += [f"{batch * usual(one) / step / BATCH:.0%}", *times, f"{case['load'] / step:.0%}", *reduced]
    return [*cells, hidden, f"{1e3 * told:.2f}", f"{told / step - 1:+.0%}"], abs(told / step - 1)


def report(found: dict[int, dict[str, Any]], device: str) -> None:
    """Print what was measured beside what the model says."""
    print("\n| " + " | ".join(HEAD) + " |\n|-|-|" + "-:|" * (len(HEAD) - 2))
    off = []
    for name in NETWORKS:
        for mode in ("weak", "strong"):
            for n in found if mode == "weak" else list(found)[1:]:
                cells, error = row(found, name, mode, n, device)
                print("| " + " | ".join(cells) + " |")
                off += [error] if n > 1 and (n <= CORES or device == "gpu") else []
    print()
    for n in list(found)[1:]:
        wire = found[n]["wires"]
        speeds = f"{wire['wire'] / 1e9:.2f} GB/s to the next, {1e6 * wire['latency']:.0f} us for a number"
        print(f"{n} processes: {speeds}; {wire['copy'] / 1e9:.1f} GB/s copied in memory by each")
    if device == "cpu" and max(found) > CORES:
        print(f"{CORES} cores: rows of more than {CORES} processes show what sharing cores costs, not scaling.")
    if off:
        print(f"Where every process has a core or a GPU of its own the model is off by {max(off):.0%} at most.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", nargs="+", type=int, default=[1, 2, 4], metavar="N", help="Numbers of processes.")
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default=None)
    parser.add_argument("--blocks", type=int, default=12, help=f"Blocks of {BLOCK} steps.")
    parser.add_argument("--worker", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    kind = options.accelerator or ("gpu" if torch.cuda.device_count() >= max(options.devices) else "cpu")
    if options.worker is not None:
        worker(kind, options.blocks, options.worker)
        sys.exit()
    began = time.perf_counter()
    print(f"{kind}, {CORES} cores, {torch.cuda.device_count()} GPUs, torch {torch.__version__}")
    report({n: measure(n, kind, options.blocks) for n in sorted({1, *options.devices})}, kind)
    print(f"{time.perf_counter() - began:.0f} s")
