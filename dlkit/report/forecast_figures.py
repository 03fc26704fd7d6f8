"""Figures of forecasts: windows on their time axis, errors by lead time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, BLUE, LINES, SKY, label_time, lead_times, new_figure, style, with_unit

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure


@dataclass(frozen=True, eq=False)
class ForecastView:
    """One target of one window in physical units: what was seen, what was said, what came.

    Attributes:
        past_times: Times of the look-back, datetime64 or seconds, (time,).
        past: Values of the look-back, NaN where missing, (time,).
        times: Times of the forecast, (horizon,).
        truth: What came, NaN where missing, (horizon,).
        point: Point forecast, (horizon,).
        bands: Lower and upper bound, each (horizon,), by the probability between them.
        title: What tells this window from the others.
    """

    past_times: np.ndarray
    past: np.ndarray
    times: np.ndarray
    truth: np.ndarray
    point: np.ndarray
    bands: Mapping[float, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    title: str = ""


def forecast_figure(views: Sequence[ForecastView], *, target: str, unit: str = "") -> "matplotlib.figure.Figure":
    """Draw look-back, truth, point forecast and its fan for one or several windows of a target."""
    require(len(views) > 0, "forecast_figure got no window to draw: pass at least one ForecastView.")
    columns = 1 if len(views) <= 3 else 2
    rows = -(-len(views) // columns)
    with style():
        figure = new_figure(7.2 if columns == 1 else 10.0, 0.8 + 2.3 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for i, (axes, view) in enumerate(zip(panels, views, strict=False)):
            draw_window(axes, view)
            label_time(axes, view.times, named=i + columns >= len(views))
            if i % columns == 0:
                axes.set_ylabel(with_unit(target, unit))
        for axes in panels[len(views) :]:
            axes.remove()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 5))
    return figure


def draw_window(axes: "matplotlib.axes.Axes", view: ForecastView) -> None:
    """Draw one window into ``axes``."""
    times = np.concatenate([view.past_times, view.times])
    measured = np.concatenate([view.past, view.truth])
    draw_with_gaps(axes, times, measured, color=BLACK, linewidth=1.0, zorder=5, label="measured")
    axes.plot(view.times, view.point, color=BLUE, linewidth=2.0, linestyle=(0, (4, 1.2)), zorder=4, label="forecast")
    for rank, (level, (lower, upper)) in enumerate(sorted(view.bands.items(), reverse=True)):
        shade: dict[str, Any] = {"color": SKY, "alpha": min(0.3 + 0.2 * rank, 0.9), "linewidth": 0}
        axes.fill_between(view.times, lower, upper, **shade, label=f"{100 * level:.3g} % interval")
    axes.axvline(view.past_times[-1], color="#666666", linewidth=0.8, linestyle=":", label="last input")
    axes.set_title(view.title, loc="left")
    axes.margins(x=0.01)


def draw_with_gaps(axes: "matplotlib.axes.Axes", times: np.ndarray, values: np.ndarray, **look: Any) -> None:
    """Draw a line that is broken where values are missing; a value between two gaps, too short a line, is a dot."""
    known = np.isfinite(values)
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    axes.plot(times, np.where(known, values, np.nan), **look)
    axes.plot(times[alone], values[alone], **{**look, "label": "_"}, linestyle="none", marker=".")


def error_by_horizon_figure(
    curves: Mapping[str, np.ndarray], *, unit: str, step: float, gap: int = 0, measure: str = "MAE"
) -> "matplotlib.figure.Figure":
    """Draw how the error grows with the lead time, the model (first of ``curves``) beside the baselines.

    Args:
        curves: Error at each step of the horizon by the name of the method.
        unit: Unit of the error, "" where it has none.
        step: Time between samples in seconds.
        gap: Samples between the last input and the first predicted one.
        measure: Name of the error.
    """
    require(0 < len(curves) <= len(LINES), f"error_by_horizon_figure got {len(curves)} curves: pass 1 to {len(LINES)}.")
    with style():
        figure = new_figure(5.6, 3.6)
        axes = figure.subplots()
        for look, (name, curve) in zip(LINES, curves.items(), strict=False):
            lead, time_unit = lead_times(len(curve), step, gap)
            axes.plot(lead, curve, label=name, markevery=max(1, len(curve) // 10), **look)
        axes.set_xlabel(with_unit("lead time", time_unit))
        axes.set_ylabel(with_unit(measure, unit))
        axes.set_ylim(bottom=0)
        axes.margins(x=0.02)
        figure.legend(loc="outside upper center", ncols=min(len(curves), 3), handlelength=3.2)
    return figure
