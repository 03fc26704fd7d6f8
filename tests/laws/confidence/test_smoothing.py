"""Laws of certified radii: never beyond the exact margin, never above what the draws can show."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, binomtest, norm

from dlkit.confidence.smoothing import ABSTAIN, Certificate, certified_accuracy, certify, lower_bound
from dlkit.core.checks import InputError


def linear(weight):
    """Return a classifier of two classes, whose smoothed version has the same border."""
    return lambda x: torch.stack([-(x.flatten(1) @ weight), x.flatten(1) @ weight], -1)


def test_the_radius_never_exceeds_the_exact_margin_of_a_linear_classifier():
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(6, generator=generator), torch.randn(150, 2, 3, generator=generator)
    margin = (x.flatten(1) @ weight).abs() / weight.norm()
    found = certify(linear(weight), x, 0.5, n0=50, n=1000, alpha=0.001, generator=generator)
    assert int((found.radius > margin).sum()) <= 1  # each may be wrong with probability 0.001
    sure = (margin < 1) & (found.predicted != ABSTAIN)
    assert torch.equal(found.predicted[sure], linear(weight)(x).argmax(-1)[sure])
    assert (margin - found.radius)[sure].max() < 0.3  # and it is not idle


def test_inputs_moved_by_less_than_the_radius_keep_their_class():
    generator = torch.Generator().manual_seed(1)
    weight, x = torch.randn(6, generator=generator), torch.randn(100, 6, generator=generator)
    found = certify(linear(weight), x, 0.25, n=400, generator=generator)
    towards = -(x @ weight).sign()[:, None] * weight / weight.norm()
    moved = x + 0.999 * found.radius[:, None].float() * towards
    known = found.predicted != ABSTAIN
    assert torch.equal(linear(weight)(moved).argmax(-1)[known], found.predicted[known])


def test_a_constant_answer_has_the_largest_radius_that_the_draws_can_show():
    x = torch.zeros(3, 1, 8)
    found = certify(lambda x: torch.tensor([0.0, 1.0]).expand(len(x), 2), x, 0.5, n=1000, alpha=0.001)
    assert found.predicted.tolist() == [1, 1, 1]
    np.testing.assert_allclose(found.radius, 0.5 * norm.ppf(0.001 ** (1 / 1000)), rtol=1e-9)


def test_a_coin_abstains():
    x = torch.zeros(40, 1, 4)
    found = certify(lambda x: torch.stack([x[:, 0, 0], torch.zeros(len(x))], -1), x, 1.0, n=500)
    assert (found.predicted == ABSTAIN).all()
    assert (found.radius == 0).all()


def test_the_lower_bound_is_that_of_clopper_and_pearson():
    hits = torch.tensor([0, 1, 37, 99, 100])
    expected = [binomtest(int(k), 100, alternative="greater").proportion_ci(0.999, "exact").low for k in hits]
    np.testing.assert_allclose(lower_bound(hits, 100, 0.001), expected, atol=1e-12)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_the_lower_bound_fails_at_most_as_often_as_allowed(share, alpha):
    """Over all outcomes of 200 draws, each with its binomial probability."""
    hits = torch.arange(201)
    fails = lower_bound(hits, 200, alpha).numpy() > share
    assert binom.pmf(hits.numpy(), 200, share)[fails].sum() <= alpha


def test_what_shall_not_be_noisy_stays_as_it_is():
    x = torch.arange(24.0).reshape(2, 3, 4)
    noisy = torch.ones_like(x, dtype=torch.bool)
    noisy[:, 2] = False
    noisy[1, :, 3:] = False
    seen = []

    def net(given):
        seen.append(given)
        return given[:, :2, 0]

    certify(net, x, 1.0, n0=5, n=20, noisy=noisy, at_once=10)
    given = torch.cat([part.unflatten(0, (-1, 2)) for part in seen])
    assert len(given) == 25
    assert (given == x)[:, ~noisy].all()
    assert (given != x)[:, noisy].all()
    assert float((given - x)[:, noisy].std()) == pytest.approx(1, abs=0.15)
    assert max(len(part) for part in seen) <= 10


def test_the_same_seed_gives_the_same_certificate():
    weight, x = torch.randn(8), torch.randn(9, 2, 4)
    one, other = (certify(linear(weight), x, 0.5, n=100) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_certified_accuracy_counts_what_is_right_and_far_enough():
    predicted, truth = torch.tensor([0, 1, ABSTAIN, 1]), torch.tensor([0, 0, 0, 1])
    radius = torch.tensor([0.3, 0.9, 0.0, 0.1]).double()
    found = certified_accuracy(
        Certificate(predicted, radius, radius), truth, torch.tensor([0, 0.1, 0.2, 0.31]).double()
    )
    assert found.tolist() == [0.5, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"sigma": 0.0}, "sigma=0"), ({"n": 0}, "draws"), ({"n0": 0}, "draws"), ({"alpha": 0.5}, "alpha=0.5")],
)
def test_settings_that_make_no_sense_are_refused(settings, says):
    with pytest.raises(InputError, match=says):
        certify(linear(torch.ones(2)), torch.zeros(1, 2), **{"sigma": 1.0} | settings)
