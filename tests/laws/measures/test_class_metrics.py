"""Laws of the measures of classes, labels and values: those of scikit-learn, however the samples are dealt."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from dlkit.metrics.calibration import binned, calibration_error
from dlkit.metrics.classification import ClassErrors, LabelErrors
from dlkit.metrics.confusion import chance_agreement, wilson_interval
from dlkit.metrics.ranking import area, roc_curve
from dlkit.metrics.values import ValueErrors

N, K = 400, 4


def answers(seed=0, n=N, k=K, coarse=False):
    random = np.random.default_rng(seed)
    truth = random.choice(k, n, p=np.array([0.5, 0.3, 0.15, 0.05])[:k] / np.array([0.5, 0.3, 0.15, 0.05])[:k].sum())
    logits = random.normal(size=(n, k)) + 1.5 * np.eye(k)[truth]
    p = torch.from_numpy(logits).softmax(-1).float()
    return (p.mul(8).round().div(8) if coarse else p), torch.from_numpy(truth)


def measured(metric, *columns, sizes):
    for part in zip(*(torch.split(column, sizes) for column in columns), strict=True):
        metric.update(*part)
    return {name: float(value) for name, value in metric.compute().items()}


def test_classes_are_measured_as_scikit_learn_measures_them():
    p, truth = answers()
    found = measured(ClassErrors(K, ordinal=True), p, truth, sizes=[N])
    said = p.argmax(-1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, said), abs=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, said), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"), abs=1e-12)
    each = [reference.roc_auc_score(truth == k, p[:, k]) for k in range(K)]
    assert found["auroc"] == pytest.approx(np.mean(each), abs=1e-12)
    assert found["class_distance"] == pytest.approx(reference.mean_absolute_error(truth, said), abs=1e-12)


@pytest.mark.parametrize("metric", [ClassErrors, LabelErrors])
def test_how_samples_are_dealt_to_batches_changes_nothing(metric):
    p, truth = answers()
    truth = truth if metric is ClassErrors else torch.nn.functional.one_hot(truth, K).float()
    once = measured(metric(K), p, truth, sizes=[N])
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    dealt = measured(metric(K), p[order], truth[order], sizes=[1, 7, 92, 300])
    assert dealt == pytest.approx(once, abs=1e-12)


@pytest.mark.parametrize("metric", [ClassErrors, LabelErrors])
def test_what_several_machines_measured_is_joined(metric):
    """torchmetrics adds the sums of the machines and joins their lists into one tensor before it computes."""
    p, truth = answers()
    truth = truth if metric is ClassErrors else torch.nn.functional.one_hot(truth, K).float()
    whole = measured(metric(K), p, truth, sizes=[N])
    parts = [metric(K) for _ in range(2)]
    for part, chosen in zip(parts, (slice(0, 150), slice(150, N)), strict=True):
        part.update(p[chosen], truth[chosen])
    one, other = (part.metric_state for part in parts)
    joined = metric(K)
    joined.update(p[:1], truth[:1])
    for name, state in one.items():
        both = torch.cat([*state, *other[name]]) if isinstance(state, list) else state + other[name]
        setattr(joined, name, both)
    found = {name: float(value) for name, value in joined.compute().items()}
    assert found == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("coarse", [False, True])
def test_the_area_under_the_curve_is_exact_with_ties(coarse):
    p, truth = answers(coarse=coarse)
    positive = truth == 1
    expected = reference.roc_auc_score(positive, p[:, 1])
    assert float(area(p[:, 1], positive)) == pytest.approx(expected, abs=1e-12)
    false, true = roc_curve(p[:, 1], positive)
    assert float(torch.trapezoid(true, false)) == pytest.approx(expected, abs=1e-12)
    false_there, true_there, _ = reference.roc_curve(positive, p[:, 1], drop_intermediate=False)
    np.testing.assert_allclose(false, false_there, atol=1e-12)
    np.testing.assert_allclose(true, true_there, atol=1e-12)


def by_hand(confidence, correct, bins=15):
    """Sum the bins in plain Python: ((m - 1) / bins, m / bins]."""
    total = 0.0
    for m in range(bins):
        inside = [i for i, c in enumerate(confidence) if (c > m / bins or (m == 0 and c == 0)) and c <= (m + 1) / bins]
        if inside:
            gap = np.mean([confidence[i] for i in inside]) - np.mean([correct[i] for i in inside])
            total += abs(gap) * len(inside) / len(confidence)
    return total


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        ([1.0, 1.0, 0.95, 0.95], [1, 1, 1, 0], 0.225),  # 1.0 shares the last bin: |3.9 - 3| / 4; no bin of its own
        ([1 / 15, 0.05], [0, 1], abs(1 / 15 + 0.05 - 1) / 2),  # 1/15 is the upper edge of the first bin
        ([1 / 15, 0.1], [1, 0], (1 - 1 / 15 + 0.1) / 2),  # ... and not in the second
        ([0.0, 0.0], [1, 0], 0.5),
        ([1.0] * 5, [1] * 5, 0.0),
    ],
)
def test_calibration_error_on_the_edges_of_the_bins(confidence, correct, expected):
    for dtype in (torch.float64, torch.float32):
        bins = binned(torch.tensor(confidence, dtype=dtype), torch.tensor(correct, dtype=torch.bool))
        assert float(calibration_error(bins)) == pytest.approx(expected, abs=1e-6)
    assert by_hand(confidence, correct) == pytest.approx(expected)


@pytest.mark.parametrize("thirds", [1, 2])
def test_a_share_that_single_precision_rounds_is_calibrated_without_any_error(thirds):
    truth = torch.tensor([True] * thirds + [False] * (3 - thirds)).repeat(8)
    assert float(calibration_error(binned(torch.full((24,), thirds / 3), truth))) == 0
    assert float(calibration_error(binned(torch.full((24,), thirds / 3 + 1e-6), truth))) == pytest.approx(1e-6, rel=0.1)
    assert calibration_error(binned(torch.zeros(0), torch.zeros(0, dtype=torch.bool))).isnan()


def test_calibration_error_is_that_of_plain_python():
    p, truth = answers()
    confidence, said = p.double().max(-1)
    found = measured(ClassErrors(K), p.double(), truth, sizes=[150, 250])["calibration_error"]
    assert found == pytest.approx(by_hand(confidence.tolist(), (said == truth).tolist()), abs=1e-12)


def test_a_calibrated_model_stands_at_the_noise_floor():
    random = torch.Generator().manual_seed(0)
    errors = []
    for _ in range(20):
        confidence = torch.rand(10_000, generator=random, dtype=torch.float64)
        correct = torch.rand(10_000, generator=random) < confidence
        errors.append(float(calibration_error(binned(confidence, correct))))
    p = (np.arange(15) + 0.5) / 15  # the mean distance of each bin is that of a normal law of variance p (1 - p) / n
    floor = np.sqrt(2 / np.pi * p * (1 - p) / (10_000 / 15)).mean()
    assert np.mean(errors) == pytest.approx(floor, rel=0.12)


def test_temperature_changes_confidence_and_no_answer():
    p, truth = answers()
    cold, warm = (ClassErrors(K) for _ in range(2))
    cold.update(p, truth)
    warm.update((p.log() / 3).softmax(-1), truth)
    assert torch.equal(cold.matrix, warm.matrix)
    assert float(cold.compute()["calibration_error"]) != pytest.approx(float(warm.compute()["calibration_error"]))


def test_samples_without_a_truth_do_not_count():
    p, truth = answers()
    more = torch.cat([p, p.flip(0)]), torch.cat([truth, torch.full_like(truth, -1)])
    assert measured(ClassErrors(K), *more, sizes=[2 * N]) == pytest.approx(
        measured(ClassErrors(K), p, truth, sizes=[N]), abs=1e-12
    )


@pytest.mark.parametrize("classes", [[0, 0, 0], [1, 1, 2]])
def test_what_is_not_defined_is_nan_and_the_rest_stays(classes):
    p, _ = answers(n=3)
    metric = ClassErrors(K)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.update(p, torch.tensor(classes))
        found, each = metric.compute(), metric.per_class()
    assert 0 <= float(found["accuracy"]) <= 1
    assert each["auroc"][3].isnan() and each["recall"][3].isnan()
    assert found["auroc"].isnan() == (len(set(classes)) == 1)


def test_labels_are_measured_as_scikit_learn_measures_them():
    random = np.random.default_rng(0)
    truth = (random.random((N, K)) < [0.5, 0.2, 0.1, 0.02]).astype(np.float32)
    p = torch.from_numpy(1 / (1 + np.exp(-(random.normal(size=(N, K)) + 2 * truth - 1)))).float()
    metric = LabelErrors(K)
    found = measured(metric, p, torch.from_numpy(truth), sizes=[100, 300])
    said = p.numpy() > 0.5
    assert found["exact_match"] == pytest.approx(reference.accuracy_score(truth, said), abs=1e-12)
    assert found["accuracy"] == pytest.approx(1 - reference.hamming_loss(truth, said), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"), abs=1e-12)
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(truth, p), abs=1e-12)
    each = metric.per_class()
    np.testing.assert_allclose(each["precision"], reference.precision_score(truth, said, average=None))
    np.testing.assert_allclose(each["recall"], reference.recall_score(truth, said, average=None))


def test_unknown_labels_do_not_count():
    p, truth = answers()
    labels = torch.nn.functional.one_hot(truth, K).float()
    labels[:, 3] = torch.nan
    part = measured(LabelErrors(3), p[:, :3], labels[:, :3], sizes=[N])
    whole = measured(LabelErrors(K), p, labels, sizes=[N])
    for name in ("accuracy", "macro_f1", "auroc", "calibration_error"):
        assert whole[name] == pytest.approx(part[name], abs=1e-12)


def test_values_are_measured_as_scikit_learn_measures_them():
    random = np.random.default_rng(0)
    truth = random.normal(size=(N, 3)) * [1, 100, 0.01] + [0, 1e6, 0]
    point = truth + random.normal(size=truth.shape) * [0.5, 10, 0.02]
    metric = ValueErrors(3, interval=True)
    metric.center = torch.from_numpy(truth.mean(0) + 1)
    reach = np.array([0.5, 10, 0.02])
    lower, upper = point - reach, point + reach
    columns = [torch.from_numpy(part) for part in (point, truth, lower, upper)]
    for first in (0, 100):
        part = slice(first, 100 if first == 0 else N)
        metric.update(columns[0][part], columns[1][part], None, columns[2][part], columns[3][part])
    found, each = metric.compute(), metric.per_target()
    np.testing.assert_allclose(each["r2"], reference.r2_score(truth, point, multioutput="raw_values"), rtol=1e-9)
    assert float(found["r2"]) == pytest.approx(reference.r2_score(truth, point), rel=1e-9)
    np.testing.assert_allclose(each["mae"], reference.mean_absolute_error(truth, point, multioutput="raw_values"))
    assert float(found["rmse"]) == pytest.approx(reference.mean_squared_error(truth, point) ** 0.5)
    assert float(found["coverage"]) == pytest.approx(((lower <= truth) & (truth <= upper)).mean())
    np.testing.assert_allclose(each["width"], [1.0, 20.0, 0.04])


def test_the_share_explained_is_not_defined_for_a_constant_truth():
    metric = ValueErrors(2)
    metric.update(torch.zeros(4, 2), torch.tensor([[3.0, 1.0], [3.0, 2.0], [3.0, 3.0], [3.0, torch.nan]]))
    assert metric.per_target()["r2"].isnan().tolist() == [True, False]
    assert metric.per_target()["mae"].tolist() == [3.0, 2.0]


def test_the_interval_of_a_share_is_that_of_the_textbook():
    low, high = wilson_interval(torch.tensor(8.0), torch.tensor(10.0))  # Agresti & Coull (1998)
    assert (float(low), float(high)) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_agreement_by_chance_is_that_of_answers_in_random_order():
    random = np.random.default_rng(3)
    truth, said = random.choice(3, 40, p=[0.7, 0.2, 0.1]), random.choice(3, 40, p=[0.5, 0.3, 0.2])
    matrix = torch.zeros(3, 3)
    for one, other in zip(truth, said, strict=True):
        matrix[one, other] += 1
    right = [(truth == random.permutation(said)).sum() for _ in range(20_000)]
    mean, deviation = chance_agreement(matrix)
    assert float(mean) == pytest.approx(np.mean(right), abs=0.1)
    assert float(deviation) == pytest.approx(np.std(right), rel=0.03)
    assert [float(part) for part in chance_agreement(torch.tensor([[5.0, 0.0], [5.0, 0.0]]))] == [5, 0]


@pytest.mark.parametrize("metric", [ClassErrors(K), LabelErrors(K), ValueErrors(K)])
def test_sums_stay_float64_in_a_half_precision_run(metric):
    metric.half()
    sums = [value for value in metric.metric_state.values() if isinstance(value, torch.Tensor)]
    assert {value.dtype for value in sums} == {torch.float64}
