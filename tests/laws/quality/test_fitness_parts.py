"""The statistics behind the comparison of roles agree with independent references."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from dlkit.quality.fitness.beyond import exceeding
from dlkit.quality.fitness.giveaway import squared_correlation
from dlkit.quality.fitness.repeats import hash_rows, repeats_of, stretch_length, stretches
from dlkit.quality.fitness.roles import summarize, summarize_some
from dlkit.quality.fitness.told_apart import FOLDS, RIDGE, areas_of, smoother


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 4), length=st.integers(1, 30))
def test_two_stretches_have_one_number_where_their_rows_are_equal_and_only_there(seed, columns, length):
    random = np.random.default_rng(seed)
    values = random.integers(0, 2, (60, columns)).astype(np.float32)
    values[random.random((60, columns)) < 0.1] = np.nan
    found, _ = stretches(hash_rows(values), length)
    rows = [values[k : k + length].tobytes() for k in range(61 - length)]
    for one, other in combinations(range(len(rows)), 2):
        assert (found[one] == found[other]) == (rows[one] == rows[other])


def red(rows, columns, seed=0):
    return lfilter([1], [1, -0.9], np.random.default_rng(seed).normal(size=(rows, columns)), axis=0).astype(np.float32)


COARSE = {
    "of many digits": lambda: red(20_000, 2),
    "coarse": lambda: np.round(red(20_000, 1)),
    "very coarse": lambda: np.round(red(20_000, 2) / 3),
    "on and off": lambda: (red(20_000, 1) > 0).astype(np.float32),
    "stuck": lambda: np.zeros((20_000, 1), np.float32),
    "counting": lambda: np.random.default_rng(0).integers(-1, 2, (20_000, 1)).cumsum(0).astype(np.float32),
}


@pytest.mark.parametrize("name", COARSE)
def test_chance_repeats_nothing_however_coarse_the_values_are(name):
    values = COARSE[name]()
    found = repeats_of(values, np.array([[0, 14_000]]), {"test": np.array([[14_000, 20_000]])})
    assert all(one.share == 0 for one in found.values())


@pytest.mark.parametrize("name", ["of many digits", "coarse", "very coarse", "counting"])
def test_a_copied_stretch_is_found_row_by_row(name):
    values = COARSE[name]()
    values[15_000:15_600] = values[1_003:1_603]
    found = repeats_of(values, np.array([[0, 14_000]]), {"test": np.array([[14_000, 20_000]])})["test"]
    assert found.rows.min() >= 15_000 and found.rows.max() <= 15_600 - found.length
    assert found.share == pytest.approx(0.1, abs=0.02)


def test_the_length_of_a_stretch_grows_as_values_become_coarser():
    lengths = [stretch_length(hash_rows(np.round(red(20_000, 1) / step)), 20_000) for step in (0.01, 0.5, 1, 2)]
    assert lengths == sorted(lengths) and lengths[0] < lengths[-1]


@pytest.mark.parametrize(("known", "new", "outside"), [(5, 3, 1), (5, 3, 2), (4, 4, 4), (7, 2, 2)])
def test_the_chance_that_the_largest_values_are_all_new_is_that_of_counting(known, new, outside):
    ways = [set(chosen) for chosen in combinations(range(known + new), new)]
    top = set(range(known + new - outside, known + new))
    assert exceeding(float(known), float(new), float(outside)) == pytest.approx(
        np.mean([top <= chosen for chosen in ways])
    )


def test_permuted_predictions_are_those_of_a_ridge_regression_fitted_anew():
    random = np.random.default_rng(0)
    values, fold = random.normal(size=(60, 4)), np.arange(60) % FOLDS
    values -= values.mean(0)
    answers = random.random((3, 60)) < 0.5
    found = answers @ smoother(values, fold).T
    for number in range(FOLDS):
        out = fold == number
        for row, answer in zip(found, answers, strict=True):
            ridge = Ridge(alpha=RIDGE * (~out).sum(), fit_intercept=False)
            ridge.fit(values[~out], answer[~out] - answer[~out].mean())
            np.testing.assert_allclose(row[out], ridge.predict(values[out]), atol=1e-9)


def test_areas_are_those_of_scikit_learn_ties_included():
    random = np.random.default_rng(0)
    dealt = random.random((5, 40)) < 0.4
    smooth = np.round(random.normal(size=(40, 40)), 1)
    wanted = [roc_auc_score(deal, np.round(smooth @ deal, 9)) for deal in dealt]
    np.testing.assert_allclose(areas_of(dealt, smooth), wanted)
    np.testing.assert_allclose(areas_of(dealt, np.zeros((40, 40))), 0.5)


def test_squared_rank_correlation_is_that_of_scipy():
    random = np.random.default_rng(0)
    one, noise = random.normal(size=300), random.normal(size=300)
    other = np.round(one + noise, 1)
    one[::7] = np.nan
    assert squared_correlation(one, other) == pytest.approx(spearmanr(one, other, nan_policy="omit").statistic ** 2)
    assert squared_correlation(np.ones(300), other) == 0


def test_items_are_summarized_alike_with_and_without_missing_values():
    items = np.random.default_rng(0).normal(3, 2, (6, 40, 3)).astype(np.float32)
    for one, other in zip(summarize(items), summarize_some(items), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    items[0, :, 1], items[1, ::2, 2] = np.nan, np.nan
    mean, spread, low, high = summarize(items)
    assert np.isnan([mean[0, 1], spread[0, 1], low[0, 1], high[0, 1]]).all()
    seen = items[1, 1::2, 2]
    np.testing.assert_allclose([mean[1, 2], spread[1, 2], low[1, 2], high[1, 2]],
                               [seen.mean(), seen.std(), seen.min(), seen.max()], rtol=1e-5)  # fmt: skip
