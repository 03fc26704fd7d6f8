"""A promise and what the test saw of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """A promise and what the test saw of it.

    Attributes:
        what: In words, e.g. "interval at each step".
        target: Name of the target or label; "" for all of them.
        method: What makes it true, e.g. "RAPS".
        level: What is promised.
        seen: Share on the test, None where nothing could be checked.
        low: Lower end of the 95 % interval of ``seen``, which knows the luck of the calibration, too.
        high: Its upper end.
        effective: Independent samples or windows that the test is worth.
        size: Mean width of the interval, in ``unit``, or mean number of classes in the set.
        unit: Of ``size``.
        assumes: What the promise rests on.
        calibration: Answers that it was fitted to; None where that is not known, or no luck of theirs is left.
    """

    what: str
    target: str
    method: str
    level: float
    seen: float | None
    low: float | None
    high: float | None
    effective: float
    size: float | None = None
    unit: str = ""
    assumes: str = ""
    calibration: int | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the test does not speak against it; None where nothing could be checked."""
        return None if self.high is None else self.high >= self.level
