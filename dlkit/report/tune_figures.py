"""Figures of a study: the course of its trials, what matters, and which values go with which result."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, ORANGE, SKY, new_figure, style
from dlkit.report.tune_view import ROOM, Axis, StudyView, plain_scale, short_names, shown

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

ENDINGS = {"complete": (BLUE, "o"), "pruned": (ORANGE, "x")}


# ---------------------------------------------------------------------- course
def history_figure(view: StudyView) -> "matplotlib.figure.Figure":
    """Draw the result of each trial and the best until then."""
    from matplotlib.ticker import MaxNLocator

    with style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        known = [float(trial.value) for trial in view.trials if trial.value is not None]
        ends = plain_scale(known or [0.0], maximize=view.maximize)
        for state, (colour, marker) in ENDINGS.items():
            some = [trial for trial in view.trials if trial.state == state and trial.value is not None]
            if some:
                values = shown([float(trial.value or 0.0) for trial in some], ends)
                axes.plot([trial.number for trial in some], values, color=colour, marker=marker,
                          linestyle="", label="pruned, its last value" if state == "pruned" else state)  # fmt: skip
        draw_best(axes, view)
        failed = [trial.number for trial in view.trials if trial.value is None]
        if failed:
            axes.plot(failed, [0.02] * len(failed), color=BLACK, marker="x", linestyle="", label="failed, no value",
                      transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
        axes.set_ylim(*ends)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="trial", ylabel=view.label, title=f"{len(view.trials)} trials")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def draw_best(axes: "matplotlib.axes.Axes", view: StudyView) -> None:
    """Draw the best result until each trial."""
    done = sorted(view.complete, key=lambda trial: trial.number)
    if done:
        fold = np.maximum if view.maximize else np.minimum
        best = fold.accumulate([float(trial.value or 0.0) for trial in done])
        numbers = [trial.number for trial in done]
        last = max(trial.number for trial in view.trials)
        axes.step([*numbers, last], [*best, best[-1]], where="post", color=SKY, label="best so far", zorder=1)


# ---------------------------------------------------------------------- what matters
def importance_figure(view: StudyView) -> "matplotlib.figure.Figure":
    """Draw how much each parameter decides whether a trial is among the best."""
    found = sorted(view.importance.items(), key=lambda item: item[1])
    names = short_names([name for name, _ in found])
    with style():
        figure = new_figure(6.4, 1.3 + 0.32 * len(found))
        axes = figure.subplots()
        shares = [100 * share for _, share in found]
        axes.barh(range(len(found)), shares, color=BLUE, height=0.6)
        for place, share in enumerate(shares):
            axes.annotate(f"{share:.0f} %", (share, place), (4, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(found)), [names[name] for name, _ in found])
        axes.set_xlim(0, 1.12 * max([*shares, 1.0]))
        axes.grid(visible=False, axis="y")
        axes.set(
            xlabel="share of the importance (%)",
            title=f"What decides whether {view.metric} is among the best (PED-ANOVA)",
        )
    return figure


# ---------------------------------------------------------------------- values and results
def slice_figure(view: StudyView) -> "matplotlib.figure.Figure":
    """Draw the result over the values of each parameter, later trials darker."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    blues = ListedColormap(colormaps["Blues"](np.linspace(0.25, 1.0, 256)))
    columns = min(3, len(view.axes))
    rows = -(-len(view.axes) // columns)
    names = short_names([axis.name for axis in view.axes])
    done = sorted(view.complete, key=lambda trial: trial.number)
    ends = plain_scale([float(trial.value or 0.0) for trial in done], maximize=view.maximize)
    values = shown([float(trial.value or 0.0) for trial in done], ends)
    with style():
        figure = new_figure(0.8 + 2.5 * columns, 0.4 + 2.4 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for number, panel in enumerate(grid.flat):
            if number >= len(view.axes):
                panel.set_axis_off()
                continue
            axis = view.axes[number]
            places = [axis.at(trial.parameters.get(axis.name)) for trial in done]
            drawn = panel.scatter(places, values, c=[trial.number for trial in done], cmap=blues,
                                  edgecolor=BLACK, linewidth=0.4, s=18)  # fmt: skip
            panel.set_xticks(*axis.ticks(3))
            if len("".join(axis.labels)) > 18:
                panel.tick_params(axis="x", rotation=20)
            panel.set_xlim(-ROOM, 1 + ROOM)
            panel.set_xlabel(names[axis.name] + (" (logarithmic)" if axis.log else ""))
        for row in grid:
            row[0].set_ylabel(view.metric)
        grid[0, 0].set_ylim(*ends)
        figure.colorbar(drawn, ax=grid, label="trial", shrink=0.8)
    return figure


def parallel_figure(view: StudyView) -> "matplotlib.figure.Figure":
    """Draw each trial as a line through the values of its parameters to its result; the best on top.

    Where a trial does not have a parameter, as it belongs to another choice, the line is dotted.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    done = view.complete
    low, high = plain_scale([float(trial.value or 0.0) for trial in done], maximize=view.maximize)
    last = Axis(view.metric, low=low, high=high)
    colours = ScalarMappable(Normalize(low, high), "viridis" if view.maximize else "viridis_r")
    names = short_names([axis.name for axis in view.axes]) | {view.metric: view.metric}
    with style():
        figure = new_figure(1.8 + 1.35 * (len(view.axes) + 1), 3.8)
        axes = figure.subplots()
        for trial in done:
            places = [axis.at(trial.parameters.get(axis.name)) for axis in view.axes]
            places.append(min(max(last.at(trial.value), 0.0), 1.0))
            colour = colours.get_cmap()(float(places[-1]))
            draw_trial(axes, places, colour, f"best: trial {trial.number}" if trial is done[-1] else "")
        draw_rulers(axes, [*view.axes, last], names)
        axes.set_title(f"{len(done)} trials that were trained to their end", loc="left")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0))
        figure.colorbar(colours, ax=axes, label=view.label, pad=0.02)
    return figure


def draw_trial(axes: "matplotlib.axes.Axes", places: Sequence[float], colour: Any, best: str) -> None:
    """Draw the line of a trial, dotted past parameters that it does not have."""
    wide = {"linewidth": 2.4, "zorder": 4.0} if best else {"linewidth": 1.0, "alpha": 0.75, "zorder": 3.0}
    look: dict[str, Any] = {"color": ORANGE if best else colour} | wide
    known = [number for number, place in enumerate(places) if np.isfinite(place)]
    for one, after in pairwise(known):
        line = "-" if after == one + 1 else ":"
        axes.plot([one, after], [places[one], places[after]], linestyle=line, marker="", **look)
    axes.plot(known, [places[number] for number in known], linestyle="", marker="o", markersize=5 if best else 3,
              label=best or None, **look)  # fmt: skip


def draw_rulers(axes: "matplotlib.axes.Axes", rulers: Sequence[Axis], names: dict[str, str]) -> None:
    """Draw an upright axis for each parameter, with its own ticks."""
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-0.3, len(rulers) - 0.45)
    axes.set_ylim(-ROOM, 1 + ROOM)
    for number, ruler in enumerate(rulers):
        axes.axvline(number, color=BLACK, linewidth=0.8, zorder=2)
        for place, text in zip(*ruler.ticks(), strict=True):
            axes.annotate(text, (number, place), (-4, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
                          zorder=6)  # fmt: skip
    axes.set_xticks(range(len(rulers)), [names[ruler.name].replace(".", ".\n", 1) for ruler in rulers])
    axes.tick_params(axis="x", length=0)
