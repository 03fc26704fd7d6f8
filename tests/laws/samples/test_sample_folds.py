"""Folds of samples: each sample is tested once, classes and groups as scikit-learn deals them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold
from sklearn.model_selection import KFold as Shuffled
from sklearn.model_selection import StratifiedKFold as Strata

from dlkit.core.checks import InputError
from dlkit.data.sample_folds import GroupedKFold, ShuffledKFold, StratifiedKFold
from tests.laws.samples.test_sample_splits import ROLES, assert_disjoint_and_complete, samples

KINDS = (ShuffledKFold, StratifiedKFold, GroupedKFold)


def parts_of(cls, made, folds, **settings):
    return [cls(folds=folds, fold=fold, **settings).roles(made)["test"] for fold in range(folds)]


def sizes(parts):
    return sorted(len(part) for part in parts)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(6, 40), min_size=2, max_size=5), st.integers(2, 5), st.integers(0, 5), st.sampled_from(KINDS)
)
def test_every_sample_is_tested_in_exactly_one_fold(counts, folds, seed, cls):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    made = samples(labels, groups=np.arange(len(labels)))
    for fold in range(folds):
        assert_disjoint_and_complete(cls(folds=folds, fold=fold, seed=seed).roles(made), len(labels))
    parts = parts_of(cls, made, folds, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(6, 40), min_size=2, max_size=5), st.integers(2, 5), st.integers(0, 5))
def test_sizes_and_class_shares_are_within_one_sample_like_those_of_scikit_learn(counts, folds, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    made = samples(labels)
    theirs = [part for _, part in Strata(folds, shuffle=True, random_state=seed).split(labels, labels)]
    for part, known in zip(parts_of(StratifiedKFold, made, folds, seed=seed), theirs, strict=True):
        for found in (part, known):
            shares = np.bincount(labels[found], minlength=len(counts))
            assert (np.abs(shares - np.array(counts) / folds) < 1).all()
    plain = [part for _, part in Shuffled(folds).split(labels)]
    for cls in (ShuffledKFold, StratifiedKFold):
        assert sizes(parts_of(cls, made, folds, seed=seed)) == sizes(plain)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=6, max_size=14), st.integers(2, 4), st.integers(0, 5))
def test_no_group_is_in_two_roles_of_a_fold_and_sizes_are_near_those_of_scikit_learn(members, folds, seed):
    assume(
        folds > 2 or 4 * max(members) <= sum(members)
    )  # else one group may be all that is left to train and validate
    groups = np.repeat(np.arange(len(members)), members)
    made = samples(
        np.random.default_rng(seed).normal(size=(len(groups), 1)).astype(np.float32), "values", groups=groups
    )
    for fold in range(folds):
        roles = GroupedKFold(folds=folds, fold=fold, seed=seed).roles(made)
        own = [set(groups[roles[role]].tolist()) for role in ROLES]
        assert sum(map(len, own)) == len(set.union(*own)) == len(members)
    ours = sizes(parts_of(GroupedKFold, made, folds, seed=seed))
    theirs = sizes([part for _, part in GroupKFold(folds).split(groups, groups=groups)])
    assert ours[-1] - ours[0] <= theirs[-1] - theirs[0] + 2 * max(members)


def test_groups_of_one_class_each_are_spread_by_class():
    labels = np.repeat(np.arange(12) % 2, 5)
    for part in parts_of(GroupedKFold, samples(labels, groups=np.arange(60) // 5), 3):
        assert np.bincount(labels[part]).tolist() == [10, 10]


def test_values_are_spread_by_deciles():
    values = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    edges = np.sort(values[:, 0])[20::20]
    for part in parts_of(StratifiedKFold, samples(values, "values"), 5):
        assert np.bincount(np.searchsorted(edges, values[part, 0], side="right"), minlength=10).tolist() == [4] * 10


def test_another_seed_deals_otherwise_and_a_fold_knows_the_others():
    made = samples(np.arange(60) % 3)
    for cls in (ShuffledKFold, StratifiedKFold):
        assert parts_of(cls, made, 4, seed=1)[0].tolist() == parts_of(cls, made, 4, seed=1)[0].tolist()
        assert parts_of(cls, made, 4, seed=1)[0].tolist() != parts_of(cls, made, 4, seed=2)[0].tolist()


@pytest.mark.parametrize(
    ("split", "made", "sentence"),
    [
        (StratifiedKFold(folds=9), samples(np.arange(8) % 2), "8 samples cannot be dealt to 9 folds"),
        (
            StratifiedKFold(folds=5),
            samples(np.array([0] * 20 + [1] * 3)),
            "class 'class1' has 3 samples, and each of 5",
        ),
        (GroupedKFold(folds=4), samples(np.arange(12) % 2, groups=np.arange(12) % 3), "3 groups cannot be dealt to 4"),
        (GroupedKFold(), samples(np.arange(12) % 2), "needs the shot, run or device"),
        (ShuffledKFold(folds=2, val=0.01), samples(np.arange(8) % 2), "is none: raise `val`"),
        (GroupedKFold(folds=3), samples(np.arange(12) // 4, groups=np.arange(12) // 4), "never in train"),
    ],
)
def test_samples_that_cannot_be_dealt_are_refused_with_a_sentence(split, made, sentence):
    with pytest.raises(InputError, match=sentence):
        split.roles(made)


@pytest.mark.parametrize("settings", [{"folds": 1}, {"fold": 5}, {"val": 1.0}])
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(InputError, match="StratifiedKFold"):
        StratifiedKFold(**settings)
