"""Mend a unit or a calibration that changed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import CleanValues
from dlkit.data.cleaning.runs import Rows
from dlkit.data.cleaning.spans import intervals, within


@dataclass(frozen=True, kw_only=True)
class Scale(CleanValues):
    """Take ``factor * x + offset``, everywhere or during some intervals.

    Args:
        channels: Names or globs of the channels.
        factor: What values are multiplied by, e.g. 0.001 for mV that should be V.
        offset: What is added then, in the unit that the channel should have.
        during: Intervals [first, last] in which it holds, both included: dates in ISO, UTC by default, or seconds since
            the start; none is everywhere.
    """

    channels: list[str]
    factor: float | int = 1.0
    offset: float | int = 0.0
    during: list[list[str | float | int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what makes all values equal or infinite."""
        require(
            bool(np.isfinite([self.factor, self.offset]).all()) and self.factor != 0,
            f"clean: Scale factor={self.factor} offset={self.offset} must be finite and the factor not 0.",
        )
        intervals(self.during, setting="clean: Scale.during")

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values in their right unit."""
        new = (rows.values.astype(np.float64) * self.factor + self.offset).astype(np.float32)
        if not self.during:
            return new, state
        inside = within(rows.times, intervals(self.during, setting="clean: Scale.during"))
        return np.where(inside[:, None], new, rows.values), state
