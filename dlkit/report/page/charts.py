"""Small charts of a page, drawn as SVG: sharp on paper and on every screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, GREEN, LINES, ORANGE, SKY, new_figure, style

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

AMBER = "#e69f00"


@dataclass(frozen=True, eq=False)
class Curve:
    """One panel of curves.

    Attributes:
        title: What is drawn.
        label: Of the horizontal axis.
        lines: Places and values by name.
        mark: A place to mark.
    """

    title: str
    label: str
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]]
    mark: float | None = None


def svg_of(figure: "matplotlib.figure.Figure") -> bytes:
    """Return a figure as SVG, the same bytes each time."""
    import matplotlib as mpl

    content = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "dlkit"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def curves_image(curves: Sequence[Curve]) -> bytes:
    """Return panels of curves beside each other."""
    with style():
        figure = new_figure(3.7 * max(2, len(curves)), 2.7)
        for axes, curve in zip(figure.subplots(1, max(2, len(curves)), squeeze=False)[0], curves, strict=False):
            draw_curve(axes, curve)
        for axes in figure.axes[len(curves) :]:
            axes.remove()
        return svg_of(figure)


def draw_curve(axes: "matplotlib.axes.Axes", curve: Curve) -> None:
    """Draw a panel."""
    for look, (name, (places, values)) in zip(LINES, curve.lines.items(), strict=False):
        marked = dict(look) if len(places) <= 60 else {**look, "marker": ""}
        axes.plot(places, values, label=name, markersize=3, **{k: v for k, v in marked.items() if k != "markersize"})
    every = np.concatenate([values for _, values in curve.lines.values()])
    known = every[np.isfinite(every)]
    if len(known) and known.min() > 0 and known.max() > 20 * known.min():
        plain_logarithm(axes)
    if curve.mark is not None:
        axes.axvline(curve.mark, color="#777777", linestyle=":", linewidth=1.0)
    axes.set_title(curve.title, loc="left")
    axes.set_xlabel(curve.label)
    if any(curve.lines):
        axes.legend()


def plain_logarithm(axes: "matplotlib.axes.Axes") -> None:
    """Give an axis a logarithmic scale with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class Seen:
    """A promise and what the test saw.

    Attributes:
        name: Of the promise.
        promised: Its level.
        seen: Share on the test.
        low: Lower end of the interval of ``seen``.
        high: Its upper end.
        tone: "good", "bad" where the test speaks against it, "warn" where chance explains that less was seen.
    """

    name: str
    promised: float
    seen: float
    low: float
    high: float
    tone: str = "good"


def coverage_image(found: Sequence[Seen]) -> bytes:
    """Return what was promised and seen, a line each."""
    with style():
        figure = new_figure(7.4, 0.75 + 0.3 * len(found))
        axes = figure.subplots()
        for k, one in enumerate(found):
            color, mark = {"good": (GREEN, "o"), "bad": (ORANGE, "X")}.get(one.tone, (AMBER, "D"))
            axes.plot([one.low, one.high], [k, k], color=color, linewidth=2.2, solid_capstyle="butt")
            axes.plot(one.seen, k, color=color, marker=mark, markersize=6, linestyle="none")
            axes.plot([one.promised] * 2, [k - 0.32, k + 0.32], color=BLACK, linewidth=1.6)
        axes.set_yticks(range(len(found)), [one.name for one in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlabel("coverage: black promised, dot seen on the test with its 95 % interval")
        axes.grid(visible=False, axis="y")
        return svg_of(figure)


def steps_image(seen: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> bytes:
    """Return the coverage at each step of a horizon, (steps,), with its interval and what was promised."""
    with style():
        figure = new_figure(7.4, 2.3)
        axes = figure.subplots()
        steps = np.arange(1, len(seen) + 1)
        axes.fill_between(steps, low, high, color=SKY, alpha=0.4, linewidth=0)
        axes.plot(steps, seen, color=BLUE, marker="o" if len(steps) <= 60 else "", markersize=3)
        axes.axhline(level, color=BLACK, linewidth=1.2)
        axes.set_xlabel("step")
        axes.set_ylabel("coverage")
        axes.margins(x=0.01)
        return svg_of(figure)
