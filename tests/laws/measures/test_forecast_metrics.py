"""Sums that add up: batching, masks and machines change no error."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from torch import Tensor

from dlkit.core.checks import InputError
from dlkit.metrics.forecast import ForecastErrors, in_sample_seasonal_mae

WINDOWS, HORIZON, TARGETS = 23, 6, 3
SCALE = (0.5, 2.0, 4.0)


def sample(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return point, target, observed, lower and upper."""
    generator = torch.Generator().manual_seed(seed)
    point, target, chance, below, above = torch.rand(5, WINDOWS, HORIZON, TARGETS, generator=generator).double()
    return point, target, chance < 0.7, point - below / 2, point + above / 2


def metric(**settings) -> ForecastErrors:
    return ForecastErrors(HORIZON, TARGETS, scale=SCALE, interval=True, **settings)


def everything(errors: ForecastErrors) -> dict[str, Tensor]:
    horizon = {f"horizon {name}": value for name, value in errors.per_horizon().items()}
    channel = {f"channel {name}": value for name, value in errors.per_channel().items()}
    return errors.compute() | horizon | channel


def brute_force(cells: tuple[slice, ...]) -> dict[str, float]:
    point, target, seen, lower, upper = (part[cells].numpy() for part in sample())
    scale = np.broadcast_to(np.array(SCALE)[cells[2]], point.shape)[seen]
    point, target, lower, upper = point[seen], target[seen], lower[seen], upper[seen]
    mse = mean_squared_error(target, point)
    return {
        "mse": mse,
        "mae": mean_absolute_error(target, point),
        "rmse": np.sqrt(mse),
        "mase": np.mean(np.abs(point - target) / scale),
        "coverage": np.mean((lower <= target) & (target <= upper)),
        "width": np.mean(upper - lower),
    }


def test_overall_errors_agree_with_scikit_learn():
    errors = metric()
    errors.update(*sample())
    got = {name: value.item() for name, value in errors.compute().items()}
    assert got == pytest.approx(brute_force((slice(None),) * 3), rel=1e-12)


@pytest.mark.parametrize("axis", [1, 2])
def test_errors_per_step_and_per_target_agree_with_scikit_learn(axis):
    errors = metric()
    errors.update(*sample())
    curves = errors.per_horizon() if axis == 1 else errors.per_channel()
    for i in range((WINDOWS, HORIZON, TARGETS)[axis]):
        cells = tuple(slice(i, i + 1) if a == axis else slice(None) for a in range(3))
        assert {name: curve[i].item() for name, curve in curves.items()} == pytest.approx(brute_force(cells), rel=1e-12)


@given(cuts=st.lists(st.integers(0, WINDOWS), max_size=5))
@settings(deadline=None, max_examples=15)
def test_the_size_of_the_batches_changes_nothing(cuts):
    whole, parts = metric(), metric()
    whole.update(*sample())
    edges = [0, *sorted(cuts), WINDOWS]
    for first, end in itertools.pairwise(edges):
        parts.update(*(part[first:end] for part in sample()))
    torch.testing.assert_close(everything(parts), everything(whole), rtol=1e-12, atol=0)


def test_sums_of_machines_add_up():
    whole, left, right = metric(), metric(), metric()
    whole.update(*sample())
    left.update(*(part[:9] for part in sample()))
    right.update(*(part[9:] for part in sample()))
    left.merge_state(right)
    torch.testing.assert_close(everything(left), everything(whole), rtol=1e-12, atol=0)


def test_unobserved_values_change_nothing():
    point, target, seen, lower, upper = sample()
    clean, dirty = metric(), metric()
    clean.update(point, target, seen, lower, upper)
    dirty.update(point, target.masked_fill(~seen, torch.nan), seen, lower, upper)
    torch.testing.assert_close(everything(dirty), everything(clean), rtol=0, atol=0)


def test_without_a_mask_everything_counts():
    point, target, seen, lower, upper = sample()
    masked, plain = metric(), metric()
    masked.update(point, target, torch.ones_like(seen), lower, upper)
    plain.update(point, target, lower=lower, upper=upper)
    torch.testing.assert_close(everything(plain), everything(masked), rtol=0, atol=0)


