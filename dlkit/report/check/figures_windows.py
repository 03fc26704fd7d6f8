"""Figures of windows and samples as points: which are alike, with small pictures of some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.quality.looks.windows import Plane, spread_points
from dlkit.report.canvas import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, new_figure, style
from dlkit.report.check.drawing import small_png
from dlkit.report.embedding_figures import Colouring, draw_points
from dlkit.report.thumbnails import image_thumbnails, limits_of, series_thumbnails

THUMBNAILS = 12
MARKERS = ("o", "x", "^", "s", "+", "D", "v", "*", "1", "P", "<", "2")
COLOURS = (BLUE, ORANGE, BLACK, GREEN, PURPLE, SKY, "#E69F00")


@dataclass(frozen=True, eq=False)
class Pictured:
    """What the points are.

    Attributes:
        values: (points, channels, time) or (points, channels, height, width).
        colouring: What they are coloured by.
    """

    values: np.ndarray
    colouring: Colouring


def plane_png(plane: Plane, pictured: Pictured) -> bytes:
    """Return the points on principal axes and on t-SNE, with small pictures of some that are far from each other."""
    views = {"principal axes": plane.principal}
    if plane.neighbours is not None:
        views["t-SNE"] = plane.neighbours
    with style():
        figure = new_figure(5.3 * len(views) + 0.4, 4.9)
        figure.set_layout_engine(None)  # asks each small picture for its size, twice
        figure.subplots_adjust(
            left=0.04, right=0.88 if pictured.colouring.names else 0.94, bottom=0.08, top=0.93, wspace=0.3
        )
        panels = figure.subplots(1, len(views), squeeze=False)[0]
        for axes, (name, points) in zip(panels, views.items(), strict=True):
            draw_marked(axes, points, pictured.colouring)
            put_thumbnails(axes, points, pictured.values)
            axes.grid(visible=False)
            axes.set_title(f"{name}; colour: {pictured.colouring.name}", loc="left")
            axes.set_xticks([])
            axes.set_yticks([])
        first, second = plane.shares
        panels[0].set_xlabel(f"first axis ({100 * first:.0f} % of the variance)")
        panels[0].set_ylabel(f"second axis ({100 * second:.0f} %)")
        return small_png(figure, colours=200)


def draw_marked(axes: Any, points: np.ndarray, colouring: Colouring) -> None:
    """Draw points; classes that are few have markers of their own, so that they are told apart in grey."""
    if not 0 < len(colouring.names) <= len(MARKERS):
        draw_points(axes, points, colouring)
        return
    size = 10 if len(points) > 300 else 16
    for number, (name, marker) in enumerate(zip(colouring.names, MARKERS, strict=False)):
        own = points[colouring.values == number]
        color = COLOURS[number % len(COLOURS)]
        axes.scatter(own[:, 0], own[:, 1], s=size, marker=marker, color=color, alpha=0.8, linewidths=0.7, label=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7, handletextpad=0.1, borderaxespad=0)


def put_thumbnails(axes: Any, points: np.ndarray, values: np.ndarray) -> None:
    """Put small pictures beside points that are far from each other."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    chosen = spread_points(points, THUMBNAILS)
    limits = limits_of(values)
    draw = image_thumbnails if values.ndim == 4 else series_thumbnails
    pictures = draw(values[chosen], limits)
    known = points[np.isfinite(points).all(1)]
    low, high = known.min(0), known.max(0)
    room = 0.15 * np.maximum(high - low, 1e-6)
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])
    middle = (low + high) / 2
    for place, picture in zip(points[chosen], pictures, strict=True):
        aside = np.sign(place - middle) * 22
        box = AnnotationBbox(
            OffsetImage(picture, zoom=0.62), place, xybox=tuple(aside), boxcoords="offset points", pad=0.1,
            arrowprops={"arrowstyle": "-", "color": BLACK, "linewidth": 0.6}, bboxprops={"linewidth": 0.6},
        )  # fmt: skip
        axes.add_artist(box)
        axes.plot(*place, "o", color="white", markeredgecolor=BLACK, markersize=4, zorder=4)


def shares_told(plane: Plane) -> str:
    """Return how much the plane shows."""
    return f"Two principal axes hold {100 * sum(plane.shares):.0f} % of the variance."


def by_time(times: np.ndarray, *, dated: bool, name: str = "time") -> Colouring:
    """Return a colouring by time, in days or seconds from the first."""
    seconds = (times - times.min()) / 1e9
    long = dated and float(seconds.max(initial=0)) > 172_800
    return Colouring(f"{name} ({'days' if long else 's'} from the first)", seconds / (86_400 if long else 1.0))


def by_class(labels: np.ndarray, classes: Sequence[str], name: str) -> Colouring:
    """Return a colouring by class."""
    return Colouring(name, labels, list(classes))
