"""What a loader hands to a task."""

from typing import Any, NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """One batch of windows, normalized, with missing values filled by 0 (the mean of a standardized channel).

    A NamedTuple because torch's collate and Lightning's transfer to a device take it as it is.

    Attributes:
        x: Inputs, (batch, channels, time), usually a view with time as the slow axis in memory; those of several
            sources are packed, (batch, values), as :mod:`dlkit.core.packing` says.
        y: Targets, (batch, horizon, targets); a dictionary by head where there are several.
        x_observed: True where an input was measured, shaped like x (mask channels are always known); None when nothing
            is missing.
        y_observed: True where a target was measured, shaped like y (a dictionary by head where there are
            several); None when nothing is missing.
        future: Inputs known over the horizon, (batch, future, horizon), or None.
        static: Inputs constant for a series, (batch, static), or None.
        start: Row of the table at which each window begins, (batch,).
    """

    x: Tensor
    y: Any
    x_observed: Tensor | None = None
    y_observed: Any = None
    future: Tensor | None = None
    static: Tensor | None = None
    start: Tensor | None = None
