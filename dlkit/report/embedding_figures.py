"""Figures of embeddings: points on a plane, clusters and neighbours beside each other in physical units."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, BLUE, SKY, SPANS, new_figure, put_heading, style, with_unit
from dlkit.report.sample_grid import SampleView, draw_image
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

MOST_CHANNELS = 6
NAMED = 24  # most categories whose names are written among their points


@dataclass(frozen=True, eq=False)
class Colouring:
    """What points are coloured by.

    Attributes:
        name: What it is.
        values: Number of a category, below 0 where it has none; or a quantity, NaN where unknown, (points,).
        names: Name of each category; empty for a quantity.
        raised: Categories that are drawn larger, over all others, the last on top.
    """

    name: str
    values: np.ndarray
    names: Sequence[str] = ()
    raised: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Column:
    """What stands beside others: a window, a trace, an image, or the mean of some.

    Attributes:
        values: (channels, time) or (channels, height, width), in physical units, NaN where missing.
        title: What it is.
        lower: Lower edge of a band around it, like values, or None.
        upper: Upper edge of the band.
    """

    values: np.ndarray
    title: str
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Axis:
    """What columns have in common.

    Attributes:
        channels: Name of each channel.
        units: Unit of each channel.
        seconds: Time of each sample, (time,); None for images.
    """

    channels: Sequence[str]
    units: Sequence[str]
    seconds: np.ndarray | None = None


# ------------------------------------------------------------------ points on a plane
def map_figure(
    views: Mapping[str, np.ndarray], colourings: Sequence[Colouring], *, title: str = ""
) -> "matplotlib.figure.Figure":
    """Draw each view, (points, 2), once for each colouring; points that are NaN are left out."""
    require(len(views) > 0 and len(colourings) > 0, "map_figure got nothing to draw: pass a view and a colouring.")
    with style():
        figure = new_figure(3.6 * len(colourings) + 0.4, 3.4 * len(views) + 0.4)
        panels = figure.subplots(len(views), len(colourings), squeeze=False)
        for row, (name, points) in zip(panels, views.items(), strict=True):
            for axes, colouring in zip(row, colourings, strict=True):
                draw_points(axes, points, colouring)
                axes.set_xticks([])
                axes.set_yticks([])
            row[0].set_ylabel(name)
        for axes, colouring in zip(panels[0], colourings, strict=True):
            axes.set_title(colouring.name, loc="left")
        put_heading(figure, title)
    return figure


def draw_points(axes: "matplotlib.axes.Axes", points: np.ndarray, colouring: Colouring) -> None:
    """Draw points by a quantity with its scale, or by category with names among them."""
    seen = np.isfinite(points).all(1)
    known = seen & (colouring.values >= 0 if colouring.names else np.isfinite(colouring.values))
    look: dict[str, Any] = {"s": 5 if seen.sum() > 1000 else 10, "linewidths": 0}
    axes.scatter(points[seen & ~known, 0], points[seen & ~known, 1], color="#BBBBBB", alpha=0.6, **look)
    if colouring.names:
        draw_categories(axes, points, known, colouring, look)
        return
    quantity = colouring.values[known]
    limits = np.quantile(quantity, [0.01, 0.99]) if len(quantity) else (0.0, 1.0)
    drawn = axes.scatter(
        points[known, 0], points[known, 1], c=quantity, cmap="viridis", vmin=limits[0], vmax=limits[1], **look
    )
    if axes.figure is not None:
        axes.figure.colorbar(drawn, ax=axes, fraction=0.04, pad=0.01).ax.tick_params(labelsize=7)


def draw_categories(
    axes: "matplotlib.axes.Axes", points: np.ndarray, known: np.ndarray, colouring: Colouring, look: dict[str, Any]
) -> None:
    """Draw each category in its colour, rare ones on top, those that are raised over all and larger.

    Its name stands at the most central of its points; of three categories or fewer in a legend.
    """
    from matplotlib import colormaps
    from matplotlib.patheffects import withStroke

    colours = colormaps["tab10" if len(colouring.names) <= 10 else "tab20"]
    values = colouring.values.astype(np.int64)
    present, sizes = np.unique(values[known], return_counts=True)
    order = [k for k in present[np.argsort(-sizes, kind="stable")].tolist() if k not in colouring.raised]
    order += [k for k in colouring.raised if k in present]
    for number in order:
        own = points[known & (values == number)]
        name = shorten(str(colouring.names[number]), 16)
        size = look["s"] * (3 if number in colouring.raised else 1)
        colour = colours(number % colours.N)
        axes.scatter(own[:, 0], own[:, 1], color=colour, alpha=0.7, label=name, **look | {"s": size})
    if 0 < len(order) <= 3:
        axes.legend(loc="best", fontsize=7, markerscale=2, handletextpad=0.1, frameon=True)
        return
    for number in order[:NAMED]:
        own = points[known & (values == number)]
        place = own[((own - np.median(own, axis=0)) ** 2).sum(1).argmin()]  # a point: between two groups there is none
        axes.annotate(
            shorten(str(colouring.names[number]), 16), place, fontsize=7, ha="center", va="center", weight="bold",
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


# ------------------------------------------------------------------ columns
def columns_figure(
    columns: Sequence[Column], axis: Axis, *, title: str = "", chosen: Sequence[int] | None = None, across: int = 6
) -> "matplotlib.figure.Figure":
    """Draw images in a row, or channels over time with a row for each, all columns on one scale.

    Args:
        columns: What stands beside each other, all of one shape.
        axis: What they have in common.
        title: What they are.
        chosen: Channels of series, the most important first, of which six are drawn; None takes the first six.
        across: Images in a row.
    """
    require(len(columns) > 0, "columns_figure got nothing to draw: pass at least one Column.")
    with style():
        if axis.seconds is None:
            figure = image_columns(columns, axis, across)
        else:
            figure = series_columns(columns, axis, list(range(len(axis.channels)) if chosen is None else chosen))
            left_out = len(axis.channels) - MOST_CHANNELS
            title += f"; {MOST_CHANNELS} of {len(axis.channels)} channels" if left_out > 0 else ""
        put_heading(figure, title)
    return figure


def image_columns(columns: Sequence[Column], axis: Axis, most: int) -> "matplotlib.figure.Figure":
    """Draw images, ``most`` a row."""
    across = min(len(columns), most)
    rows = -(-len(columns) // across)
    lines = max(column.title.count("\n") for column in columns) + 1
    figure = new_figure(max(1.4 * across, 4.2), rows * (1.15 + 0.13 * lines) + 0.5)
    panels = figure.subplots(rows, across, squeeze=False).flatten()
    for axes, column in zip(panels, columns, strict=False):
        axes.set_axis_off()
        if np.isfinite(column.values).any():
            draw_image(axes, SampleView(column.values, column.title), axis.channels)
        axes.set_title(column.title, loc="left", fontsize=7)
    for axes in panels[len(columns) :]:
        axes.remove()
    return figure


def series_columns(columns: Sequence[Column], axis: Axis, chosen: Sequence[int]) -> "matplotlib.figure.Figure":
    """Draw a row for each channel; a row has one scale."""
    shown = sorted(chosen[:MOST_CHANNELS])
    assert axis.seconds is not None
    times, unit = in_unit(axis.seconds)
    figure = new_figure(max(1.6 * len(columns) + 0.9, 3.4), 1.15 * len(shown) + 1.1)
    panels = figure.subplots(len(shown), len(columns), squeeze=False, sharex=True, sharey="row")
    for row, channel in zip(panels, shown, strict=True):
        for axes, column in zip(row, columns, strict=True):
            if column.lower is not None and column.upper is not None:
                axes.fill_between(
                    times, column.lower[channel], column.upper[channel], color=SKY, alpha=0.5, linewidth=0
                )
            axes.plot(
                times,
                column.values[channel],
                color=BLACK if column is columns[0] and column.lower is None else BLUE,
                linewidth=1.0,
            )
            axes.tick_params(labelsize=7)
            axes.margins(x=0.01)
            axes.locator_params(axis="x", nbins=4)
        row[0].set_ylabel(
            with_unit(shorten(axis.channels[channel], 20), axis.units[channel]).replace(" (", "\n("), fontsize=7
        )
    for axes, column in zip(panels[0], columns, strict=True):
        axes.set_title(column.title, loc="left", fontsize=7)
    figure.supxlabel(with_unit("time", unit), fontsize=8)
    return figure


def in_unit(seconds: np.ndarray) -> tuple[np.ndarray, str]:
    """Return times in the unit in which they read well, and the unit."""
    longest = float(np.abs(seconds).max(initial=0.0))
    unit, size = next(((unit, size) for limit, unit, size in SPANS if longest < limit), ("d", 86_400.0))
    return seconds / size, unit


def telling_channels(columns: Sequence[Column]) -> list[int]:
    """Return the channels by how much the columns differ in them beside the width of their bands, most first."""
    values = np.stack([column.values for column in columns])
    widths = np.stack(
        [
            np.zeros_like(column.values)
            if column.lower is None or column.upper is None
            else column.upper - column.lower
            for column in columns
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's: a channel without any value tells nothing
        between, within = np.nan_to_num(np.nanstd(values, axis=0)), np.nan_to_num(np.nanmean(widths, axis=0))
    each = between.mean(tuple(range(1, between.ndim))) / (within.mean(tuple(range(1, within.ndim))) + 1e-12)
    found: list[int] = np.argsort(-each, kind="stable").tolist()
    return found
