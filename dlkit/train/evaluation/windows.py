"""Values and classes of windows of several sources: what is asked of a moment, drawn and written on the time axis."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dlkit.metrics.classification import ClassErrors
from dlkit.report.time_axis import Course, class_course_figure, course_figure
from dlkit.tasks.regress import ValuePrediction
from dlkit.tasks.scores import ValueScores
from dlkit.train.evaluation.classes import ClassEvaluation, Errors, answers
from dlkit.train.evaluation.naive_sources import last_values
from dlkit.train.evaluation.samples import SampleEvaluation
from dlkit.train.evaluation.values import ValueEvaluation

if TYPE_CHECKING:
    import matplotlib.figure

TYPICAL = 8192  # training windows from which the mean and the median of the targets are taken


class WindowEvaluation(SampleEvaluation):
    """How a task on windows is measured, drawn and written down; the prediction table has series and time."""

    thing = "window"
    data: Any

    def rows(self, starts: Tensor) -> np.ndarray:
        """Return the row of the table that each window is asked for."""
        geometry = self.data.geometry
        rows: np.ndarray = starts.cpu().numpy() + geometry.lead - geometry.gap - 1 + self.task.spec.gap
        return rows

    def times(self, starts: Tensor) -> np.ndarray:
        """Return the time that each window is asked for, as dates or seconds of the original clock."""
        times: np.ndarray = self.data.clock(self.data.prepared.table.times[self.rows(starts)])
        return times

    def identity(self, numbers: Tensor) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table that say which window it is."""
        return {"series": self.data.prepared.table.names_of(self.rows(numbers)), "time": self.times(numbers)}

    def on_new(self, source: Any) -> "WindowEvaluation":
        """Return the evaluation on every window of other recordings."""
        targets = getattr(self.task, "target_scaling", None)
        data = self.data.for_new_data(source, self.task.scaling, spec=self.task.spec, target_scaling=targets)
        return type(self)(self.task, data)


class WindowValues(WindowEvaluation, ValueEvaluation):
    """How values of windows are measured, drawn and written down."""

    def training_values(self) -> np.ndarray:
        """Return the targets of some training windows, spread evenly, in physical units."""
        batch = self.data.pick_batch("train", TYPICAL)
        values = self.task.target_scaling.cpu().inverse(batch.y.float().cpu()).double()
        if batch.y_observed is not None:
            values = values.masked_fill(~batch.y_observed.cpu(), torch.nan)
        found: np.ndarray = values.numpy()
        return found

    def baselines(self) -> dict[str, ValueScores]:
        """Return the errors of mean and median, and of the last value where a target is an input."""
        last = last_values(self.data, self.task.spec.targets, self.answers.start)
        found = super().baselines()
        return found if last is None else found | {"last value": self.scores_of(last)}

    def shown(self, answers: ValuePrediction) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield prediction and truth of each series on the time axis, three series at most."""
        series = self.identity(answers.start)["series"]
        for name in list(dict.fromkeys(series.tolist()))[:3]:
            yield from self.course(answers, series == name, name)

    def course(
        self, answers: ValuePrediction, some: np.ndarray, name: str
    ) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the figure of a series."""
        numbers = (None if part is None else part.cpu().numpy()[some] for part in answers[1:5])
        point, lower, upper, truth = numbers
        assert point is not None
        assert truth is not None
        courses = []
        for k, (target, unit) in enumerate(zip(self.task.spec.targets, self.task.spec.target_units, strict=True)):
            bounds = None if lower is None or upper is None else (lower[:, k], upper[:, k])
            courses.append(Course(target, unit, truth[:, k], point[:, k], bounds))
        when = self.times(answers.start[torch.from_numpy(some)])
        yield f"time_{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)}", course_figure(when, courses, title=name)


class WindowClasses(WindowEvaluation, ClassEvaluation):
    """How classes of windows are measured, drawn and written down."""

    def shown(self, role: str, scores: Errors) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the probabilities and the truth on the time axis."""
        probabilities, truths = answers(scores)
        if isinstance(scores, ClassErrors) and len(truths):
            starts = self.numbers(role, len(truths))
            figure = class_course_figure(
                self.times(starts), truths.numpy(), probabilities.numpy(), self.task.spec.classes
            )
            yield "time", figure
