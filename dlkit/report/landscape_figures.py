"""Figures of loss surfaces: lines, contours, the surface in space, the way of the optimizer over it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import BLACK, LINES, ORANGE, new_figure, style
from dlkit.report.landscape_view import LossView, colour_norm, levels, number, scale_ends

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


def contour_figure(view: LossView) -> "matplotlib.figure.Figure":
    """Draw contours of the loss; over them the way of the weights where it is known."""
    with style():
        figure = new_figure(5.6, 4.6)
        axes = figure.subplots()
        draw_contours(axes, view)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


def draw_contours(axes: "matplotlib.axes.Axes", view: LossView, *, bar: bool = True) -> None:
    """Draw contours into ``axes``."""
    heights, norm = levels(view), colour_norm(view)
    place = (view.first, view.second, view.shown)
    filled = axes.contourf(*place, levels=heights, norm=norm, cmap="viridis", extend=view.arrow)
    drawn = axes.contour(*place, levels=heights, colors="white", linewidths=0.6)
    label_heights(axes, drawn, heights[1::3], view)
    if view.path is None:
        axes.plot(0, 0, marker="+", color=ORANGE, markersize=11, markeredgewidth=2, linestyle="none", label="network")
    else:
        draw_path(axes, view)
    axes.set_xlabel(view.names[0])
    axes.set_ylabel(view.names[1])
    axes.set_title(view.heading, loc="left")
    axes.grid(visible=False)
    axes.locator_params(nbins=5)
    if bar and axes.figure is not None:
        colours = axes.figure.colorbar(
            filled, ax=axes, label=view.label, ticks=heights[::4], format=lambda v, _: number(v)
        )
        colours.minorticks_off()


def draw_path(axes: "matplotlib.axes.Axes", view: LossView) -> None:
    """Draw the way of the weights with the epochs of its ends."""
    assert view.path is not None
    x, y = view.path.T
    axes.plot(x, y, color="white", linewidth=3.0, zorder=3)
    axes.plot(x, y, color=BLACK, linewidth=1.2, marker="o", markersize=3, zorder=4, label="weights at each snapshot")
    axes.plot(0, 0, marker="+", color=ORANGE, markersize=11, markeredgewidth=2, linestyle="none", zorder=5,
              label="network")  # fmt: skip
    box: dict[str, Any] = {"boxstyle": "round,pad=0.15", "color": "white", "alpha": 0.8}
    middle = (view.first[0] + view.first[-1]) / 2
    for place in sorted({0, len(x) - 1}):
        side, away = ("left", 7) if x[place] < middle else ("right", -7)
        axes.annotate(
            f"epoch {view.epochs[place]}", (x[place], y[place]), xytext=(away, 0), textcoords="offset points", bbox=box,
            ha=side, va="center", fontsize=7, zorder=6,
        )  # fmt: skip


def label_heights(axes: "matplotlib.axes.Axes", drawn: Any, heights: np.ndarray, view: LossView) -> None:
    """Write heights on their contours, away from the edges, the network and each other: each in another direction."""
    ends = np.array([[view.first[0], view.first[-1]], [view.second[0], view.second[-1]]])
    middle, half = ends.mean(1), np.diff(ends)[:, 0] / 2
    places: list[np.ndarray] = []
    for turn, height in enumerate(heights):
        points = np.concatenate([*drawn.allsegs[int(np.abs(drawn.levels - height).argmin())], np.empty((0, 2))])
        scaled = (points - middle) / half
        inside = (np.abs(scaled).max(1) < 0.85) & (np.abs(points / half).max(1) > 0.12)
        for place in places:  # labels are about as wide
            inside &= np.hypot(*(scaled - (place - middle) / half).T) > 0.25
        if inside.any():
            angle = np.arctan2(*scaled[inside].T) - 2.4 * turn  # the golden angle: neighbours are far apart
            places.append(points[inside][np.cos(angle).argmax()])
    axes.clabel(drawn, heights, fmt=number, fontsize=7, manual=places)


def surface_figure(view: LossView) -> "matplotlib.figure.Figure":
    """Draw the surface in space."""
    with style():
        figure = new_figure(6.6, 4.8)
        draw_surface(axes := figure.add_subplot(projection="3d"), view)
        from matplotlib.cm import ScalarMappable

        scale, marked = ScalarMappable(colour_norm(view), "viridis"), levels(view)[::4]
        look: dict[str, Any] = {"shrink": 0.6, "extend": view.arrow, "format": lambda v, _: number(v)}
        figure.colorbar(scale, ax=axes, ticks=marked, **look).minorticks_off()
    return figure


def draw_surface(axes: Any, view: LossView, *, zoom: float = 0.85) -> None:
    """Draw the surface into axes of three dimensions."""
    norm, ends = colour_norm(view), np.array(view.ends)
    clipped = np.clip(view.shown, *ends)
    height = np.log10(clipped) if view.positive else clipped
    heights = np.where(np.ma.getmaskarray(height), np.nan, np.ma.getdata(height))
    x, y = np.meshgrid(view.first, view.second)
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    faces = (heights[1:, 1:] + heights[1:, :-1] + heights[:-1, 1:] + heights[:-1, :-1]) / 4
    colours = colormaps["viridis"](norm(10**faces if view.positive else faces))
    look: dict[str, Any] = {"shade": False, "linewidth": 0.3, "edgecolor": "#FFFFFF80"}  # a colour is a height
    axes.plot_surface(x, y, heights, facecolors=colours, rstride=1, cstride=1, **look)
    axes.set_xlabel(view.names[0])
    axes.set_ylabel(view.names[1])
    axes.set_zlabel(view.label, labelpad=11)
    for ticks in (axes.xaxis, axes.yaxis, axes.zaxis):
        ticks.set_major_locator(MaxNLocator(5))
        ticks.set_tick_params(pad=4 if ticks is axes.zaxis else 1)
    axes.set_zlim(*(np.log10(ends) if view.positive else ends))
    axes.zaxis.set_major_formatter(lambda value, _: number(10**value if view.positive else value))
    axes.set_title(view.heading, loc="left")
    axes.view_init(elev=30, azim=-55)
    axes.set_box_aspect((1, 1, 0.75), zoom=zoom)


def lines_figure(
    places: tuple[np.ndarray, np.ndarray], losses: np.ndarray, names: tuple[str, str], loss: str = "loss"
) -> Any:
    """Draw the loss along each direction.

    Args:
        places: Places along each direction, (points,).
        losses: Loss at them, (2, points).
        names: What the directions are.
        loss: What the loss is called.
    """
    with style():
        figure = new_figure(5.6, 3.6)
        axes = figure.subplots()
        shown = np.ma.masked_invalid(losses)
        for look, place, along, name in zip(LINES, places, shown, names, strict=False):
            axes.plot(place, along, label=name, **look)
        axes.axvline(0, color="#666666", linewidth=0.8, linestyle=":", label="network")
        if shown.count() and float(shown.min()) > 0 and float(shown.max()) > 10 * float(shown.min()):
            axes.set_yscale("log")
            loss += " (logarithmic)"
        axes.set_xlabel("step along the direction")
        axes.set_ylabel(loss)
        axes.margins(x=0.02)
        figure.legend(loc="outside upper center", ncols=3, handlelength=3.2)
    return figure


def pair_figure(views: Sequence[LossView]) -> "matplotlib.figure.Figure":
    """Draw several surfaces beside each other, in space and as contours, all with the same colours and heights."""
    limits = scale_ends(np.concatenate([view.losses.ravel() for view in views]))
    shared = [replace(view, limits=limits) for view in views]
    with style():
        figure = new_figure(4.8 * len(shared), 8.0)
        grid = figure.add_gridspec(2, len(shared), height_ratios=(1.2, 1))
        for place, view in enumerate(shared):
            draw_surface(figure.add_subplot(grid[0, place], projection="3d"), view, zoom=1.1)
            last = place == len(shared) - 1
            draw_contours(figure.add_subplot(grid[1, place]), replace(view, title=""), bar=last)
    return figure
