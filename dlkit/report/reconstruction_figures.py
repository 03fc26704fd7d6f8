"""Figures of inputs beside what a network gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.anomaly_figures import put_legend
from dlkit.report.canvas import BLACK, BLUE, lead_times, new_figure, put_heading, style, with_unit
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.figure
    import matplotlib.image


@dataclass(frozen=True, eq=False)
class BackView:
    """One window or trace in physical units.

    Attributes:
        truth: What was measured, NaN where it was not, (channels, time).
        point: What the network gave back, (channels, time).
        name: What the sample is called, or when the window was.
    """

    truth: np.ndarray
    point: np.ndarray
    name: str


def back_figure(
    views: Sequence[BackView], channels: Sequence[str], units: Sequence[str], *, step: float, title: str = ""
) -> "matplotlib.figure.Figure":
    """Draw each sample in a column, each channel in a row.

    Args:
        views: The samples.
        channels: Name of each channel.
        units: Unit of each channel.
        step: Seconds between samples of a series.
        title: What the samples have in common.
    """
    times, unit = lead_times(views[0].truth.shape[-1], step, gap=-1)
    with style():
        figure = new_figure(0.8 + 3.1 * len(views), 1.0 + 1.05 * len(channels))
        panels = figure.subplots(len(channels), len(views), squeeze=False, sharex=True, sharey="row")
        for column, view in zip(panels.T, views, strict=True):
            column[0].set_title(shorten(view.name, 44), loc="left", fontsize=8)
            for axes, truth, point in zip(column, view.truth, view.point, strict=True):
                axes.plot(times, truth, color=BLACK, linewidth=1.1, label="measured")
                axes.plot(times, point, color=BLUE, linestyle=(0, (4, 1.5)), linewidth=1.2, label="given back")
                axes.margins(x=0)
                axes.tick_params(labelsize=7)
            column[-1].set_xlabel(with_unit("time in the window", unit), fontsize=8)
        for axes, name, its in zip(panels[:, 0], channels, units, strict=True):
            axes.set_ylabel(with_unit(f"{shorten(name, 20)}\n", its).strip(), fontsize=7.5)
        put_heading(figure, title)
        put_legend(figure, [panels[0, 0]])
    return figure


def image_back_figure(
    views: Sequence[BackView], channels: Sequence[str], *, unit: str, title: str = ""
) -> "matplotlib.figure.Figure":
    """Draw each image beside what was given back and the absolute difference; all share a scale of either.

    Args:
        views: Images, (channels, height, width).
        channels: Name of each channel.
        unit: Unit of all channels, "" where there are several or none.
        title: What the images have in common.
    """
    columns = min(len(views), 4)
    rows = -(-len(views) // columns)
    errors = [np.abs(view.truth - view.point).mean(0) for view in views]
    scale = np.nanquantile(np.stack([view.truth for view in views]), [0.001, 0.999])
    highest = max(float(np.nanmax(error)) for error in errors) or 1.0
    with style():
        figure = new_figure(3.3 * columns + 0.8, 1.45 * rows + 0.5)
        panels = figure.subplots(rows, 3 * columns, squeeze=False).reshape(-1, 3)
        for trio, view, error in zip(panels, views, errors, strict=False):
            pair = draw_pair(trio, view, channels, (float(scale[0]), float(scale[1])))
            heat = trio[2].imshow(error, cmap="Greys", vmin=0, vmax=highest, interpolation="nearest")
            trio[2].set(xticks=[], yticks=[])
            trio[2].grid(visible=False)
            trio[2].spines[:].set(visible=True, linewidth=0.6, color="#999999")
            trio[0].set_title(view.name, loc="left", fontsize=7)
        for axes in panels[len(views) :].flatten():
            axes.remove()
        drawn = panels[: len(views)].flatten().tolist()
        bars = [(heat, "|measured - given back|"), *([] if len(channels) == 3 else [(pair, "measured, given back")])]
        for shade, name in bars:
            bar = figure.colorbar(shade, ax=drawn, fraction=0.03, pad=0.01)
            bar.set_label(with_unit(name, unit), fontsize=7.5)
            bar.ax.tick_params(labelsize=7)
        said = "of each: measured, given back, absolute difference"
        put_heading(figure, f"{title} ({said})")
    return figure


def draw_pair(
    trio: np.ndarray, view: BackView, channels: Sequence[str], scale: tuple[float, float]
) -> "matplotlib.image.AxesImage":
    """Draw an image and what was given back on one scale; return what was drawn last."""
    low, high = scale
    drawn: matplotlib.image.AxesImage
    for axes, values in zip(trio, (view.truth, view.point), strict=False):
        axes.set_axis_off()
        if len(channels) == 3:
            colours = np.clip((values - low) / max(high - low, 1e-30), 0, 1)
            drawn = axes.imshow(np.nan_to_num(colours.transpose(1, 2, 0)), interpolation="nearest")
        else:
            drawn = axes.imshow(values.mean(0), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    return drawn
