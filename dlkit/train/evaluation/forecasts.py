"""Forecasts beside repeat-last and seasonal-naive, in both units, over the horizon and for each target."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl

from dlkit.core.checks import InputError
from dlkit.data.base import Source
from dlkit.models.base import NetFactory
from dlkit.models.repeat_last import RepeatLast
from dlkit.models.seasonal_naive import SeasonalNaive
from dlkit.report.canvas import with_unit
from dlkit.report.sample_tables import Better
from dlkit.report.tables import Scores, metric_table_text
from dlkit.tasks.forecast import Forecast, Prediction
from dlkit.tasks.scores import ForecastScores
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of, quiet_trainer
from dlkit.train.evaluation.naive_sources import LastOfParts, TrainingMean
from dlkit.train.views.panels import draw_windows, horizon_panel

if TYPE_CHECKING:
    import matplotlib.figure


def baselines_of(data: Any) -> dict[str, Forecast]:
    """Return repeat-last and, where the look-back holds a season, seasonal-naive, ready to be tested.

    Of several sources, repeat-last where all targets are inputs, and the mean of training; none for one of several
    heads, whose data cannot be handed out alone.
    """
    found: dict[str, Forecast] = {}
    of_one: dict[str, NetFactory] = {"repeat last": RepeatLast, "seasonal naive": SeasonalNaive}
    of_several: dict[str, NetFactory] = {"repeat last": LastOfParts, "training mean": TrainingMean}
    alone = isinstance(data, pl.LightningDataModule)
    for name, net in (of_several if data.spec.parts else of_one).items() if alone else ():
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


def scores_of(task: Forecast, scores: ForecastScores) -> Scores:
    """Return what the summary table shows of a measured task."""
    channel, overall = scores.physical.per_channel(), scores.standardized.compute()
    shown = {name: float(overall[name]) for name in ("mse", "mae", "mase")}
    if task.loss.level is not None:
        shown[f"in {100 * task.loss.level:.3g} %"] = float(overall["coverage"])
    return Scores(channel["mae"].tolist(), channel["rmse"].tolist(), shown)


class ForecastEvaluation(Evaluation):
    """How forecasts are measured, drawn and written down.

    The prediction table has a row for each predicted value: series, target, unit, issue time, time, horizon,
    prediction, bounds, truth. Times are UTC, or seconds where the source counts from a start.
    """

    thing = "window"
    task: Forecast
    data: Any

    def tested(self, predictions: Sequence[Prediction], trainer: pl.Trainer) -> Tested:
        """Return the result of the task, and that of its baselines on the same windows."""
        task, data = self.task, self.data
        self.rivals = baselines_of(data)
        for one in self.rivals.values():
            quiet_trainer(trainer).test(one, datamodule=data, verbose=False)
        measures: dict[str, Any] = {
            "test_windows": data.count("test"),
            "look_back": data.geometry.look_back,
            "parameters": sum(p.numel() for p in task.parameters() if p.requires_grad),
            "test": errors_as_dict(task),
            "baselines": {name: errors_as_dict(rival) for name, rival in self.rivals.items()},
        }
        physical = measures["test"]["physical"]["overall"]
        headline = dict(measures["test"]["standardized"]["overall"])
        headline |= {f"physical_{name}": physical[name] for name in physical if name not in ("mase", "coverage")}
        return Tested(self.table("test"), measures, headline)

    def brief(self, task: Forecast) -> dict[str, tuple[float, Better]]:
        """Return the errors of everything, and the mean absolute error of each target in its unit."""
        spec, overall = self.task.spec, task.test_scores.standardized.compute()
        found: dict[str, tuple[float, Better]] = {
            name.upper(): (float(overall[name]), "low") for name in ("mae", "mse")
        }
        errors = task.test_scores.physical.per_channel()["mae"].tolist()
        for target, unit, error in zip(spec.targets, spec.target_units, errors, strict=True):
            found[f"MAE {with_unit(target, unit)}"] = (error, "low")
        return found

    def table(self, stage: str) -> str:
        """Return the table of the errors, in the test beside the baselines."""
        task, rivals = self.task, self.rivals if stage == "test" else {}
        scores = {"model": scores_of(task, task.test_scores if stage == "test" else task.val_scores)}
        scores |= {name: scores_of(rival, rival.test_scores) for name, rival in rivals.items()}
        table = metric_table_text(scores, targets=task.spec.targets, units=task.spec.target_units)
        if stage == "test" and not task.spec.parts and "seasonal naive" not in rivals:
            back, season = self.data.geometry.look_back, task.spec.season
            table += f"\nno seasonal naive: the look-back of {back} samples does not hold the season of {season}"
        return table

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield windows of each target, and the error over the horizon."""
        for target, figure in draw_windows(self.task, self.data, "test", 4):
            yield f"forecast_{re.sub(r'[^A-Za-z0-9_.-]+', '_', target)}", figure
        tasks = {"model": self.task} | self.rivals
        panel = horizon_panel({name: one.test_scores for name, one in tasks.items()}, self.task.spec)
        yield "error_per_horizon", panel

    def on_new(self, source: Source) -> "ForecastEvaluation":
        """Return the evaluation on every window of another source."""
        task = self.task
        data = self.data.for_new_data(source, task.scaling, spec=task.spec, static_scaling=task.static_scaling)
        return ForecastEvaluation(task, data)

    def columns(self, prediction: Prediction) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table for a batch."""
        task, data, shape = self.task, self.data, tuple(prediction.point.shape)
        starts, (_, horizon, _) = prediction.start.cpu().numpy(), shape
        geometry, table = data.geometry, data.prepared.table
        first = starts + geometry.lead - geometry.gap + task.spec.gap
        rows = first[:, None] + np.arange(horizon)
        series = table.names_of(starts)
        issued = data.clock(table.times[first - task.spec.gap - 1])

        def spread(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
            return np.broadcast_to(np.expand_dims(values, axes), shape).ravel()

        columns = {
            "series": spread(series, (1, 2)),
            "target": spread(np.array(task.spec.targets, dtype=object), (0, 1)),
            "unit": spread(np.array(task.spec.target_units, dtype=object), (0, 1)),
            "issued": spread(issued, (1, 2)),
            "time": spread(data.clock(table.times[rows]), (2,)),
            "horizon": spread(np.arange(1, horizon + 1, dtype=np.int32), (0, 2)),
        }
        for name in ("point", "lower", "upper", "truth"):
            values = getattr(prediction, name)
            columns[name if name != "point" else "prediction"] = (
                np.full(rows.size * shape[2], np.nan, np.float32)
                if values is None
                else values.float().cpu().numpy().ravel()
            )
        return columns


@evaluation_of.register
def _(task: Forecast, data: Any) -> Evaluation:
    return ForecastEvaluation(task, data)