def test_nothing_observed_is_nan_and_never_zero():
    point, target, seen, lower, upper = sample()
    seen[:, 2] = False
    errors = metric()
    errors.update(point, target, seen, lower, upper)
    for curve in errors.per_horizon().values():
        assert torch.isnan(curve).nonzero().flatten().tolist() == [2]


def test_targets_without_a_scale_do_not_spoil_the_scaled_error():
    point, target, seen, _, _ = sample()
    errors, alone = (
        ForecastErrors(HORIZON, TARGETS, scale=(0.0, 2.0, float("nan"))),
        ForecastErrors(HORIZON, 1, scale=(2.0,)),
    )
    errors.update(point, target, seen)
    alone.update(point[..., 1:2], target[..., 1:2], seen[..., 1:2])
    torch.testing.assert_close(errors.compute()["mase"], alone.compute()["mase"])
    assert torch.isnan(errors.per_channel()["mase"]).tolist() == [True, False, True]


def test_only_what_was_asked_for_is_reported():
    errors = ForecastErrors(HORIZON, TARGETS)
    errors.update(*sample()[:2])
    assert set(errors.compute()) == {"mse", "mae", "rmse"}


def test_an_interval_that_was_promised_must_come():
    with pytest.raises(TypeError, match="needs `lower` and `upper`"):
        metric().update(*sample()[:3])


def test_one_scale_for_each_target():
    with pytest.raises(InputError, match="2 values for 3 targets"):
        ForecastErrors(HORIZON, TARGETS, scale=(1.0, 2.0))


@pytest.mark.parametrize("convert", [lambda m: m.to(torch.bfloat16), lambda m: m.half(), lambda m: m.float()])
def test_sums_stay_double_in_a_half_precision_run(convert):
    errors = convert(metric())
    errors.update(*(part.bfloat16() if part.is_floating_point() else part for part in sample()))
    errors.reset()
    assert {total.dtype for total in errors.sums} == {torch.float64}


def test_small_errors_survive_many_windows():
    errors = ForecastErrors(1, 1)
    for _ in range(50):
        errors.update(torch.full((20_000, 1, 1), 0.1), torch.zeros(20_000, 1, 1))
    assert errors.compute()["mae"].item() == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_seasonal_scale_agrees_with_brute_force():
    rng = np.random.default_rng(0)
    values, seen = rng.normal(size=(40, 2)), rng.random((40, 2)) < 0.8
    segments, season = np.array([[0, 13], [13, 15], [20, 40]]), 4
    for target in range(2):
        wanted = [
            abs(values[row, target] - values[row - season, target])
            for first, end in segments
            for row in range(first + season, end)
            if seen[row, target] and seen[row - season, target]
        ]
        got = in_sample_seasonal_mae(values, season, seen, segments)[target]
        assert got == pytest.approx(np.mean(wanted), rel=1e-12)


def test_a_seasonal_series_has_scale_zero_and_a_short_one_none():
    wave = np.tile([1.0, 5.0, 2.0], 4)[:, None]
    assert in_sample_seasonal_mae(wave, 3).tolist() == [0.0]
    assert np.isnan(in_sample_seasonal_mae(wave, 12)).all()
    assert np.isnan(in_sample_seasonal_mae(wave, 50)).all()


def test_missing_values_do_not_enter_the_seasonal_scale():
    ramp = np.arange(10.0)[:, None]
    ramp[4] = np.nan
    assert in_sample_seasonal_mae(ramp, 1).tolist() == [1.0]


def test_the_seasonal_scale_is_double_whatever_comes():
    assert in_sample_seasonal_mae(np.arange(10, dtype=np.float32)[:, None], 1).dtype == np.float64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_update_never_waits_for_the_device():
    errors, batch = metric().cuda(), [part.cuda() for part in sample()]
    errors.update(*batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        errors.update(*batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert errors.compute()["mae"].item() > 0
