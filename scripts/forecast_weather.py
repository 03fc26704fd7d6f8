"""The main job in Python: the next day's temperature from three days of weather. Names are those of the YAML keys."""

from functools import partial
from pathlib import Path

import pytorch_lightning as pl

from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.weather import TMY3Weather
from dlkit.losses.quantile import Pinball
from dlkit.models.lstm import LSTM
from dlkit.models.revin import RevIN
from dlkit.tasks.forecast import Forecast
from dlkit.train.evaluation.evaluate import load_weights, test_beside_baselines

pl.seed_everything(42)
data = TimeSeriesDataModule(
    source=TMY3Weather(), targets=["temperature"], look_back="3d", look_forward="24h", calendar=["day", "year"],
    batch_size=64, eval_batch_size=512,
)  # fmt: skip
task = Forecast(spec=data.spec, net=partial(RevIN, net=partial(LSTM, hidden_size=64), affine=False), loss=Pinball())
best = pl.callbacks.ModelCheckpoint(monitor="val/loss", dirpath="runs/script")
trainer = pl.Trainer(max_epochs=10, accelerator="auto", devices=1, logger=False, callbacks=[best])
trainer.fit(task, datamodule=data)
load_weights(task, Path(best.best_model_path))
print(test_beside_baselines(task, data, trainer).table)
