"""What every loss promises, and the known value of each."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error
from torch import Tensor

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.losses.base import Loss
from dlkit.losses.likelihood import Gaussian, gaussian_nll
from dlkit.losses.pointwise import MAE, MSE, Huber
from dlkit.losses.quantile import Pinball

LOSSES = [cls() for cls in discover("dlkit.losses", Loss)]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


def sample(parameters: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randn(7, 5, 3, parameters, generator=generator)
    target = torch.randn(7, 5, 3, generator=generator)
    return prediction, target, torch.rand(7, 5, 3, generator=generator) < 0.6


def test_discovery_finds_the_concrete_losses_only():
    assert {type(loss) for loss in LOSSES} == {MSE, MAE, Huber, Pinball, Gaussian}


@every_loss
def test_unobserved_values_change_neither_cost_nor_gradient(loss):
    prediction, target, observed = sample(loss.outputs)
    prediction.requires_grad_()
    reference = loss.elementwise(prediction, target)[observed].mean()
    (slope,) = torch.autograd.grad(reference, prediction)
    masked = loss(prediction, target.masked_fill(~observed, torch.nan), observed)
    (masked_slope,) = torch.autograd.grad(masked, prediction)
    torch.testing.assert_close(masked, reference)
    torch.testing.assert_close(masked_slope, slope)


@every_loss
@pytest.mark.parametrize("weights", [None, torch.tensor([0.0, 1.0, 5.0])])
@pytest.mark.parametrize("some", [False, True])
def test_costs_of_parts_averaged_by_what_they_are_over_are_that_of_the_whole(loss, weights, some):
    prediction, target, observed = sample(loss.outputs)
    observed[4:] &= observed[4:].cumsum(0) < 2  # the second part knows less
    parts = [slice(0, 4), slice(4, 7)] if some else [slice(0, 2), slice(2, 7)]
    known = observed if some else None
    costs, counts = [], []
    for part in parts:
        seen = None if known is None else known[part]
        costs.append(loss(prediction[part], target[part], seen, weights))
        counts.append(loss.count(target[part], seen, weights))
    torch.testing.assert_close(
        loss(prediction, target, known, weights).double(),
        (torch.stack(costs) * torch.stack(counts)).sum() / sum(counts),
        rtol=1e-5,
        atol=1e-6,
    )
    if weights is None:
        assert sum(counts) == (observed.sum() if some else 7 * 5 * 3)


@every_loss
def test_a_batch_without_observations_costs_nothing_and_teaches_nothing(loss):
    prediction, target, observed = sample(loss.outputs)
    prediction.requires_grad_()
    cost = loss(prediction, target * torch.nan, torch.zeros_like(observed))
    cost.backward()
    assert cost == 0
    assert prediction.grad is not None
    assert torch.all(prediction.grad == 0)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(loss, dtype):
    prediction, target, observed = sample(loss.outputs)
    prediction, target = (prediction * 300).to(dtype), (target * 300).to(dtype)  # squares overflow float16
    cost = loss(prediction, target, observed)
    assert cost.dtype == torch.float32
    torch.testing.assert_close(cost, loss(prediction.float(), target.float(), observed))


@every_loss
def test_double_precision_stays_double(loss):
    prediction, target, observed = sample(loss.outputs)
    assert loss(prediction.double(), target.double(), observed).dtype == torch.float64


@every_loss
def test_gradients_agree_with_finite_differences(loss):
    prediction, target, observed = (part[:2, :2] for part in sample(loss.outputs, seed=3))
    prediction = prediction.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, target.double(), observed), (prediction,))


@every_loss
def test_the_point_lies_inside_the_interval(loss):
    prediction, _, _ = sample(loss.outputs)
    interval = loss.interval(prediction)
    assert (interval is None) == (loss.level is None)
    if interval is not None:
        lower, upper = interval
        assert torch.all(lower <= loss.point(prediction))
        assert torch.all(loss.point(prediction) <= upper)


@pytest.mark.parametrize(("loss", "judge"), [(MSE(), mean_squared_error), (MAE(), mean_absolute_error)])
def test_point_losses_agree_with_scikit_learn(loss, judge):
    prediction, target, _ = (part.double() for part in sample(1))
    assert loss(prediction, target).item() == pytest.approx(judge(target.ravel(), prediction.ravel()), rel=1e-12)


def test_huber_is_half_the_square_inside_delta_and_linear_outside():
    cost = Huber(delta=2.0).elementwise(torch.zeros(1, 1, 3, 1), torch.tensor([[[1.0, 2.0, -5.0]]]))
    assert cost.flatten().tolist() == [0.5, 2.0, 8.0]


def test_pinball_agrees_with_scikit_learn():
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    prediction, target, _ = (part.double() for part in sample(5))
    wanted = [mean_pinball_loss(target.ravel(), prediction[..., i].ravel(), alpha=q) for i, q in enumerate(levels)]
    assert Pinball(quantiles=levels)(prediction, target).item() == pytest.approx(np.mean(wanted), rel=1e-6)


def test_the_quantiles_of_the_data_have_the_smallest_pinball_cost():
    loss, draws = Pinball(), torch.randn(1, 4001, 1, generator=torch.Generator().manual_seed(0)).double()
    best = torch.quantile(draws.flatten(), torch.tensor(loss.quantiles).double()).expand(1, 4001, 1, 3)
    for shift in torch.eye(3).double() * 0.05:
        assert loss(best, draws) < min(loss(best + shift, draws), loss(best - shift, draws))


def test_quantiles_that_cross_are_put_in_order():
    crossed = torch.tensor([3.0, 1.0, 2.0]).expand(1, 1, 1, 3)
    lower, upper = Pinball().interval(crossed)
    assert (lower.item(), Pinball().point(crossed).item(), upper.item()) == (1.0, 2.0, 3.0)


def test_pinball_level_is_the_probability_between_the_outermost_quantiles():
    assert Pinball(quantiles=(0.025, 0.25, 0.5, 0.75, 0.975)).level == 0.95
    assert Pinball(quantiles=(0.5,)).level is None


@pytest.mark.parametrize(
    ("quantiles", "fault"),
    [
        ((0.0, 0.5, 1.0), "between 0 and 1"),
        ((0.9, 0.5, 0.1), "increase"),
        ((0.1, 0.5, 0.8), "symmetric"),
        ((0.1, 0.9), "median"),
        ((), "median"),
    ],
)
def test_levels_without_a_median_and_central_intervals_are_refused(quantiles, fault):
    with pytest.raises(InputError, match=fault):
        Pinball(quantiles=quantiles)


@pytest.mark.parametrize("build", [lambda: Huber(delta=0.0), lambda: Gaussian(level=1.0), lambda: Gaussian(floor=0.0)])
def test_impossible_settings_are_refused(build):
    with pytest.raises(InputError, match="set `"):
        build()


def test_gaussian_agrees_with_the_density_of_torch():
    mean, raw, target = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    wanted = -torch.distributions.Normal(mean, raw.exp()).log_prob(target)
    torch.testing.assert_close(gaussian_nll(mean, raw.exp(), target), wanted)


def test_gaussian_interval_covers_its_level_when_the_model_is_right():
    loss, n = Gaussian(level=0.8), 20_000
    prediction = torch.tensor([2.0, 1.0]).expand(1, n, 1, 2)
    draws = 2 + loss.scale(prediction) * torch.randn(1, n, 1, generator=torch.Generator().manual_seed(0))
    lower, upper = loss.interval(prediction)
    assert ((lower <= draws) & (draws <= upper)).double().mean().item() == pytest.approx(0.8, abs=0.01)


def test_gaussian_scale_has_a_floor():
    prediction = torch.tensor([0.0, -1e4]).expand(1, 1, 1, 2)
    assert Gaussian(floor=0.01).scale(prediction).item() == pytest.approx(0.01)
    assert torch.isfinite(Gaussian()(prediction, torch.ones(1, 1, 1)))
