"""Figures of explanations over several sources: traces and frames on one time axis, with the share of each source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.core.spread import evenly
from dlkit.report.canvas import BLACK, BLUE, ORANGE, edges_of, label_time, new_figure, style, with_unit
from dlkit.report.maps import Legend, MapView, draw_heat, put_title, shades, wrapped
from dlkit.report.source_axis import before_last, linear_part, moment_text, seconds_after, squeeze
from dlkit.report.source_view import SourceView
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

MOST_FRAMES = 8


def source_maps_figure(
    views: Sequence[SourceView], legend: Legend, *, title: str, last: Any, later: str = ""
) -> "matplotlib.figure.Figure":
    """Draw the inputs of all sources on one time axis, coloured by relevance, and beside them their shares.

    Colours are parts of the most relevant value of a source, paler where it counts less.

    Args:
        views: The sources.
        legend: Method, score and verdict.
        title: What the sample is called and what is said of it.
        last: Time of the last input.
        later: How much later the target is, in words; "" where it is of that moment.
    """
    require(len(views) > 0, "source_maps_figure got no source to draw: pass at least one SourceView.")
    axis = TimeAxis.of(views, last, later)
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
            axes.axvline(axis.last, color=BLACK, linewidth=0.8, linestyle=":")
            axes.tick_params(labelsize=7, labelbottom=axes is panels[-1])
        first.set_title(
            wrapped(
                [title, ", ".join([f"dotted: the last input at {moment_text(last)}", *filter(None, [later])])], 105
            ),
            loc="left",
            fontsize=8,
        )
        axis.finish(panels[-1])
        draw_shares(figure, grid, views, [view for view, _ in rows], legend)
        add_scale(figure, panels, look, shown=any(view.frames for view in views))
        put_title(figure, legend)
    return figure


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """The time axis that all sources share: their own clock, or seconds before the last input where spans differ much.

    Attributes:
        views: The sources, with times on this axis.
        last: The moment of the last input on this axis.
        ends: First and last time that is drawn.
        half: Half the width of a sample that has no neighbour.
        linear: Seconds of the linear part; None where all of it is.
        label: What the axis is called where it is not the clock itself.
    """

    views: Sequence[SourceView]
    last: Any
    ends: tuple[Any, Any]
    half: Any
    linear: float | None = None
    label: str = ""

    @classmethod
    def of(cls, views: Sequence[SourceView], last: Any, later: str) -> "TimeAxis":
        """Return the axis for some sources."""
        gone = [seconds_after(view.times, last) for view in views]
        spans = [-float(np.nanmin(one)) if np.isfinite(one).any() else 0.0 for one in gone]
        linear = linear_part(spans)
        if linear is None:
            ends = _span(views, last)
            return cls(views, last, ends, (ends[1] - ends[0]) / 100)
        views = [replace(view, times=one) for view, one in zip(views, gone, strict=True)]
        label = before_last(f" at {moment_text(last)}", later, linear)
        return cls(views, 0.0, (-max(spans), 0.0), linear / 50, linear, label)

    def finish(self, axes: "matplotlib.axes.Axes") -> None:
        """Set limits and label of the shared axis."""
        if self.linear is None:
            axes.set_xlim(*self.ends)
            label_time(axes, np.asarray([self.ends[0]]), named=True)
        else:
            squeeze(axes, self.linear, -self.ends[0])
            axes.set_xlabel(self.label, fontsize=8)


def _span(views: Sequence[SourceView], last: Any) -> tuple[Any, Any]:
    """Return the ends of the time axis, with room for the width of the first and the last sample."""
    times = np.concatenate([*(view.times for view in views), np.asarray([last], views[0].times.dtype)])
    ends = times[~np.isnat(times)] if times.dtype.kind == "M" else times[~np.isnan(times)]
    low, high = ends.min(), ends.max()
    margin = (high - low) / 50 if high > low else (np.timedelta64(500, "ms") if ends.dtype.kind == "M" else 0.5)
    return low - margin, high + margin


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
    name = wrapped([shorten(view.name, 16), with_unit(shorten(view.channels[channel], 16), view.units[channel])], 20)
    axes.set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
    axes.grid(visible=False)
    finite = values[np.isfinite(values)]
    if not finite.size:
        say_nothing(axes, "no value" if view.there else "not there")
        return
    low, high = float(finite.min()), float(finite.max())
    margin = 0.1 * (high - low) or 0.5
    between = [low - margin, high + margin]
    axes.pcolormesh(edges_of(view.times, half), between, shade[None], shading="flat", rasterized=True, **look)
    few = len(values) <= 12
    axes.plot(view.times, values, color=BLACK, linewidth=0.9, marker="o" if few else "", markersize=2.5)
    axes.set_ylim(*between)


def say_nothing(axes: "matplotlib.axes.Axes", why: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=8, color=ORANGE)
    axes.set_yticks([])


def draw_frames(axes: "matplotlib.axes.Axes", view: SourceView, shade: np.ndarray, look: dict[str, Any]) -> None:
    """Draw frames side by side under their relevance, each with a line to its time."""
    known = np.flatnonzero(np.isfinite(view.values).reshape(len(view.values), -1).any(1))
    chosen = known[evenly(len(known), MOST_FRAMES)]
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylabel(shorten(view.name, 16), fontsize=7, rotation=0, ha="right", va="center")
    if not view.there or not len(chosen):
        say_nothing(axes, "not there")
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
        part = f" ({100 * abs(view.share) / total:.0f} %)" if legend.complete else ""
        said = f"{view.share:.3g} {legend.unit}{part}".replace("  ", " ")
        axes.set_title(said, fontsize=7, loc="left", pad=2)
        axes.tick_params(labelsize=7, labelbottom=view is views[-1])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
    below = "\n% of the sum of sizes" if legend.complete else ""
    axes.set_xlabel(with_unit("share of each source", legend.unit) + below, fontsize=7)


def add_scale(figure: "matplotlib.figure.Figure", panels: Sequence[Any], look: dict[str, Any], *, shown: bool) -> None:
    """Add the colour bar; ``shown`` says that there are frames."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(look["vmin"], look["vmax"]), look["cmap"])
    bar = figure.colorbar(scale, ax=list(panels), location="bottom", fraction=0.02, pad=0.01, aspect=60)
    said = "relevance of a value, of the largest of its source; paler where the sizes of a source sum to less"
    frames = "; 0: the frame shows, pale" if shown else ""
    bar.set_label(said + frames, fontsize=7)
    bar.ax.tick_params(labelsize=7)
