"""Confident learning: the estimates of the paper, by brute force and by cleanlab; noise is counted, doubt is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.quality.labels.confident import calibrated_joint, confident, confident_joint, margins, thresholds
from dlkit.quality.labels.noise import given_odds, label_noise, second_hump
from dlkit.quality.labels.wrong import judge, judgeable


def made(samples=600, classes=4, wrong=0.1, apart=3.0, seed=0):
    """Labels of which a share is wrong, and probabilities that know the truth of a normal law."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, samples)
    bad = random.random(samples) < wrong
    labels = np.where(bad, (truth + random.integers(1, classes, samples)) % classes, truth)
    logits = apart * (random.normal(size=(samples, classes)) + apart * np.eye(classes)[truth])  # exact posterior
    logits -= logits.max(1, keepdims=True)
    p = np.exp(logits)
    return labels, p / p.sum(1, keepdims=True), bad


@given(st.integers(0, 1000), st.integers(2, 5))
@settings(max_examples=15, deadline=None)
def test_the_confident_joint_counts_what_the_paper_says(seed, classes):
    labels, p, _ = made(80, classes, apart=1.0, seed=seed)
    level = [p[labels == k, k].mean() if (labels == k).any() else np.inf for k in range(classes)]
    joint = np.zeros((classes, classes))
    for row, label in zip(p, labels, strict=True):
        sure = [k for k in range(classes) if row[k] >= level[k] - 1e-6]
        if sure:
            joint[label, max(sure, key=lambda k: row[k])] += 1
    np.testing.assert_allclose(thresholds(labels, p), level)
    np.testing.assert_array_equal(confident_joint(labels, p), joint)


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_the_calibrated_joint_keeps_the_share_of_each_given_class(seed):
    labels, p, _ = made(100, 4, apart=1.0, seed=seed)
    joint = calibrated_joint(confident_joint(labels, p), labels)
    np.testing.assert_allclose(joint.sum(1), np.bincount(labels, minlength=4) / 100)
    assert joint.sum() == pytest.approx(1)


@pytest.mark.parametrize("classes", [2, 5])
def test_confident_learning_agrees_with_cleanlab(classes):
    count = pytest.importorskip("cleanlab.count")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, p, _ = made(500, classes, seed=1)
    found = confident(labels, p)
    np.testing.assert_array_equal(confident_joint(labels, p), count.compute_confident_joint(labels, p, calibrate=False))
    np.testing.assert_allclose(found.joint, count.estimate_joint(labels, p), atol=2 / 500)  # it rounds counts
    np.testing.assert_allclose(found.confidence, get_label_quality_scores(labels, p, method="self_confidence"))
    np.testing.assert_allclose(
        (found.margin + 1) / 2, get_label_quality_scores(labels, p, method="normalized_margin"), atol=1e-12
    )
    theirs = find_label_issues(labels, p, filter_by="prune_by_noise_rate")
    assert (theirs & found.suspect).sum() >= 0.9 * max(theirs.sum(), found.suspect.sum())


def test_the_joint_finds_which_class_is_taken_for_which():
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 900)
    labels = np.where((truth == 0) & (random.random(900) < 0.3), 2, truth)  # 0 is written as 2, never 1
    p = np.full((900, 3), 0.02)
    p[np.arange(900), truth] = 0.96
    joint = confident(labels, p).joint
    assert joint[2, 0] == pytest.approx(((labels == 2) & (truth == 0)).mean(), abs=0.01)
    assert joint[1, 0] == joint[0, 1] == joint[0, 2] == 0


def test_the_margin_is_the_given_less_the_best_other_class():
    labels, p, _ = made(50, 3)
    for label, row, margin in zip(labels, p, margins(labels, p), strict=True):
        assert margin == pytest.approx(row[label] - max(np.delete(row, label)))


@pytest.mark.parametrize(("wrong", "apart"), [(0.1, 2.5), (0.05, 2.5), (0.2, 2.0)])
def test_the_share_of_wrong_labels_is_found(wrong, apart):
    labels, p, bad = made(3000, 4, wrong, apart)
    noise = label_noise(labels, p)
    assert noise.p_value < 0.01
    assert noise.low <= bad.mean()
    assert noise.wrong == pytest.approx(bad.mean(), abs=0.035)


def test_of_classes_that_overlap_the_share_of_wrong_labels_is_not_overstated():
    labels, p, bad = made(3000, 4, 0.1, 1.5)
    noise = label_noise(labels, p)
    assert noise.p_value < 0.01
    assert noise.low < bad.mean()
    assert 0.02 < noise.wrong < bad.mean() + 0.02


@pytest.mark.parametrize("apart", [0.7, 1.5, 2.5])
def test_doubt_is_not_taken_for_wrong_labels(apart):
    found = [label_noise(*made(800, 4, 0.0, apart, seed)[:2]).p_value for seed in range(12)]
    assert np.mean(np.array(found) < 0.05) <= 0.2  # of 12: 3 would be seen by chance in 2 % of the cases
    assert min(found) > 1e-3


def test_wrong_labels_are_found_where_all_answers_are_equally_sure():
    labels, _, bad = made(400, 3, 0.1)
    truth = np.where(bad, -1, labels)
    p = np.full((400, 3), 0.03)
    for row, (label, wrong) in enumerate(zip(labels, bad, strict=True)):
        p[row, (label + 1) % 3 if wrong else label] = 0.94
    noise = second_hump(labels, p)
    assert noise.p_value < 1e-4
    assert noise.wrong == pytest.approx((truth < 0).mean())
    assert np.all((given_odds(labels, p) < 0) == bad)


def test_as_many_are_named_as_are_wrong_and_most_of_them_are():
    labels, p, bad = made(2000, 5, 0.1, 2.5)
    found = judge(labels, p)
    assert found.suspect.sum() == round(found.noise.wrong * 2000)
    assert bad[found.suspect].mean() > 0.85
    assert found.suspect[bad].mean() > 0.75
    assert not np.any(found.suspect & (p.argmax(1) == labels))


def test_nothing_is_named_where_labels_are_right():
    labels, p, _ = made(2000, 5, 0.0, 2.5)
    assert not judge(labels, p).suspect.any()


def test_classes_of_few_samples_are_not_judged():
    labels = np.r_[np.zeros(30, int), np.ones(20, int), np.full(4, 2), -1]
    np.testing.assert_array_equal(judgeable(labels, 3), (labels >= 0) & (labels < 2))
    assert not judgeable(labels[:30], 3).any()
