"""Steps are found where they are, and noise of any memory, seasons, slopes and switching are no steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from dlkit.quality.fitness.steps import MOST, bounded, find_steps, moving_differences, scores

BINS = 1000


def remembering(memory, random, bins=BINS):
    return lfilter([1], [1, -memory], random.normal(size=bins + 300))[300:]


CLEAN = {
    "white": lambda random, t: random.normal(size=len(t)),
    "red": lambda random, _: remembering(0.95, random),
    "a random walk": lambda random, t: random.normal(size=len(t)).cumsum(),
    "a season": lambda random, t: 10 * np.sin(2 * np.pi * t / 333) + remembering(0.8, random),
    "days": lambda random, t: 10 * np.sin(2 * np.pi * t / 24) + remembering(0.8, random),
    "a slope": lambda random, t: t / 20 + random.normal(size=len(t)),
    "heavy tails": lambda random, t: random.standard_t(2, size=len(t)),
    "rain": lambda random, t: random.exponential(size=len(t)) * (remembering(0.9, random) > 3),
    "a switch": lambda random, t: 5.0 * (np.cumsum(random.random(len(t)) < 0.02) % 2) + random.normal(size=len(t)),
    "nothing": lambda _, t: np.zeros(len(t)),
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_stays_what_it_is_has_no_step(name):
    found = [bool(find_steps(CLEAN[name](np.random.default_rng(seed), np.arange(BINS)))) for seed in range(12)]
    assert sum(found) == 0


@pytest.mark.parametrize("name", ["white", "a random walk", "a season", "days", "a slope", "nothing"])
@pytest.mark.parametrize("at", [200, 500, 850])
def test_a_planted_step_is_found_where_it_is(name, at):
    values = CLEAN[name](np.random.default_rng(1), np.arange(BINS))
    size = 10 * max(np.subtract(*np.quantile(values, [0.84, 0.16])) / 2, 0.1)
    found = find_steps(values + size * (np.arange(BINS) >= at))
    assert len(found) == 1 and abs(found[0].at - at) <= max(2, found[0].width // 8) and found[0].score > 0


def test_steps_down_and_up_again_are_two():
    values = np.random.default_rng(0).normal(size=BINS)
    values[300:700] -= 6
    assert [(abs(one.at - at) <= 2, one.score < 0) for one, at in zip(find_steps(values), (300, 700), strict=True)] == [
        (True, True),
        (True, False),
    ]


def test_what_is_shorter_than_a_twentieth_is_an_event_and_no_step():
    values = np.random.default_rng(0).normal(size=BINS)
    values[300:330] += 8
    assert find_steps(values) == []


def test_a_series_that_keeps_switching_has_no_steps():
    values = np.random.default_rng(0).normal(size=BINS) + 8 * (np.arange(BINS) // (BINS // (MOST + 3)) % 2)
    assert find_steps(values) == []


def test_too_short_a_series_has_no_steps():
    assert find_steps(np.arange(90.0) // 45) == [] and find_steps(np.zeros(0)) == []


def test_moving_differences_are_those_of_the_plain_formula():
    values, width = np.random.default_rng(0).normal(size=50), 8
    plain = [values[t : t + width].mean() - values[t - width : t].mean() for t in range(width, 50 - width + 1)]
    np.testing.assert_allclose(moving_differences(values, width), plain, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100), seed=st.integers(0, 99))
def test_scores_and_steps_do_not_depend_on_the_unit(scale, shift, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=300) + 5 * (np.arange(300) > random.integers(60, 240))
    np.testing.assert_allclose(scores(shift + scale * values, 8), scores(values, 8), rtol=1e-5, atol=1e-5)
    assert [one.at for one in find_steps(shift + scale * values)] == [one.at for one in find_steps(values)]


def test_no_outlier_moves_the_others():
    values = np.random.default_rng(0).normal(size=BINS)
    spoiled = np.where(np.arange(BINS) == 77, -9999.0, values)
    assert bounded(spoiled)[77] > -50 and np.array_equal(np.delete(bounded(spoiled), 77), np.delete(values, 77))
