"""The coverage that was seen, with an interval that knows that neighbouring windows share rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from dlkit.confidence.autocorrelation import CHUNK, Borders, autocovariances, integrated_time

LONG = 20  # correlation times of a series, of which less does not tell its level from its memory
FEWEST = 10  # independent windows outside that show how windows outside cluster


@dataclass(frozen=True, eq=False)
class Coverage:
    """Share of truths inside their intervals, each (*shape,).

    Attributes:
        seen: The share; NaN where no truth is known.
        low: Lower bound of its interval.
        high: Upper bound.
        effective: Number of independent windows that tell as much.
        count: Number of known truths.
    """

    seen: np.ndarray
    low: np.ndarray
    high: np.ndarray
    effective: np.ndarray
    count: np.ndarray

    def holds(self, level: float) -> np.ndarray:
        """Return where a promised level is not refuted: the interval reaches it."""
        return np.asarray(self.high >= level)


def coverage(
    inside: Float[np.ndarray, "windows *shape"],
    borders: Borders | None = None,
    *,
    overlap: int = 1,
    confidence: float = 0.95,
    calibration: int | None = None,
    fixed: bool = False,
) -> Coverage:
    """Return the share of truths inside, with the Clopper-Pearson interval at the effective number of windows.

    n windows tell as much as n / (1 + 2 sum of the autocorrelations of ``inside``) independent ones; the sum stops
    where pairs of neighbouring lags are no longer positive (Geyer 1992). Where too few windows are outside (or inside)
    to see how they cluster, the longer correlation of all columns together is taken, and ``overlap`` at least.

    That series differ in coverage makes the mean over them no less sure where these are the very ones that calibration
    had and that are asked about; of series drawn anew each counts about once, so there all are centred together.

    Args:
        inside: 1 inside, 0 outside, NaN unknown, in the order of time; also shares of a window's values.
        borders: First and past the last window of each series; one series by default.
        overlap: Windows that share rows with one another, e.g. horizon over stride.
        confidence: That the interval holds the true share.
        calibration: Windows that the intervals were fitted to: the bounds then hold the luck of these, too.
        fixed: The series are those of the calibration, not new ones.
    """
    columns = inside.reshape(len(inside), -1)
    count = np.asarray((~np.isnan(columns)).sum(0))
    seen = np.nansum(columns, 0, dtype=np.float64) / np.where(count, count, np.nan)
    times = times_of(columns, seen, borders or [(0, len(inside))], overlap, fixed=fixed)
    effective = effective_number(seen, count, times, overlap)
    worth = worth_of(effective, count, calibration)
    low, high = clopper_pearson(seen * worth, worth, confidence)
    return Coverage(*(part.reshape(inside.shape[1:]) for part in (seen, low, high, effective, count)))


def worth_of(
    effective: Float[np.ndarray, " columns"], count: Shaped[np.ndarray, " columns"], calibration: int | None
) -> Float[np.ndarray, " columns"]:
    """Return as many windows as waver like test and calibration together.

    A promise is kept on average over calibrations: with n answers to calibrate on, the covered share wavers by about
    p (1 - p) / n (a beta law, Vovk 2012), beside the p (1 - p) / m of m answers to test.

    Args:
        effective: Independent ones of the test.
        count: All of the test.
        calibration: All that calibrated, taken to remember each other as those do; None leaves their luck out.
    """
    return effective if calibration is None else effective * calibration / (calibration + count)


class Times(NamedTuple):
    """How windows inside cluster.

    Attributes:
        variance: Sum of the squares of ``inside`` less its mean, (columns,).
        own: Correlation time of each column in windows, (columns,); NaN where it does not vary.
        pooled: That of all columns together; NaN where none varies.
    """

    variance: np.ndarray
    own: np.ndarray
    pooled: float


def clopper_pearson(
    hits: Float[np.ndarray, " n"], tries: Float[np.ndarray, " n"], confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact interval of a share; numbers need not be whole."""
    from scipy import stats

    tail, misses = (1 - confidence) / 2, tries - hits
    low = stats.beta.ppf(tail, hits, misses + 1)
    high = stats.beta.ppf(1 - tail, hits + 1, misses)
    return np.where(hits <= 0, 0.0, low), np.where(misses <= 0, 1.0, high)


def times_of(
    columns: Float[np.ndarray, "windows columns"],
    seen: Float[np.ndarray, " columns"],
    borders: Borders,
    overlap: int,
    *,
    fixed: bool,
) -> Times:
    """Return the correlation times about the mean of each series where they are fixed and long, else of all of them."""
    if fixed and len(borders) > 1:
        series = [columns[first:past] for first, past in borders]
        levels = np.stack([np.nansum(one, 0) / np.maximum((~np.isnan(one)).sum(0), 1) for one in series])
        found = correlation_times(columns, levels, borders)
        if len(columns) >= LONG * len(borders) * max(overlap, found.pooled):
            return found
    return correlation_times(columns, np.tile(seen, (len(borders), 1)), borders)


def correlation_times(
    columns: Float[np.ndarray, "windows columns"], levels: Float[np.ndarray, "series columns"], borders: Borders
) -> Times:
    """Return the correlation times of each column and of all together, some columns at a time."""
    parts = []
    step = max(1, CHUNK // len(columns))
    for first in range(0, columns.shape[1], step):
        chosen = slice(first, first + step)
        values = columns[:, chosen].copy()
        for (first_row, past), level in zip(borders, levels[:, chosen], strict=True):
            values[first_row:past] -= level
        products = autocovariances(np.nan_to_num(values), borders)
        parts.append((products[0], integrated_time(products), products.sum(1, keepdims=True)))
    variance, own = (np.concatenate([part[k] for part in parts]) for k in range(2))
    return Times(variance, own, float(integrated_time(np.sum([part[2] for part in parts], 0))[0]))


def effective_number(
    seen: Float[np.ndarray, " columns"], count: np.ndarray, times: Times, overlap: int
) -> Float[np.ndarray, " columns"]:
    """Return the number of independent truths with a mean as sure as that of each column."""
    rare = np.minimum(seen, 1 - seen) * count < FEWEST * np.nan_to_num(times.own, nan=np.inf)
    time = np.where(rare, np.fmax(np.fmax(times.own, times.pooled), overlap), times.own)
    time = np.where(time <= 0, overlap, time)  # of a few windows the sum may be nothing, which says nothing
    binary = (
        seen * (1 - seen) * count
    )  # the variance of windows that are inside or outside as a whole; shares have less
    larger = np.where(times.variance > 0, binary / np.where(times.variance > 0, times.variance, 1), 1.0)
    return np.asarray(np.clip(count * larger / time, np.minimum(1, count), None))
