"""Values of samples beside the mean and the median of the training samples, in both units."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from dlkit.confidence.uncertainty import joined as joined_parts
from dlkit.report.canvas import with_unit
from dlkit.report.sample_grid import sample_grid_figure
from dlkit.report.sample_tables import Better, Line, score_table_text
from dlkit.report.tables import LABEL, STANDARDIZED, shorten
from dlkit.report.value_figures import value_figure
from dlkit.tasks.regress import Regress, ValuePrediction
from dlkit.tasks.scores import ValueScores
from dlkit.train.evaluation.base import Evaluation, Tested, evaluation_of, plain, spread
from dlkit.train.evaluation.samples import MISTAKES, SampleEvaluation, listed
from dlkit.train.views.panels import pick_batch

if TYPE_CHECKING:
    import matplotlib.figure

MOST = 20  # targets with lines of their own
PANEL = 512  # samples that are drawn while training


def joined(parts: Sequence[ValuePrediction]) -> ValuePrediction:
    """Return the predictions of several batches as one, on the CPU."""
    *numbers, doubts = ([*column] for column in zip(*parts, strict=True))
    found = [None if column[0] is None else torch.cat(column).cpu() for column in numbers]
    return ValuePrediction._make([*found, joined_parts(doubts)])


class ValueEvaluation(SampleEvaluation):
    """How values are measured, drawn and written down.

    The prediction table has a row for each sample and target: sample, target, unit, prediction, bounds, truth.
    """

    keeps = True
    task: Regress

    def tested(self, predictions: Sequence[ValuePrediction], trainer: pl.Trainer) -> Tested:
        """Return the result; the baselines answer with the mean and the median of the training samples."""
        self.answers = joined(predictions)
        self.rivals = self.baselines()
        measures = {
            f"test_{self.thing}s": self.data.count("test"),
            "parameters": sum(p.numel() for p in self.task.parameters() if p.requires_grad),
            "test": self.measures(self.task.test_scores),
            "baselines": {name: self.measures(rival) for name, rival in self.rivals.items()},
        }
        if not self.task.spec.parts:  # windows of a recording are no samples apart
            measures["differences"] = {name: self.difference(value) for name, value in self.constants().items()}
        headline = {name: float(value) for name, value in self.task.test_scores.overall().items()}
        return Tested(self.table("test"), measures, headline)

    def baselines(self) -> dict[str, ValueScores]:
        """Return the errors of numbers that do not look at the sample."""
        scaling, count = self.task.target_scaling, len(self.answers.truth)
        return {
            name: self.scores_of(scaling(torch.from_numpy(value).float()).expand(count, -1))
            for name, value in self.constants().items()
        }

    def constants(self) -> dict[str, np.ndarray]:
        """Return what these numbers are, (targets,), in physical units."""
        train = self.training_values()
        return {"training mean": np.nanmean(train, 0), "training median": np.nanmedian(train, 0)}

    def difference(self, value: np.ndarray) -> dict[str, list[float | None]]:
        """Return by how much the error of a number is larger than that of the answers: 95 % bounds, by target."""
        point, truth = self.answers.point.double(), self.answers.truth.double()
        more = (truth - torch.from_numpy(value)).abs() - (truth - point).abs()
        mean, known = more.nanmean(0), (~more.isnan()).sum(0)
        reach = 1.96 * ((more - mean).square().nanmean(0) / (known - 1)).sqrt()  # NaN for one sample, without a spread
        bounds: list[list[float | None]] = plain(torch.stack([mean - reach, mean + reach], 1))
        return dict(zip(self.task.spec.targets, bounds, strict=True))

    def scores_of(self, point: Tensor) -> ValueScores:
        """Return the errors of other standardized answers, (samples, targets), on what was tested."""
        scaling = self.task.target_scaling
        truth = scaling(self.answers.truth)
        scores = ValueScores(truth.shape[1], interval=False)
        scores.start(scaling)
        scores.update(scaling, point, truth.nan_to_num(nan=0.0), ~truth.isnan(), None)
        return scores

    def measures(self, scores: ValueScores) -> dict[str, Any]:
        """Return all measures as plain numbers, None where one is not defined."""
        return {
            units: {
                "overall": plain(errors.compute()),
                "per_target": spread(errors.per_target(), self.task.spec.targets),
            }
            for units, errors in (("standardized", scores.standardized), ("physical", scores.physical))
        }

    def brief(self, task: Regress) -> dict[str, tuple[float, Better]]:
        """Return R2 of everything, and the mean absolute error of each target in its unit."""
        spec, physical = self.task.spec, task.test_scores.physical.per_target()
        found: dict[str, tuple[float, Better]] = {"R2": (float(task.test_scores.standardized.compute()["r2"]), "high")}
        for k, (target, unit) in enumerate(zip(spec.targets, spec.target_units, strict=True)):
            found[f"MAE {with_unit(target, unit)}"] = (float(physical["mae"][k]), "low")
        return found

    def table(self, stage: str) -> str:
        """Return the table of the errors, in the test beside the baselines."""
        own = self.task.test_scores if stage == "test" else self.task.val_scores
        methods = {"model": own} | (self.rivals if stage == "test" else {})
        overall = [scores.standardized.compute() for scores in methods.values()]
        lines = [
            self.line(STANDARDIZED if measure == "mae" else "", measure, [found[measure] for found in overall])
            for measure in ("mae", "rmse", "r2")
        ]
        if self.task.loss.level is not None:
            inside = [float(overall[0]["coverage"])] + [torch.nan] * (len(methods) - 1)
            lines.append(Line(f"inside the {100 * self.task.loss.level:.3g} % interval", inside, "neither"))
        return score_table_text(lines + self.target_lines(methods), list(methods), self.notes(own))

    def target_lines(self, methods: dict[str, ValueScores]) -> list[Line]:
        """Return three lines for each target in its unit."""
        lines, spec = [], self.task.spec
        each = [scores.physical.per_target() for scores in methods.values()]
        for k, (target, unit) in enumerate(zip(spec.targets[:MOST], spec.target_units, strict=False)):
            label = with_unit(shorten(target, max(8, LABEL - len(unit) - 3)), unit)
            for measure in ("mae", "rmse", "r2"):
                values = [found[measure][k] for found in each]
                lines.append(self.line(label if measure == "mae" else "", measure, values))
        return lines

    @staticmethod
    def line(label: str, measure: str, values: list[Tensor]) -> Line:
        """Return a line of the table."""
        numbers = [float(value) for value in values]
        share = measure == "r2"
        return Line(label, numbers, "high" if share else "low", measure.upper(), skill=not share)

    def notes(self, scores: ValueScores) -> list[str]:
        """Say what could not be measured, and what is not shown."""
        targets = self.task.spec.targets
        names = listed([targets[k] for k in scores.physical.per_target()["r2"].isnan().nonzero().flatten().tolist()])
        notes = [f"no R2 for {names}: the measured values are constant, or there are too few"] if names else []
        hidden = len(targets) - MOST
        return notes + ([f"{hidden} more targets are in metrics.json"] if hidden > 0 else [])

    def figures(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield prediction and residuals of each target, six at most, and the answers themselves."""
        yield from self.value_figures(self.answers)
        yield from self.shown(self.answers)

    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield predictions and residuals of a part of validation, the same each time, and the answers themselves."""
        batch = pick_batch(self.data, "val", PANEL, self.task.device)
        training = self.task.training
        self.task.eval()
        with torch.no_grad():
            answers = self.task.predict_step(batch, 0)
        self.task.train(training)
        yield from self.value_figures(answers)
        yield from self.shown(answers)

    def value_figures(self, answers: ValuePrediction) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield prediction and residuals of each target, six at most."""
        spec, columns = self.task.spec, [None if part is None else part.cpu().numpy() for part in answers[1:5]]
        point, lower, upper, truth = columns
        assert point is not None
        assert truth is not None
        for k, (target, unit) in enumerate(zip(spec.targets[:6], spec.target_units, strict=False)):
            bounds = None if lower is None or upper is None else (lower[:, k], upper[:, k])
            figure = value_figure(
                truth[:, k], point[:, k], target=target, unit=unit, bounds=bounds, level=self.task.loss.level
            )
            yield f"values_{re.sub(r'[^A-Za-z0-9_.-]+', '_', target)}", figure

    def training_values(self) -> np.ndarray:
        """Return the targets of the training samples, (samples, targets), in physical units, NaN where missing."""
        ready = self.data.prepared
        values: np.ndarray = ready.samples.labels[ready.numbers["train"].numpy()].astype(np.float64)
        return values

    def shown(self, answers: ValuePrediction) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the largest errors."""
        found = self.mistakes(answers)
        if found is not None:
            yield "largest_errors", found

    def mistakes(self, answers: ValuePrediction) -> "matplotlib.figure.Figure | None":
        """Return the figure of the largest errors in standard deviations of the training samples."""
        scaling, spec = self.task.target_scaling, self.task.spec
        point, truth = answers.point.to(scaling.shift), answers.truth.to(scaling.shift)
        miss, target = (scaling(point) - scaling(truth)).abs().nan_to_num(nan=-1.0).max(-1)
        shown = miss.argsort(descending=True)[: min(MISTAKES, int((miss >= 0).sum()))].tolist()
        if not shown:
            return None
        said = []
        for k, j in zip(shown, target[shown].tolist(), strict=True):
            unit = f" {spec.target_units[j]}".rstrip()
            name = spec.targets[j]
            said.append([f"{name} measured {truth[k, j]:.4g}{unit}", f"{name} predicted {point[k, j]:.4g}{unit}"])
        title = f"the {len(shown)} largest errors in {len(point)} samples{self.taken}"
        return sample_grid_figure(self.views(answers.start.cpu()[shown], said), self.channels_with_units, title=title)

    def columns(self, prediction: ValuePrediction) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table for a batch."""
        spec, shape = self.task.spec, tuple(prediction.point.shape)
        columns = {name: np.repeat(found, shape[1]) for name, found in self.identity(prediction.start).items()}
        columns |= {
            "target": np.broadcast_to(np.array(spec.targets, dtype=object), shape).ravel(),
            "unit": np.broadcast_to(np.array(spec.target_units, dtype=object), shape).ravel(),
        }
        for name in ("point", "lower", "upper", "truth"):
            values = getattr(prediction, name)
            filled = np.full(shape, np.nan, np.float32) if values is None else values.float().cpu().numpy()
            columns["prediction" if name == "point" else name] = filled.ravel()
        return columns


@evaluation_of.register
def _(task: Regress, data: Any) -> Evaluation:
    from dlkit.train.evaluation.windows import WindowValues

    return WindowValues(task, data) if task.spec.parts else ValueEvaluation(task, data)
