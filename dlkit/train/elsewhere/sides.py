"""A trained run on one data set: its measures, the answers one by one, and what became of the inputs."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytorch_lightning as pl

from dlkit.report.promises_elsewhere import Strange
from dlkit.report.sample_tables import Better
from dlkit.train.confidence.answers import Order
from dlkit.train.confidence.novelty import Novelty
from dlkit.train.elsewhere.answers import Answered, answer_all, heads_of
from dlkit.train.elsewhere.bins import Bin, by_distance
from dlkit.train.elsewhere.drift import Drifted, Reference, drifted
from dlkit.train.elsewhere.promises import Kept, promises_on
from dlkit.train.evaluation import anomalies, anomalous_samples
from dlkit.train.evaluation.anomalies import AnomalyEvaluation
from dlkit.train.evaluation.anomalous_samples import AnomalousSamples
from dlkit.train.evaluation.base import quiet_trainer
from dlkit.train.evaluation.forecasts import ForecastEvaluation, baselines_of

Measures = dict[str, tuple[float, Better]]


@dataclass(frozen=True, eq=False)
class Side:
    """What was found on one data set.

    Attributes:
        name: Of the data set.
        evaluation: Of the task on it.
        answered: The answers one by one.
        order: Where they lie in time.
        drifted: What became of the inputs.
        measures: As a test has them, by name; none where no truth is known.
        bins: The answers of each head by distance.
        promises: What was promised and what is seen of it here.
        had: How many of its inputs took part in the run, by their role there.
    """

    name: str
    evaluation: Any
    answered: Answered
    order: Order
    drifted: Drifted
    measures: Measures = field(default_factory=dict)
    bins: dict[str, list[Bin]] = field(default_factory=dict)
    promises: Kept = field(default_factory=dict)
    had: dict[str, int] = field(default_factory=dict)

    @property
    def unseen(self) -> dict[str, int]:
        """Samples of each class, label or target that the run was not trained on."""
        found: dict[str, int] = getattr(getattr(self.evaluation.data, "prepared", None), "unseen", {})
        return found

    @property
    def strange(self) -> Strange | None:
        """Samples of classes that the run was not trained on, which it can never answer; None where are none."""
        if not self.unseen or self.evaluation.task.spec.kind not in ("class", "ordinal"):
            return None  # of a sample with a label or target that is not known, the others are measured
        return Strange(self.answered.measured, len(self.answered.starts), self.unseen)


def side_of(name: str, evaluation: Any, novelty: Novelty, known: Reference, trainer: pl.Trainer) -> Side:
    """Return what is found on a data set.

    Args:
        name: Of the data set.
        evaluation: Of the task on it, with what was calibrated where it was; the task lies on the device.
        novelty: What is known of the training inputs.
        known: Training and validation inputs.
        trainer: Like that which tests.
    """
    answered = answer_all(evaluation, novelty)
    order = order_in(evaluation, answered.starts)
    moved = drifted(evaluation.task, evaluation.data, known, novelty, answered.outside)
    measures = measured(evaluation, trainer) if answered.truth_known else {}
    bins = {head: by_distance(answered, order, head) for head in heads_of(evaluation)}
    return Side(name, evaluation, answered, order, moved, measures, bins, promises_on(evaluation, trainer))


def order_in(evaluation: Any, starts: np.ndarray) -> Order:
    """Return where answers lie in time."""
    if not hasattr(evaluation.data.prepared, "table"):
        return Order(starts, None, [(0, len(starts))])
    geometry = evaluation.data.geometry
    series = evaluation.data.prepared.table.names_of(starts)
    borders = np.r_[0, np.flatnonzero(series[1:] != series[:-1]) + 1, len(starts)].tolist()
    overlap = max(1, -(-geometry.length // geometry.stride))
    return Order(starts, series, list(pairwise(borders)), overlap, geometry.length)


def measured(evaluation: Any, trainer: pl.Trainer) -> Measures:
    """Return the measures of a test; of forecasts those of the best naive one too, of anomalies what was found."""
    quiet_trainer(trainer).test(evaluation.task, datamodule=evaluation.data, verbose=False)
    found: Measures = evaluation.brief(evaluation.task)
    if isinstance(evaluation, ForecastEvaluation):
        return found | naive(evaluation, trainer)
    if isinstance(evaluation, AnomalyEvaluation | AnomalousSamples):
        return found | of_anomalies(evaluation, trainer)
    return found


def naive(evaluation: ForecastEvaluation, trainer: pl.Trainer) -> Measures:
    """Return the mean absolute error of each naive forecast on the same windows."""
    found: Measures = {}
    for name, rival in baselines_of(evaluation.data).items():
        quiet_trainer(trainer).test(rival, datamodule=evaluation.data, verbose=False)
        found[f"MAE of {name}"] = (float(rival.test_scores.standardized.compute()["mae"]), "low")
    return found


def of_anomalies(evaluation: Any, trainer: pl.Trainer) -> Measures:
    """Return what the detector of the run finds."""
    evaluation.all_tables(trainer)
    if isinstance(evaluation, AnomalousSamples):
        found = anomalous_samples.measures(evaluation.scores, evaluation.alarms, evaluation.labels("test"))
        shown = anomalous_samples.SHOWN
    else:
        found, shown = evaluation.judged.measures, anomalies.SHOWN
    return {label: (float(found[key]), better) for key, (label, better) in shown.items() if key in found}
