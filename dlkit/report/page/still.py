"""The same traces as a picture, for paper and where no script runs."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import label_time, new_figure, style
from dlkit.report.page.laid import Laid
from dlkit.report.page.traces import Panel, Trace

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

DASHES = {"solid": "-", "dashed": "--", "dotted": ":"}


def still_image(trace: Trace) -> bytes:
    """Return a PNG of a trace."""
    with style():
        high = 0.35 + len(trace.panels) * trace.height / 125
        figure = new_figure(7.6, high)
        fixed(figure, 7.6, high)
        axes = figure.subplots(len(trace.panels), 1, squeeze=False, sharex=True)[:, 0]
        for one, panel in zip(axes, trace.panels, strict=True):
            draw(one, trace, panel)
        label(axes[-1], trace.axis)
        return png_of(figure, dpi=110)


def fixed(figure: "matplotlib.figure.Figure", wide: float, high: float) -> None:
    """Put panels on fixed places: to ask every label for its size takes as long as to draw them."""
    figure.set_layout_engine(None)
    figure.subplots_adjust(left=0.75 / wide, right=1 - 0.15 / wide, bottom=0.5 / high, top=1 - 0.25 / high, hspace=0.45)


def png_of(figure: "matplotlib.figure.Figure", *, dpi: int) -> bytes:
    """Return a figure as PNG."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=dpi)
    return content.getvalue()


def draw(axes: "matplotlib.axes.Axes", trace: Trace, panel: Panel) -> None:
    """Draw a panel."""
    thin = trace.thinned(panel)
    where = moments(thin.place, trace.axis)
    for span in trace.spans:
        for left, right in span.ends:
            look: Any = {"alpha": span.alpha, "linewidth": 0, "hatch": span.hatch * 2 or None, "edgecolor": "#444444"}
            axes.axvspan(*moments(np.array([left, right]), trace.axis), facecolor=span.color, **look)
    first = len(panel.lines)
    for k, band in enumerate(panel.bands):
        lower, upper = thin.values[:, first + 2 * k], thin.values[:, first + 2 * k + 1]
        axes.fill_between(where, lower, upper, color=band.color, alpha=band.alpha, linewidth=0)
    for k, line in enumerate(panel.lines):
        axes.plot(where, thin.values[:, k], color=line.color, linestyle=DASHES[line.dash], linewidth=0.8 * line.width)
    if panel.level is not None:
        axes.axhline(panel.level, color="#a83c00", linestyle="--", linewidth=0.9)
    for mark in panel.marks:
        places, shape = moments(mark.place, trace.axis), "^" if mark.upward else "v"
        axes.scatter(places, np.full(len(places), mark.level), s=16, marker=shape, color="#D55E00", edgecolor="black")
    axes.set_title(panel.title, loc="left")
    axes.margins(x=0.005)


def moments(place: np.ndarray, axis: Laid) -> np.ndarray:
    """Return places as matplotlib takes them."""
    if axis.dated:
        return (place * 1e3).astype(np.int64).astype("datetime64[us]")
    return place / 1e3


def label(axes: "matplotlib.axes.Axes", axis: Laid) -> None:
    """Label the time; where gaps are closed, each stretch by its start."""
    where = moments(axis.place, axis)
    if not axis.closed:
        label_time(axes, where, named=True)
        return
    starts = axis.starts[:: max(1, -(-len(axis.starts) // 8))]
    real = moments(axis.when[starts], axis)
    texts = [str(one.astype("datetime64[D]")) for one in real] if axis.dated else [f"{one:.6g}" for one in real]
    axes.set_xticks(list(where[starts]), texts)
    axes.set_xlabel("start of each stretch (UTC); gaps are closed" if axis.dated else "start of each stretch (s)")
