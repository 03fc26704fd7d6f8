"""The clock that several sources are brought to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.core.durations import nanoseconds


class Clock(ABC):
    """Says at which times a record has its rows."""

    driver: str | None = None
    """Name of the source whose stamps are the ticks, where there is one."""

    @abstractmethod
    def ticks(self, first: int, last: int, stamps: np.ndarray | None) -> np.ndarray:
        """Return the ticks from ``first`` to ``last``, both included, int64 nanoseconds.

        Args:
            first: Time from which on there is something to see.
            last: Time after which there is nothing more.
            stamps: Times of the driver, rising, where there is one.
        """

    @abstractmethod
    def step_of(self, driver: int | None) -> int:
        """Return the nominal time between ticks in nanoseconds.

        Args:
            driver: Nominal time between the stamps of the driver, where there is one.
        """

    def count(self, first: int, last: int) -> int:  # noqa: ARG002 - stamps of a driver have no ticks between them
        """Return the number of ticks from ``first`` to ``last`` where no source has a sample."""
        return 0


@dataclass(frozen=True)
class Regular(Clock):
    """Ticks at a constant rate, at multiples of the step since 1970, or since the start where times are no dates.

    Args:
        step: Time between ticks, a duration such as "10ms".
    """

    step: str

    def __post_init__(self) -> None:
        """Refuse a step that is no time."""
        require(self.step_ns > 0, f"clock.step='{self.step}' must be positive: set `step` of the clock, e.g. 10ms.")

    @property
    def step_ns(self) -> int:
        """Time between ticks in nanoseconds."""
        return nanoseconds(self.step, setting="clock.step")

    def ticks(self, first: int, last: int, stamps: np.ndarray | None) -> np.ndarray:  # noqa: ARG002 - of its own
        """Return the multiples of the step."""
        return np.arange(-(-first // self.step_ns), last // self.step_ns + 1, dtype=np.int64) * self.step_ns

    def step_of(self, driver: int | None) -> int:  # noqa: ARG002 - of its own
        """Return the step."""
        return self.step_ns

    def count(self, first: int, last: int) -> int:
        """Return the number of multiples of the step."""
        return max(last // self.step_ns + 1 - -(-first // self.step_ns), 0)


@dataclass(frozen=True)
class OfSource(Clock):
    """The stamps of one of the sources.

    Args:
        source: Name of the source.
    """

    source: str

    @property
    def driver(self) -> str:  # type: ignore[override]  # a field names it
        """Name of the source whose stamps are the ticks."""
        return self.source

    def ticks(self, first: int, last: int, stamps: np.ndarray | None) -> np.ndarray:
        """Return the stamps."""
        assert stamps is not None
        return stamps[np.searchsorted(stamps, first) : np.searchsorted(stamps, last, side="right")]

    def step_of(self, driver: int | None) -> int:
        """Return the step of the source."""
        assert driver is not None
        return driver
