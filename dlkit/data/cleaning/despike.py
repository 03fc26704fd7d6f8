"""Spikes: values that lie far from those about them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds
from dlkit.data.cleaning.base import CleanValues
from dlkit.data.cleaning.rolling import around, rolling_deviation, rolling_median
from dlkit.data.cleaning.runs import Rows

NORMAL = 1.4826022185056018  # standard deviation of a normal law over its median absolute deviation
FEWEST = 3  # known values of a window that tell what is usual


@dataclass(frozen=True, kw_only=True)
class Despike(CleanValues):
    """Replace spikes by the median of the values about them (Hampel 1974).

    A value is a spike where it lies further than ``threshold`` robust standard deviations (1.4826 times the median
    absolute deviation) and further than ``least`` from the median of its window. Where more than half of a window is
    one and the same value, as of a coarse sensor, it has no deviation, and ``least`` alone tells: without it nothing is
    a spike there. A step is taken for spikes until half of the window lies behind it, so make the window short.

    Args:
        channels: Names or globs of the channels.
        width: Duration of the window, its rows counted by the nominal step: those up to a value, or about it with
            ``look_ahead``.
        threshold: Robust standard deviations.
        least: Deviation below which nothing is a spike, in the unit of the channels.
        replace: By the "median" of the window, or by nothing: "missing".
        look_ahead: Let the window lie about the value.
    """

    channels: list[str]
    width: str
    threshold: float | int = 5.0
    least: float | int = 0.0
    replace: Literal["median", "missing"] = "median"
    look_ahead: bool = False

    def __post_init__(self) -> None:
        """Refuse thresholds that are none."""
        require(self.threshold > 0, f"clean: Despike threshold={self.threshold} must be positive, e.g. 5.")
        require(self.least >= 0, f"clean: Despike least={self.least} must not be negative: set it in physical units.")
        require(
            self.replace in ("median", "missing"),
            f"clean: Despike replace='{self.replace}' must be 'median' or 'missing'.",
        )
        nanoseconds(self.width, setting="clean: Despike.width")

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values without spikes; the state is the rows of a window before."""
        width = window_rows(self.width, rows.step, setting="clean: Despike.width", least=FEWEST)
        values = around(rows.values, width, state, look_ahead=self.look_ahead)
        median = rolling_median(values, width)
        spread, known = rolling_deviation(values, median, width)
        apart = np.abs(rows.values - median)
        spike = (apart > self.threshold * NORMAL * spread) & (apart > self.least) & (known >= FEWEST)
        spike &= (spread > 0) | (self.least > 0)
        new = median.astype(np.float32) if self.replace == "median" else np.float32(np.nan)
        return np.where(spike, new, rows.values), values[len(values) - width + 1 :]

    def reach(self, step: int) -> int:
        """Return the rows of a window before its value."""
        return window_rows(self.width, step, setting="clean: Despike.width", least=FEWEST) - 1


def window_rows(width: str, step: int, *, setting: str, least: int = 1) -> int:
    """Return the rows of a window by the nominal step.

    Raises:
        InputError: They are fewer than ``least``.
    """
    rows = round(nanoseconds(width, setting=setting) / step)
    require(
        rows >= least,
        f"{setting}='{width}' is {rows} rows of {step / 1e9:g} s: it must hold at least {least}; make it longer.",
    )
    return rows
