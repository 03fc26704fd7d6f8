"""Figures of explained forecasts: lag by channel, with the parts of each channel beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, ORANGE, edges_of, label_time, new_figure, style, with_unit
from dlkit.report.maps import Legend, bar_label, put_title, shades, wrapped
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


@dataclass(frozen=True, eq=False)
class LagView:
    """One forecast of one window: how much each channel at each time moved it.

    Attributes:
        relevance: In the unit of the target, (channels, time).
        title: What was forecast, for when.
    """

    relevance: np.ndarray
    title: str


def lag_maps_figure(
    views: Sequence[LagView], times: np.ndarray, legend: Legend, *, axis: str = ""
) -> "matplotlib.figure.Figure":
    """Draw a heat map of channel by time for each forecast of a window, with the sums of each channel beside it.

    Args:
        views: One for each forecast time.
        times: Times of the look-back, datetime64 or seconds, or lags, (time,).
        legend: Names, units and verdict.
        axis: Label of the time axis; "" stands for times.
    """
    require(len(views) > 0, "lag_maps_figure got no forecast to draw: pass at least one LagView.")
    channels = len(views[0].relevance)
    titles = [wrapped([view.title], 95) for view in views]
    half = np.timedelta64(500, "ms") if times.dtype.kind == "M" else 0.5
    edges = edges_of(times, half), np.arange(channels + 1) - 0.5
    high = len(views) * (0.75 + 0.2 * max(channels, 3))
    with style():
        figure = new_figure(9.0, 0.9 + high + 0.14 * sum(title.count("\n") for title in titles))
        panels = figure.subplots(len(views), 2, squeeze=False, width_ratios=[5, 1], sharex="col", sharey="row")
        look = shades(np.stack([view.relevance for view in views]), signed=legend.signed)
        for (heat, bars), view, title in zip(panels, views, titles, strict=True):
            mesh = heat.pcolormesh(*edges, view.relevance, shading="flat", rasterized=True, **look)
            heat.set_yticks(range(channels), [shorten(name, 22) for name in legend.channels], fontsize=7)
            heat.set_title(title, loc="left", fontsize=8)
            heat.grid(visible=False)
            draw_parts(bars, view.relevance, signed=legend.signed)
            heat.invert_yaxis()
        if axis:
            panels[-1, 0].set_xlabel(axis)
        else:
            label_time(panels[-1, 0], times, named=True)
        parts = "sums: up, down\nline: net" if legend.signed else "sum of sizes"
        panels[-1, 1].set_xlabel(with_unit(parts, legend.unit), fontsize=8)
        figure.colorbar(mesh, ax=panels, fraction=0.03, pad=0.01).set_label(bar_label(legend.score, high), fontsize=7)
        put_title(figure, legend)
    return figure


def draw_parts(axes: "matplotlib.axes.Axes", relevance: np.ndarray, *, signed: bool) -> None:
    """Draw for each channel what raises and what lowers the score, and their net as a line across."""
    places = np.arange(len(relevance))
    for part, color in ((relevance.clip(min=0), ORANGE), (relevance.clip(max=0), "#0072B2")):
        axes.barh(places, part.sum(1), color=color, height=0.7)
    if signed:
        axes.vlines(relevance.sum(1), places - 0.45, places + 0.45, color=BLACK, linewidth=1.5)
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.tick_params(labelsize=7)
