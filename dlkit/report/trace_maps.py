"""Figures of explained traces: colour under the waveform of each channel."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import BLACK, GREEN, edges_of, new_figure, style, with_unit
from dlkit.report.maps import Legend, MapView, bar_label, largest, marks, put_title, shades, wrapped
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


def trace_maps_figure(
    view: MapView, times: np.ndarray, legend: Legend, *, time_unit: str
) -> "matplotlib.figure.Figure":
    """Draw every channel of a trace with its relevance as colour under the waveform.

    Args:
        view: The trace.
        times: Time of each sample, (time,).
        legend: Names, units and verdict.
        time_unit: Unit of the times.
    """
    channels = len(view.values)
    relevance = np.broadcast_to(view.relevance, view.values.shape)
    if legend.relative:
        relevance = relevance / largest(relevance)
    said = wrapped([", ".join([view.name, *view.lines, *marks([view])])], 95)
    label = f"{legend.score} (1: the most of this trace)" if legend.relative else legend.score
    high = max(1.05 * channels, 1.7)
    with style():
        figure = new_figure(7.6, 1.1 + high + 0.14 * said.count("\n"))
        panels = figure.subplots(channels, 1, squeeze=False, sharex=True)[:, 0]
        look = under_lines(shades(relevance, signed=legend.signed))
        for i, axes in enumerate(panels):
            mesh = draw_under(axes, times, view.values[i], relevance[i], look)
            axes.set_ylabel(bar_label(with_unit(shorten(legend.channels[i], 30), legend.units[i]), 1.0), fontsize=7)
            axes.tick_params(labelsize=7)
            if view.truth is not None:
                mark_truth(axes, times, view.truth)
        panels[-1].set_xlabel(with_unit("time", time_unit))
        panels[0].set_title(said, loc="left", fontsize=8)
        figure.colorbar(mesh, ax=panels, fraction=0.03, pad=0.01).set_label(bar_label(label, high), fontsize=7)
        put_title(figure, legend)
    return figure


def under_lines(look: dict[str, Any]) -> dict[str, Any]:
    """Return a look without its darkest colours, on which a black line would not be seen."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    first = 0.2 if look["vmin"] < 0 else 0.0  # of two-sided maps both ends are dark
    shown = colormaps[look["cmap"]](np.linspace(first, 1 - first if first else 0.6, 256))
    return look | {"cmap": ListedColormap(shown)}


def draw_under(
    axes: "matplotlib.axes.Axes", times: np.ndarray, values: np.ndarray, relevance: np.ndarray, look: dict[str, Any]
) -> Any:
    """Draw a waveform over the colour of its relevance and return what carries the colours."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.08 * (high - low) or 0.5
    between = [low - margin, high + margin]
    mesh = axes.pcolormesh(edges_of(times, 0.5), between, relevance[None], shading="flat", rasterized=True, **look)
    axes.plot(times, values, color=BLACK, linewidth=0.9)
    axes.set_ylim(*between)
    axes.margins(x=0)
    axes.grid(visible=False)
    return mesh


def mark_truth(axes: "matplotlib.axes.Axes", times: np.ndarray, truth: np.ndarray) -> None:
    """Mark where the answer is known to lie by a bar at the lower edge."""
    axes.fill_between(
        times, 0, 0.06, where=truth.tolist(), transform=axes.get_xaxis_transform(), color=GREEN, linewidth=0,
        step="mid",
    )  # fmt: skip
