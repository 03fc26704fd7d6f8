"""Drift: a test that says "changed" by chance as rarely as it promises, also where neighbours remember each other."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from dlkit.confidence.drift import Drift, drift, false_discoveries, gaussian
from dlkit.confidence.stretches import block_length, memory

TRIALS = 40


def walk(random, count, phi, axes=1):
    """Return a series with unit variance whose neighbours correlate by ``phi``."""
    steps = random.normal(size=(count + 200, axes)) * np.sqrt(1 - phi**2)
    for row in range(1, len(steps)):
        steps[row] += phi * steps[row - 1]
    return steps[200:]


@pytest.mark.parametrize(("phi", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0)])
def test_memory_is_that_of_an_autoregression(phi, expected):
    found = np.mean([memory(walk(np.random.default_rng(seed), 4000, phi)) for seed in range(8)])
    assert found == pytest.approx(expected, rel=0.25)


def test_what_does_not_move_has_no_memory():
    assert memory(np.full((100, 2), 3.7)) == 1.0
    assert block_length((np.random.default_rng(0).normal(size=(500, 1)),), (None,)) <= 5


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_without_a_change_it_rarely_says_changed_whatever_the_memory(phi):
    random = np.random.default_rng(1)
    found = [
        drift((series := walk(random, 500, phi))[:350], series[350:], permutations=99, seed=seed).p_value
        for seed in range(TRIALS)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / TRIALS)


def test_items_alone_would_take_memory_for_change():
    random = np.random.default_rng(2)
    found = [
        drift((series := walk(random, 400, 0.9))[:300], series[300:], ordered=False, permutations=99).p_value
        for _ in range(20)
    ]
    assert np.mean(np.array(found) <= 0.05) > 0.5


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 2.5)])
def test_a_change_of_level_or_of_spread_is_found_in_spite_of_memory(shift, scale):
    random = np.random.default_rng(3)
    found = [
        drift(walk(random, 600, 0.5), shift + scale * walk(random, 300, 0.5), permutations=99).p_value
        for _ in range(10)
    ]
    assert np.mean(np.array(found) <= 0.05) >= 0.9


def test_too_few_independent_stretches_tell_nothing():
    random = np.random.default_rng(4)
    found = drift(walk(random, 600, 0.99), walk(random, 60, 0.99))
    assert np.isnan(found.p_value)
    assert found.blocks[1] < 6


def test_the_distance_is_the_maximum_mean_discrepancy():
    random = np.random.default_rng(5)
    one, other = random.normal(size=(40, 3)), random.normal(size=(25, 3)) + 0.5
    kernel = gaussian(np.concatenate([one, other]))
    squared = kernel[:40, :40].mean() + kernel[40:, 40:].mean() - 2 * kernel[:40, 40:].mean()
    assert drift(one, other, ordered=False, permutations=9).distance == pytest.approx(np.sqrt(squared))
    pairs = np.array([[np.sum((a - b) ** 2) for b in np.r_[one, other]] for a in np.r_[one, other]])
    np.testing.assert_allclose(kernel, np.exp(-pairs / np.median(pairs[np.triu_indices(65, 1)])), atol=1e-10)


def test_the_same_seed_says_the_same():
    random = np.random.default_rng(6)
    one, other = random.normal(size=(50, 2)), random.normal(size=(50, 2))
    assert drift(one, other, seed=1) == drift(one, other, seed=1)
    assert isinstance(drift(one, other, ordered=False), Drift)


def test_false_discoveries_are_those_of_scipy():
    p = np.random.default_rng(7).uniform(size=50) ** 2
    np.testing.assert_allclose(false_discoveries(p), false_discovery_control(p))
    with_gap = np.insert(p, 3, np.nan)
    found = false_discoveries(with_gap)
    assert np.isnan(found[3])
    np.testing.assert_allclose(np.delete(found, 3), false_discovery_control(p))
