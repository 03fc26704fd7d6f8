"""Cleaning of rows that are judged while they come in."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import Clean, CleanValues
from dlkit.data.cleaning.drop import DropChannels
from dlkit.data.records import Stream


class LiveSteps:
    """Cleans rows piece by piece as a whole file would be.

    Args:
        steps: Steps that know what they have to learn.
        channels: Name of each channel that comes in.
        step: Nanoseconds between rows.
        name: What the series is called, for messages.

    Raises:
        InputError: A step looks ahead, or makes other rows.
    """

    def __init__(self, steps: Sequence[Clean], channels: tuple[str, ...], *, step: int, name: str) -> None:
        for one in steps:
            kind = type(one).__name__
            require(
                not one.look_ahead, f"clean: {kind} looks ahead, and a row is judged when it comes: train without that."
            )
            require(
                isinstance(one, CleanValues | DropChannels),
                f"clean: {kind} makes other rows, and every row is judged when it comes: train without this step.",
            )
        self.steps = [one for one in steps if isinstance(one, CleanValues)]
        self.channels, self.step, self.name = channels, step, name
        self._states: list[Any] = [None for _ in self.steps]

    @property
    def reach(self) -> int:
        """Rows before a row that still change what becomes of it."""
        return sum(step.reach(self.step) for step in self.steps)

    def push(self, times: np.ndarray, values: np.ndarray, *, follows: bool) -> np.ndarray:
        """Return the cleaned values of the next rows, (rows, channels), NaN where missing.

        Args:
            times: int64 nanoseconds, (rows,).
            values: (rows, channels).
            follows: Whether they follow the rows before without a gap.
        """
        if not follows:
            self._states = [None for _ in self.steps]
        if not self.steps or not len(times):
            return values
        rows = Stream(self.name, times, values.astype(np.float32), self.channels, ("",) * len(self.channels), self.step)
        for place, step in enumerate(self.steps):
            (rows,), self._states[place] = step.change(rows, self._states[place])
        return rows.values
