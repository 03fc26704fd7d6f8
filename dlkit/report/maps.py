"""Figures of explained images: heat over each, and what all figures of maps share."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, GREEN, ORANGE, new_figure, put_heading, style
from dlkit.report.sample_grid import SampleView, draw_image, draw_pixels, ends_of, height_of, name_lines, scale_lines

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


@dataclass(frozen=True, eq=False)
class MapView:
    """One sample in physical units and where a score of it comes from.

    Attributes:
        values: (channels, height, width) or (channels, time), NaN where missing.
        relevance: Same shape, or (1, *size) where all channels share a map.
        name: What the sample is called.
        lines: What is said of it, a line each.
        truth: True where the answer is known to lie, (*size), or None.
        box: First and last place, plus one, in each axis, of the box around what was found, or None.
    """

    values: np.ndarray
    relevance: np.ndarray
    name: str
    lines: Sequence[str] = ()
    truth: np.ndarray | None = None
    box: np.ndarray | None = None


@dataclass(frozen=True)
class Legend:
    """What a figure of maps says once.

    Attributes:
        title: Method, score and verdict.
        warning: Why the maps must not be trusted, "" where they may.
        signed: Whether relevance below zero speaks against the score.
        channels: Name of each channel.
        units: Unit of each channel.
        score: Name of the score with its unit.
        relative: Whether only the proportions within a map mean something.
        unit: Unit of sums of the relevance, "" where they have none.
        complete: Whether the relevance adds up to the change of the score.
    """

    title: str
    warning: str = ""
    signed: bool = False
    channels: Sequence[str] = ()
    units: Sequence[str] = ()
    score: str = ""
    relative: bool = False
    unit: str = ""
    complete: bool = True


def shades(relevance: np.ndarray, *, signed: bool) -> dict[str, Any]:
    """Return colour map and limits: from white where nothing is, symmetric about 0 where the sign means something."""
    finite = np.abs(relevance[np.isfinite(relevance)])
    high = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    return {"cmap": "RdBu_r", "vmin": -high, "vmax": high} if signed else {"cmap": "Reds", "vmin": 0, "vmax": high}


def put_title(figure: "matplotlib.figure.Figure", legend: Legend) -> None:
    """Write the title; a warning stands below it, and both have its colour."""
    put_heading(figure, legend.title, legend.warning, color=ORANGE if legend.warning else BLACK)


def bar_label(text: str, inches: float) -> str:
    """Return the label of a colour bar of some height, to be written in letters of size 7, in lines that fit it."""
    return wrapped(text.split("\n"), max(int(17 * inches), 17))


def image_maps_figure(views: Sequence[MapView], legend: Legend) -> "matplotlib.figure.Figure":
    """Draw each image beside itself under its map; of several images each map has its own scale, told above it."""
    require(len(views) > 0, "image_maps_figure got no sample to draw: pass at least one MapView.")
    pairs = min(len(views), 4)
    rows = -(-len(views) // pairs)
    own = legend.relative or len(views) > 1
    texts = [words_of(view, legend) for view in views]
    totals = [np.asarray(view.relevance.sum(0)) for view in views]
    most = [largest(total) for total in totals]
    drawn = [total / top if own else total for total, top in zip(totals, most, strict=True)]
    look = shades(np.concatenate([total.ravel() for total in drawn]), signed=legend.signed)
    with style():
        lines = max(text.count("\n") for text in texts)
        high = height_of(views[0].values, 2.0 if pairs == 1 else 1.25, least=1.1)
        figure = new_figure(max(2.9 * pairs + 0.9, 5.4), (high + 0.25 + 0.12 * lines) * rows + 0.55)
        panels = figure.subplots(rows, 2 * pairs, squeeze=False).reshape(-1, 2)
        for (plain, heat), view, text, total, top in zip(panels, views, texts, drawn, most, strict=False):
            draw_image(plain, SampleView(view.values, view.name), legend.channels)
            plain.set_title(text, loc="left", fontsize=7)
            draw_heat(heat, view, total, look)
            if own and not legend.relative:
                heat.set_title(f"1: {top:.3g}", loc="right", fontsize=7)
        for axes in panels[len(views) :].flatten():
            axes.remove()
        inches = high * rows + 0.12 * lines * (rows - 1)
        add_scale(figure, panels[: len(views)].flatten(), look, scale_label(legend, own=own), inches=inches)
        put_title(figure, replace(legend, title="; ".join([legend.title, *marks(views)])))
    return figure


def words_of(view: MapView, legend: Legend) -> str:
    """Return what stands above an image: its name, what is said of it, what is black and white."""
    unit = legend.units[0] if len(set(legend.units)) == 1 else ""
    scale = scale_lines(SampleView(view.values, view.name, unit=unit))
    return "\n".join([*name_lines(view.name, 36), wrapped([*view.lines, *scale], 38)])


def wrapped(texts: Sequence[str], width: int) -> str:
    """Return each text in as many lines as it needs."""
    return "\n".join(line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False))


def largest(total: np.ndarray) -> float:
    """Return the largest size of a map; 1 where it is 0 or unknown everywhere."""
    return float(np.nanmax(np.abs(total), initial=0)) or 1.0


def box_of(view: MapView) -> np.ndarray | None:
    """Return the box around what was found; None where it holds nothing, or is the whole image and says nothing."""
    box = view.box
    if box is None or not box[0, 1] or (box == [(0, extent) for extent in view.values.shape[1:]]).all():
        return None
    return box


def marks(views: Sequence[MapView]) -> list[str]:
    """Say what lines over the maps mean."""
    box = any(box_of(view) is not None for view in views)
    truth = any(view.truth is not None for view in views)
    return ["dashed: box of what is above 20 % of the maximum"] * box + ["green: known place"] * truth


def scale_label(legend: Legend, *, own: bool) -> str:
    """Say what colours mean; of maps with their own scale 1 is the most of each."""
    most = "\n(1: the most of an image)" if legend.relative else "\n(1: the number above a map)" if own else ""
    return f"{legend.score}{most}\n0: the image shows, pale"


def add_scale(
    figure: "matplotlib.figure.Figure", panels: np.ndarray, look: dict[str, Any], label: str, *, inches: float
) -> None:
    """Add the colour bar that all maps share, about ``inches`` high."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(look["vmin"], look["vmax"]), look["cmap"])
    bar = figure.colorbar(scale, ax=list(panels), fraction=0.03, pad=0.01, panchor=False)
    bar.set_label(bar_label(label, inches), fontsize=7)
    bar.ax.tick_params(labelsize=7)


def draw_heat(axes: "matplotlib.axes.Axes", view: MapView, total: np.ndarray, look: dict[str, Any]) -> None:
    """Draw a map over its image in pale grey, with the truth and the box where they are known."""
    low, high = ends_of(view.values)
    pale = 0.5 + 0.5 * np.clip((view.values.mean(0) - low) / max(high - low, 1e-30), 0, 1)
    draw_pixels(axes, np.repeat(pale[..., None], 3, axis=-1))
    axes.imshow(total, alpha=0.85 * np.clip(np.abs(total) / look["vmax"], 0, 1), interpolation="nearest", **look)
    if view.truth is not None and view.truth.any() and not view.truth.all():
        axes.contour(view.truth, levels=[0.5], colors=[GREEN], linewidths=1.2)
    if (box := box_of(view)) is not None:
        from matplotlib.patches import Rectangle

        (top, bottom), (left, right) = box
        corner, extent = (left - 0.5, top - 0.5), (right - left, bottom - top)
        axes.add_patch(Rectangle(corner, *extent, fill=False, edgecolor=BLACK, linewidth=0.8, linestyle="--"))
