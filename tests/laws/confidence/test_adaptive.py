"""Adaptive intervals keep their level over time whatever comes, also where truths come late."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.confidence.adaptive import Adaptive, blocks, known_before
from dlkit.confidence.answers import Values, contained, rows_of
from dlkit.confidence.intervals import CQR, Split
from dlkit.confidence.joint import Joint
from dlkit.core.checks import InputError


def errors_of(errors):
    """Answers of 0 whose truth is the error, with bounds of 1 around them."""
    truth = torch.as_tensor(errors, dtype=torch.float32)
    return Values(torch.zeros_like(truth), -torch.ones_like(truth), torch.ones_like(truth), truth)


def gaussian(windows, seed, *shape):
    return errors_of(torch.randn(windows, *shape, generator=torch.Generator().manual_seed(seed)))


@given(st.sampled_from([0.02, 0.1, 0.5]), st.sampled_from([0.005, 0.05]), st.integers(1, 30), st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_the_share_of_misses_is_bounded_on_an_adversarial_sequence(alpha, gamma, delay, kind):
    """|misses / T - alpha| <= (max(alpha, 1 - alpha) + (delay + 1) gamma) / (gamma T) (Gibbs & Candes 2021, prop. 4.1).

    The level moves by at most ``delay + 1`` steps beyond [0, 1] before the answer to that is known.
    """
    windows = 600
    time = torch.arange(float(windows))
    sequence = [time * 10, 1000 / (time + 1), (time % 7 == 0) * 1e6, torch.randn(windows) * (1 + 5 * (time > 300))][
        kind
    ]
    found = Adaptive(gamma=gamma).follow(
        gaussian(100, 0, 1), errors_of(sequence[:, None]), 1 - alpha, np.arange(windows), delay
    )
    misses = 1 - contained(sequence[:, None], found.lower, found.upper)
    known = windows - delay + 1  # whose truth the last level has seen
    bound = (max(alpha, 1 - alpha) + (delay + 1) * gamma) / (gamma * known)
    assert abs(float(misses[:known].mean()) - alpha) <= bound + 1e-9


def test_levels_are_those_of_the_plain_recursion():
    """alpha grows by gamma (alpha - miss) for each window that is over, one window after the other."""
    calibration, answers, gamma, alpha, delay = gaussian(200, 0, 3), gaussian(150, 1, 3), 0.03, 0.2, 7
    answers = answers._replace(truth=answers.truth * torch.linspace(0.5, 3, 150)[:, None])
    answers.truth[40:50, 1] = math.nan
    found = Adaptive(gamma=gamma).follow(calibration, answers, 1 - alpha, np.arange(150), delay)
    ordered = np.sort(np.abs(calibration.truth.numpy()), 0)
    level, misses = np.full(3, alpha), []
    for window in range(150):
        if window >= delay:
            level = level + gamma * misses[window - delay]
        np.testing.assert_allclose(found.miss[window], level, atol=1e-6)
        number = np.ceil((201) * (1 - level) - 1e-9).astype(int)
        radius = [math.inf if k > 200 else -math.inf if k < 1 else ordered[k - 1, j] for j, k in enumerate(number)]
        truth = answers.truth[window].numpy()
        misses.append(np.where(np.isnan(truth), 0.0, alpha - (np.abs(truth) > radius)))
        np.testing.assert_allclose(found.upper[window], np.where(np.isinf(radius) & (number < 1), np.nan, radius))
    assert found.miss.min() < 0 < found.miss.max()


def test_no_level_knows_a_truth_that_is_not_known_yet():
    calibration, answers = gaussian(200, 0, 2), gaussian(100, 1, 2)
    answers.truth[50] = 0
    changed = answers._replace(truth=answers.truth.clone())
    changed.truth[50] += 1e3
    one, other = (Adaptive(gamma=0.01).follow(calibration, a, 0.9, np.arange(100), 24) for a in (answers, changed))
    torch.testing.assert_close(one.miss[: 50 + 24], other.miss[: 50 + 24])
    assert (one.miss[50 + 24] != other.miss[50 + 24]).all()


def test_windows_far_apart_know_more_of_each_other():
    np.testing.assert_array_equal(known_before(np.array([0, 10, 20, 30]), 10), [0, 1, 2, 3])
    np.testing.assert_array_equal(known_before(np.array([0, 1, 2, 50]), 10), [0, 0, 0, 3])
    assert list(blocks(np.array([0, 0, 0, 3]))) == [(0, 3), (3, 4)]
    with pytest.raises(InputError, match="put the windows in order first"):
        known_before(np.array([3, 1]), 1)


def test_without_a_step_worth_speaking_of_it_is_the_wrapped_method():
    calibration, answers = gaussian(99, 0, 4, 2), gaussian(50, 1, 4, 2)
    for method in (Split(), CQR(), Joint()):
        found = Adaptive(gamma=1e-12, method=method).follow(calibration, answers, 0.9, np.arange(50), 1)
        plain = method.fit(calibration, 0.9).bounds(*answers[:3])
        torch.testing.assert_close((found.lower, found.upper), plain)
        torch.testing.assert_close(found.last.bounds(*answers[:3]), plain)
        assert found.last.joint == method.joint


def test_a_drift_is_followed_where_a_fixed_interval_is_left_behind():
    calibration, size = gaussian(500, 0, 1), torch.linspace(1, 4, 3000)[:, None]
    answers = gaussian(3000, 1, 1)
    answers = answers._replace(truth=answers.truth * size)
    fixed = contained(answers.truth, *Split().fit(calibration, 0.9).bounds(*answers[:3])).mean()
    found = Adaptive(gamma=0.02).follow(calibration, answers, 0.9, np.arange(3000), 10)
    assert fixed < 0.7
    assert abs(float(contained(answers.truth, found.lower, found.upper).mean()) - 0.9) < 0.02
    late = rows_of(answers, slice(2500, None))
    assert contained(late.truth, *found.last.bounds(*late[:3])).mean() > fixed


def test_whole_paths_are_followed_together():
    calibration, answers = gaussian(400, 0, 6, 2), gaussian(1500, 1, 6, 2)
    found = Adaptive(gamma=0.02, method=Joint()).follow(calibration, answers, 0.8, np.arange(1500), 6)
    whole = contained(answers.truth, found.lower, found.upper).amin(1)
    assert ((whole.mean(0) - 0.8).abs() < 0.04).all()


def test_one_miss_of_the_default_step_leaves_intervals_finite():
    calibration, answers = gaussian(2000, 0, 1), gaussian(300, 1, 1)
    answers.truth[10] = 1e6
    for level in (0.9, 0.99):
        found = Adaptive().follow(calibration, answers, level, np.arange(300), 1)
        assert found.upper.isfinite().all()
        wanted, misses = 1 - level, 11 - float(contained(answers.truth, found.lower, found.upper)[:11].sum())
        assert float(found.miss[11]) == pytest.approx(wanted + wanted / 50 * (11 * wanted - misses), rel=1e-4)


def test_what_comes_after_intervals_that_were_much_too_wide_is_narrow_not_empty():
    calibration, answers = gaussian(50, 0, 2), errors_of(torch.zeros(400, 2))
    found = Adaptive(gamma=0.05).follow(calibration, answers, 0.5, np.arange(400), 1)
    assert found.lower.isnan().any()  # empty at times, which makes up for windows that no fixed interval misses
    assert abs(float(1 - contained(answers.truth, found.lower, found.upper).mean()) - 0.5) < 0.06
    assert (found.last.radius >= calibration.truth.abs().amin(0)).all()


def test_a_step_must_be_positive():
    with pytest.raises(InputError, match="0 must be positive: set `gamma`"):
        Adaptive(gamma=-1.0)
