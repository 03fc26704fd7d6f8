"""Keep values within bounds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import CleanValues, Learner
from dlkit.data.cleaning.known import require_known
from dlkit.data.cleaning.runs import Rows, select
from dlkit.data.records import Stream
from dlkit.data.table.reservoir import Reservoir


@dataclass(frozen=True, kw_only=True)
class Clip(CleanValues):
    """Set values beyond a bound to the bound (winsorize).

    Args:
        channels: Names or globs of the channels.
        lower: Smallest value that stays.
        upper: Largest value that stays.
        quantiles: Two quantiles of the training rows that are the bounds instead, e.g. [0.001, 0.999]; from a seeded
            uniform sample of a million rows where there are more.
    """

    channels: list[str]
    lower: float | int | None = None
    upper: float | int | None = None
    quantiles: list[float] | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        given = [one for one in (self.lower, self.upper) if one is not None]
        require(
            bool(given) != (self.quantiles is not None),
            "clean: Clip needs `lower`, `upper` or both, or `quantiles` instead: set one of these.",
        )
        require(given == sorted(given), f"clean: Clip lower={self.lower} is above upper={self.upper}: swap them.")
        require(
            self.quantiles is None or (len(self.quantiles) == 2 and 0 <= self.quantiles[0] < self.quantiles[1] <= 1),
            f"clean: Clip quantiles={self.quantiles} must be two shares that rise, e.g. [0.001, 0.999].",
        )

    @property
    def learns(self) -> bool:
        """Whether the bounds are quantiles of the training rows."""
        return self.quantiles is not None

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the values within their bounds; a channel that was not there in training stays as it is."""
        learnt = self.learnt or {}
        low, high = (
            np.array([learnt.get(side, {}).get(name, default) for name in rows.channels], np.float32)
            for side, default in (
                ("lower", -np.inf if self.lower is None else self.lower),
                ("upper", np.inf if self.upper is None else self.upper),
            )
        )
        return np.clip(rows.values, low, high), state

    def learner(self) -> Learner | None:
        """Return what finds the quantiles."""
        return None if self.quantiles is None else Quantiles(self, self.quantiles)


class Quantiles:
    """Finds quantiles of each channel.

    Args:
        step: Says which channels.
        levels: The quantiles.
    """

    def __init__(self, step: Clip, levels: list[float]) -> None:
        self.step, self.levels = step, levels
        self._names: tuple[str, ...] = ()
        self._sample: Reservoir | None = None

    def add(self, part: Stream) -> None:
        """Take in rows."""
        rows = select(part, self.step.places(part.channels))
        if self._sample is None:
            self._names, self._sample = rows.channels, Reservoir(len(rows.channels))
        self._sample.add(rows.values)

    def finish(self) -> dict[str, Any]:
        """Return the bounds by channel.

        Raises:
            InputError: A channel has no value in the training rows.
        """
        found = np.full((2, 0), np.nan) if self._sample is None else self._sample.quantiles(self.levels)
        require_known(self.step, self._names, ~np.isnan(found).any(0))
        return {
            side: dict(zip(self._names, bounds, strict=True))
            for side, bounds in zip(("lower", "upper"), found.tolist(), strict=True)
        }
