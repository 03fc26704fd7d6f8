"""Splits of samples: disjoint, complete, spread alike, and no group in two roles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.records import Samples
from dlkit.data.sample_splits import FewLabels, Grouped, Official, Stratified

ROLES = ("train", "val", "test")


def samples(labels, kind="class", *, groups=None, roles=None):
    labels = np.asarray(labels)
    classes = {"values": 0, "labels": labels.shape[-1]}.get(kind, int(labels.max()) + 1)
    return Samples(
        names=[str(number) for number in range(len(labels))],
        values=np.zeros((len(labels), 1, 4), np.float32),
        channels=("x0",),
        units=("",),
        kind=kind,
        labels=labels,
        classes=tuple(f"class{number}" for number in range(classes)),
        groups=None if groups is None else np.asarray(groups).astype(str),
        roles=None if roles is None else np.asarray(roles),
    )


def assert_disjoint_and_complete(roles, count):
    every = np.concatenate([roles[role] for role in ROLES])
    assert len(every) == len(np.unique(every)) == count
    assert all((np.diff(roles[role]) > 0).all() and roles[role].dtype == np.int64 for role in ROLES)


counts_of_classes = st.lists(st.integers(5, 60), min_size=2, max_size=6)
fractions = st.sampled_from([(0.7, 0.1, 0.2), (0.5, 0.25, 0.25), (0.6, 0.15, 0.25), (0.34, 0.33, 0.33)])


@given(counts_of_classes, fractions, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_each_class_is_spread_within_one_sample(counts, parts, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    roles = Stratified(*parts, seed=seed).roles(samples(labels))
    assert_disjoint_and_complete(roles, len(labels))
    for role, part in zip(ROLES, parts, strict=True):
        found = np.bincount(labels[roles[role]], minlength=len(counts))
        assert (np.abs(found - part * np.array(counts)) < 1 + 1e-9).all()
        assert abs(len(roles[role]) - part * len(labels)) < 2  # what is rounded evens out over the classes


def test_many_small_classes_do_not_starve_a_role():
    roles = Stratified(0.7, 0.1, 0.2).roles(samples(np.arange(600) % 200))
    assert [len(roles[role]) for role in ROLES] == pytest.approx([420, 60, 120], abs=2)


def test_a_class_of_one_sample_trains():
    labels = np.array([0] * 40 + [1] * 40 + [2])
    assert 80 in Stratified().roles(samples(labels))["train"]


@pytest.mark.parametrize(
    "kind, labels",
    [
        ("class", np.arange(90) % 3),
        ("ordinal", np.arange(90) % 3),
        ("labels", np.random.default_rng(0).integers(0, 2, (90, 3)).astype(np.float32)),
        ("values", np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)),
    ],
)
def test_a_seed_decides_alone(kind, labels):
    made = samples(labels, kind, groups=np.arange(90) // 3)
    for split in (Stratified, Grouped):
        one, same, other = (split(seed=seed).roles(made) for seed in (1, 1, 2))
        assert_disjoint_and_complete(one, 90)
        assert all((one[role] == same[role]).all() for role in ROLES)
        assert any(list(one[role]) != list(other[role]) for role in ROLES)


def test_every_decile_of_a_value_is_spread_within_one_sample():
    values = np.random.default_rng(0).exponential(size=(1000, 1)).astype(np.float32)
    edges = np.quantile(values, np.linspace(0.1, 0.9, 9))
    for seed in range(5):
        roles = Stratified(0.5, 0.25, 0.25, seed=seed).roles(samples(values, "values"))
        for role, part in zip(ROLES, (50, 25, 25), strict=True):
            found = np.bincount(np.searchsorted(edges, values[roles[role], 0]), minlength=10)
            assert (np.abs(found - part) <= 2).all()  # the deciles of the test are off by a sample at most


def test_rare_patterns_of_labels_are_pooled_and_frequent_ones_spread():
    once = [[int(bit) for bit in f"{number:06b}"] for number in range(20, 60)]
    labels = np.array([[1, 0, 0, 0, 0, 0]] * 50 + [[0, 1, 0, 0, 0, 0]] * 30 + once, np.float32)
    labels = labels[(labels.sum(1) != 1) | (np.arange(len(labels)) < 80)]  # none of the rare is one of the frequent
    roles = Stratified(0.5, 0.2, 0.3).roles(samples(labels, "labels"))
    assert_disjoint_and_complete(roles, len(labels))
    for role, part in zip(ROLES, (0.5, 0.2, 0.3), strict=True):
        found = np.bincount(np.searchsorted([50, 80], roles[role], side="right"), minlength=3)
        np.testing.assert_allclose(found, part * np.array([50, 30, len(labels) - 80]), atol=1)


def test_fractions_below_one_leave_the_rest_out():
    roles = Stratified(0.2, 0.1, 0.2).roles(samples(np.arange(100) % 2))
    assert [len(roles[role]) for role in ROLES] == [20, 10, 20]


@given(st.integers(6, 40), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_no_group_is_in_two_roles(number_of_groups, seed):
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(number_of_groups), random.integers(2, 12, number_of_groups))
    values = random.normal(size=(len(groups), 1)).astype(np.float32)
    roles = Grouped(seed=seed).roles(samples(values, "values", groups=groups))
    assert_disjoint_and_complete(roles, len(groups))
    sets = [set(groups[roles[role]]) for role in ROLES]
    assert sum(map(len, sets)) == number_of_groups
    assert min(map(len, sets)) > 0


def test_groups_are_dealt_to_keep_sizes_and_classes():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), random.integers(5, 30, 60))
    labels = (random.random(len(groups)) < np.linspace(0.1, 0.9, 60)[groups]).astype(np.int64)
    roles = Grouped(0.6, 0.2, 0.2).roles(samples(labels, groups=groups))
    for role, part in zip(ROLES, (0.6, 0.2, 0.2), strict=True):
        assert len(roles[role]) / len(labels) == pytest.approx(part, abs=0.02)
        assert labels[roles[role]].mean() == pytest.approx(labels.mean(), abs=0.03)


def test_the_official_test_is_untouched_and_validation_comes_from_training():
    labels = np.arange(100) % 2
    given_roles = np.where(np.arange(100) < 60, "train", "test")
    roles = Official(val=0.2).roles(samples(labels, roles=given_roles))
    assert_disjoint_and_complete(roles, 100)
    np.testing.assert_array_equal(roles["test"], np.arange(60, 100))
    assert len(roles["val"]) == 12 == 2 * labels[roles["val"]].sum()


def test_official_validation_stays_official_and_groups_stay_whole():
    labels = np.arange(90) % 2
    three = np.repeat(["train", "val", "test"], 30)
    roles = Official(val=0.5).roles(samples(labels, roles=three))
    assert [roles[role].tolist() for role in ROLES] == [np.flatnonzero(three == role).tolist() for role in ROLES]
    two = np.where(np.arange(90) < 60, "train", "test")
    groups = np.arange(90) // 6
    carved = Official(val=0.3).roles(samples(labels, roles=two, groups=groups))
    assert not set(groups[carved["train"]]) & set(groups[carved["val"]])
    assert len(Official(val=0.0).roles(samples(labels, roles=two))["val"]) == 0


@given(counts_of_classes, st.sampled_from([0.01, 0.1, 0.5, 1.0]), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_few_labels_are_a_part_of_what_trains_with_every_class(counts, fraction, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    whole = Stratified(seed=seed).roles(samples(labels))
    few = FewLabels(Stratified(seed=seed), fraction, seed=seed).roles(samples(labels))
    assert all((few[role] == whole[role]).all() for role in ("val", "test"))
    assert set(few["train"]) <= set(whole["train"]) and len(set(few["train"])) == len(few["train"])
    had, kept = (np.bincount(labels[roles["train"]], minlength=len(counts)) for roles in (whole, few))
    assert (kept >= 1).all() and (np.abs(kept - np.maximum(fraction * had, 1)) < 1 + 1e-9).all()


def test_a_seed_draws_which_labels_stay_and_more_of_them_stay_in_the_same_roles():
    made = samples(np.arange(90) % 3, roles=np.where(np.arange(90) < 60, "train", "test"))
    one, same, other = (FewLabels(Official(), 0.2, seed=seed).roles(made)["train"] for seed in (1, 1, 2))
    assert list(one) == list(same) != list(other)
    assert len(FewLabels(Official(), 1.0).roles(made)["train"]) == len(Official().roles(made)["train"])


TWO = np.arange(20) % 2
ONLY_TEST = np.array(["train"] * 19 + ["test"])


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Stratified(0.9, 0.2, 0.2), ["sum at most 1"]),
        (lambda: Stratified(0.0, 0.5, 0.5), ["train must be positive"]),
        (lambda: Grouped(0.5, 0.1, 0.1), ["sum to 1"]),
        (lambda: Official(val=1.0), ["val=1.0", "below 1"]),
        (lambda: FewLabels(fraction=0.0), ["fraction=0.0", "above 0"]),
        (lambda: Stratified().roles(samples(np.arange(5))), ["val and test", "`val: 0`"]),
        (lambda: Grouped().roles(samples(TWO)), ["`groups`", "Stratified"]),
        (lambda: Grouped().roles(samples(TWO, groups=TWO)), ["2 groups", "train, val, test"]),
        (lambda: Official().roles(samples(TWO)), ["Official", "Stratified"]),
        (lambda: Official().roles(samples(TWO, roles=["fit"] * 20)), ["'fit'", "train, val and test"]),
        (lambda: Official().roles(samples(TWO, roles=["test"] * 20)), ["none of the 20", "train"]),
        (lambda: Official().roles(samples([0, 1] * 9 + [0, 2], roles=ONLY_TEST)), ["class2", "never in train"]),
        (lambda: Official(val=0.001).roles(samples(TWO, roles=["train"] * 20)), ["raise `val`"]),
    ],
)
def test_a_split_that_cannot_be_says_what_to_change(make, words):
    with pytest.raises(InputError) as caught:
        make()
    assert all(word in str(caught.value) for word in words), str(caught.value)
