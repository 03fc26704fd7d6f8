"""Figures of explanations over several sources: traces and frames on one time axis, with the share of each source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, BLUE, ORANGE, label_time, new_figure, style, with_unit
from dlkit.report.maps import Legend, MapView, draw_heat, put_title, shades, wrapped
from dlkit.report.source_axis import linear_part, seconds_after, squeeze
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

MOST_CHANNELS, MOST_FRAMES = 8, 8


@dataclass(frozen=True, eq=False)
class SourceView:
    """What one source gave to one answer.

    Attributes:
        name: Name of the source.
        channels: Name of each channel.
        units: Unit of each channel.
        times: Time of each sample or frame, datetime64 or seconds, rising, (times,); NaT or NaN where there is none.
        values: In physical units, NaN where missing, (channels, times) or (frames, channels, height, width).
        relevance: Same shape.
        share: Sum of the relevance.
        there: Whether the source was there.
    """

    name: str
    channels: Sequence[str]
    units: Sequence[str]
    times: np.ndarray
    values: np.ndarray
    relevance: np.ndarray
    share: float
    there: bool = True

    @property
    def frames(self) -> bool:
        """Whether it is a camera."""
        return self.values.ndim == 4

    def strongest(self) -> list[int]:
        """Return the channels that are drawn, in their order: those of the largest relevance where there are many."""
        sizes = np.nansum(np.abs(self.relevance), axis=1)
        return sorted(np.argsort(-sizes, kind="stable")[:MOST_CHANNELS].tolist())

    def size(self) -> float:
        """Return the sum of the sizes of the relevance."""
        return float(np.nansum(np.abs(self.relevance)))

    def shade(self, most: float) -> np.ndarray:
        """Return the relevance beside its largest value, paler by the root of the size beside the largest source."""
        largest = float(np.nanmax(np.abs(self.relevance), initial=0.0)) or 1.0
        shaded: np.ndarray = self.relevance / largest * np.sqrt(self.size() / most)
        return shaded


def source_maps_figure(
    views: Sequence[SourceView], legend: Legend, *, title: str, answer: Any
) -> "matplotlib.figure.Figure":
    """Draw the inputs of all sources on one time axis, coloured by relevance, and beside them their shares.

    Colours are parts of the most relevant value of a source, paler where it counts less.

    Args:
        views: The sources.
        legend: Method, score and verdict.
        title: What the sample is called and what is said of it.
        answer: Time that the answer is of.
    """
    require(len(views) > 0, "source_maps_figure got no source to draw: pass at least one SourceView.")
    axis = TimeAxis.of(views, answer)
    views = axis.views
    rows = [(view, channel) for view in views for channel in ([-1] if view.frames else view.strongest())]
    heights = [2.0 if view.frames else 0.75 for view, _ in rows]
    with style():
        figure = new_figure(9.4, 1.6 + sum(heights))
        grid = figure.add_gridspec(len(rows), 2, width_ratios=[5, 1], height_ratios=heights)
        first = figure.add_subplot(grid[0, 0])
        panels = [first, *(figure.add_subplot(grid[row, 0], sharex=first) for row in range(1, len(rows)))]
        look = shades(np.array([1.0]), signed=legend.signed)
        most = max(view.size() for view in views) or 1.0
        for (view, channel), axes in zip(rows, panels, strict=True):
            if view.frames:
                draw_frames(axes, view, view.shade(most), look)
            else:
                draw_channel(axes, view, channel, view.shade(most)[channel], look, axis.half)
            axes.axvline(axis.answer, color=BLACK, linewidth=0.8, linestyle=":")
            axes.tick_params(labelsize=7, labelbottom=axes is panels[-1])
        first.set_title(wrapped([title, "dotted: the moment of the answer"], 105), loc="left", fontsize=8)
        axis.finish(panels[-1])
        draw_shares(figure, grid, views, [view for view, _ in rows], legend)
        add_scale(figure, panels, look)
        put_title(figure, legend)
    return figure


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """The time axis that all sources share: their own clock, or seconds before the answer where spans differ much.

    Attributes:
        views: The sources, with times on this axis.
        answer: The moment of the answer on this axis.
        ends: First and last time that is drawn.
        half: Half the width of a sample that has no neighbour.
        linear: Seconds of the linear part; None where all of it is.
        label: What the axis is called where it is not the clock itself.
    """

    views: Sequence[SourceView]
    answer: Any
    ends: tuple[Any, Any]
    half: Any
    linear: float | None = None
    label: str = ""

    @classmethod
    def of(cls, views: Sequence[SourceView], answer: Any) -> "TimeAxis":
        """Return the axis for some sources."""
        gone = [seconds_after(view.times, answer) for view in views]
        spans = [-float(np.nanmin(one)) if np.isfinite(one).any() else 0.0 for one in gone]
        linear = linear_part(spans)
        if linear is None:
            ends = _span(views, answer)
            return cls(views, answer, ends, (ends[1] - ends[0]) / 100)
        views = [replace(view, times=one) for view, one in zip(views, gone, strict=True)]
        dated = isinstance(answer, np.datetime64)
        when = str(answer.astype("datetime64[ms]")).replace("T", " ") + " UTC" if dated else f"{answer:.6g} s"
        label = f"seconds before the answer at {when}; logarithmic before {-linear:.3g} s"
        return cls(views, 0.0, (-max(spans), 0.0), linear / 50, linear, label)

    def finish(self, axes: "matplotlib.axes.Axes") -> None:
        """Set limits and label of the shared axis."""
        if self.linear is None:
            axes.set_xlim(*self.ends)
            label_time(axes, np.asarray([self.ends[0]]), named=True)
        else:
            squeeze(axes, self.linear, -self.ends[0])
            axes.set_xlabel(self.label, fontsize=8)


def _span(views: Sequence[SourceView], answer: Any) -> tuple[Any, Any]:
    """Return the ends of the time axis, with room for the width of the first and the last sample."""
    times = np.concatenate([*(view.times for view in views), np.asarray([answer], views[0].times.dtype)])
    ends = times[~np.isnat(times)] if times.dtype.kind == "M" else times[~np.isnan(times)]
    low, high = ends.min(), ends.max()
    margin = (high - low) / 50 if high > low else (np.timedelta64(500, "ms") if ends.dtype.kind == "M" else 0.5)
    return low - margin, high + margin


def edges_of(times: np.ndarray, half: Any) -> np.ndarray:
    """Return where the colour of each sample begins and ends, (times + 1,): half way to its neighbours."""
    if len(times) == 1:
        return np.concatenate([times - half, times + half])
    middles = times[:-1] + (times[1:] - times[:-1]) / 2
    return np.concatenate([[times[0] - (middles[0] - times[0])], middles, [times[-1] + (times[-1] - middles[-1])]])


def draw_channel(
    axes: "matplotlib.axes.Axes",
    view: SourceView,
    channel: int,
    shade: np.ndarray,
    look: dict[str, Any],
    half: Any,
) -> None:
    """Draw a waveform over the colour of its relevance."""
    values = view.values[channel]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.1 * (high - low) or 0.5
    between = [low - margin, high + margin]
    axes.pcolormesh(edges_of(view.times, half), between, shade[None], shading="flat", rasterized=True, **look)
    few = len(values) <= 12
    axes.plot(view.times, values, color=BLACK, linewidth=0.9, marker="o" if few else "", markersize=2.5)
    axes.set_ylim(*between)
    axes.grid(visible=False)
    name = wrapped([shorten(view.name, 16), with_unit(shorten(view.channels[channel], 16), view.units[channel])], 20)
    axes.set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
    if not view.there:
        axes.text(0.5, 0.5, "not there", transform=axes.transAxes, ha="center", va="center", fontsize=8, color=ORANGE)


def draw_frames(axes: "matplotlib.axes.Axes", view: SourceView, shade: np.ndarray, look: dict[str, Any]) -> None:
    """Draw frames side by side under their relevance, each with a line to its time."""
    known = np.flatnonzero(np.isfinite(view.values).reshape(len(view.values), -1).any(1))
    chosen = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST_FRAMES)).round().astype(int))]
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylabel(shorten(view.name, 16), fontsize=7, rotation=0, ha="right", va="center")
    if not view.there or not len(chosen):
        axes.text(0.5, 0.5, "not there", transform=axes.transAxes, ha="center", va="center", fontsize=8, color=ORANGE)
        return
    wide = 1 / max(len(chosen), 4)
    for place, number in enumerate(chosen):
        left = 1 - (len(chosen) - place) * wide
        inset = axes.inset_axes((left, 0.2, 0.96 * wide, 0.78))
        draw_heat(inset, MapView(view.values[number], shade[number], ""), shade[number].sum(0), look)
        axes.annotate(
            "", xy=(view.times[number], 0.0), xycoords=("data", "axes fraction"), xytext=(left + 0.48 * wide, 0.2),
            textcoords="axes fraction", arrowprops={"arrowstyle": "-|>", "linewidth": 0.7, "color": BLACK},
        )  # fmt: skip


def draw_shares(
    figure: "matplotlib.figure.Figure",
    grid: Any,
    views: Sequence[SourceView],
    rows: Sequence[SourceView],
    legend: Legend,
) -> None:
    """Draw the share of each source as a bar beside its rows, all on one scale."""
    total = sum(abs(view.share) for view in views) or 1.0
    most = max(abs(view.share) for view in views) or 1.0
    for view in views:
        own = [row for row, other in enumerate(rows) if other is view]
        axes = figure.add_subplot(grid[own[0] : own[-1] + 1, 1])
        axes.barh([0], [view.share], color=ORANGE if view.share > 0 else BLUE, height=0.5)
        axes.axvline(0, color=BLACK, linewidth=0.6)
        axes.set(xlim=(-1.1 * most if legend.signed else 0, 1.1 * most), ylim=(-1, 1), yticks=[])
        said = f"{view.share:.3g} {legend.unit} ({100 * abs(view.share) / total:.0f} %)".replace("  ", " ")
        axes.set_title(said, fontsize=7, loc="left", pad=2)
        axes.tick_params(labelsize=7, labelbottom=view is views[-1])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
    axes.set_xlabel(with_unit("share of each source", legend.unit) + "\n% of the sum of sizes", fontsize=7)


def add_scale(figure: "matplotlib.figure.Figure", panels: Sequence[Any], look: dict[str, Any]) -> None:
    """Add the colour bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(look["vmin"], look["vmax"]), look["cmap"])
    bar = figure.colorbar(scale, ax=list(panels), location="bottom", fraction=0.02, pad=0.01, aspect=60)
    said = "relevance of a value; 1: the most of the source that counts most, others are paler"
    bar.set_label(said, fontsize=7)
    bar.ax.tick_params(labelsize=7)
