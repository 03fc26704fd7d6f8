"""Figures of explanations: heat over images, colour under waveforms, lag by channel for forecasts."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, GREEN, ORANGE, label_time, new_figure, style, with_unit
from dlkit.report.sample_grid import SampleView, draw_image
from dlkit.report.tables import shorten

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
    """

    title: str
    warning: str = ""
    signed: bool = False
    channels: Sequence[str] = ()
    units: Sequence[str] = ()
    score: str = ""


def shades(relevance: np.ndarray, *, signed: bool) -> dict[str, Any]:
    """Return colour map and limits: from white where nothing is, symmetric about 0 where the sign means something."""
    finite = np.abs(relevance[np.isfinite(relevance)])
    high = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    return {"cmap": "RdBu_r", "vmin": -high, "vmax": high} if signed else {"cmap": "Reds", "vmin": 0, "vmax": high}


def put_title(figure: "matplotlib.figure.Figure", legend: Legend) -> None:
    """Write the title; a warning stands below it in its own colour, as many lines as it needs."""
    wide = int(13 * figure.get_figwidth())
    text = "\n".join(line for part in (legend.title, legend.warning) for line in textwrap.wrap(part, wide))
    figure.suptitle(text, fontsize=9, x=0.01, ha="left", color=ORANGE if legend.warning else BLACK)


