"""One figure on how well the clocks of several sources fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, BLUE, ORANGE, SKY, label_time, new_figure, style

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

INTERVALS = np.geomspace(0.05, 200.0, 73)  # of the usual interval


@dataclass(frozen=True, eq=False)
class SourceView:
    """A row of the figure.

    Attributes:
        name: Of the source.
        note: What is said of it in a few words.
        edges: Borders of spans of time, datetime64 or seconds, (spans + 1,).
        shares: Samples in each span as a share of those expected, (spans,).
        intervals: Times between samples in usual intervals, (intervals,).
    """

    name: str
    note: str
    edges: np.ndarray
    shares: np.ndarray
    intervals: np.ndarray


@dataclass(frozen=True, eq=False)
class LagView:
    """How far a clock is from another one, as the record goes on.

    Attributes:
        title: Which clocks.
        seconds: Time since the first stamp, of blocks of the record, (blocks,).
        lags: Seconds found in each block, NaN where none, (blocks,).
        line: Seconds of the fitted line at each block, (blocks,).
        error: Standard error of the line, seconds, (blocks,).
    """

    title: str
    seconds: np.ndarray
    lags: np.ndarray
    line: np.ndarray
    error: np.ndarray


def sync_figure(sources: Sequence[SourceView], lags: Sequence[LagView] = ()) -> "matplotlib.figure.Figure":
    """Draw when each source has samples on one axis of time, how far they are apart, and how clocks run away."""
    require(len(sources) > 0, "sync_figure got no source to draw: pass at least one SourceView.")
    rows = 0.9 + 0.62 * len(sources)
    below = 2.6 * (-(-len(lags) // 2))
    with style():
        figure = new_figure(10.0, rows + below)
        places = figure.add_gridspec(2 if lags else 1, 1, height_ratios=[rows, below] if lags else None)
        upper = places[0].subgridspec(1, 2, width_ratios=[3, 1])
        times = figure.add_subplot(upper[0])
        draw_rows(times, figure.add_subplot(upper[1], sharey=times), sources)
        if lags:
            panels = places[1].subgridspec(-(-len(lags) // 2), min(len(lags), 2)).subplots(squeeze=False).flatten()
            for axes, view in zip(panels, lags, strict=False):
                draw_lags(axes, view)
            for axes in panels[len(lags) :]:
                axes.remove()
    return figure


def draw_rows(times: "matplotlib.axes.Axes", apart: "matplotlib.axes.Axes", sources: Sequence[SourceView]) -> None:
    """Draw a row for each source, the first one on top: samples over time, and the times between them."""
    for row, view in enumerate(reversed(sources)):
        height = row + 0.62 * view.shares.clip(0, 1)
        times.stairs(height, view.edges, baseline=row, fill=True, color=SKY, linewidth=0)
        times.stairs(height, view.edges, baseline=row, color=BLUE, linewidth=0.5)
        empty = np.flatnonzero(view.shares == 0)
        times.plot(view.edges[empty], np.full(len(empty), row), "|", color=ORANGE, markersize=5, markeredgewidth=0.8)
        times.annotate(view.note, (0.005, row + 0.66), xycoords=("axes fraction", "data"), fontsize=7, color=BLACK)
        counts = np.histogram(view.intervals.clip(INTERVALS[0], INTERVALS[-1]), INTERVALS)[0]
        scaled = np.log1p(counts) / max(np.log1p(counts.max()), 1.0)
        apart.stairs(row + 0.8 * scaled, INTERVALS, baseline=row, fill=True, color=SKY, linewidth=0)
        apart.stairs(row + 0.8 * scaled, INTERVALS, baseline=row, color=BLUE, linewidth=0.5)
    times.set_yticks(range(len(sources)), [view.name for view in reversed(sources)])
    times.set_ylim(-0.15, len(sources))
    times.set_title("share of the expected samples that came; red marks: none came", loc="left")
    label_time(times, sources[0].edges, named=True)
    times.margins(x=0)
    apart.set_xscale("log")
    apart.set_xlabel("usual intervals")
    apart.set_title("time between samples (log counts)", loc="left")
    apart.tick_params(axis="y", length=0, labelleft=False)


def draw_lags(axes: "matplotlib.axes.Axes", view: LagView) -> None:
    """Draw the lag of each block beside the line that was fitted, with twice its standard error."""
    unit, size = ("ms", 1e3) if np.nanmax(np.abs(view.line - view.line[0]) + view.error) < 0.5 else ("s", 1.0)
    start = view.line[0]
    axes.fill_between(
        view.seconds, size * (view.line - start - 2 * view.error), size * (view.line - start + 2 * view.error),
        color=SKY, alpha=0.5, linewidth=0,
    )  # fmt: skip
    axes.plot(view.seconds, size * (view.line - start), color=BLACK, label="line")
    axes.plot(view.seconds, size * (view.lags - start), "o", color=ORANGE, markersize=3, label="blocks")
    near = size * np.nanmax(np.abs(view.line - start) + 2 * view.error)
    spread = size * 4 * float(np.nanmedian(np.abs(view.lags - view.line)))
    axes.set_ylim(*np.array([-1.2, 1.2]) * max(near, spread, 1e-6 * size))
    axes.set_title(f"{view.title}\nlag from {start:.4g} s on", loc="left", fontsize=8)
    axes.set_xlabel("time since the first sample (s)")
    axes.set_ylabel(f"lag ({unit})")
