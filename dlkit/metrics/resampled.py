"""What folds say together: mean, deviation, an interval that knows that folds share training data, rank correlation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

METHOD = (
    "reach of the interval by the corrected resampled t-test (Nadeau & Bengio, Machine Learning 52, 2003):\n"
    "t x deviation x sqrt(1/n + test/train), because folds share training data"
)


@dataclass(frozen=True)
class Estimate:
    """A metric over folds.

    Attributes:
        mean: Mean over folds.
        deviation: Standard deviation over folds, NaN of one.
        low: Lower bound of the interval, NaN of one fold.
        high: Upper bound.
        count: Number of folds in which it is defined.
    """

    mean: float
    deviation: float
    low: float
    high: float
    count: int


def estimate(values: Sequence[float], ratio: float, level: float = 0.95) -> Estimate:
    """Return mean, deviation and interval of a metric over folds.

    Args:
        values: One a fold; NaN where it is not defined.
        ratio: Number of test windows or samples over that of training, 1 / (folds - 1) for plain K-fold.
        level: Nominal coverage of the interval.
    """
    known = np.array([value for value in values if math.isfinite(value)], np.float64)
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else math.nan, math.nan, math.nan, math.nan, len(known))
    deviation = float(known.std(ddof=1))
    reach = t_quantile((1 + level) / 2, len(known) - 1) * math.sqrt(1 / len(known) + ratio) * deviation
    mean = float(known.mean())
    return Estimate(mean, deviation, mean - reach, mean + reach, len(known))


def t_probability(t: float, freedom: int) -> float:
    """Return the probability that Student's t lies between -t and t (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def t_quantile(probability: float, freedom: int) -> float:
    """Return the value that Student's t exceeds with probability ``1 - probability``, for one above a half."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # the angle is halved to the last bit
        middle = (low + high) / 2
        inside = t_probability(math.sqrt(freedom) * math.tan(middle), freedom)
        low, high = (middle, high) if inside < 2 * probability - 1 else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of what is known of both; NaN of fewer than three or of constants."""
    import pandas as pd

    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 3:
        return math.nan
    first, second = (pd.Series(part[known]).rank().to_numpy() for part in (one, other))
    if not first.std() or not second.std():
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])
