"""Thresholds that keep a risk below a bound with high probability: learn then test (Angelopoulos et al. 2021)."""

import math

import numpy as np
from jaxtyping import Bool, Float

from dlkit.confidence.autocorrelation import Borders, autocovariances, integrated_time
from dlkit.core.checks import require

MOST = 10_000  # thresholds that are tested


def false_alarm_threshold(
    scores: Float[np.ndarray, " rows"],
    borders: Borders,
    rows_per_day: float,
    *,
    per_day: float,
    failure: float = 0.1,
    join_gap: int = 0,
) -> float:
    """Return the lowest threshold with at most ``per_day`` false alarms a day, with probability 1 - ``failure``.

    An alarm is a run of rows above the threshold, runs joined over short gaps. Alarms of normal data come in clusters
    no longer apart than the scores remember, of geometric sizes, and clusters as a Poisson process. That a threshold
    has a higher rate is refuted where as few alarms as seen have a probability of at most ``failure``, by a Poisson law
    with count and mean divided by the variance of a count over its mean. Thresholds are tested from the highest down,
    and the first that is not refuted ends it (fixed sequence). Infinite where the time is too short: ln(1 / failure) /
    per_day days are needed.

    Args:
        scores: Of normal rows that no other choice has seen; NaN does not count as a row.
        borders: First and past the last row of each series.
        rows_per_day: Rows in 24 hours.
        per_day: Wanted bound.
        failure: Probability that the promise is broken.
        join_gap: Rows between runs that are one alarm.
    """
    from scipy.special import gammaincc

    require(per_day > 0, f"false_alarms_per_day={per_day:g} must be positive: set it, e.g. to 1.")
    check_failure(failure)
    days = float((~np.isnan(scores)).sum()) / rows_per_day
    thresholds, alarms = alarm_counts(scores, borders, join_gap)
    clusters = alarm_counts(scores, borders, max(join_gap, memory(scores, borders)))[1]
    size = np.maximum(alarms, 1) / np.maximum(clusters, 1)  # mean number of alarms of a cluster
    spread = 2 * size - 1  # variance over mean of alarms whose clusters have geometric sizes
    return lowest_passing(thresholds, gammaincc(alarms / spread + 1, per_day * days / spread) <= failure)


def false_positive_threshold(scores: Float[np.ndarray, " negatives"], *, rate: float, failure: float = 0.1) -> float:
    """Return the lowest threshold that negatives exceed at most at ``rate``, with probability 1 - ``failure``.

    As many negatives above it as seen, or fewer, have a binomial probability of at most ``failure`` at a higher rate.
    Infinite where there are too few: ln(failure) / ln(1 - rate) negatives are needed.

    Args:
        scores: Of independent negatives that no other choice has seen; NaN does not count.
        rate: Wanted bound, between 0 and 1.
        failure: Probability that the promise is broken.
    """
    from scipy import stats

    require(0 < rate < 1, f"false_positive_rate={rate:g} must lie between 0 and 1: set it, e.g. to 0.01.")
    check_failure(failure)
    thresholds, above = alarm_counts(scores, [(0, len(scores))], None)
    return lowest_passing(thresholds, stats.binom.cdf(above, int((~np.isnan(scores)).sum()), rate) <= failure)


def check_failure(failure: float) -> None:
    """Refuse what is no probability between 0 and 1."""
    require(0 < failure < 1, f"failure={failure:g} must lie between 0 and 1: set it, e.g. to 0.1.")


def alarm_counts(
    scores: Float[np.ndarray, " rows"], borders: Borders, join_gap: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return thresholds from the highest score down, and the number of alarms above each.

    Args:
        scores: NaN is no row.
        borders: First and past the last row of each series.
        join_gap: Rows between runs that are one alarm; None counts every row.
    """
    ordered = np.sort(scores[~np.isnan(scores)])
    thresholds = np.unique(ordered)[::-1][:MOST]
    above = len(ordered) - np.searchsorted(ordered, thresholds, side="right")
    if join_gap is None:
        return thresholds, above
    before = np.concatenate([highest_before(scores[first:past], join_gap + 1) for first, past in borders])
    inner = np.concatenate([scores[first:past] for first, past in borders])
    going = np.sort(np.minimum(inner, before)[~np.isnan(inner)])  # a row goes on with an alarm below both
    return thresholds, above - (len(going) - np.searchsorted(going, thresholds, side="right"))


def highest_before(scores: Float[np.ndarray, " rows"], width: int) -> Float[np.ndarray, " rows"]:
    """Return the highest score of the ``width`` rows before each; minus infinity where there is none."""
    from scipy.ndimage import maximum_filter1d

    padded = np.concatenate([np.full(width, -np.inf), np.nan_to_num(scores, nan=-np.inf)])
    highest = maximum_filter1d(padded, width, origin=(width - 1) // 2, mode="constant", cval=-np.inf)
    return np.asarray(highest[width - 1 : -1])


def memory(scores: Float[np.ndarray, " rows"], borders: Borders) -> int:
    """Return over how many rows the ranks of scores resemble each other."""
    from scipy import stats

    known = ~np.isnan(scores)
    ranks = np.zeros(len(scores))
    ranks[known] = stats.rankdata(scores[known]) / max(1, known.sum()) - 0.5
    time = float(integrated_time(autocovariances(ranks[:, None], borders))[0])
    return math.ceil(time) if time > 1 else 0


def lowest_passing(thresholds: np.ndarray, passes: Bool[np.ndarray, " thresholds"]) -> float:
    """Return the last threshold before the first one that fails; infinite where the first one does."""
    number = len(passes) if passes.all() else int(np.argmin(passes))
    return float(thresholds[number - 1]) if number else math.inf
