"""Figures of inputs beside what a network gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.anomaly_figures import put_legend
from dlkit.report.canvas import BLACK, BLUE, lead_times, new_figure, style, with_unit
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.figure


@dataclass(frozen=True, eq=False)
class BackView:
    """One window or trace in physical units.

    Attributes:
        truth: What was measured, NaN where it was not, (channels, time).
        point: What the network gave back, (channels, time).
        name: What the sample is called, or when the window was.
    """

    truth: np.ndarray
    point: np.ndarray
    name: str


def back_figure(
    views: Sequence[BackView], channels: Sequence[str], units: Sequence[str], *, step: float, title: str = ""
) -> "matplotlib.figure.Figure":
    """Draw each sample in a column, each channel in a row.

    Args:
        views: The samples.
        channels: Name of each channel.
        units: Unit of each channel.
        step: Seconds between samples of a series.
        title: What the samples have in common.
    """
    times, unit = lead_times(views[0].truth.shape[-1], step, gap=-1)
    with style():
        figure = new_figure(0.8 + 3.1 * len(views), 1.0 + 1.05 * len(channels))
        panels = figure.subplots(len(channels), len(views), squeeze=False, sharex=True, sharey="row")
        for column, view in zip(panels.T, views, strict=True):
            column[0].set_title(shorten(view.name, 44), loc="left", fontsize=8)
            for axes, truth, point in zip(column, view.truth, view.point, strict=True):
                axes.plot(times, truth, color=BLACK, linewidth=1.1, label="measured")
                axes.plot(times, point, color=BLUE, linestyle=(0, (4, 1.5)), linewidth=1.2, label="given back")
                axes.margins(x=0)
                axes.tick_params(labelsize=7)
            column[-1].set_xlabel(with_unit("time in the window", unit), fontsize=8)
        for axes, name, its in zip(panels[:, 0], channels, units, strict=True):
            axes.set_ylabel(with_unit(f"{shorten(name, 20)}\n", its).strip(), fontsize=7.5)
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        put_legend(figure, [panels[0, 0]])
    return figure
