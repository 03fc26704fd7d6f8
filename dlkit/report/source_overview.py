"""Figures of explanations over several sources: the mean over samples, and what a shift of one source does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, GREEN, LINES, ORANGE, PURPLE, SKY, new_figure, put_heading, style, with_unit
from dlkit.report.maps import Legend, put_title, shades
from dlkit.report.source_axis import before_last, linear_part, squeeze
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.figure


@dataclass(frozen=True, eq=False)
class SourceProfile:
    """What a source gave to many answers.

    Attributes:
        name: Name of the source.
        channels: Name of each channel.
        times: Seconds of each sample or frame before the last input, negative, rising, (times,).
        profile: Mean size of the relevance, (channels, times).
        share: Mean size of the share.
        exact: Mean size of the exact Shapley value with the source replaced by the baseline, or None.
        absent: The same with the source told to be absent, or None.
    """

    name: str
    channels: Sequence[str]
    times: np.ndarray
    profile: np.ndarray
    share: float
    exact: float | None = None
    absent: float | None = None


def overview_figure(
    profiles: Sequence[SourceProfile], legend: Legend, *, samples: int, later: str = ""
) -> "matplotlib.figure.Figure":
    """Draw for each source which channel counts at which lag, on one axis, and beside it how much the source counts.

    Args:
        profiles: The sources.
        legend: Method, score and verdict.
        samples: Over how many samples they are means.
        later: How much later than the last input the targets are, in words.
    """
    require(len(profiles) > 0, "overview_figure got no source to draw: pass at least one SourceProfile.")
    heights = [0.5 + 0.2 * min(len(one.channels), 20) for one in profiles]
    longest = min(float(one.times[0]) for one in profiles)
    margin, most = -longest / 50 or 0.5, max(one.share for one in profiles) or 1.0
    linear = linear_part([-float(one.times[0]) for one in profiles])
    margin = margin if linear is None else linear / 10
    with style():
        figure = new_figure(9.4, 1.5 + sum(heights))
        panels = figure.subplots(len(profiles), 2, squeeze=False, width_ratios=[4, 2], height_ratios=heights)
        look = shades(np.array([1.0]), signed=False)
        for (heat, bars), one in zip(panels, profiles, strict=True):
            draw_profile(heat, one, look, margin, max(one.share / most, 1e-9) ** 0.5)
            draw_sizes(bars, one)
            last = one is profiles[-1]
            if linear is None:
                heat.set_xlim(longest - margin, margin)
            else:
                squeeze(heat, linear, -longest)
            heat.tick_params(labelsize=7, labelbottom=last)
            bars.set_xlim(0, 1.1 * _most(profiles))
            bars.tick_params(labelsize=7, labelbottom=last)
        panels[-1, 0].set_xlabel(before_last("", later, linear), fontsize=8)
        panels[-1, 1].set_xlabel(with_unit("mean size of the share", legend.unit), fontsize=8)
        handles, labels = panels[0, 1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)
        said = f"mean size of the relevance over {samples} samples, of the largest of its source; pale: a small share"
        panels[0, 0].set_title(said, loc="left", fontsize=8)
        put_title(figure, legend)
    return figure


def _most(profiles: Sequence[SourceProfile]) -> float:
    return max(one or 0.0 for part in profiles for one in (part.share, part.exact, part.absent)) or 1.0


def draw_profile(axes: Any, one: SourceProfile, look: dict[str, Any], margin: float, fade: float) -> None:
    """Draw a row of colours for each channel."""
    count = len(one.times)
    middles = (one.times[1:] + one.times[:-1]) / 2
    first, last = (middles[0], middles[-1]) if count > 1 else (-margin / 2, -margin / 2)
    edges = np.concatenate([[2 * one.times[0] - first], middles, [2 * one.times[-1] - last]])
    edges = edges if count > 1 else one.times[0] + np.array([-margin / 2, margin / 2])
    scale = (float(one.profile.max(initial=0.0)) or 1.0) / fade
    rows = np.arange(len(one.channels) + 1) - 0.5
    axes.pcolormesh(edges, rows, one.profile / scale, shading="flat", rasterized=True, **look)
    every = -(-len(one.channels) // 20)
    shown = range(0, len(one.channels), every)
    axes.set_yticks(list(shown), [shorten(one.channels[k], 18) for k in shown], fontsize=7)
    axes.set_ylabel(shorten(one.name, 16), fontsize=7.5, rotation=0, ha="right", va="center", labelpad=8)
    axes.grid(visible=False)
    axes.invert_yaxis()


def draw_sizes(axes: Any, one: SourceProfile) -> None:
    """Draw the share as a bar and exact values as marks."""
    axes.barh([0], [one.share], color=SKY, height=0.6, label="this method")
    for value, look, label in (
        (one.exact, {"marker": "D", "color": ORANGE}, "exact Shapley value, source at the baseline"),
        (one.absent, {"marker": "x", "color": PURPLE}, "exact Shapley value, source absent"),
    ):
        if value is not None:
            axes.plot([value], [0], linestyle="", markersize=6, label=label, **look)
    axes.set(ylim=(-1, 1), yticks=[])


@dataclass(frozen=True, eq=False)
class ShiftCurve:
    """What a shift of one source does.

    Attributes:
        source: Name of the source.
        shifts: Seconds by which the source comes late, rising; negative where it comes early.
        change: Size of the change of the answer (root mean square).
        error: Error of the answer, or None where the truth is not known.
        slope: Change of the answer for a millisecond, for small shifts, or None.
    """

    source: str
    shifts: Sequence[float]
    change: Sequence[float]
    error: Sequence[float] | None
    slope: float | None


def misalignment_figure(
    curves: Sequence[ShiftCurve], *, title: str, unit: str, error: str
) -> "matplotlib.figure.Figure":
    """Draw the change of the answer and its error over the shift of each source.

    Args:
        curves: The sources.
        title: What was shifted of what.
        unit: Unit of the answer.
        error: Name of the error with its unit.
    """
    require(len(curves) > 0, "misalignment_figure got no source to draw: pass at least one ShiftCurve.")
    longest = max(abs(shift) for one in curves for shift in one.shifts)
    scale, span = (1e3, "ms") if longest < 1 else (1.0, "s")
    truth = any(one.error is not None for one in curves)
    with style():
        figure = new_figure(9.4 if truth else 6.0, 3.8)
        panels = figure.subplots(1, 1 + truth, squeeze=False)[0]
        for number, one in enumerate(curves):
            look = LINES[number % len(LINES)] | {"linewidth": 1.2}
            slope = "" if one.slope is None else f", {one.slope:.3g} {unit}/ms".replace(" /", " 1/")
            shifts = scale * np.asarray(one.shifts)
            panels[0].plot(shifts, one.change, label=f"{shorten(one.source, 18)}{slope}", **look)
            if one.error is not None:
                panels[1].plot(shifts, one.error, **look)
        for axes, label in zip(panels, (with_unit("change of the answer, rms", unit), error), strict=False):
            axes.axvline(0, color=GREEN if truth else BLACK, linewidth=0.8, linestyle=":")
            axes.set_xlabel(f"delay of one source ({span}); negative: it comes early")
            axes.set_ylabel(label)
        figure.legend(loc="outside lower center", ncols=min(len(curves), 3), fontsize=8)
        put_heading(figure, title)
    return figure
