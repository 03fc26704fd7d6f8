"""Figures of answers on the time axis: what was said of each moment, beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, LINES, ORANGE, SKY, label_time, new_figure, style, with_unit

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

ZOOMED = 150  # answers in the part that is drawn larger
MOST = 4  # targets, or classes with a line of their own


@dataclass(frozen=True, eq=False)
class Course:
    """What was said of a target from moment to moment, in physical units.

    Attributes:
        target: Its name.
        unit: Its unit.
        truth: What was measured, NaN where it was not, (time,).
        point: What was predicted, (time,).
        bounds: Lower and upper bound of its interval, each (time,), or None.
    """

    target: str
    unit: str
    truth: np.ndarray
    point: np.ndarray
    bounds: tuple[np.ndarray, np.ndarray] | None = None


def course_figure(times: np.ndarray, courses: Sequence[Course], *, title: str = "") -> "matplotlib.figure.Figure":
    """Draw prediction and truth of each target, four at most: all of them, and the part with the largest change.

    Args:
        times: Times of the answers, rising, datetime64 or seconds, (time,).
        courses: The targets.
        title: What is drawn.
    """
    shown = courses[:MOST]
    with style():
        figure = new_figure(11.0, 0.7 + 1.9 * len(shown))
        panels = figure.subplots(len(shown), 2, squeeze=False, sharex="col", width_ratios=[1.5, 1.0])
        part = busiest(shown[0].truth, min(ZOOMED, len(times)))
        for row, course in zip(panels, shown, strict=True):
            for axes, some in zip(row, (slice(None), part), strict=True):
                draw_course(axes, times, course, some)
            row[0].set_ylabel(with_unit(course.target, course.unit))
        panels[0, 0].set_title(title, loc="left")
        panels[0, 1].set_title("a part of it", loc="left")
        for axes, some in zip(panels[-1], (slice(None), part), strict=True):
            label_time(axes, times[some], named=True)
        handles, labels = panels[0, 1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure


def draw_course(axes: "matplotlib.axes.Axes", times: np.ndarray, course: Course, some: slice) -> None:
    """Draw a part of a course; lines break where time does."""
    when = times[some]
    breaks = np.flatnonzero(np.diff(when) > 3 * np.median(np.diff(when))) + 1 if len(when) > 2 else np.array([], int)

    def broken(values: np.ndarray) -> np.ndarray:
        return np.insert(values[some].astype(float), breaks, np.nan)

    when = np.insert(when, breaks, when[breaks])
    if course.bounds is not None:
        lower, upper = (broken(side) for side in course.bounds)
        axes.fill_between(when, lower, upper, color=SKY, alpha=0.4, linewidth=0, label="interval")
    axes.plot(when, broken(course.truth), color=BLACK, linewidth=1.0, label="measured")
    axes.plot(when, broken(course.point), color=BLUE, linewidth=1.2, alpha=0.85, label="predicted")
    axes.margins(x=0.01)


def class_course_figure(
    times: np.ndarray, truth: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> "matplotlib.figure.Figure":
    """Draw the probability of each class, the four most frequent at most, and where each one held.

    Args:
        times: Times of the answers, rising, datetime64 or seconds, (time,).
        truth: Class numbers, -1 where unknown, (time,).
        probabilities: Of each class, (time, classes).
        classes: Their names.
    """
    counts = np.bincount(truth[truth >= 0], minlength=len(classes))
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST])
    with style():
        figure = new_figure(10.0, 0.7 + 1.3 * len(shown))
        panels = figure.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
        for axes, look, number in zip(panels, LINES, shown.tolist(), strict=False):
            axes.fill_between(times, 0, truth == number, color=ORANGE, alpha=0.3, linewidth=0, step="mid", label="true")
            axes.plot(times, probabilities[:, number], color=look["color"], linewidth=1.0, label="probability")
            axes.set_ylim(-0.02, 1.02)
            axes.set_ylabel(classes[number])
            axes.margins(x=0.01)
        label_time(panels[-1], times, named=True)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return figure


def busiest(truth: np.ndarray, count: int) -> slice:
    """Return the part of so many answers in which the truth changes the most."""
    change = np.abs(np.diff(truth, prepend=truth[:1]))
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(change))])
    begin = int(np.argmax(total[count:] - total[:-count])) if len(truth) > count else 0
    return slice(begin, begin + count)
