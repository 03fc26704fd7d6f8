"""Laws of classical methods: what each must give where the answer is known, and what it may not depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.svm import SVC

from dlkit.baselines.classes import Classification, Labels, class_methods, machine
from dlkit.baselines.contest import Contest, Limits
from dlkit.baselines.design import Design, averaged, last_observed
from dlkit.baselines.gaps import filled, fit_with_gaps
from dlkit.baselines.method import held_out
from dlkit.baselines.numbers import number_methods
from dlkit.baselines.outliers import Hotelling, Nearest, Residual, outlier_methods
from dlkit.baselines.probabilities import log_loss, scores_of, sharpness
from dlkit.baselines.question import Question
from dlkit.baselines.reading import Rows, read
from dlkit.baselines.ridge import OwnPast, RidgePath, ridge, squared_error
from dlkit.baselines.rocket import LeaveOneOut
from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.data.sample_splits import Official
from dlkit.data.sources.ucr import UCR
from dlkit.embedding.convolutions import Convolutions, patterns
from tests.made_sample_modules import TraceDataModule, image_module, images, trace_module, traces
from tests.shared_data import shared

RANDOM = np.random.default_rng(0)
FORECAST = Spec(("a", "b"), (12,), (4, 2, 1), ("b", "a"), ("", ""), ("", ""))


def linear_rows(count=80, features=6, outputs=2, noise=0.1):
    x = RANDOM.normal(size=(count, features)).astype(np.float32)
    y = x @ RANDOM.normal(size=(features, outputs)) + noise * RANDOM.normal(size=(count, outputs)) + 3
    return Rows(x, y.astype(np.float32), np.ones(y.shape, bool))


NONE = Rows(np.zeros((0, 6), np.float32), np.zeros((0, 2), np.float32), np.zeros((0, 2), bool))


# ------------------------------------------------------------------ rows
@settings(deadline=None, max_examples=25)
@given(size=st.integers(1, 30), width=st.integers(1, 12))
def test_averaging_counts_from_the_end_and_keeps_what_is_constant(size, width):
    x = torch.arange(size, dtype=torch.float64).expand(2, size)
    found = averaged(x, 1, width)
    assert found.shape == (2, -(-size // width))
    torch.testing.assert_close(found[:, -1], x[:, -min(width, size) :].mean(1))
    torch.testing.assert_close(averaged(torch.ones(2, size, size), 2, width), torch.ones(2, *[found.shape[1]] * 2))


@pytest.mark.parametrize("most", [1000, 20, 5])
def test_a_row_is_as_long_as_the_design_says_and_no_longer_than_allowed(most):
    spec = Spec(("a", "b"), (12,), (4, 1, 1), ("c",), ("", ""), ("",), future=("f",), static=("s",))
    design = Design(spec, most)
    batch = Batch(torch.randn(3, 2, 12), torch.randn(3, 4, 1), future=torch.randn(3, 1, 4), static=torch.randn(3, 1))
    assert design.inputs(batch).shape == (3, design.features)
    assert design.features <= max(most, 4)
    assert (design.width == 1) == (most == 1000)


def test_rows_told_from_the_last_value_do_not_know_the_level():
    x, observed = torch.randn(5, 2, 12), torch.rand(5, 2, 12) > 0.3
    x = x * observed
    design = Design(FORECAST, 1000, relative=True)
    higher = Batch((x + 7) * observed, torch.zeros(5, 4, 2), x_observed=observed)
    torch.testing.assert_close(design.inputs(Batch(x, higher.y, x_observed=observed)), design.inputs(higher))
    last = last_observed(x, observed)
    for row, channel in np.ndindex(5, 2):
        assert last[row, channel] == x[row, channel][observed[row, channel]][-1]
    torch.testing.assert_close(design.levels(higher)[:, 0], (last + 7).flip(1))  # targets are b, a


@pytest.mark.parametrize("most", [7, 1000])
def test_rows_are_those_of_the_network_spread_evenly(most):
    data = trace_module(traces(unequal=True))
    rows = read(data, "train", Design(data.spec, 10_000), most=most)
    whole = data.make_batch(data.places("train").starts(torch.arange(data.count("train"))))
    chosen = np.unique(np.linspace(0, data.count("train") - 1, min(most, data.count("train"))).round().astype(int))
    np.testing.assert_array_equal(rows.x, whole.x.flatten(1)[chosen])
    np.testing.assert_array_equal(rows.y[:, 0], whole.y[chosen])


# ------------------------------------------------------------------ ridge
@pytest.mark.parametrize("shape", [(80, 6), (6, 80)])
@pytest.mark.parametrize("penalty", [1e-2, 10.0])
def test_every_ridge_of_a_path_is_that_of_scikit_learn(shape, penalty):
    x, y = RANDOM.normal(size=shape) + 2, RANDOM.normal(size=(shape[0], 3)) - 1
    own = RidgePath(x, y).at(penalty)(x)
    np.testing.assert_allclose(own, linear_model.Ridge(alpha=penalty).fit(x, y).predict(x), atol=1e-9)


def test_a_ridge_finds_what_is_linear_and_learns_from_all_rows_where_none_validate():
    rows = linear_rows(noise=0.0)
    for val in (rows, NONE):
        assert squared_error(ridge(rows, val).answer, rows) < 1e-6


def test_the_own_past_ignores_other_channels_and_shares_weights_where_that_is_right():
    past = RANDOM.normal(size=(400, 2, 12)).astype(np.float32)
    weights = RANDOM.normal(size=(12, 4))
    y = np.stack([past[:, 1] @ weights, past[:, 0] @ weights], -1).reshape(400, 8) + RANDOM.normal(size=(400, 8))
    rows = Rows(past.reshape(400, -1), y.astype(np.float32), np.ones(y.shape, bool))
    fitted = OwnPast(FORECAST).fit(rows.some(np.arange(300)), rows.some(np.arange(300, 400)), seed=0)
    assert "weights shared" in fitted.said
    other = past.copy()
    other[:, 0] += 1  # channel a
    changed = fitted.answer(other.reshape(400, -1)) - fitted.answer(rows.x)
    np.testing.assert_array_equal(changed.reshape(400, 4, 2)[:, :, 0], 0)  # the target b
    assert np.abs(changed.reshape(400, 4, 2)[:, :, 1]).min() > 0


# ------------------------------------------------------------------ answers that are missing
def test_with_missing_answers_each_target_learns_from_the_rows_that_know_it():
    rows = linear_rows(noise=1.0)
    known = np.stack([np.arange(80) < 30, np.arange(80) >= 30], 1)
    spoiled = Rows(rows.x, np.where(known, rows.y, 1e6).astype(np.float32), known)
    fitted = fit_with_gaps(ridge, spoiled, rows, targets=2)
    first = ridge(*(Rows(r.x, r.y[:, :1], r.known[:, :1]) for r in (rows.some(known[:, 0]), rows)))
    np.testing.assert_array_equal(fitted.answer(rows.x)[:, 0], first.answer(rows.x)[:, 0])
    assert fitted.said.startswith("each target alone")


def test_few_incomplete_rows_are_left_out():
    rows = linear_rows()
    known = rows.known.copy()
    known[:9, 1] = False
    fitted = fit_with_gaps(ridge, rows._replace(known=known), NONE, targets=2)
    np.testing.assert_array_equal(fitted.answer(rows.x), ridge(rows.some(np.arange(80) >= 9), NONE).answer(rows.x))


def test_gaps_of_a_course_are_bridged_by_straight_lines():
    y, known = np.array([[0.0, 9, 2, 9, 9]]), np.array([[True, False, True, False, False]])
    np.testing.assert_array_equal(filled(y, known), [[0, 1, 2, 2, 2]])


# ------------------------------------------------------------------ methods for numbers and classes
@pytest.mark.parametrize("number", range(5))
def test_every_method_for_values_beats_the_mean_and_is_the_same_twice(number):
    spec = Spec(("a",), (6,), (2, 1), ("p", "q"), ("",), ("", ""), kind="values")
    rows, method = linear_rows(150), number_methods(spec)[number]
    train, val = rows.some(np.arange(100)), rows.some(np.arange(100, 150))
    first, again = (method.fit(train, val, seed=3).answer(val.x) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert squared_error(lambda _: first, val) < 0.5 * val.y.var()


def class_rows(count=90):
    y = np.arange(count) % 3
    x = RANDOM.normal(size=(count, 12)) + 2.5 * np.eye(3)[y].repeat(4, 1)
    return Rows(x.astype(np.float32), y[:, None].astype(np.float32), np.ones((count, 1), bool))


@pytest.mark.parametrize("number", range(6))
def test_every_method_for_classes_finds_them_and_gives_probabilities_of_all(number):
    spec = Spec(("a",), (12,), (4,), units=("",), kind="class", classes=tuple("wxyz"))
    rows, method = class_rows(), class_methods(spec)[number]
    fitted = method.fit(rows.some(np.arange(60)), rows.some(np.arange(60, 90)), seed=0)
    found = fitted.answer(rows.x[60:])
    assert found.shape == (30, 4)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(found[:, 3], 0)  # no training row has it
    assert (found.argmax(1) == rows.y[60:, 0]).mean() > 0.85


def test_labels_learn_from_what_is_known_of_each():
    spec = Spec(("a",), (12,), (3,), units=("",), kind="labels", classes=tuple("xyz"))
    rows = class_rows()
    y = (rows.y == np.arange(3)).astype(np.float32)
    known = np.ones(y.shape, bool)
    known[:, 1], y[:, 2] = False, 1
    method = class_methods(spec)[0]
    assert isinstance(method, Labels)
    found = method.fit(Rows(rows.x, y, known), NONE, seed=0).answer(rows.x)
    assert ((found[:, 0] > 0.5) == (y[:, 0] > 0.5)).mean() > 0.9
    np.testing.assert_array_equal(found[:, 1], 0.5)
    np.testing.assert_array_equal(found[:, 2], 1)


def test_the_sharpness_of_scores_is_the_temperature_of_least_log_loss():
    logits = RANDOM.normal(size=(4000, 3)) * 2
    truth = (logits + RANDOM.gumbel(size=logits.shape)).argmax(1)
    assert 0.8 < sharpness(logits, truth) < 1.3
    assert sharpness(10 * logits, truth) == pytest.approx(sharpness(logits, truth) / 10, rel=0.3)
    assert log_loss(np.log([[0.25, 0.75]]), np.array([1])) == pytest.approx(-np.log(0.75))

    class Two:
        def decision_function(self, x):
            return x[:, 0]

    np.testing.assert_array_equal(np.diff(scores_of(Two(), np.array([[3.0]])), axis=1), [[3.0]])


# ------------------------------------------------------------------ convolutions that are not learned
def test_convolutions_are_shares_of_time_above_thresholds():
    spec = Spec(("a", "b"), (30,), (2,), units=("", ""), kind="class", classes=("x", "y"))
    x = RANDOM.normal(size=(3, 60)).astype(np.float32)
    maps = Convolutions(spec, seed=1).fit(x)
    found, place = maps.transform(x), 0
    assert patterns().sum() == 0
    for number, levels in enumerate(maps.thresholds):
        weights, reach = maps.weights[number].numpy(), int(maps.dilations[number]) * 4
        padded = np.pad(x[1].reshape(2, 30), ((0, 0), (reach, reach)))
        taps = np.stack([padded[:, k * reach // 4 : k * reach // 4 + 30] for k in range(9)], -1)
        kernel = 17
        course = np.einsum("ctk,ck->t", taps, weights[kernel])
        expected = (course > levels[kernel, 0].item() + 1e-9).mean()
        assert found[1, place + kernel] == pytest.approx(expected, abs=1.01 / 30)  # a value may equal the threshold
        place += levels.numel()
    assert place == found.shape[1]


def test_what_stands_behind_the_end_of_a_trace_changes_no_feature():
    spec = Spec(("a", "inside"), (40,), (2,), units=("", ""), kind="class", classes=("x", "y"), padded=True)
    inside = (torch.arange(40) < 25).float().expand(6, 1, 40)
    x = torch.cat([torch.randn(6, 1, 40) * inside, inside], 1)
    maps = Convolutions(spec, seed=0).fit(x.flatten(1).numpy())
    found = maps.transform(x.flatten(1).numpy())
    assert found.max() <= 1
    assert len(np.unique((found * 25).round(3))) <= 26  # counts of 25 moments


def test_leaving_one_out_is_what_fitting_without_it_gives():
    x, truth = RANDOM.normal(size=(25, 40)), np.arange(25) % 3
    x = x - x.mean(0)
    model = LeaveOneOut(x, truth, 3)
    y = np.where(truth[:, None] == np.arange(3), 1.0, -1.0)
    for row in (0, 7):
        rest = np.arange(25) != row
        fit = linear_model.Ridge(alpha=model.penalty).fit(x[rest], y[rest])
        np.testing.assert_allclose(model.left_out[row], fit.predict(x[row : row + 1])[0], atol=1e-8)


def test_convolutions_reach_the_published_accuracy_on_gun_point():
    data = TraceDataModule(source=UCR(path=str(shared("traces/GunPoint.npz"))), split=Official(val=0.0))
    found = Contest(Question(data), Limits()).run("rocket")
    assert found.measures["accuracy"][0] >= 0.98  # MiniRocket: 0.993


# ------------------------------------------------------------------ anomalies
def test_nothing_is_left_of_inputs_in_the_plane_of_the_components():
    plane = (RANDOM.normal(size=(200, 2)) @ RANDOM.normal(size=(2, 10))).astype(np.float32)
    residual = Residual()
    residual.fit(plane, seed=0)
    assert residual.unlikeness(plane).max() < 1e-6
    off = np.linalg.svd(residual.pca.vectors.numpy())[2][-1]
    np.testing.assert_allclose(residual.unlikeness(plane + 3 * off.astype(np.float32)).sum(1), 9, rtol=1e-3)


def test_two_deviations_along_a_component_are_a_t2_of_four():
    x = (RANDOM.normal(size=(300, 4)) * [1, 5, 20, 100]).astype(np.float32)
    method = Hotelling()
    method.fit(x @ np.linalg.qr(RANDOM.normal(size=(4, 4)))[0].astype(np.float32), seed=0)
    away = method.pca.mean + 2 * method.pca.variance[0].sqrt() * method.pca.vectors[0]
    np.testing.assert_allclose(method.unlikeness(away[None].numpy()), 4 / len(method.pca), rtol=1e-3)


@pytest.mark.parametrize("method", outlier_methods(), ids=lambda one: one.name)
def test_what_is_far_from_training_is_unlike_it(method):
    base = RANDOM.normal(size=(300, 3)) @ RANDOM.normal(size=(3, 20))
    x = (base + 0.1 * RANDOM.normal(size=base.shape)).astype(np.float32)
    method.fit(x[:200], seed=0)
    normal, far = method.unlikeness(x[200:]), method.unlikeness(x[200:] * 6 + RANDOM.normal(size=(100, 20)).astype("f"))
    assert normal.shape == (100, 20)
    assert normal.min() >= 0
    assert np.median(far.mean(1)) > np.quantile(normal.mean(1), 0.95)


def test_the_nearest_window_of_a_training_window_is_itself():
    x = RANDOM.normal(size=(50, 8)).astype(np.float32)
    method = Nearest()
    method.fit(x, seed=0)
    np.testing.assert_array_equal(method.unlikeness(x), 0)


# ------------------------------------------------------------------ the whole
def test_long_inputs_are_averaged_and_the_notes_say_so():
    contest = Contest(Question(image_module(images(size=(20, 10)))), Limits(features=160))
    assert contest.run("logistic").rows == 30
    assert any("150 of 600 numbers" in note for note in contest.notes())


def test_of_windows_the_last_fifth_judges_of_samples_every_fifth():
    rows = Rows(np.arange(50.0)[:, None], np.zeros((50, 1)), np.ones((50, 1), bool), overlap=True)
    learn, judge = held_out(rows)
    np.testing.assert_array_equal(judge.x[:, 0], np.arange(40, 50))
    assert learn.overlap
    _, mixed = held_out(rows._replace(overlap=False))
    np.testing.assert_array_equal(mixed.x[:, 0], np.arange(4, 50, 5))


def test_a_contest_measures_what_scikit_learn_gives_by_hand():
    made = images(count=120)
    made.values[:, 0] //= 2
    made.values[1::3, 0, :4] += 70
    data = image_module(made)
    contest = Contest(Question(data), Limits())
    contest.methods = [Classification("svm", 3, {"C 2": machine(2.0)}, most=1000)]
    found = contest.run("svm")
    own = {role: data.prepared.numbers[role].numpy() for role in ("train", "test")}
    values = made.values.astype(np.float64)
    mean, std = (getattr(values[own["train"]], name)((0, 2, 3), keepdims=True) for name in ("mean", "std"))
    x = ((values - mean) / std).reshape(120, -1)
    by_hand = SVC(C=2.0).fit(x[own["train"]], made.labels[own["train"]])
    assert not set(own["train"]) & set(own["test"])
    assert found.measures["accuracy"][0] == pytest.approx(by_hand.score(x[own["test"]], made.labels[own["test"]]))
    assert 0.4 < found.measures["accuracy"][0] < 1
