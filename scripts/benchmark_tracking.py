"""What logging to an MLflow server costs a training step, beside TensorBoard alone and Lightning's own logger.

    mlflow server --host 127.0.0.1 --port 5000 &
    python scripts/benchmark_tracking.py --uri http://127.0.0.1:5000

A small DLinear, batch 32, four measures logged every 50 steps or every second one (the worst case). Contestants take
turns. "Own thread" is the processor time of the thread that trains, which other users of the machine change less; wall
time contains the waiting for the server, which runs on the same machine.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger, MLFlowLogger, TensorBoardLogger

from dlkit.core.runfolder import RunFolder
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.models.dlinear import DLinear
from dlkit.tasks.forecast import Forecast
from dlkit.train.callbacks import Telemetry
from dlkit.train.quiet import quiet_lightning
from dlkit.train.tracking import MLflow


class Clock(pl.Callback):
    """Notes wall time and processor time of this thread from the first logged step to the last."""

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, number: int) -> None:  # noqa: ARG002
        if number == 50:
            self.began = time.perf_counter(), time.thread_time()
        self.ended = time.perf_counter(), time.thread_time()
        self.steps = number - 50


def loggers(name: str, folder: Path) -> list[Logger]:
    """Return what a contestant logs to."""
    board = TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "TensorBoard and Lightning's MLFlowLogger":
        return [board, MLFlowLogger("benchmark", tracking_uri=ARGS.uri)]
    if name == "TensorBoard and dlkit's MLflow":
        own = MLflow(uri=ARGS.uri, experiment="benchmark")
        own.begin(RunFolder(folder), {})
        return [board, own]
    return [board]


def measure(name: str, every: int, steps: int) -> tuple[float, float]:
    """Return microseconds of a step: wall time, and processor time of the thread that trains."""
    values = np.random.default_rng(0).standard_normal((20_000, 7), dtype=np.float32)
    data = TimeSeriesDataModule(
        source=Arrays(values, step="1h"), targets=["x*"], look_back=96, look_forward=24, batch_size=32,
        batches_per_step=1,
    )  # fmt: skip
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            max_steps=steps, accelerator="cpu", limit_val_batches=0, enable_model_summary=False,
            enable_checkpointing=False, enable_progress_bar=False, log_every_n_steps=every,
            logger=loggers(name, Path(folder)), callbacks=[Telemetry(), clock],
        )  # fmt: skip
        trainer.fit(Forecast(spec=data.spec, net=DLinear), datamodule=data)
    wall, own = (1e6 * (b - a) / clock.steps for a, b in zip(clock.began, clock.ended, strict=True))
    return wall, own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", default="http://127.0.0.1:5000")
    parser.add_argument("--rounds", type=int, default=3)
    ARGS = parser.parse_args()
    quiet_lightning()
    torch.set_num_threads(1)
    print("| logged every | logger | us a step, wall | own thread | above TensorBoard alone |\n|-:|-|-:|-:|-:|")
    names = ("TensorBoard", "TensorBoard and dlkit's MLflow", "TensorBoard and Lightning's MLFlowLogger")
    for every, steps in ((50, 400), (2, 250)):
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for _ in range(ARGS.rounds):
            for name in names:
                found[name].append(measure(name, every, steps))
        for name in names:
            wall, own = (statistics.median(one[k] for one in found[name]) for k in range(2))
            more = statistics.median(a[1] - b[1] for a, b in zip(found[name], found[names[0]], strict=True))
            print(f"| {every} | {name} | {wall:.0f} | {own:.0f} | {more:.0f} |", flush=True)
