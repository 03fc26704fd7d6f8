"""Durations in rows of a clock."""

import re
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds, samples
from dlkit.data.inputs import Timing

DAY, MINUTE = 86_400 * 10**9, 60 * 10**9


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

    def season(self, value: int | str | None) -> int:
        """Return a season in rows; None is a day where the step is a minute or more, else one row."""
        if value is not None:
            return self.rows(value, setting="season", least=1)
        return DAY // self.step if MINUTE <= self.step < DAY and DAY % self.step == 0 else 1

    def seconds(self, rows: int) -> float:
        """Return how long so many rows take."""
        return rows * self.step / 1e9


def on_clock(times: np.ndarray, timing: Timing) -> np.ndarray:
    """Return all stamps of a series of a source, int64 nanoseconds, as times of the common clock."""
    return moved(times, timing, int(times[0]) if len(times) else 0)


def moved(times: np.ndarray, timing: Timing, origin: int) -> np.ndarray:
    """Return some stamps of a series, whose first one is ``origin``, as times of the common clock."""
    drift = np.rint((times - origin) * (timing.drift * 1e-6)).astype(np.int64)
    return np.asarray(times + drift + round(timing.offset * 1e9))
