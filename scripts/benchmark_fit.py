"""DLinear on an hourly table of seven channels, the whole fit: dlkit beside NeuralForecast and Darts.

    python scripts/benchmark_fit.py ETTh1.parquet

Install darts and neuralforecast beside dlkit for the comparison; what is missing is left out. All train on the first
8,640 rows, standardized, look back 336 rows and predict the next 96 of every channel, in batches of 32 windows (of all
channels) with Adam for two epochs, without validation, with bar, logger and checkpoints as each has them by default.
The time is that of `fit`, which makes data set and trainer. Each round takes every contestant in turn.

NeuralForecast's DLinear trains on one channel at a time: 32 windows of seven channels are 224 of its windows.
"""

import argparse
import importlib.util
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from pytorch_lightning.loggers import TensorBoardLogger

from dlkit.core.runfolder import RunFolder
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.data.splits import ByFraction
from dlkit.models.dlinear import DLinear
from dlkit.tasks.forecast import Forecast
from dlkit.train.callbacks import QuietBar, run_callbacks
from dlkit.train.quiet import quiet_lightning

ROWS, BACK, FORWARD, BATCH, EPOCHS = 8_640, 336, 96, 32, 2
WINDOWS = ROWS - BACK - FORWARD + 1
STEPS = -(-WINDOWS // BATCH)


def dlkit(values: np.ndarray, folder: Path) -> float:
    """Return samples/s."""
    begin = time.perf_counter()
    data = TimeSeriesDataModule(
        source=Arrays(values.copy(), step="1h"), targets=["*"], look_back=BACK, look_forward=FORWARD, batch_size=BATCH,
        split=ByFraction(train=1.0, val=0.0, test=0.0),
    )  # fmt: skip
    task = Forecast(spec=data.spec, net=DLinear)
    trainer = pl.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", logger=TensorBoardLogger(folder, name="tensorboard", version=""),
        callbacks=[*run_callbacks(RunFolder(folder), monitored=False), QuietBar()],
    )  # fmt: skip
    trainer.fit(task, datamodule=data)
    return EPOCHS * WINDOWS / (time.perf_counter() - begin)


def darts(values: np.ndarray, folder: Path) -> float:
    """Return samples/s."""
    from darts import TimeSeries
    from darts.models import DLinearModel

    series = TimeSeries.from_values(values)
    begin = time.perf_counter()
    model = DLinearModel(
        BACK, FORWARD, shared_weights=True, batch_size=BATCH, n_epochs=EPOCHS, optimizer_kwargs={"lr": 1e-3},
        work_dir=str(folder), pl_trainer_kwargs={"accelerator": "cpu", "default_root_dir": str(folder)},
    )  # fmt: skip
    model.fit(series)
    return EPOCHS * WINDOWS / (time.perf_counter() - begin)


def neuralforecast(values: np.ndarray, folder: Path) -> float:
    """Return samples/s."""
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import DLinear as TheirDLinear

    channels = values.shape[1]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(channels), ROWS),
            "ds": np.tile(np.arange(ROWS), channels),
            "y": values.T.ravel(),
        }
    )
    begin = time.perf_counter()
    model = TheirDLinear(
        h=FORWARD, input_size=BACK, loss=MSE(), learning_rate=1e-3, max_steps=EPOCHS * STEPS, batch_size=channels,
        windows_batch_size=BATCH * channels, scaler_type="identity", accelerator="cpu", default_root_dir=str(folder),
    )  # fmt: skip
    NeuralForecast(models=[model], freq=1).fit(frame)
    return EPOCHS * WINDOWS / (time.perf_counter() - begin)


def main() -> None:
    """Print samples/s and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="Parquet file, e.g. ETTh1")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    quiet_lightning()
    values = pd.read_parquet(arguments.table).select_dtypes("number").to_numpy(np.float32)[:ROWS]
    values = np.ascontiguousarray((values - values.mean(0)) / values.std(0))
    contestants = {"dlkit": dlkit}
    contestants |= {f.__name__: f for f in (darts, neuralforecast) if importlib.util.find_spec(f.__name__)}
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(arguments.rounds):
        for name, run in contestants.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(run(values, Path(folder)))
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print("| | samples/s | dlkit / it |\n|-|-:|-:|")
    for name, speeds in found.items():
        ratio = statistics.median(a / b for a, b in zip(found["dlkit"], speeds, strict=True))
        print(f"| {name} | {statistics.median(speeds):,.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
