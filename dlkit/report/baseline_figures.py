"""The figure of classical methods beside a network: how good, and how long it took."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.baseline_tables import Entry
from dlkit.report.canvas import BLACK, BLUE, ORANGE, new_figure, style

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

PANELS = 2  # measures that are drawn


def baselines_figure(entries: Sequence[Entry], *, model: str | None) -> "matplotlib.figure.Figure":
    """Draw the first measures of every method, the best at the top, and the seconds of learning and answering.

    Args:
        entries: The methods.
        model: Title of the network among them.
    """
    names = list(entries[0].measures)[:PANELS]
    high = entries[0].measures[names[0]][1] == "high"
    values = np.array([entry.measures[names[0]][0] for entry in entries])
    order = np.argsort(np.where(np.isfinite(values), -values if high else values, np.inf), kind="stable")
    shown = [entries[k] for k in order]
    rows = np.arange(len(shown))
    with style():
        figure = new_figure(3.0 + 2.4 * (len(names) + 1), 1.1 + 0.3 * len(shown))
        panels = figure.subplots(1, len(names) + 1, sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=False):
            draw_measure(axes, shown, name, model)
        draw_seconds(panels[-1], shown)
        panels[0].set_yticks(rows, [entry.title for entry in shown])
        panels[0].set_ylim(len(shown) - 0.5, -0.5)
    return figure


def draw_measure(axes: "matplotlib.axes.Axes", entries: Sequence[Entry], name: str, model: str | None) -> None:
    """Draw a measure as points; that of the network stands out and has a line to compare with.

    What learns nothing and lies far off is a number at the edge, so that it squeezes no one else.
    """
    low, high = frame_of(entries, name)
    for row, entry in enumerate(entries):
        value, own = entry.measures[name][0], entry.title == model
        color = ORANGE if own else BLUE
        if low <= value <= high:
            axes.plot(value, row, marker="D" if own else "o", color=color, markersize=6)
        elif np.isfinite(value):
            left = value < low
            edge, text = (low, f"\u25c2 {value:.3g}") if left else (high, f"{value:.3g} \u25b8")
            axes.text(edge, row, text, ha="left" if left else "right", va="center", color=color, fontsize=8)
        if own and np.isfinite(value):
            axes.axvline(value, color=ORANGE, linewidth=0.8, linestyle="--", zorder=1)
    axes.set_xlim(low, high)
    better = entries[0].measures[name][1]
    axes.set_xlabel(f"{name}\n({'higher' if better == 'high' else 'lower'} is better)" if better != "neither" else name)
    axes.locator_params(axis="x", nbins=4)


def frame_of(entries: Sequence[Entry], name: str) -> tuple[float, float]:
    """Return the ends of an axis that shows all that learns, and what lies near."""
    values = np.array([entry.measures[name][0] for entry in entries])
    learns = np.array([entry.fit_s is not None for entry in entries])
    known = values[np.isfinite(values) & (learns if learns.sum() > 1 else True)]
    if not len(known):
        return 0.0, 1.0
    room = float(np.ptp(known)) or abs(float(known[0])) or 1.0
    near = values[np.isfinite(values) & (values > known.min() - room) & (values < known.max() + room)]
    return float(near.min() - 0.1 * room), float(near.max() + 0.1 * room)


def draw_seconds(axes: "matplotlib.axes.Axes", entries: Sequence[Entry]) -> None:
    """Draw the seconds of learning and answering on a logarithmic axis."""
    for label, marker, size, color in (("fit_s", "s", 4, BLACK), ("predict_s", "|", 9, BLUE)):
        pairs = [(getattr(entry, label), row) for row, entry in enumerate(entries)]
        known = [(max(seconds, 1e-3), row) for seconds, row in pairs if seconds is not None]
        if known:
            seconds, rows = zip(*known, strict=True)
            axes.plot(seconds, rows, marker, label=label[:-2], markersize=size, color=color)
    axes.set_xscale("log")
    axes.set_xlabel("seconds")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
