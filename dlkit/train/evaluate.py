"""Test a task beside its baselines, write predictions, figures and the summary of a run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, write_json
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.models.repeat_last import RepeatLast
from dlkit.models.seasonal_naive import SeasonalNaive
from dlkit.report.canvas import save_figure
from dlkit.report.tables import Scores, metric_table_text
from dlkit.tasks.forecast import Forecast, Prediction
from dlkit.train.checkpoints import load_checkpoint
from dlkit.train.panels import draw_windows, horizon_panel


def load_weights(task: pl.LightningModule, path: Path) -> None:
    """Put the weights of a checkpoint into a task.

    Raises:
        InputError: The checkpoint is damaged or belongs to other data or another network.
    """
    checkpoint = load_checkpoint(path)
    task.on_load_checkpoint(checkpoint)
    try:
        task.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:2]]
        raise InputError(
            f"The weights in '{path}' do not fit the network of the config ({lines[0] if lines else 'other shapes'}): "
            "use the config.yaml of the same run."
        ) from error


def quiet_trainer(like: pl.Trainer, callbacks: list[pl.Callback] | None = None) -> pl.Trainer:
    """Return a trainer on the same device that writes nothing by itself."""
    return pl.Trainer(
        accelerator=like.strategy.root_device.type if like.strategy.root_device.type != "cuda" else "gpu",
        devices=1,
        logger=False,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def baselines_of(data: TimeSeriesDataModule) -> dict[str, Forecast]:
    """Return repeat-last and, where the look-back holds a season, seasonal-naive, ready to be tested."""
    found: dict[str, Forecast] = {}
    for name, net in (("repeat last", RepeatLast), ("seasonal naive", SeasonalNaive)):
        try:
            found[name] = Forecast(spec=data.spec, net=net)
        except InputError:
            continue
        found[name].take_scaling(data)
    return found


def errors_as_dict(task: Forecast) -> dict[str, Any]:
    """Return all measures of the test as plain numbers: overall, per horizon, per channel."""
    result: dict[str, Any] = {}
    for units, errors in (("standardized", task.test_scores.standardized), ("physical", task.test_scores.physical)):
        channel = {name: value.tolist() for name, value in errors.per_channel().items()}
        result[units] = {
            "overall": {name: float(value) for name, value in errors.compute().items()},
            "per_horizon": {name: value.tolist() for name, value in errors.per_horizon().items()},
            "per_channel": {
                name: dict(zip(task.spec.targets, values, strict=True)) for name, values in channel.items()
            },
        }
    return result


def scores_of(task: Forecast) -> Scores:
    """Return what the summary table shows of a tested task."""
    channel, overall = task.test_scores.physical.per_channel(), task.test_scores.standardized.compute()
    shown = {name: float(overall[name]) for name in ("mse", "mae", "mase")}
    if task.loss.level is not None:
        shown[f"in {100 * task.loss.level:.3g} %"] = float(overall["coverage"])
    return Scores(channel["mae"].tolist(), channel["rmse"].tolist(), shown)


@dataclass(frozen=True)
class Tested:
    """A tested task beside its baselines.

    Attributes:
        table: The summary as text.
        measures: All measures as plain types.
        rivals: The baselines by name, tested on the same windows.
    """

    table: str
    measures: dict[str, Any]
    rivals: dict[str, Forecast]


def test_beside_baselines(task: Forecast, data: TimeSeriesDataModule, trainer: pl.Trainer) -> Tested:
    """Test a task and its baselines on the same windows.

    Raises:
        InputError: There is no test window.
    """
    windows = data.count("test")
    require(windows > 0, "There is no test window: give `split` a test part that is longer than `look_forward`.")
    rivals = baselines_of(data)
    for one in (task, *rivals.values()):
        quiet_trainer(trainer).test(one, datamodule=data, verbose=False)
    scores = {"model": scores_of(task)} | {name: scores_of(rival) for name, rival in rivals.items()}
    table = metric_table_text(scores, targets=task.spec.targets, units=task.spec.target_units)
    if "seasonal naive" not in rivals:
        back, season = task.spec.size[0], task.spec.season
        table += f"\nno seasonal naive: the look-back of {back} samples does not hold the season of {season}"
    measures = {
        "test_windows": windows,
        "look_back": task.spec.size[0],
        "parameters": sum(p.numel() for p in task.parameters() if p.requires_grad),
        "test": errors_as_dict(task),
        "baselines": {name: errors_as_dict(rival) for name, rival in rivals.items()},
    }
    return Tested(table, measures, rivals)


def write_test(run: RunFolder, task: Forecast, data: TimeSeriesDataModule, tested: Tested) -> None:
    """Write metrics, summary and figures of a test into the run folder."""
    known = read_json(run.metrics) if run.metrics.exists() else {}
    write_json(run.metrics, known | tested.measures)
    with atomic_file(run.summary) as work:
        work.write_text(tested.table + "\n", encoding="utf-8")
    for target, figure in draw_windows(task, data, "test", 4):
        save_figure(figure, run.figures / f"forecast_{re.sub(r'[^A-Za-z0-9_.-]+', '_', target)}.png")
    tasks = {"model": task} | tested.rivals
    panel = horizon_panel({name: one.test_scores for name, one in tasks.items()}, task.spec)
    save_figure(panel, run.figures / "error_per_horizon.png")


class PredictionTable(BasePredictionWriter):
    """Writes every forecast as a row: series, target, issue time, time, horizon, prediction, bounds, truth.

    Times are UTC, or seconds where the source counts from a start; values have the unit of the target. Rows are written
    batch by batch.

    Args:
        path: The Parquet file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__("batch")
        self.path = path
        self._writer: Any = None
        self.rows = 0

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Prediction,
        batch_indices: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Append the rows of a batch."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert isinstance(pl_module, Forecast)
        table = pa.table(prediction_columns(prediction, pl_module, trainer.datamodule))  # type: ignore[attr-defined]
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self.rows += len(table)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def prediction_columns(prediction: Prediction, task: Forecast, data: TimeSeriesDataModule) -> dict[str, np.ndarray]:
    """Return the columns of the prediction table for a batch."""
    starts, (windows, horizon, targets) = prediction.start.cpu().numpy(), prediction.point.shape
    geometry, table = data.geometry, data.prepared.table
    rows = starts[:, None] + geometry.lead + np.arange(horizon)
    series = np.array(table.names, dtype=object)[
        table.series[np.searchsorted(table.segments[:, 0], starts, side="right") - 1]
    ]
    issued = data.clock(table.times[starts + geometry.lead - geometry.gap - 1])
    shape = (windows, horizon, targets)

    def spread(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(np.expand_dims(values, axes), shape).ravel()

    columns = {
        "series": spread(series, (1, 2)),
        "target": spread(np.array(task.spec.targets, dtype=object), (0, 1)),
        "unit": spread(np.array(task.spec.target_units, dtype=object), (0, 1)),
        "issued": spread(issued, (1, 2)),
        "time": spread(data.clock(table.times[rows]), (2,)),
        "horizon": spread(np.arange(1, horizon + 1, dtype=np.int32), (0, 2)),
        "prediction": prediction.point.float().cpu().numpy().ravel(),
    }
    for name in ("lower", "upper", "truth"):
        values = getattr(prediction, name)
        columns[name] = (
            np.full(columns["prediction"].shape, np.nan, np.float32)
            if values is None
            else values.float().cpu().numpy().ravel()
        )
    return columns


def write_predictions(path: Path, task: Forecast, data: TimeSeriesDataModule, trainer: pl.Trainer) -> int:
    """Predict every test window, write the table and return its number of rows."""
    with atomic_file(path) as work:
        writer = PredictionTable(work)
        try:
            quiet_trainer(trainer, [writer]).predict(task, datamodule=data, return_predictions=False)
        finally:
            writer.close()
    return writer.rows
