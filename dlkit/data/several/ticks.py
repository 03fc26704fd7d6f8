"""Durations in rows of a clock."""

import re
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds, samples
from dlkit.data.inputs import Timing


@dataclass(frozen=True)
class Ticks:
    """Rows of a clock.

    Attributes:
        step: Nominal nanoseconds between rows.
        regular: Whether they are exactly that far apart.
    """

    step: int
    regular: bool

    def rows(self, value: int | str, *, setting: str, least: int = 0) -> int:
        """Return a number of rows, or a duration, in rows; of a clock that is not regular, in the nearest number.

        Raises:
            InputError: It is no duration, no whole number of regular rows, or fewer than ``least``.
        """
        if self.regular or not isinstance(value, str) or re.fullmatch(r"\s*-?[0-9]+\s*", value):
            return samples(value, self.step, setting=setting, least=least, cure="set another `step` of the clock")
        count = round(nanoseconds(value, setting=setting) / self.step)
        require(count >= least, f"{setting}={value} is {count} rows of the clock; it must be at least {least}.")
        return count

    def seconds(self, rows: int) -> float:
        """Return how long so many rows take."""
        return rows * self.step / 1e9


def on_clock(times: np.ndarray, timing: Timing) -> np.ndarray:
    """Return stamps of a source, int64 nanoseconds, as times of the common clock."""
    origin = times[:1]  # empty for no stamps
    drift = np.rint((times - origin) * (timing.drift * 1e-6)).astype(np.int64)
    return np.asarray(times + drift + round(timing.offset * 1e9))