# ------------------------------------------------------------------ images
def image_maps_figure(views: Sequence[MapView], legend: Legend) -> "matplotlib.figure.Figure":
    """Draw each image beside itself under its map."""
    require(len(views) > 0, "image_maps_figure got no sample to draw: pass at least one MapView.")
    pairs = min(len(views), 4)
    rows = -(-len(views) // pairs)
    with style():
        figure = new_figure(max(2.9 * pairs + 0.5, 4.2), 1.75 * rows + 0.75)
        panels = figure.subplots(rows, 2 * pairs, squeeze=False).reshape(-1, 2)
        for (plain, heat), view in zip(panels, views, strict=False):
            draw_image(plain, SampleView(view.values, view.name), legend.channels)
            plain.set_title("\n".join(shorten(t, 30) for t in [view.name, *view.lines]), loc="left", fontsize=7)
            draw_heat(heat, view, legend)
        for axes in panels[len(views) :].flatten():
            axes.remove()
        put_title(figure, legend)
    return figure


def draw_heat(axes: "matplotlib.axes.Axes", view: MapView, legend: Legend) -> None:
    """Draw a map over its image in pale grey, with the truth and the box where they are known."""
    low, high = (float(edge) for edge in np.nanquantile(view.values, [0.001, 0.999]))
    grey = np.nan_to_num(view.values.mean(0), nan=low)
    pale = 0.5 + 0.5 * np.clip((grey - low) / max(high - low, 1e-30), 0, 1)
    axes.set_axis_off()
    axes.imshow(pale, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    total = view.relevance.sum(0)
    look = shades(total, signed=legend.signed)
    axes.imshow(total, alpha=0.85 * np.clip(np.abs(total) / look["vmax"], 0, 1), interpolation="nearest", **look)
    if view.truth is not None and view.truth.any() and not view.truth.all():
        axes.contour(view.truth, levels=[0.5], colors=[GREEN], linewidths=1.2)
    if view.box is not None and view.box[0, 1] > 0:
        from matplotlib.patches import Rectangle

        (top, bottom), (left, right) = view.box
        corner, extent = (left - 0.5, top - 0.5), (right - left, bottom - top)
        axes.add_patch(Rectangle(corner, *extent, fill=False, edgecolor=BLACK, linewidth=0.8, linestyle="--"))


# ------------------------------------------------------------------ traces
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
    with style():
        figure = new_figure(7.6, 1.1 + 1.05 * channels)
        panels = figure.subplots(channels, 1, squeeze=False, sharex=True)[:, 0]
        look = shades(view.relevance, signed=legend.signed)
        relevance = np.broadcast_to(view.relevance, view.values.shape)
        for i, axes in enumerate(panels):
            mesh = draw_under(axes, times, view.values[i], relevance[i], look)
            axes.set_ylabel(with_unit(shorten(legend.channels[i], 14), legend.units[i]), fontsize=7.5)
            axes.tick_params(labelsize=7)
            if view.truth is not None:
                mark_truth(axes, times, view.truth)
        panels[-1].set_xlabel(with_unit("time", time_unit))
        said = [shorten(view.name, 40), *view.lines, *(["green: known place"] if view.truth is not None else [])]
        panels[0].set_title(", ".join(said), loc="left", fontsize=8)
        figure.colorbar(mesh, ax=panels, label=legend.score, fraction=0.03, pad=0.01)
        put_title(figure, legend)
    return figure


def draw_under(
    axes: "matplotlib.axes.Axes", times: np.ndarray, values: np.ndarray, relevance: np.ndarray, look: dict[str, Any]
) -> Any:
    """Draw a waveform over the colour of its relevance and return what carries the colours."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.08 * (high - low) or 0.5
    half = np.diff(times).mean() / 2 if len(times) > 1 else 0.5
    edges = np.concatenate([times - half, times[-1:] + half])
    mesh = axes.pcolormesh(
        edges, [low - margin, high + margin], relevance[None], shading="flat", rasterized=True, **look
    )
    axes.plot(times, values, color=BLACK, linewidth=0.9)
    axes.set_ylim(low - margin, high + margin)
    axes.margins(x=0)
    axes.grid(visible=False)
    return mesh


def mark_truth(axes: "matplotlib.axes.Axes", times: np.ndarray, truth: np.ndarray) -> None:
    """Mark where the answer is known to lie by a bar at the lower edge."""
    axes.fill_between(
        times, 0, 0.06, where=truth.tolist(), transform=axes.get_xaxis_transform(), color=GREEN, linewidth=0,
        step="mid",
    )  # fmt: skip


# ------------------------------------------------------------------ forecasts
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
    """Draw a heat map of channel by time for each forecast of a window, with the sum of each channel beside it.

    Args:
        views: One for each forecast time.
        times: Times of the look-back, datetime64 or seconds, or lags, (time,).
        legend: Names, units and verdict.
        axis: Label of the time axis; "" stands for times.
    """
    require(len(views) > 0, "lag_maps_figure got no forecast to draw: pass at least one LagView.")
    channels = len(views[0].relevance)
    with style():
        figure = new_figure(9.0, 0.9 + len(views) * (0.75 + 0.2 * max(channels, 3)))
        panels = figure.subplots(len(views), 2, squeeze=False, width_ratios=[5, 1], sharex="col", sharey="row")
        look = shades(np.stack([view.relevance for view in views]), signed=legend.signed)
        for (heat, bars), view in zip(panels, views, strict=True):
            mesh = heat.pcolormesh(
                times, np.arange(channels), view.relevance, shading="nearest", rasterized=True, **look
            )
            heat.set_yticks(range(channels), [shorten(name, 22) for name in legend.channels], fontsize=7)
            heat.set_title(view.title, loc="left", fontsize=8)
            heat.grid(visible=False)
            totals = view.relevance.sum(1)
            bars.barh(range(channels), totals, color=[ORANGE if t > 0 else "#0072B2" for t in totals], height=0.7)
            bars.axvline(0, color=BLACK, linewidth=0.6)
            bars.tick_params(labelsize=7)
            heat.invert_yaxis()
        if axis:
            panels[-1, 0].set_xlabel(axis)
        else:
            label_time(panels[-1, 0], times, named=True)
        panels[-1, 1].set_xlabel("sum", fontsize=8)
        figure.colorbar(mesh, ax=panels, label=legend.score, fraction=0.03, pad=0.01)
        put_title(figure, legend)
    return figure
