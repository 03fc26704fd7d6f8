"""The interval of what was seen of several series: narrow of those that are always the same, wide of new ones."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.signal import lfilter

from dlkit.confidence.coverage import coverage

CASES = 300


def inside_of(series, windows, memory, *, spread=0.7, new=False):
    """Return what lies inside, a column a case, and borders: the same series in all cases, or new ones in each.

    Sizes of errors differ, so that series differ in coverage; over all, or over those that can be drawn, it is 0.9.
    """
    draw = np.random.default_rng(0)
    sizes = np.exp(spread * draw.standard_normal((series, CASES if new else 1)))
    law = np.exp(spread * draw.standard_normal(200_000)) if new else sizes
    radius = brentq(lambda radius: np.mean(2 * stats.norm.cdf(radius / law) - 1) - 0.9, 0.1, 100)
    fresh = draw.standard_normal((series, windows + 200, CASES)) * np.sqrt(1 - memory**2)
    errors = lfilter([1], [1, -memory], fresh, axis=1)[:, 200:] * sizes[:, None]
    borders = [(k * windows, (k + 1) * windows) for k in range(series)]
    return (np.abs(errors) <= radius).astype(np.float64).reshape(-1, CASES), borders


@pytest.mark.parametrize(("series", "windows"), [(2, 1000), (4, 400), (8, 500)])
def test_independent_windows_of_fixed_series_are_worth_what_the_binomial_law_of_each_says(series, windows):
    inside, borders = inside_of(series, windows, 0.0)
    share = inside.reshape(series, windows, CASES).mean((1, 2))
    worth = 0.9 * 0.1 / (share * (1 - share)).mean() * series * windows
    assert np.median(coverage(inside, borders, fixed=True).effective) == pytest.approx(worth, rel=0.05)


@pytest.mark.parametrize(
    ("series", "windows", "memory", "spread"),
    [(2, 1000, 0.0, 0.7), (4, 400, 0.0, 0.7), (8, 400, 0.9, 0.7), (8, 100, 0.9, 0.7), (20, 40, 0.9, 0.0),
     (40, 20, 0.9, 0.0), (8, 400, 0.98, 0.7)],
)  # fmt: skip
def test_the_interval_of_fixed_series_holds_the_true_share_in_95_of_100_cases(series, windows, memory, spread):
    """Also of series too short to tell their level from their memory."""
    found = coverage(*inside_of(series, windows, memory, spread=spread), fixed=True)
    assert np.mean((found.low <= 0.9) & (found.high >= 0.9)) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / CASES)
    assert np.mean(~found.holds(0.9)) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / CASES)


@pytest.mark.parametrize(("series", "windows", "memory"), [(8, 200, 0.9), (20, 200, 0.9), (40, 50, 0.0)])
def test_of_series_drawn_anew_each_counts_about_once(series, windows, memory):
    """As independent windows they would refute a kept promise in every third case."""
    inside, borders = inside_of(series, windows, memory, new=True)
    found, wrong = coverage(inside, borders), coverage(inside, borders, fixed=True)
    assert np.mean(~found.holds(0.9)) < 0.08
    assert np.mean((found.low <= 0.9) & (found.high >= 0.9)) > 0.82
    assert np.mean(~wrong.holds(0.9)) > 0.15
