"""A grid of images or traces with what is said of them."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import LINES, MISSING, lead_times, new_figure, put_heading, style, with_unit
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

TRACES = 8  # channels of a trace that are drawn


@dataclass(frozen=True, eq=False)
class SampleView:
    """One sample in physical units.

    Attributes:
        values: (channels, height, width) or (channels, time), NaN where missing.
        name: What it is called.
        lines: What is said of it, a line each.
        step: Seconds between the samples of a trace.
        unit: Unit of an image, "" where it has none, or several.
    """

    values: np.ndarray
    name: str
    lines: Sequence[str] = ()
    step: float = 1.0
    unit: str = ""


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
    traces = max(1.5, 0.4 * min(len(channels), TRACES) + 0.4)
    width, height = (1.75, height_of(views[0].values, 1.45) + 0.2) if image else (3.2, traces)
    texts = [caption(view, 26 if image else 48) for view in views]
    height += 0.13 * max(text.count("\n") + 1 for text in texts)
    with style():
        figure = new_figure(max(columns * width, 3.4), rows * height + 0.35)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        lanes = [] if image else lanes_of(views, channels)
        for number, (axes, view, text) in enumerate(zip(panels, views, texts, strict=False)):
            if image:
                draw_image(axes, view, channels)
            else:
                draw_trace(axes, view, lanes, named=number % columns == 0)
            axes.set_title(text, loc="left", fontsize=7)
        for axes in panels[len(views) :]:
            axes.remove()
        put_heading(figure, title)
    return figure


def caption(view: SampleView, width: int) -> str:
    """Return the name, what is said, each of this in two lines at most, and of an image what is black and white."""
    said = [textwrap.fill(text, width, max_lines=2, placeholder="…", break_on_hyphens=False) for text in view.lines]
    return "\n".join([*name_lines(view.name, width), *said, *(scale_lines(view) if view.values.ndim == 3 else [])])


def name_lines(name: str, width: int, most: int = 2) -> list[str]:
    """Return a name in lines that break behind folders, else behind words; of a long name the end is kept."""
    ends = ("$", r"(?<=[/\\])", r"(?<=[_ -])", "")
    lines = re.findall("|".join(f".{{1,{width}}}{end}" for end in ends), name)
    return lines if len(lines) <= most else ["…" + lines[-most], *lines[1 - most :]]


def ends_of(values: np.ndarray) -> tuple[float, float]:
    """Return the values of an image that are drawn black and white; 0 and 1 where there is none."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [0.001, 0.999]) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def scale_lines(view: SampleView) -> list[str]:
    """Say what is black and what is white in an image, and how pixels without a value are drawn where there are any."""
    low, high = (f"{end:.0f}" if 1e3 <= abs(end) < 1e6 else f"{end:.4g}" for end in ends_of(view.values))
    missing = ["violet: missing"] * bool(np.isnan(view.values).any())
    return [f"{low} to {high} {view.unit}".rstrip(), *missing]


def seen_text(height: int, width: int, *, scaled: bool) -> str:
    """Say that images are drawn as a network gets them: of which size, and what became of those of another."""
    others = ", others scaled to cover that and their middle kept" if scaled else ""
    return f"images as the network sees them, {height} x {width} pixels{others}"


def draw_image(axes: "matplotlib.axes.Axes", view: SampleView, channels: Sequence[str]) -> None:
    """Draw three channels as colours, one in grey, of others their mean; missing pixels in a colour of theirs."""
    low, high = ends_of(view.values)
    scaled = np.clip((view.values - low) / max(high - low, 1e-30), 0, 1)
    shown = scaled.transpose(1, 2, 0) if len(channels) == 3 else np.repeat(scaled.mean(0)[..., None], 3, axis=-1)
    draw_pixels(axes, shown)


def height_of(values: np.ndarray, width: float, least: float = 0.4) -> float:
    """Return how high an image, (channels, height, width), is drawn that is so wide; of narrow ones not all that."""
    return float(np.clip(width * values.shape[1] / values.shape[2], least, 1.5 * width))


def draw_pixels(axes: "matplotlib.axes.Axes", shown: np.ndarray) -> None:
    """Draw red, green and blue, (height, width, 3); in a colour of its own what is no number."""
    from matplotlib.colors import to_rgb

    axes.set_axis_off()
    axes.set_anchor("N")  # else the layout leaves no room for the title of an image that is not as high as its panel
    axes.imshow(np.where(np.isnan(shown).any(-1, keepdims=True), to_rgb(MISSING), shown), interpolation="nearest")


@dataclass(frozen=True)
class Lane:
    """The stripe of a panel in which a channel is drawn, on one scale in all panels.

    Attributes:
        name: Name of the channel.
        low: Value at the lower edge.
        high: Value at the upper edge.
    """

    name: str
    low: float
    high: float

    @property
    def label(self) -> str:
        """What stands beside it: name, and the values at its edges."""
        return f"{shorten(self.name, 22)}\n{self.low:.3g} to {self.high:.3g}"


def lanes_of(views: Sequence[SampleView], channels: Sequence[str]) -> list[Lane]:
    """Return a lane for each channel that is drawn, from the least to the largest value of all samples."""
    ranges = []
    for number, channel in enumerate(channels[:TRACES]):
        found = np.concatenate([view.values[number] for view in views])
        found = found[np.isfinite(found)]
        ranges.append(Lane(channel, *((float(found.min()), float(found.max())) if found.size else (0.0, 1.0))))
    return ranges


def draw_trace(axes: "matplotlib.axes.Axes", view: SampleView, lanes: Sequence[Lane], *, named: bool) -> None:
    """Draw each channel over time in a lane of its own, the first on top; ``named`` says which is which."""
    times, unit = lead_times(view.values.shape[-1], view.step, gap=-1)
    middles = -1.2 * np.arange(len(lanes))
    for number, (lane, values, middle) in enumerate(zip(lanes, view.values, middles, strict=False)):
        scaled = (values - lane.low) / (lane.high - lane.low or 1.0) - 0.5
        axes.plot(times, middle + scaled, **LINES[number % len(LINES)] | {"marker": "", "linewidth": 1.0})
    axes.set_xlabel(with_unit("time", unit), fontsize=7, labelpad=1)
    axes.margins(x=0.01)
    axes.set_ylim(middles[-1] - 0.6, middles[0] + 0.6)
    axes.set_yticks(middles, [lane.label for lane in lanes] if named else [""] * len(lanes))
    axes.tick_params(labelsize=6.5)
