"""Are two models different on the same test data? Tests of paired losses, also where neighbours resemble each other."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Paired:
    """What paired losses say.

    Attributes:
        difference: Mean of first minus second.
        low: Lower end of its interval.
        high: Upper end.
        p: Probability of a difference at least as large were both alike.
        count: Pairs.
        test: Name of the test.
    """

    difference: float
    low: float
    high: float
    p: float
    count: int
    test: str


def diebold_mariano(
    difference: Float[np.ndarray, " windows"],
    *,
    overlap: int = 1,
    series: Int[np.ndarray, " windows"] | None = None,
    level: float = 0.95,
) -> Paired:
    """Return whether the mean of differences of losses in the order of time is zero.

    Diebold & Mariano, J. Business & Economic Statistics 13 (1995), with the variance of Newey & West, Econometrica 55
    (1987), over max(overlap, 4 (n/100)^(2/9)) lags: windows that overlap err together. Student's t with n - 1 degrees
    of freedom, as Harvey, Leybourne & Newbold, Int. J. Forecasting 13 (1997) propose.

    Args:
        difference: Loss of the first model minus that of the second, window by window.
        overlap: Neighbouring windows that share predicted rows.
        series: Number of the series of each window; windows of different series are taken as independent.
        level: Of the interval.
    """
    from scipy.stats import t

    kept = np.isfinite(difference)
    values = difference[kept].astype(np.float64)
    groups = np.zeros(len(values), int) if series is None else series[kept]
    count, test = len(values), "Diebold-Mariano with Newey-West variance"
    if count < 3:
        return Paired(float(values.mean()) if count else math.nan, math.nan, math.nan, math.nan, count, test)
    mean = float(values.mean())
    error = math.sqrt(long_run_variance(values - mean, groups, overlap) / count)
    reach = float(t.ppf((1 + level) / 2, count - 1)) * error
    if error <= 0:
        return Paired(mean, mean, mean, 1.0 if mean == 0 else 0.0, count, test)
    p = 2 * float(t.sf(abs(mean) / error, count - 1))
    return Paired(mean, mean - reach, mean + reach, p, count, test)


def long_run_variance(centred: Float[np.ndarray, " n"], groups: Int[np.ndarray, " n"], overlap: int) -> float:
    """Return the variance of the mean times n, with Bartlett's weights; never below that of independent values."""
    count = len(centred)
    lags = min(count - 1, max(overlap, math.ceil(4 * (count / 100) ** (2 / 9))))
    total = plain = float(centred @ centred) / count
    for lag in range(1, lags + 1):
        same = groups[lag:] == groups[:-lag]
        total += 2 * (1 - lag / (lags + 1)) * float((centred[lag:] * centred[:-lag])[same].sum()) / count
    return max(total, plain)


def mcnemar(
    first: Bool[np.ndarray, " samples"], second: Bool[np.ndarray, " samples"], *, level: float = 0.95
) -> Paired:
    """Return whether two classifiers are equally often right: the exact test of McNemar, Psychometrika 12 (1947).

    The interval of the difference of accuracies is that of Wald with Agresti & Min's two added pairs (Statistics in
    Medicine 24, 2005).

    Args:
        first: Where the first one is right.
        second: Where the second one is right.
        level: Of the interval.
    """
    from scipy.stats import binom, norm

    count = len(first)
    wins, losses = int((first & ~second).sum()), int((~first & second).sum())
    pairs = wins + losses
    p = min(1.0, 2 * float(binom.cdf(min(wins, losses), pairs, 0.5))) if pairs else 1.0
    b, c, n = wins + 0.5, losses + 0.5, count + 2
    reach = float(norm.ppf((1 + level) / 2)) * math.sqrt((b + c) - (b - c) ** 2 / n) / n
    middle = (b - c) / n
    return Paired((wins - losses) / max(count, 1), middle - reach, middle + reach, p, count, "exact McNemar")


def bootstrap(
    difference: Float[np.ndarray, " samples"], *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> Paired:
    """Return the mean of paired differences with the percentile interval of the bootstrap (Efron 1979).

    Args:
        difference: Loss of the first model minus that of the second, sample by sample; samples are independent.
        draws: Resamples.
        seed: Of the resamples.
        level: Of the interval.
    """
    values = difference[np.isfinite(difference)].astype(np.float64)
    count = len(values)
    if count < 3:
        return Paired(float(values.mean()) if count else math.nan, math.nan, math.nan, math.nan, count, "bootstrap")
    generator = np.random.default_rng(seed)
    means = np.array([values[generator.integers(0, count, count)].mean() for _ in range(draws)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]).tolist()
    below = float((means <= 0).mean())
    p = min(1.0, 2 * max(min(below, 1 - below), 1 / draws))
    return Paired(float(values.mean()), low, high, 1.0 if not values.any() else p, count, "bootstrap")
