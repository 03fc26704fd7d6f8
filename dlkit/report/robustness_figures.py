"""Figures of certified robustness."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, SKY, new_figure, style

if TYPE_CHECKING:
    import matplotlib.figure


def radius_figure(
    radius: np.ndarray,
    accuracy: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    plain: float,
    sigma: float,
    samples: int,
    inputs: int,
) -> "matplotlib.figure.Figure":
    """Draw the share of samples whose class is right, and stays so for every change below a radius.

    Args:
        radius: In standardized units.
        accuracy: Certified up to each radius.
        low: Lower end of its 95 % interval.
        high: Upper end.
        plain: Accuracy without noise.
        sigma: Standard deviation of the noise.
        samples: Number of samples.
        inputs: Number of inputs that may change.
    """
    with style():
        figure = new_figure(5.6, 3.7)
        axes = figure.subplots()
        axes.fill_between(radius, low, high, step="post", color=SKY, alpha=0.35, linewidth=0, label="95 % interval")
        axes.step(radius, accuracy, where="post", color=BLUE, linewidth=2, label="right and certain")
        axes.axhline(plain, color=BLACK, linestyle="--", linewidth=1, label=f"right without noise, {plain:.3f}")
        axes.set_xlabel(f"radius: length of a change over {inputs:,} inputs, in standard deviations")
        axes.set_ylabel("share of the samples")
        axes.set_xlim(0, radius[-1])
        axes.set_ylim(0, 1.02)
        axes.set_title(f"{samples} test samples, noise of {sigma:g} standard deviations", loc="left")
        figure.legend(loc="outside lower center", ncols=3)  # the curve may go through every corner
    return figure
