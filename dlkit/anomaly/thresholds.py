"""Thresholds on anomaly scores, from scores of normal rows alone."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

import numpy as np
from jaxtyping import Float

from dlkit.anomaly.pareto import fit_pareto
from dlkit.core.checks import require

logger = logging.getLogger(__name__)
Borders = Sequence[tuple[int, int]]  # first and past the last row of each series
FEWEST_PEAKS, ENOUGH_PEAKS = 10, 30
MOST_SHAPE = 0.5  # above it the variance is infinite, which a few peaks close to the quantile would say of any data
LOWER_TAILS = (0.95, 0.9)


@contextmanager
def warned_once() -> Iterator[None]:
    """Several thresholds of one test warn once of what they lack: they are fitted to the same rows."""
    told: set[int] = set()

    def is_new(record: logging.LogRecord) -> bool:
        known = record.lineno in told
        told.add(record.lineno)
        return not known

    logger.addFilter(is_new)
    try:
        yield
    finally:
        logger.removeFilter(is_new)


class Threshold(ABC):
    """Chooses the score above which a row is anomalous."""

    @abstractmethod
    def fit(self, scores: Float[np.ndarray, "rows"], borders: Borders, rows_per_day: float) -> float:
        """Return the threshold; infinite where the normal rows cannot tell.

        Args:
            scores: Of normal rows; NaN does not count.
            borders: First and past the last row of each series.
            rows_per_day: Rows in 24 hours.
        """

    def lacks(self, scores: Float[np.ndarray, "rows"], rows_per_day: float) -> str:  # noqa: ARG002
        """Say why the threshold is infinite and what helps; "" where it is finite."""
        return ""


@final
class Quantile(Threshold):
    """A share of the normal rows lies below: the ceil((n + 1) level)-th smallest of n scores, at most the largest.

    Args:
        level: The share.
    """

    def __init__(self, *, level: float = 0.999) -> None:
        require(0.5 < level < 1, f"Quantile level={level} must lie between 0.5 and 1: set `level`, e.g. 0.999.")
        self.level = level

    def fit(
        self,
        scores: Float[np.ndarray, "rows"],
        borders: Borders,  # noqa: ARG002 - where it is not asked for, rows count one by one
        rows_per_day: float,  # noqa: ARG002
    ) -> float:
        """Return the quantile."""
        return ordered(scores, min(rank(self.level, count(scores)), count(scores)))


@final
class Conformal(Threshold):
    """At most so many false alarms a day are expected where normal rows to come are exchangeable with those seen.

    Split conformal prediction (Vovk et al. 2005): the ceil((n + 1)(1 - alpha))-th smallest of n scores with alpha the
    wanted alarms of a row; infinite where n is too small to promise that.

    Args:
        false_alarms_per_day: Rows of normal data above the threshold, a day.
    """

    def __init__(self, *, false_alarms_per_day: float = 1.0) -> None:
        require(
            false_alarms_per_day > 0,
            f"Conformal false_alarms_per_day={false_alarms_per_day} must be positive: set it, e.g. to 1.",
        )
        self.false_alarms_per_day = false_alarms_per_day

    def fit(
        self,
        scores: Float[np.ndarray, "rows"],
        borders: Borders,  # noqa: ARG002 - where it is not asked for, rows count one by one
        rows_per_day: float,
    ) -> float:
        """Return the threshold, infinite with a warning where there are too few rows."""
        share = self.false_alarms_per_day / rows_per_day
        require(
            share < 0.5,
            f"Conformal false_alarms_per_day={self.false_alarms_per_day:g} is {share:.0%} of the {rows_per_day:g} rows "
            "of a day: set `false_alarms_per_day` lower.",
        )
        if lacking := self.lacks(scores, rows_per_day):
            logger.warning("%s.", lacking)
            return math.inf
        return ordered(scores, rank(1 - share, count(scores)))

    def lacks(self, scores: Float[np.ndarray, "rows"], rows_per_day: float) -> str:
        """Say how many rows there are and how many would do; "" where there are enough."""
        rows, share = count(scores), self.false_alarms_per_day / rows_per_day
        if rank(1 - share, rows) <= rows:
            return ""
        return (
            f"{rows} normal validation rows cannot promise {self.false_alarms_per_day:g} false alarms a day, "
            f"{math.ceil(1 / share - 1)} can: no row is called anomalous; validate on more normal rows, or set "
            "`false_alarms_per_day` higher"
        )


@final
class PeaksOverThreshold(Threshold):
    """Extrapolates the tail of normal scores by a generalized Pareto law (Siffer et al. 2017, KDD).

    Peaks are the maxima of runs of rows above a high quantile, so that one excursion counts once (Coles 2001, 5.3). A
    quantile with fewer than 30 peaks gives way to 0.95 and 0.9: a tail of ten peaks may be taken for one twice as long.

    Args:
        per_day: Excursions of normal data above the threshold, a day.
        level: Share of normal rows below the threshold instead; every row above the quantile is then a peak.
        tail: The high quantile.
    """

    def __init__(self, *, per_day: float = 1.0, level: float | None = None, tail: float = 0.98) -> None:
        require(per_day > 0, f"PeaksOverThreshold per_day={per_day} must be positive: set `per_day`, e.g. 1.")
        require(0.5 < tail < 1, f"PeaksOverThreshold tail={tail} must lie between 0.5 and 1: set `tail`, e.g. 0.98.")
        require(
            level is None or tail <= level < 1,
            f"PeaksOverThreshold level={level} must lie between tail={tail} and 1: set `level`, e.g. 0.9999.",
        )
        self.per_day, self.level, self.tail = per_day, level, tail

    def fit(self, scores: Float[np.ndarray, "rows"], borders: Borders, rows_per_day: float) -> float:
        """Return the threshold; the largest score, with a warning, where there are too few peaks."""
        rows = count(scores)
        for tail in (self.tail, *(lower for lower in LOWER_TAILS if lower < self.tail)):
            low = ordered(scores, min(rank(tail, rows), rows))
            peaks = peaks_above(scores, low, borders) if self.level is None else scores[scores > low]
            if len(peaks) >= ENOUGH_PEAKS:
                break
        wanted = rows * (self.per_day / rows_per_day if self.level is None else 1 - self.level)
        if len(peaks) < FEWEST_PEAKS:
            logger.warning(
                "%d peaks of normal validation rows are too few for a Pareto law: the threshold is their largest "
                "score; validate on more normal rows, or set `tail` lower.", len(peaks),
            )  # fmt: skip
            return float(np.nanmax(scores))
        if wanted >= len(peaks):
            return low
        return low + fit_pareto(peaks - low, most_shape=MOST_SHAPE).exceeded_by(wanted / len(peaks))


def count(scores: np.ndarray) -> int:
    """Return the number of scores that are known.

    Raises:
        InputError: There is none.
    """
    known = int((~np.isnan(scores)).sum())
    require(known > 0, "No normal row validates, so no threshold can be found: give `val` a larger part in `split`.")
    return known


def rank(level: float, rows: int) -> int:
    """Return which of the scores in order lies above a share ``level`` of what is exchangeable with them."""
    return math.ceil((rows + 1) * level - 1e-9)


def ordered(scores: np.ndarray, number: int) -> float:
    """Return the score with this number, from 1, in rising order; NaN comes last."""
    return float(np.partition(scores, number - 1)[number - 1])


def runs_of(flags: np.ndarray, borders: Borders) -> np.ndarray:
    """Return first and past the last row of each run of true rows, (runs, 2); a border ends a run."""
    edges = np.zeros(len(flags) + 1, np.int8)
    edges[1:-1] = flags[1:] != flags[:-1]
    if len(flags):
        edges[[0, -1]] = flags[0], flags[-1]
    inner = np.array([row for pair in borders for row in pair if 0 < row < len(flags)], np.int64)
    edges[inner[flags[inner] & flags[inner - 1]]] = 2  # ends one run and begins the next
    found = np.repeat(np.arange(len(edges)), edges)
    return found.reshape(-1, 2)


def peaks_above(scores: np.ndarray, low: float, borders: Borders) -> np.ndarray:
    """Return the largest score of each run of rows above ``low``."""
    runs = runs_of(scores > low, borders)
    if not len(runs):
        return np.empty(0)
    return np.asarray(np.maximum.reduceat(np.append(scores, -np.inf), runs.ravel())[::2])
