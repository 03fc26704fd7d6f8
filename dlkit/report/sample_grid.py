"""A grid of images or traces with what is said of them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import LINES, lead_times, new_figure, style, with_unit
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

TRACES = len(LINES)  # channels of a trace that are drawn


@dataclass(frozen=True, eq=False)
class SampleView:
    """One sample in physical units.

    Attributes:
        values: (channels, height, width) or (channels, time), NaN where missing.
        name: What it is called.
        lines: What is said of it, a line each.
        step: Seconds between the samples of a trace.
    """

    values: np.ndarray
    name: str
    lines: Sequence[str] = ()
    step: float = 1.0


def sample_grid_figure(
    views: Sequence[SampleView], channels: Sequence[str], *, title: str = ""
) -> "matplotlib.figure.Figure":
    """Draw samples side by side.

    Args:
        views: The samples, all of one number of axes.
        channels: Name of each channel.
        title: What they have in common.
    """
    require(len(views) > 0, "sample_grid_figure got no sample to draw: pass at least one SampleView.")
    image = views[0].values.ndim == 3
    columns = min(len(views), 5 if image else 3)
    rows = -(-len(views) // columns)
    width, height = (1.75, 2.3) if image else (3.2, 2.3)
    with style():
        figure = new_figure(max(columns * width, 3.4), rows * height + 0.5)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, view in zip(panels, views, strict=False):
            (draw_image if image else draw_trace)(axes, view, channels)
            axes.set_title(caption(view, 26 if image else 48), loc="left", fontsize=7)
        for axes in panels[len(views) :]:
            axes.remove()
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        handles, labels = panels[0].get_legend_handles_labels()
        if labels:
            figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), TRACES))
    return figure


def caption(view: SampleView, width: int) -> str:
    """Return the name and what is said, each of this in two lines at most."""
    said = [textwrap.fill(text, width, max_lines=2, placeholder="…", break_on_hyphens=False) for text in view.lines]
    return "\n".join([shorten(view.name, width), *said])


def draw_image(axes: "matplotlib.axes.Axes", view: SampleView, channels: Sequence[str]) -> None:
    """Draw three channels as colours, one in grey, of any other number their mean."""
    values = view.values
    low, high = (float(edge) for edge in np.nanquantile(values, [0.001, 0.999])) if values.size else (0.0, 1.0)
    scaled = np.clip((values - low) / max(high - low, 1e-30), 0, 1)
    axes.set_axis_off()
    if len(channels) == 3:
        axes.imshow(np.nan_to_num(scaled.transpose(1, 2, 0)), interpolation="nearest")
    else:
        axes.imshow(scaled.mean(0), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def draw_trace(axes: "matplotlib.axes.Axes", view: SampleView, channels: Sequence[str]) -> None:
    """Draw each channel, scaled to its own range where there are several, over time."""
    times, unit = lead_times(view.values.shape[-1], view.step, gap=-1)
    several = len(channels) > 1
    for number, (channel, values) in enumerate(zip(channels[:TRACES], view.values, strict=False)):
        look = LINES[number] | {"marker": "", "linewidth": 1.0}
        axes.plot(times, to_own_range(values) if several else values, label=shorten(channel, 24), **look)
    axes.set_xlabel(with_unit("time", unit), fontsize=7, labelpad=1)
    axes.margins(x=0.01)
    if several:
        axes.set_yticks([])
    axes.tick_params(labelsize=7)


def to_own_range(values: np.ndarray) -> np.ndarray:
    """Return values on a scale from 0 to 1."""
    if not np.isfinite(values).any():
        return values
    low, high = np.nanmin(values), np.nanmax(values)
    scaled: np.ndarray = (values - low) / (high - low if high > low else 1.0)
    return scaled
