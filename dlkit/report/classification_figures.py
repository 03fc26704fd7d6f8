"""Figures of classes: what is taken for what, whether confidence can be trusted, how well each class is found."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, BLUE, LINES, ORANGE, SKY, new_figure, style
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

NUMBERED, NAMED = 20, 40  # most classes whose cells hold numbers, whose names all stand at the axis


def label_classes(axis: "matplotlib.axes.Axes", classes: Sequence[str], which: str) -> None:
    """Write names of classes at an axis, only some where they would overlap."""
    every = max(1, -(-len(classes) // NAMED))
    places = range(0, len(classes), every)
    names = [shorten(classes[place], 18) for place in places]
    long, size = max(map(len, names)) > 3 or len(names) > 20, 6 if len(names) > 24 else 9
    if which == "x":
        axis.set_xticks(list(places), names, rotation=90 if long else 0, fontsize=size)
    else:
        axis.set_yticks(list(places), names, fontsize=size)


def confusion_figure(matrix: np.ndarray, classes: Sequence[str], *, truth: str = "class") -> "matplotlib.figure.Figure":
    """Draw how the samples of each true class were answered: the colour is the share, the number counts samples.

    Args:
        matrix: Number of samples, rows the truth, columns the answer, (classes, classes).
        classes: Name of each class.
        truth: What the classes are of.
    """
    count = matrix.sum(1, keepdims=True)
    share = np.divide(matrix, count, out=np.zeros(matrix.shape), where=count > 0)
    extent = float(np.clip(0.42 * len(classes), 2.4, 7.5))
    with style():
        figure = new_figure(extent + 1.9, extent + 0.9)
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        label_classes(axes, classes, "x")
        label_classes(axes, classes, "y")
        axes.set_xlabel("answer")
        axes.set_ylabel(f"true {truth}")
        if len(classes) <= NUMBERED:
            for (row, column), number in np.ndenumerate(matrix):
                if number:
                    colour = "white" if share[row, column] > 0.6 else BLACK
                    axes.text(column, row, f"{number:.0f}", ha="center", va="center", color=colour, fontsize=8)
        figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def reliability_figure(
    weight: np.ndarray,
    confidence: np.ndarray,
    correct: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    *,
    error: float,
    share: str = "share that is right",
    said: str = "confidence",
) -> "matplotlib.figure.Figure":
    """Draw how often answers of each confidence are right (Guo et al., ICML 2017), above how many there are.

    Args:
        weight: Number of answers in each bin of confidence, (bins,).
        confidence: Sum of their confidences.
        correct: How many of them are right.
        bounds: Between which the share of those that are right lies.
        error: Expected calibration error.
        share: What the upper axis counts.
        said: What the horizontal axis is.
    """
    some = weight > 0
    mean, right = confidence[some] / weight[some], correct[some] / weight[some]
    reach = np.stack([right - bounds[0][some], bounds[1][some] - right]).clip(0)
    edges = np.linspace(0, 1, len(weight) + 1)
    with style():
        figure = new_figure(4.2, 4.9)
        top, bottom = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
        top.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8, linestyle=":", label="calibrated")
        top.errorbar(mean, right, yerr=reach, color=BLUE, marker="o", linestyle="-", capsize=2, label="model, 95 %")
        top.set_ylabel(share)
        top.set_ylim(-0.02, 1.02)
        top.set_title(f"expected calibration error {error:.4f}", loc="left")
        bottom.bar(edges[:-1], weight, width=np.diff(edges), align="edge", color=SKY, edgecolor="white", linewidth=0.5)
        count_scale(bottom, float(weight.max(initial=0)))
        bottom.set_ylabel("answers")
        bottom.set_xlabel(said)
        bottom.set_xlim(0, 1)
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def count_scale(axes: "matplotlib.axes.Axes", most: float) -> None:
    """Make an axis that counts: logarithmic, with 0, where numbers have more than one digit, else whole numbers."""
    from matplotlib.ticker import MaxNLocator

    if most < 10:
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    else:
        axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def class_scores_figure(scores: Mapping[str, np.ndarray], classes: Sequence[str]) -> "matplotlib.figure.Figure":
    """Draw measures of each class side by side, the classes of the lowest first measure on top; 30 at most.

    Args:
        scores: Values between 0 and 1, one a class, by the name of the measure; NaN where there is none.
        classes: Name of each class.
    """
    require(0 < len(scores) <= len(LINES), f"class_scores_figure got {len(scores)} measures: pass 1 to {len(LINES)}.")
    first = next(iter(scores.values()))
    order = np.argsort(np.nan_to_num(first, nan=2.0), kind="stable")[:30][::-1]
    with style():
        figure = new_figure(5.6, 1.2 + 0.26 * len(order))
        axes = figure.subplots()
        for look, (name, values) in zip(LINES, scores.items(), strict=False):
            axes.plot(values[order], range(len(order)), label=name, **(look | {"linestyle": "none"}))
        axes.set_yticks(range(len(order)), [shorten(classes[k], 24) for k in order])
        low = np.nanmin(np.stack(list(scores.values()))) if np.isfinite(np.stack(list(scores.values()))).any() else 0.0
        axes.set_xlim(min(0.9, float(np.floor(low * 10) / 10)) - 0.02, 1.01)
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.set_xlabel("measure of each class (1: nothing is missed or taken for another)")
        figure.legend(loc="outside upper center", ncols=len(scores))
    return figure


def roc_figure(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, float]], *, most: int = 5
) -> "matplotlib.figure.Figure":
    """Draw the ROC curves of the classes with the smallest areas.

    Args:
        curves: False and true positive rates and the area under them, by the name of the class.
        most: Number of curves.
    """
    worst = sorted(curves.items(), key=lambda item: item[1][2])[: min(most, len(LINES))]
    with style():
        figure = new_figure(4.6, 4.4)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8, linestyle=":", label="chance")
        for look, (name, (false, true, area)) in zip(LINES, worst, strict=False):
            axes.plot(false, true, label=f"{shorten(name, 24)}, area {area:.4f}", **(look | {"marker": ""}))
        axes.set_xlabel("share of the other samples that is taken for the class")
        axes.set_ylabel("share of the class that is found")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.set_aspect("equal")
        title = "" if len(worst) == len(curves) else f"the {len(worst)} of {len(curves)} classes with the smallest area"
        axes.set_title(title, loc="left")
        axes.legend(loc="lower right")
    return figure


def label_counts_figure(table: np.ndarray, labels: Sequence[str]) -> "matplotlib.figure.Figure":
    """Draw for each label how many samples have it and were found, were missed, or were said to have it and have not.

    Args:
        table: Number of samples by truth and answer, (labels, 2, 2).
        labels: Name of each label; 30 at most are drawn, those with the most errors.
    """
    wrong = table[:, 0, 1] + table[:, 1, 0]
    order = np.argsort(-wrong, kind="stable")[:30][::-1]
    parts = {"found": (table[order, 1, 1], BLUE), "missed": (table[order, 1, 0], ORANGE),
             "wrongly said": (table[order, 0, 1], "#BBBBBB")}  # fmt: skip
    with style():
        figure = new_figure(5.6, 1.3 + 0.3 * len(order))
        axes = figure.subplots()
        left = np.zeros(len(order))
        for name, (count, colour) in parts.items():
            axes.barh(range(len(order)), count, left=left, color=colour, label=name, edgecolor="white", linewidth=0.5)
            left += count
        axes.set_yticks(range(len(order)), [shorten(labels[k], 24) for k in order])
        axes.set_xlabel("samples")
        figure.legend(loc="outside upper center", ncols=3)
    return figure
