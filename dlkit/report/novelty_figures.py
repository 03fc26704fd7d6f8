"""Figures of how new inputs are: distances, what becomes of the answers, the course over time, channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.spread import evenly
from dlkit.report.canvas import BLACK, LINES, label_time, new_figure, style
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

SHOWN = 3000  # most points of a curve
PERIODS = 60  # of the course over time
CHANNELS = 20  # most that are drawn


@dataclass(frozen=True, eq=False)
class Curve:
    """One data set by distance, a value a bin, NaN where there is none.

    Attributes:
        quality: Mean of what measures an answer, (bins,).
        inside: Share of the truth that the promise holds, (bins,).
        interval: Its lower and upper end, (2, bins).
    """

    quality: np.ndarray
    inside: np.ndarray
    interval: np.ndarray

    def first(self, count: int) -> "Curve":
        """Return the first bins."""
        return Curve(self.quality[:count], self.inside[:count], self.interval[:, :count])


@dataclass(frozen=True, eq=False)
class Course:
    """The distance of one data set over time.

    Attributes:
        name: Of the data set.
        times: When each window ends, rising, datetime64 or seconds, (windows,).
        distance: Of each window, (windows,).
    """

    name: str
    times: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True, eq=False)
class Moved:
    """What became of the channels in one data set, each (channels,).

    Attributes:
        level: Difference of the means in standard deviations of training.
        spread: Standard deviation over that of training.
        outside: Share of inputs in which it goes beyond its range in training.
        changed: Whether it has changed for sure.
    """

    level: np.ndarray
    spread: np.ndarray
    outside: np.ndarray
    changed: np.ndarray


def look_of(number: int) -> dict[str, Any]:
    """Return colour and dashes of a data set."""
    return {name: LINES[number % len(LINES)][name] for name in ("color", "linestyle")}


def distance_figure(distances: Mapping[str, np.ndarray]) -> "matplotlib.figure.Figure":
    """Draw the share of inputs that are nearer to training than each distance.

    Args:
        distances: By the name of the data set, (inputs,).
    """
    with style():
        figure = new_figure(6.4, 3.8)
        axes = figure.subplots()
        for number, (name, values) in enumerate(distances.items()):
            ranked = np.sort(values[np.isfinite(values)])
            some = evenly(len(ranked), SHOWN)
            label = f"{name}: {100 * (values > 1).mean():.3g} % beyond 1"
            axes.step(ranked[some], (some + 1) / len(values), where="post", label=label, **look_of(number))
        axes.axvline(1, color=BLACK, linewidth=0.9)
        finite = np.concatenate([values[np.isfinite(values)] for values in distances.values()])
        axes.set_xlim(0, max(1.2, float(np.quantile(finite, 0.995)) * 1.05))
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("distance to training (1: farther than 95 % of validation)")
        axes.set_ylabel("share of inputs that are nearer")
        axes.legend(loc="lower right")
    return figure


def quality_figure(
    curves: Mapping[str, Curve], bins: Sequence[str], *, quality: str, level: float | None
) -> "matplotlib.figure.Figure":
    """Draw what becomes of the answers with the distance: how good they are, and whether the promise holds.

    Args:
        curves: By the name of the data set.
        bins: The distances in words.
        quality: What measures an answer.
        level: What is promised, or None.
    """
    with style():
        figure = new_figure(9.0 if level is not None else 5.2, 3.8)
        panels = figure.subplots(1, 1 if level is None else 2, squeeze=False)[0]
        for number, (name, curve) in enumerate(curves.items()):
            places = np.arange(len(bins)) + 0.12 * (number - (len(curves) - 1) / 2)
            marks = look_of(number) | {"marker": LINES[number]["marker"]}
            panels[0].plot(places, curve.quality, label=name, **marks)
            if level is not None:
                gone = np.abs(curve.interval - curve.inside)
                panels[1].errorbar(places, curve.inside, yerr=gone, capsize=3, label=name, **marks)
        for axes in panels:
            axes.set_xticks(np.arange(len(bins)), bins, rotation=25)
            axes.set_xlabel("distance to training")
        panels[0].set_ylabel(quality)
        if level is not None:
            panels[1].axhline(level, color=BLACK, linewidth=0.9)
            panels[1].set_ylabel(f"share of the truth held ({100 * level:.3g} % promised)")
            panels[1].set_ylim(top=1.02)
        panels[0].legend()
    return figure


def course_figure(courses: Sequence[Course]) -> "matplotlib.figure.Figure":
    """Draw the distance over time, a row a data set: its median, and where nine of ten windows are."""
    with style():
        figure = new_figure(9.0, 0.8 + 1.9 * len(courses))
        panels = figure.subplots(len(courses), 1, squeeze=False)[:, 0]
        for number, (axes, course) in enumerate(zip(panels, courses, strict=True)):
            draw_course(axes, course, look_of(number)["color"])
            label_time(axes, course.times, named=number == len(courses) - 1)
        panels[0].legend(loc="upper right", ncols=3)
    return figure


def draw_course(axes: "matplotlib.axes.Axes", course: Course, color: str) -> None:
    """Draw the distance of one data set; nothing is drawn over periods without windows."""
    elapsed = (course.times - course.times[0]).astype(np.float64)
    period = np.minimum((elapsed / max(elapsed[-1], 1e-9) * PERIODS).astype(int), PERIODS - 1)
    low, middle, high = np.full((3, PERIODS), np.nan)
    for number in np.unique(period):
        low[number], middle[number], high[number] = np.quantile(course.distance[period == number], (0.05, 0.5, 0.95))
    borders = course.times[0] + (course.times[-1] - course.times[0]) * (np.arange(PERIODS + 1) / PERIODS)
    axes.stairs(high, borders, baseline=low, fill=True, color=color, alpha=0.3, label="90 % of the windows")
    axes.stairs(middle, borders, baseline=None, color=color, linewidth=1.6, label="median")
    axes.axhline(1, color=BLACK, linewidth=0.9, label="1")
    axes.set_ylim(0, max(1.2, float(np.nanmax(high)) * 1.15))
    axes.set_ylabel("distance")
    axes.set_title(course.name, loc="left")
    axes.margins(x=0.01)


def channel_figure(moved: Mapping[str, Moved], names: Sequence[str]) -> "matplotlib.figure.Figure":
    """Draw what became of each channel: level, spread, how often beyond its range; full marks have changed.

    Args:
        moved: By the name of the data set.
        names: Of the channels; the first 20 are drawn.
    """
    count = min(len(names), CHANNELS)
    rows = np.arange(count)
    with style():
        figure = new_figure(9.0, 1.4 + 0.28 * count)
        panels = figure.subplots(1, 3, sharey=True)
        for number, (name, one) in enumerate(moved.items()):
            parts = (one.level, one.spread, 100 * one.outside)
            color, marker = LINES[number]["color"], LINES[number]["marker"]
            faces = [color if sure else "none" for sure in one.changed[:count]]
            for axes, values in zip(panels, parts, strict=True):
                places = rows + 0.2 * (number - (len(moved) - 1) / 2)
                axes.scatter(values[:count], places, s=28, marker=marker, c=faces, edgecolors=color)
            panels[0].scatter([], [], s=28, marker=marker, c=color, label=name)
        for axes, neutral in zip(panels, (0, 1, 0), strict=True):
            axes.axvline(neutral, color=BLACK, linewidth=0.9)
        panels[0].set_yticks(rows, [shorten(name, 22) for name in names[:count]])
        panels[0].set_ylim(count - 0.5, -0.5)
        panels[1].set_xlim(0, 1.05 * panels[1].get_xlim()[1])
        panels[2].set_xlim(-2, max(10, panels[2].get_xlim()[1]))
        panels[0].set_xlabel("level, change in sd of training")
        panels[1].set_xlabel("spread over that of training")
        panels[2].set_xlabel("inputs beyond its range (%)")
        figure.legend(loc="outside upper left", ncols=3, title="full: changed; hollow: not, or it cannot be told")
    return figure
