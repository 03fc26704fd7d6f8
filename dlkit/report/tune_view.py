"""What is drawn of a study: its parameters, its trials, and where they stand on an axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ROOM = 0.04  # of an axis, beyond its ends
FAR = 3.0  # times the distance of the quartiles, from the median


@dataclass(frozen=True, eq=False)
class Axis:
    """A parameter.

    Attributes:
        name: Its name.
        labels: Of a choice, in order; empty where it is a number.
        low: Lowest value of a number.
        high: Highest value.
        log: Its logarithm was drawn evenly.
    """

    name: str
    labels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    def at(self, value: Any) -> float:
        """Return where a value stands between 0 and 1; not a number where a trial has none."""
        if value is None and "None" not in self.labels:
            return float("nan")
        if self.labels:
            return (self.labels.index(str(value)) + 0.5) / len(self.labels)
        low, high, here = (np.log(v) if self.log else float(v) for v in (self.low, self.high, value))
        return float((here - low) / (high - low))

    def ticks(self, most: int = 4) -> tuple[list[float], list[str]]:
        """Return places between 0 and 1 and what stands there."""
        if self.labels:
            classes = self.name.endswith(".class_path")
            shown = [label.rpartition(".")[2] if classes else label for label in self.labels]
            return [self.at(label) for label in self.labels], shown
        values = log_ticks(self.low, self.high, most) if self.log else even_ticks(self.low, self.high, most)
        return [self.at(value) for value in values], [f"{value:.4g}" for value in values]


@dataclass(frozen=True, eq=False)
class TrialView:
    """A trial that has ended.

    Attributes:
        number: Its number.
        state: "complete", "pruned" or "failed".
        value: The metric; of a pruned trial its last one; None where there is none.
        parameters: Value or label of each of its parameters by name.
    """

    number: int
    state: str
    value: float | None
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class StudyView:
    """A study.

    Attributes:
        metric: What was optimized.
        maximize: Whether more is better.
        trials: What has ended.
        axes: The parameters.
        importance: Share of each parameter by its name.
    """

    metric: str
    maximize: bool
    trials: Sequence[TrialView]
    axes: Sequence[Axis]
    importance: dict[str, float]

    @property
    def complete(self) -> list[TrialView]:
        """The trials that were trained to their end, the worst first."""
        done = [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]
        return sorted(done, key=lambda trial: (trial.value or 0.0) * (1 if self.maximize else -1))

    @property
    def label(self) -> str:
        """The metric, and which way is better."""
        return f"{self.metric} ({'higher' if self.maximize else 'lower'} is better)"


def even_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers in a range."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(value) for value in found if low - 1e-12 <= value <= high + 1e-12] or [low, high]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten, with what lies between where there are few."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [m * 10.0**k for k in powers for m in factors if low * (1 - 1e-9) <= m * 10.0**k <= high * (1 + 1e-9)]
        if len(found) >= min(3, most):
            return found
    return [low, *[value for value in found if low * 1.2 < value < high / 1.2], high]


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return the shortest ends of dotted names that tell them apart; within a choice, the choice and the setting.

    What a class is chosen for is named, not ``class_path``.
    """
    within = {name: name.rpartition("(")[2].replace(")", "").removesuffix(".class_path") for name in names}
    return {name: shortest(within[name], [within[other] for other in names], "(" in name) or name for name in names}


def shortest(name: str, others: Sequence[str], whole: bool) -> str:
    """Return the shortest end of a name that only one of the others has; nothing where there is none."""
    parts = name.split(".")
    ends = [name] if whole else [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)]
    return next((end for end in ends if sum(f".{other}".endswith(f".{end}") for other in others) == 1), "")


def plain_scale(values: Sequence[float], *, maximize: bool) -> tuple[float, float]:
    """Return the ends of an axis of results that a few bad ones do not stretch; those are drawn at its ends."""
    known = np.sort(np.asarray(values, float))
    middle, spread = float(np.median(known)), float(np.percentile(known, 75) - np.percentile(known, 25))
    far = FAR * spread or float(known[-1] - known[0])
    low, high = float(known[0]), float(known[-1])
    low, high = (max(low, middle - far), high) if maximize else (low, min(high, middle + far))
    room = ROOM * (high - low) or ROOM * max(abs(high), 1e-6)
    return low - room, high + room


def shown(values: Sequence[float], ends: tuple[float, float]) -> np.ndarray:
    """Return values with those beyond the ends of an axis at its ends."""
    room = (ends[1] - ends[0]) * ROOM / (1 + 2 * ROOM)
    clipped: np.ndarray = np.clip(np.asarray(values, float), ends[0] + room, ends[1] - room)
    return clipped
