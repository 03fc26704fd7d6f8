"""What the windows or samples of a role say, each by a few numbers of each channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dlkit.confidence.autocorrelation import Borders
from dlkit.core.spread import evenly

ROUNDING = 1e-5  # part of the usual scatter inside of an item below which levels do not differ
FLOAT = 1e-6  # the same of the level itself: what float32 tells


@dataclass(frozen=True, eq=False)
class Seen:
    """The windows or samples of a role that were looked at, spread evenly over it, in the order of time.

    Attributes:
        count: How many the role has.
        places: First row of each window, or number of each sample, int64, (items,).
        borders: First and past the last item of each uninterrupted run.
        level: Mean of each channel, float64, (items, channels); NaN where nothing was observed.
        spread: Standard deviation of each channel inside of the item.
        low: Least value of each channel.
        high: Largest value of each channel.
        last: Last value of each channel; of samples the mean.
        groups: Number of the shot, run or device of each sample; None where there are none.
        answers: What is asked for by name of the target: float64, (items,), class numbers for classes, NaN or -1 where
            unknown; of several rows the first one.
        series: Number of the series of each window; None for samples.
    """

    count: int
    places: np.ndarray
    borders: Borders
    level: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray
    answers: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: np.ndarray | None = None
    series: np.ndarray | None = None

    def __len__(self) -> int:
        """Return how many were looked at."""
        return len(self.places)

    def some(self, most: int) -> np.ndarray:
        """Return the numbers of at most ``most`` items, spread evenly."""
        return evenly(len(self), most)


@dataclass(frozen=True)
class Asked:
    """One thing that is asked for.

    Attributes:
        name: Name of the target, or of the head or source of classes.
        unit: Its physical unit, "" where unknown.
        classes: Names of the classes; empty where it is a value.
        column: Its column in the table; -1 where it is none.
        first: Rows from the last one of the inputs to the first one that is asked for.
        rows: Rows that are asked for.
    """

    name: str
    unit: str = ""
    classes: tuple[str, ...] = ()
    column: int = -1
    first: int = 0
    rows: int = 1


@dataclass(frozen=True, eq=False)
class Roles:
    """The roles of a data module, ready to be compared.

    Attributes:
        seen: By role; one without windows or samples is empty.
        channels: Name of each measured input channel.
        units: Unit of each.
        asked: What is asked for.
        ordered: Items are windows in the order of time, whose neighbours resemble each other.
        length: Rows of a window from its first input to past the last row that is asked for; 1 of samples.
        stride: Rows between the starts of neighbouring windows.
        noun: What an item is called.
    """

    seen: dict[str, Seen]
    channels: tuple[str, ...]
    units: tuple[str, ...]
    asked: tuple[Asked, ...]
    ordered: bool
    length: int
    stride: int
    noun: str


def summarize(items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation, least and largest value of each item and channel, NaN where none was observed.

    Args:
        items: (items, values, channels), NaN where missing; integers are taken as they are.
    """
    if items.dtype.kind == "f" and np.isnan(items.sum()):
        return summarize_some(items)
    mean = items.mean(1, dtype=np.float64)
    spread = np.sqrt(((items - mean[:, None].astype(np.float32)) ** 2).mean(1, dtype=np.float64))
    return mean, spread, items.min(1).astype(np.float64), items.max(1).astype(np.float64)


def summarize_some(items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the same where values are missing."""
    observed = ~np.isnan(items)
    count = observed.sum(1).astype(np.float64)
    filled = np.where(observed, items, np.float32(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(1, dtype=np.float64) / count
        filled -= mean[:, None].astype(np.float32)
        spread = np.sqrt(np.einsum("irc,irc,irc->ic", filled, filled, observed, dtype=np.float64) / count)
    low, high = np.fmin.reduce(items, axis=1), np.fmax.reduce(items, axis=1)
    return mean, spread, low.astype(np.float64), high.astype(np.float64)


def rounded(seen: dict[str, Seen]) -> dict[str, Seen]:
    """Return roles whose levels and spreads do not tell rounding errors, as of traces scaled to mean 0 and deviation 1.

    They are multiples of a hundred thousandth of the usual scatter in training.
    """
    train = seen["train"] if len(seen["train"]) else next((one for one in seen.values() if len(one)), None)
    if train is None or not train.level.shape[1]:
        return seen
    known = np.nan_to_num(np.stack([train.level, train.spread]))
    unit = np.maximum(ROUNDING * known[1].mean(0), FLOAT * np.abs(known[0]).mean(0))
    unit = np.where(unit > 0, unit, 1.0)
    return {
        role: replace(one, level=np.round(one.level / unit) * unit, spread=np.round(one.spread / unit) * unit)
        for role, one in seen.items()
    }
