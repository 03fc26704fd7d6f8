"""Laws of balances: the optimum is known, norms become equal, weights keep their sum, looking changes nothing."""

import math

import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.losses.balance import Fixed, GradNorm, Uncertainty, gradnorm_slope

KINDS = {"field": "values", "ahead": "forecast", "fault": "class", "again": "reconstruct"}
COSTS = torch.tensor([0.3, 5.0, 0.7, 0.02])


def test_fixed_weights_weigh_and_those_not_named_are_one():
    balance = Fixed(KINDS, weights={"fault": 3.0, "again": 0.0})
    assert balance.weights().tolist() == [1.0, 1.0, 3.0, 0.0]
    assert float(balance(COSTS)) == pytest.approx(0.3 + 5.0 + 2.1)
    assert float(balance.compared(COSTS)) == float(balance(COSTS))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Fixed(KINDS, weights={"feild": 1.0}), "'feild', which is no head; did you mean 'field'"),
        (lambda: Fixed(KINDS, weights={"field": -1.0}), "must not be negative"),
        (lambda: GradNorm(KINDS, alpha=-1.0), "alpha=-1.0 must not be negative"),
        (lambda: GradNorm(KINDS, rate=0.0), "rate=0.0 must be positive"),
        (lambda: GradNorm(KINDS)(COSTS.clone().requires_grad_(), None), "nothing before them is trained"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_uncertainty_is_the_likelihood_of_kendall_in_float64():
    balance = Uncertainty(KINDS).double()
    with torch.no_grad():
        balance.log_variance.copy_(torch.tensor([0.4, -1.0, 0.2, 2.0]))
    sigma = balance.log_variance.detach().exp().sqrt()
    numbers = COSTS.double() / (2 * sigma**2) + sigma.log()
    classes = COSTS.double() / sigma**2 + sigma.log()
    expected = torch.where(torch.tensor([False, False, True, False]), classes, numbers).sum()
    torch.testing.assert_close(balance(COSTS.double()), expected)


def test_the_best_log_variance_is_the_logarithm_of_the_cost():
    balance = Uncertainty(KINDS).double()
    optimizer = torch.optim.LBFGS(
        balance.parameters(), max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-9
    )

    def closure():
        optimizer.zero_grad()
        total = balance(COSTS.double())
        total.backward()
        return total

    optimizer.step(closure)
    best = COSTS.double().log() + torch.tensor([0, 0, math.log(2), 0], dtype=torch.float64)
    torch.testing.assert_close(balance.log_variance.detach(), best, rtol=1e-4, atol=1e-4)
    # Then every head adds the same: a half, whatever its cost.
    torch.testing.assert_close(
        balance.weights() * COSTS, torch.full((4,), 0.5, dtype=torch.float64), rtol=1e-3, atol=1e-3
    )


def test_the_slope_of_gradnorm_is_that_of_its_cost():
    generator = torch.Generator().manual_seed(0)
    weights, norms, rates = (torch.rand(5, generator=generator, dtype=torch.float64) + 0.1 for _ in range(3))
    free = weights.clone().requires_grad_()
    mean = (weights * norms).mean()
    (free * norms - mean * rates**0.7).abs().sum().backward()
    torch.testing.assert_close(gradnorm_slope(weights, norms, rates, 0.7), free.grad / mean)


def pulled(balance, factors, left=None, steps=300):
    """Let heads with costs ``factor * sum(z)`` pull at the features z; return weights and norms."""
    z = torch.ones(6, requires_grad=True)
    norms = factors * math.sqrt(6)
    for step in range(steps):
        scale = torch.ones_like(factors) if left is None or step == 0 else left
        costs = factors * z.sum() * scale
        slope = 1 / scale  # the norms stay those of the first step
        costs = costs.detach() + (factors * z.sum() - (factors * z.sum()).detach()) * scale * slope
        balance(costs, z)
    return balance.weights(), norms


def test_gradnorm_makes_the_norms_equal_where_every_head_has_come_equally_far():
    factors = torch.tensor([1.0, 10.0, 0.2])
    balance = GradNorm({"a": "values", "b": "values", "c": "class"}, alpha=0.0)
    weights, norms = pulled(balance, factors)
    known = 3 * (1 / factors) / (1 / factors).sum()
    torch.testing.assert_close(weights, known, rtol=0.05, atol=0.02)
    torch.testing.assert_close(weights * norms, (weights * norms).mean().expand(3), rtol=0.1, atol=0.1)


def test_gradnorm_lets_a_head_that_lags_behind_pull_more_by_the_power_alpha():
    factors, left = torch.tensor([2.0, 2.0]), torch.tensor([0.3, 0.9])
    weights, norms = pulled(GradNorm({"a": "values", "b": "values"}, alpha=1.0, rate=0.01), factors, left, 600)
    pull = weights * norms
    assert float(pull[1] / pull[0]) == pytest.approx(3.0, rel=0.1)


def test_weights_of_gradnorm_keep_their_sum_and_looking_moves_nothing():
    balance = GradNorm(KINDS)
    pulled(balance, torch.tensor([1.0, 4.0, 0.5, 2.0]), steps=20)
    assert float(balance.weights().sum()) == pytest.approx(4.0)
    assert not torch.allclose(balance.weights(), torch.ones(4))
    before = {name: value.clone() for name, value in balance.state_dict().items()}
    with torch.no_grad():
        balance(COSTS, torch.ones(3))
    balance.compared(COSTS)
    assert all(torch.equal(value, before[name]) for name, value in balance.state_dict().items())
    other = GradNorm(KINDS)
    other.load_state_dict(before)
    torch.testing.assert_close(other.weights(), balance.weights(), rtol=0, atol=0)


def test_a_head_without_a_target_in_a_batch_keeps_gradnorm_finite():
    balance, z = GradNorm({"a": "values", "b": "class"}), torch.ones(3, requires_grad=True)
    for _ in range(5):
        balance(torch.stack([z.sum(), z.new_zeros(())]), z)
    assert balance.weights().isfinite().all()
    assert balance.first[0] == 3 and balance.first[1].isnan()
    balance(torch.stack([z.sum(), 2 * z.sum()]), z)
    assert balance.first.tolist() == [3.0, 6.0]


def test_epochs_are_compared_by_costs_whose_weights_stay():
    for make in (Uncertainty, GradNorm):
        balance = make(KINDS)
        before = balance.compared(COSTS)
        pulled(balance, torch.ones(4), steps=3)
        assert torch.equal(balance.compared(COSTS), before)
