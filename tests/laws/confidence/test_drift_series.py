"""Drift of several series: a difference between series is neither memory nor change, a change in each of them is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.confidence.drift import drift
from dlkit.confidence.stretches import alike, memory, runs_of, stretches
from tests.laws.confidence.test_drift import walk

TRIALS = 60
LEVELS = np.array([0.0, 5.0, -4.0, 9.0])


def several(random, counts, phi=0.0, shift=0.0, common=0.0):
    """Return series with levels of their own one after the other, (items, 1), and the series of each item."""
    shared = walk(random, max(counts), phi)
    parts = [
        level + shift + np.sqrt(1 - common) * walk(random, count, phi) + np.sqrt(common) * shared[:count]
        for level, count in zip(LEVELS, counts, strict=False)
    ]
    return np.concatenate(parts), np.repeat(np.arange(len(counts)), counts)


def p_values(before, after, shift=0.0, trials=TRIALS, **how):
    """Return how sure a change is called in some draws of two samples with these items of each series."""
    random, found = np.random.default_rng(0), []
    for seed in range(trials):
        one, other = several(random, before, **how), several(random, after, shift=shift, **how)
        series = (one[1], other[1])
        found.append(drift(one[0], other[0], series=series, permutations=99, seed=seed).p_value)
    return np.array(found)


@pytest.mark.parametrize(("phi", "expected"), [(0.0, 1.0), (0.6, 4.0)])
def test_series_remember_what_each_of_them_does(phi, expected):
    items, series = several(np.random.default_rng(0), [1500] * 4, phi)
    assert memory(items, runs_of(series)) == pytest.approx(expected, rel=0.25)
    assert memory(items) > 100 * expected  # taken for one series


@pytest.mark.parametrize("how", [{}, {"phi": 0.6}, {"phi": 0.6, "common": 0.9}], ids=str)
@pytest.mark.parametrize(("before", "after"), [([100] * 4, [100] * 4), ([300, 100], [75, 225])])
def test_series_of_different_levels_that_stay_the_same_rarely_change(before, after, how):
    found = p_values(before, after, **how)
    assert not np.isnan(found).all()
    assert np.nanmean(found <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / TRIALS)


@pytest.mark.parametrize("series", [1, 2, 4])
def test_a_change_in_every_series_is_found_whatever_their_levels(series):
    found = p_values([400 // series] * series, [400 // series] * series, shift=1.0, trials=20)
    assert (found <= 0.05).mean() >= 0.9


def test_series_that_only_one_sample_holds_are_compared_as_a_whole():
    random = np.random.default_rng(1)
    (one, names), (other, _) = several(random, [100] * 2), several(random, [100] * 2)
    apart = drift(one, other, series=(names, names + 2), permutations=9)
    assert (apart.block, apart.blocks) == (drift(one, other).block, drift(one, other).blocks)


def test_series_too_short_to_be_compared_within_are_compared_as_a_whole():
    items, names = several(np.random.default_rng(2), [5] * 4)
    assert stretches(items, items, (names, names)).length == stretches(items, items).length


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5), st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_items_that_are_compared_leave_each_series_the_same_share(before, after):
    sides = [np.repeat(np.arange(len(counts)), counts) for counts in (before, after)]
    kept = alike(*sides)
    counts = [np.bincount(side[some], minlength=5) for side, some in zip(sides, kept, strict=True)]
    assert all(len(np.unique(some)) == len(some) for some in kept)
    assert not ((counts[0] > 0) ^ (counts[1] > 0)).any()  # a series is in both or in none
    if kept[0].size:
        expected = counts[0] * counts[1].sum() / counts[0].sum()
        assert np.abs(counts[1] - expected).max() <= 2  # up to whole items
