"""Laws of scaled probabilities: what was distorted is undone, the likeliest class stays, chance sets the floor."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from dlkit.confidence.calibration import expected_error, noise_floor
from dlkit.confidence.scaling import FittedIsotonic, Isotonic, ScaledLogits, Temperature, Vector
from dlkit.core.checks import InputError
from dlkit.metrics.classification import ClassErrors, LabelErrors

N, K = 8000, 5
METHODS = (Temperature, Vector, Isotonic)


def drawn(n=N, k=K, seed=0):
    """Return logits of a perfectly calibrated model and classes drawn from it."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, k, dtype=torch.float64, generator=generator)
    return logits, torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)


def labelled(n=N, k=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, k, dtype=torch.float64, generator=generator)
    return logits, (torch.rand(n, k, dtype=torch.float64, generator=generator) < logits.sigmoid()).double()


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_temperature_finds_what_the_logits_were_multiplied_by(factor):
    logits, truth = drawn()
    fitted = Temperature().fit((factor * logits).softmax(-1), truth)
    assert fitted.temperature == pytest.approx(factor, rel=0.05)
    labels, truths = labelled()
    assert Temperature().fit((factor * labels).sigmoid(), truths).temperature == pytest.approx(factor, rel=0.05)


def test_temperature_has_the_least_cost_of_all_temperatures():
    logits, truth = drawn(600)
    log_p = (2.5 * logits).log_softmax(-1)

    def cost(log_t):
        scaled = (log_p / math.exp(log_t)).log_softmax(-1)
        return float(-scaled.gather(1, truth[:, None]).sum()) + log_t**2 / 2

    best = math.exp(minimize_scalar(cost, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x)
    assert Temperature().fit(log_p.exp(), truth).temperature == pytest.approx(best, rel=1e-5)


def test_vector_finds_slopes_and_shifts():
    logits, truth = drawn(20_000, 3)
    slope, shift = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([0.5, -0.5, 0.0])
    said = ((logits.log_softmax(-1) - shift) / slope).softmax(-1)
    fitted = Vector().fit(said, truth)
    found = fitted.probabilities(said)
    assert isinstance(fitted, ScaledLogits)
    # the shift of all classes together is not determined, and a softmax has lost the constant of each sample
    assert expected_error(found, truth) < expected_error(said, truth) / 5
    one = Temperature().fit(said, truth).probabilities(said)
    assert nll(found, truth) < nll(one, truth) < nll(said, truth)
    labels, truths = labelled(20_000)
    by_label = Vector().fit(((labels - shift) / slope).sigmoid(), truths)
    torch.testing.assert_close(by_label.slope, slope.double(), rtol=0.1, atol=0)
    torch.testing.assert_close(by_label.shift, shift.double(), rtol=0, atol=0.1)


def nll(p, truth):
    return float(-p.gather(1, truth[:, None]).log().mean())


@given(
    arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.floats(-60, 60)),
    st.floats(0.05, 20),
)
@settings(max_examples=60, deadline=None)
def test_temperature_leaves_the_likeliest_class(logits, temperature):
    p = torch.from_numpy(logits).softmax(-1).float()
    fitted = ScaledLogits(torch.tensor([1 / temperature]), torch.zeros(1), labels=False)
    scaled = fitted.probabilities(p)
    best = scaled.gather(1, p.argmax(-1, keepdim=True)).squeeze(1)
    assert torch.equal(best, scaled.max(-1).values)
    assert scaled.dtype == p.dtype
    torch.testing.assert_close(scaled.sum(-1), torch.ones(len(p)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", [False, True])
def test_after_scaling_the_error_is_near_what_chance_makes_of_a_perfect_model(method, labels):
    logits, truth = labelled(2 * N) if labels else drawn(2 * N)
    said = (3 * logits).sigmoid() if labels else (3 * logits).softmax(-1)
    scaled = method().fit(said[:N], truth[:N]).probabilities(said[N:])
    floor = noise_floor(scaled, 100, labels=labels)
    assert expected_error(said[N:], truth[N:]) > 0.1
    assert expected_error(scaled, truth[N:]) <= max(1.5 * floor.p95, 0.01)


def test_isotonic_of_a_label_is_that_of_scikit_learn():
    logits, truth = labelled(500, 2)
    p = (3 * logits).sigmoid()
    found = Isotonic().fit(p, truth).probabilities(p)
    for k in range(2):
        expected = IsotonicRegression(out_of_bounds="clip").fit_transform(p[:, k].numpy(), truth[:, k].numpy())
        np.testing.assert_allclose(found[:, k], expected.clip(1 / 502, 501 / 502), atol=1e-12)


def test_isotonic_rises_in_every_class_and_sums_to_one():
    logits, truth = drawn(300)
    fitted = Isotonic().fit(logits.softmax(-1), truth)
    assert isinstance(fitted, FittedIsotonic)
    assert all((one.diff(dim=1) >= 0).all() for one in fitted.knots)
    torch.testing.assert_close(fitted.probabilities(logits.softmax(-1)).sum(-1), torch.ones(300).double())


@pytest.mark.parametrize("method", METHODS)
def test_answers_that_are_all_right_stay_finite(method):
    truth = torch.arange(60) % 3
    p = torch.nn.functional.one_hot(truth, 3).float()  # as sure as float32 can say
    fitted = method().fit(p, truth)
    scaled = fitted.probabilities(p)
    assert scaled.isfinite().all()
    assert torch.equal(scaled.argmax(-1), truth)
    if isinstance(fitted, ScaledLogits):
        assert 0.01 < fitted.temperature < 1000
    else:
        assert scaled.max() == pytest.approx(61 / 62, rel=1e-3)  # 60 samples do not show more
        assert scaled.min() > 1 / 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", [False, True])
def test_what_is_not_known_does_not_count(method, labels):
    logits, truth = labelled(400) if labels else drawn(400)
    p = logits.sigmoid() if labels else logits.softmax(-1)
    more = torch.cat([p, p[:50]])
    unknown = torch.full_like(truth[:50], torch.nan if labels else -1)
    one, other = method().fit(p, truth), method().fit(more, torch.cat([truth, unknown]))
    torch.testing.assert_close(one.probabilities(p), other.probabilities(p), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", [False, True])
def test_json_keeps_a_scaling(method, labels):
    logits, truth = labelled(200) if labels else drawn(200)
    p = logits.sigmoid() if labels else logits.softmax(-1)
    fitted = method().fit(p, truth)
    saved = json.loads(json.dumps(fitted.to_dict()))
    assert saved["kind"].rpartition(".")[2] == type(fitted).__name__
    assert torch.equal(type(fitted).from_dict(saved).probabilities(p), fitted.probabilities(p))


def test_a_scaling_is_refused_where_nothing_is_known_or_nothing_is_a_number():
    p = torch.full((4, 2), 0.5)
    with pytest.raises(InputError, match="No sample to calibrate on"):
        Temperature().fit(p, torch.full((4,), -1))
    with pytest.raises(InputError, match="4 of 4 answers are no finite numbers"):
        Temperature().fit(p * torch.nan, torch.zeros(4).long())


@pytest.mark.parametrize("labels", [False, True])
def test_the_calibration_error_is_the_one_that_a_test_reports(labels):
    logits, truth = labelled(500) if labels else drawn(500)
    p = (2 * logits).sigmoid() if labels else (2 * logits).softmax(-1)
    p[:9] = 1.0 if labels else torch.eye(K, dtype=torch.float64)[0]  # a confidence of 1 lies in the last bin
    truth[::7] = torch.nan if labels else -1
    metric = LabelErrors(3) if labels else ClassErrors(K)
    metric.update(p, truth)
    assert expected_error(p, truth) == pytest.approx(float(metric.compute()["calibration_error"]), abs=1e-12)


def test_the_noise_floor_is_what_the_normal_law_says():
    """In each bin the sum of confidence minus right is nearly normal; its mean absolute value is 0.8 deviations."""
    confidence = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    bins = (confidence * 15).ceil().long().clamp(1, 15) - 1
    variance = torch.zeros(15, dtype=torch.float64).index_add(0, bins, confidence * (1 - confidence))
    expected = float((2 / math.pi * variance).sqrt().sum()) / 20_000
    floor = noise_floor(confidence[:, None], 300, labels=True)
    assert floor.mean == pytest.approx(expected, rel=0.03)
    assert floor.mean < floor.p95 < 2 * floor.mean


def test_the_noise_floor_of_ten_thousand_sure_answers_is_half_a_percent():
    """0.44 % on average, 95 of 100 below 0.64 %, for a network that is right in 93 % of the cases."""
    confidence = torch.from_numpy(np.random.default_rng(0).beta(14, 1, 10_000))
    floor = noise_floor(confidence[:, None], 300, labels=True)
    assert floor.mean == pytest.approx(0.0044, abs=0.0004)
    assert floor.p95 == pytest.approx(0.0064, abs=0.0008)


def test_the_noise_floor_falls_with_the_root_of_the_number():
    logits, _ = drawn(8000)
    p = logits.softmax(-1)
    assert noise_floor(p[:2000], 200).mean / noise_floor(p, 200).mean == pytest.approx(2, rel=0.15)
