"""What a training step costs beside the bare PyTorch loop, and how fast an LSTM trains on a CPU.

    python scripts/benchmark_step.py step lstm

step: a small DLinear on one thread, the same batches for all, from the end of the first epoch to the end of the last;
processor time of the process, so that other users of the machine do not count. lstm: the packaged year of weather, the
same windows in the same order for all, wall time and the loss of each epoch; beside them what the multiplications of a
batch would take if all ran at the peak of the processor, which no program can beat. Each round takes every contestant
in turn.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch.nn import functional as F
from torch.optim import Adam

from dlkit.core.runfolder import RunFolder
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.data.sources.weather import TMY3Weather
from dlkit.models.base import Net
from dlkit.models.dlinear import DLinear
from dlkit.models.lstm import LSTM
from dlkit.tasks.forecast import Forecast
from dlkit.train.callbacks import QuietBar, run_callbacks
from dlkit.train.quiet import quiet_lightning

Run = tuple[list[float], list[float]]  # time at the end of each epoch, mean loss of each epoch


class Watch(pl.Callback):
    """Notes time and loss at the end of each epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.times, self.losses = clock, [], []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self.times.append(self.clock())

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch:
            self.on_train_end(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self.losses.append(float(trainer.callback_metrics.get("train/loss", torch.nan)))


class Tutorial(pl.LightningModule):
    """A module as Lightning's tutorials write it."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:  # noqa: ARG002
        loss = F.mse_loss(self.net(batch.x)[..., 0], batch.y)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Adam:
        return Adam(self.parameters(), lr=1e-3, fused=True)


def bare(data: TimeSeriesDataModule, net: Net, epochs: int, clock: Callable[[], float]) -> Run:
    """Train in the plain loop, on the batches of the data module."""
    data.batches_per_step = 1
    optimizer, loader = Adam(net.parameters(), lr=1e-3), data.train_dataloader()
    times, losses = [], []
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        found = []
        for batch in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(net(batch.x)[..., 0], batch.y)
            loss.backward()
            optimizer.step()
            found.append(loss.detach())
        times.append(clock())
        losses.append(float(torch.stack(found).mean()))
    return times, losses


def lightning(
    data: TimeSeriesDataModule,
    net: Net,
    epochs: int,
    clock: Callable[[], float],
    *,
    tutorial: bool = False,
    **settings: Any,
) -> Run:
    """Train by Lightning with bar, logger and checkpoints: dlkit's, or what Lightning makes by default."""
    watch = Watch(clock)
    with tempfile.TemporaryDirectory() as folder:
        own = {"callbacks": [watch], "default_root_dir": folder}
        task: pl.LightningModule = Tutorial(net)
        if not tutorial:
            task = Forecast(spec=data.spec, net=lambda _: net)
            callbacks = [*run_callbacks(RunFolder(Path(folder)), monitored=False), QuietBar(), watch]
            own = {"callbacks": callbacks, "logger": TensorBoardLogger(folder, name="tensorboard", version="")}
        trainer = pl.Trainer(
            max_epochs=epochs, accelerator="cpu", limit_val_batches=0, enable_model_summary=False, **own, **settings
        )
        trainer.fit(task, datamodule=data)
    return watch.times, watch.losses


def step() -> None:
    torch.set_num_threads(1)
    values = np.random.default_rng(0).standard_normal((8_640, 7), dtype=np.float32)
    epochs, found = 5, {}
    for _ in range(ARGS.rounds):
        for name, run, settings in (
            ("bare PyTorch loop", bare, {}),
            ("dlkit, batches_per_step: auto", lightning, {}),
            ("dlkit, batches_per_step: 1", lightning, {}),
            ("Lightning's defaults", partial(lightning, tutorial=True), {}),
        ):
            data = TimeSeriesDataModule(
                source=Arrays(values, step="1h"), targets=["x*"], look_back=96, look_forward=24, batch_size=32,
                batches_per_step="auto" if name.endswith("auto") else 1,
            )  # fmt: skip
            net = DLinear(data.spec.with_parameters(1))
            times, _losses = run(data, net, epochs, time.process_time, **settings)
            batches = -(-len(data.prepared.windows["train"]) // 32) * (epochs - 1)
            found.setdefault(name, []).append(1e6 * (times[-1] - times[0]) / batches)
            if name.endswith("auto"):
                several = data.batches_per_step
    print(
        f"\nA training step, batch 32; auto chose {several} batches a step\n| | us | above the bare loop |\n|-|-:|-:|"
    )
    for name, cost in found.items():
        more = statistics.median(a - b for a, b in zip(cost, found["bare PyTorch loop"], strict=True))
        print(f"| {name} | {statistics.median(cost):.0f} | {more:.0f} |", flush=True)


def peak(dtype: torch.dtype, size: int = 1024) -> float:
    """Return the FLOP/s of a large multiplication of matrices, the best of twenty, on the threads that torch has."""
    a, times = torch.randn(size, size, dtype=dtype), []
    for _ in range(20):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times)


def lstm_flop(*, batch: int, steps: int, inputs: int, hidden: int) -> int:
    """Return the work of forward and backward: three multiplications of matrices (answer, inputs, weights)."""
    return 3 * 2 * steps * batch * 4 * hidden * (inputs + hidden)


def lstm() -> None:
    epochs, found, curves = 3, {}, {}
    contestants: dict[str, Callable[..., Run]] = {
        "plain loop, float32": bare,
        "dlkit, float32": lightning,
        "dlkit, bf16": partial(lightning, precision="bf16-mixed"),
    }
    peaks: dict[str, list[float]] = {"float32": [], "bf16": []}
    for _ in range(ARGS.rounds):
        for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
            peaks[name].append(peak(dtype))
        for name, run in contestants.items():
            data = TimeSeriesDataModule(
                source=TMY3Weather(), targets=["*"], look_back=336, look_forward=96, batch_size=32, stride=4
            )
            torch.manual_seed(0)
            net = LSTM(data.spec.with_parameters(1), hidden_size=128)
            times, curves[name] = run(data, net, epochs, time.perf_counter)
            batches = -(-len(data.prepared.windows["train"]) // 32) * (epochs - 1)
            found.setdefault(name, []).append(1e3 * (times[-1] - times[0]) / batches)
    plain, reference = found["plain loop, float32"], curves["plain loop, float32"]
    print("\nLSTM 128, look-back 336, batch 32\n| | ms | times as fast | loss of each epoch | largest difference |")
    print("|-|-:|-:|-|-:|")
    for name, cost in found.items():
        faster = statistics.median(a / b for a, b in zip(plain, cost, strict=True))
        apart = max(abs(a / b - 1) for a, b in zip(curves[name], reference, strict=True))
        losses = " ".join(f"{loss:.4f}" for loss in curves[name])
        print(f"| {name} | {statistics.median(cost):.1f} | {faster:.2f} | {losses} | {apart:.1e} |", flush=True)
    work = lstm_flop(batch=32, steps=336, inputs=len(data.spec.channels), hidden=128)
    for name, speeds in peaks.items():
        fastest = [1e3 * work / speed for speed in speeds]
        faster = statistics.median(a / b for a, b in zip(plain, fastest, strict=True))
        at = f"{work / 1e9:.2f} GFLOP at the peak of {statistics.median(speeds) / 1e9:.0f} GFLOP/s"
        print(f"| bound, {name}: {at} | {statistics.median(fastest):.1f} | {faster:.2f} | | |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["step", "lstm"], choices=["step", "lstm"])
    parser.add_argument("--rounds", type=int, default=5)
    ARGS = parser.parse_args()
    quiet_lightning()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in lines if "model name" in line), platform.machine())
    print(f"{model}, {os.cpu_count()} cores, torch {torch.__version__}")
    for part in ARGS.parts:
        {"step": step, "lstm": lstm}[part]()
