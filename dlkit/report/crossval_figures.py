"""Figures of a cross-validation: how it was dealt, the metrics of each fold, errors against distance from training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, LINES, ORANGE, SKY, label_time, new_figure, style, with_unit
from dlkit.report.classification_figures import NUMBERED, label_classes

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

ROLES: dict[str, dict[str, Any]] = {
    "train": {"facecolor": "#D9D9D9", "edgecolor": "none"},
    "val": {"facecolor": "white", "edgecolor": BLACK, "hatch": "////", "linewidth": 0.5},
    "test": {"facecolor": BLUE, "edgecolor": BLACK, "linewidth": 0.5},
}
NAMES = {"train": "train", "val": "validate", "test": "test"}
BINS = 8  # of distance, each with as many points


def ranges_figure(
    folds: Sequence[Mapping[str, np.ndarray]], *, label: str | None = None, times: bool = False
) -> "matplotlib.figure.Figure":
    """Draw which stretches of the data train, validate and test in each fold.

    Args:
        folds: First and last place of each stretch, (n, 2), by role.
        label: Name of the axis; that of time where ``times`` says so.
        times: Places are dates or seconds.
    """
    with style():
        figure = new_figure(7.6, 1.3 + 0.34 * len(folds))
        axes = figure.subplots()
        for number, fold in enumerate(folds):
            for role, look in ROLES.items():
                for first, last in fold[role]:
                    axes.barh(number, last - first, left=first, height=0.7, **look)
        axes.set_yticks(range(len(folds)), [f"fold {number + 1}" for number in range(len(folds))])
        axes.invert_yaxis()
        axes.grid(visible=False)
        if times:
            label_time(axes, np.concatenate([part.ravel() for fold in folds for part in fold.values()]), named=True)
        else:
            axes.set_xlabel(label or "")
        legend(axes)
    return figure


def legend(axes: "matplotlib.axes.Axes") -> None:
    """Say above the axes what the roles look like."""
    from matplotlib.patches import Patch

    handles = [Patch(label=NAMES[role], **look) for role, look in ROLES.items()]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, handlelength=1.6)


def shares_figure(counts: np.ndarray, classes: Sequence[str]) -> "matplotlib.figure.Figure":
    """Draw how many test samples of each class every fold has; the shade is the share of the class.

    Args:
        counts: (folds, classes).
        classes: Name of each class.
    """
    share = counts / np.maximum(counts.sum(0, keepdims=True), 1)
    with style():
        figure = new_figure(float(np.clip(0.45 * len(classes), 3.2, 9.0)) + 1.8, 1.5 + 0.34 * len(counts))
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Greys", vmin=0, vmax=float(np.clip(4 * share.mean(), 0.01, 1)), aspect="auto")
        axes.grid(visible=False)
        label_classes(axes, classes, "x")
        axes.set_yticks(range(len(counts)), [f"fold {number + 1}" for number in range(len(counts))])
        axes.set_xlabel("class")
        if len(classes) <= NUMBERED:
            for (row, column), count in np.ndenumerate(counts):
                dark = share[row, column] > 0.6 * image.get_clim()[1]
                text = f"{count:.0f}"
                axes.text(column, row, text, ha="center", va="center", color="white" if dark else BLACK, fontsize=8)
        figure.colorbar(image, ax=axes, label="share of the class\nthat the fold tests")
    return figure


def values_figure(quartiles: np.ndarray, *, target: str, unit: str) -> "matplotlib.figure.Figure":
    """Draw extremes, quartiles and median of what each fold tests.

    Args:
        quartiles: (folds, 5).
        target: Name of the target.
        unit: Its unit.
    """
    with style():
        figure = new_figure(6.4, 1.1 + 0.34 * len(quartiles))
        axes = figure.subplots()
        rows = np.arange(len(quartiles))
        axes.hlines(rows, quartiles[:, 0], quartiles[:, 4], color=BLACK, linewidth=1)
        axes.hlines(rows, quartiles[:, 1], quartiles[:, 3], color=SKY, linewidth=7)
        axes.plot(quartiles[:, 2], rows, "o", color=BLACK)
        axes.set_yticks(rows, [f"fold {number + 1}" for number in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(with_unit(target, unit))
        axes.set_title("test samples: median, middle half, extremes", loc="left")
    return figure


def metrics_figure(
    metrics: Mapping[str, Mapping[str, Sequence[float]]], intervals: Mapping[str, tuple[float, float, float]]
) -> "matplotlib.figure.Figure":
    """Draw each metric of every fold beside the baselines, with the mean of the model and its interval.

    Args:
        metrics: For each metric, with its unit, the values of every method over the folds, the model first.
        intervals: For each metric the mean of the model and the bounds of its interval.
    """
    count = len(next(iter(next(iter(metrics.values())).values())))
    with style():
        figure = new_figure(2.2 + 2.5 * len(metrics), 1.6 + 0.3 * count)
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, (name, methods) in zip(panels, metrics.items(), strict=True):
            mean, low, high = intervals[name]
            if np.isfinite([low, high]).all():
                axes.axvspan(low, high, color="#D9D9D9", linewidth=0, zorder=0)
            axes.axvline(mean, color=BLUE, linewidth=1.2)
            bounds = frame_of(methods, (low, high))
            far = []
            for look, (method, values) in zip(LINES, methods.items(), strict=False):
                shown = {**look, "linestyle": "none", "markersize": 6 if method == "model" else 5}
                shown["zorder"] = 4 if method == "model" else 3
                axes.plot(values, np.arange(count), label=method, **shown)
                if not any(bounds[0] <= value <= bounds[1] for value in values if np.isfinite(value)):
                    far.append(f"{method}: {np.nanmean(values):.3g}")
            axes.set_xlim(*bounds)
            axes.set_xlabel(name)
            axes.set_title("\n".join(far), loc="left", fontsize=8)
            axes.locator_params(axis="x", nbins=4)
        panels[0].set_yticks(range(count), [f"fold {number + 1}" for number in range(count)])
        panels[0].set_ylim(count - 0.5, -0.5)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=4)
        above = "; above: means that lie outside" if any(axes.get_title(loc="left") for axes in panels) else ""
        figure.supxlabel(f"line: mean of the model, band: its 95 % interval{above}", fontsize=8)
    return figure


def frame_of(methods: Mapping[str, Sequence[float]], interval: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis that shows the model well: baselines that would squeeze it lie outside."""
    own = np.array([*next(iter(methods.values())), *interval], np.float64)
    own = own[np.isfinite(own)]
    if not len(own):
        return 0.0, 1.0
    low, high = float(own.min()), float(own.max())
    room = (high - low) or abs(high) or 1.0
    others = np.array([value for values in list(methods.values())[1:] for value in values], np.float64)
    near = others[np.isfinite(others) & (others > low - 2 * room) & (others < high + 2 * room)]
    ends = np.array([low, high, *near])
    return float(ends.min() - 0.08 * room), float(ends.max() + 0.08 * room)


