"""Figures of predicted values: beside the truth, and what is left of it."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.spread import evenly
from dlkit.report.canvas import BLACK, BLUE, ORANGE, SKY, new_figure, style, with_unit

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

SHOWN = 2000  # most points that are drawn


def value_figure(
    truth: np.ndarray,
    point: np.ndarray,
    *,
    target: str,
    unit: str = "",
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    level: float | None = None,
) -> "matplotlib.figure.Figure":
    """Draw the prediction over the truth with its interval, the residual over the prediction and their histogram.

    Args:
        truth: What was measured, NaN where it was not, (samples,).
        point: What was predicted.
        target: Name of the target.
        unit: Its unit.
        bounds: Lower and upper bound of the interval of each prediction.
        level: Nominal probability of the interval.
    """
    known = np.flatnonzero(np.isfinite(truth) & np.isfinite(point))
    left = point[known] - truth[known]
    some = known[evenly(len(known), SHOWN)]
    with style():
        figure = new_figure(9.6, 3.3)
        over, rest, shape = figure.subplots(1, 3, width_ratios=[1.1, 1.1, 0.8])
        draw_beside_truth(
            over, truth[some], point[some], None if bounds is None else (bounds[0][some], bounds[1][some])
        )
        name = "" if level is None else f"{100 * level:.3g} % interval"
        over.set_xlabel(with_unit(f"measured {target}", unit))
        over.set_ylabel(with_unit(f"predicted {target}", unit))
        over.set_title(name and f"with its {name}", loc="left")
        rest.scatter(point[some], (point - truth)[some], s=6, color=BLUE, alpha=0.5, linewidths=0)
        rest.axhline(0, color=BLACK, linewidth=0.8)
        rest.set_xlabel(with_unit(f"predicted {target}", unit))
        rest.set_ylabel(with_unit("predicted - measured", unit))
        rest.set_title("error by predicted value", loc="left")
        if len(known):
            shape.hist(left, bins=min(40, max(5, round(len(left) ** 0.5))), color=SKY, edgecolor="white", linewidth=0.4)
            shape.axvline(left.mean(), color=ORANGE, linewidth=1.4)
            shape.set_title(f"mean {left.mean():.3g}", loc="left", color=ORANGE)
        shape.set_xlabel(with_unit("difference", unit))
        shape.set_ylabel("samples")
        shape.locator_params(axis="x", nbins=4)
        for axes in (over, rest, shape):
            axes.ticklabel_format(scilimits=(-3, 5))
    return figure


def draw_beside_truth(
    axes: "matplotlib.axes.Axes", truth: np.ndarray, point: np.ndarray, bounds: tuple[np.ndarray, np.ndarray] | None
) -> None:
    """Draw predictions over what was measured, and the line on which they should lie."""
    if bounds is not None:
        axes.vlines(truth, bounds[0], bounds[1], color=SKY, linewidth=0.8, alpha=0.5)
    axes.scatter(truth, point, s=6, color=BLUE, alpha=0.5, linewidths=0, zorder=3)
    if len(truth):
        ends = [min(truth.min(), point.min()), max(truth.max(), point.max())]
        axes.plot(ends, ends, color=BLACK, linewidth=0.8, zorder=4)
        parts = [truth, point] if bounds is None else [truth, point, *(side[np.isfinite(side)] for side in bounds)]
        low, high = (float(edge(np.concatenate(parts))) for edge in (np.min, np.max))
        margin = 0.04 * (high - low) or max(abs(high), 1.0) * 0.04
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(low - margin, high + margin)
    axes.set_aspect("equal")