def distance_figure(
    distance: Sequence[np.ndarray], error: Sequence[np.ndarray], *, label: str, correlation: float, thing: str
) -> "matplotlib.figure.Figure":
    """Draw the error of each test window or sample over its distance from training, and the median of each fold.

    Args:
        distance: Of each fold, (points,); 1 is what 95 % of training inputs keep from each other at most.
        error: Of each fold, NaN where nothing was measured.
        label: What the error is.
        correlation: Rank correlation of both.
        thing: What a point is.
    """
    far, off = np.concatenate(list(distance)), np.concatenate(list(error))
    known = np.isfinite(far) & np.isfinite(off)
    with style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        axes.scatter(far[known], off[known], s=5, color="#999999", alpha=0.35, linewidths=0, rasterized=True)
        middle, median = binned(far[known], off[known])
        axes.plot(middle, median, color=ORANGE, marker="s", label="median, as many points in each bin")
        for number, (own, miss) in enumerate(zip(distance, error, strict=True)):
            some = np.isfinite(own) & np.isfinite(miss)
            if some.any():
                x, y = float(np.median(own[some])), float(np.median(miss[some]))
                axes.text(x, y, str(number + 1), ha="center", va="center", fontsize=8, fontweight="bold", zorder=5,
                          bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": BLACK})  # fmt: skip
        axes.axvline(1, color=BLACK, linestyle=":", linewidth=1)
        spread_axis(axes, far[known], "x")
        spread_axis(axes, off[known], "y")
        axes.set_xlabel(
            "distance to the nearest training input\n(1: 95 % of training inputs are nearer to another one)"
        )
        axes.set_ylabel(label)
        axes.set_title(f"numbers: medians of the folds; rank correlation over {thing}s {correlation:+.2f}", loc="left")
        axes.legend(loc="upper left")
    return figure


def binned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the medians of both in bins of ``x`` with equally many points."""
    parts = np.array_split(np.argsort(x, kind="stable"), min(BINS, max(len(x), 1)))
    parts = [part for part in parts if len(part)]
    return np.array([np.median(x[part]) for part in parts]), np.array([np.median(y[part]) for part in parts])


def spread_axis(axes: "matplotlib.axes.Axes", values: np.ndarray, which: str) -> None:
    """Make an axis logarithmic where values span more than a factor of 30, few of them zero."""
    positive = values[values > 0]
    if len(positive) > 0.95 * len(values) and len(positive):
        low, high = np.quantile(positive, [0.01, 0.99])
        if high > 30 * low:
            axes.set_xscale("log") if which == "x" else axes.set_yscale("log")
