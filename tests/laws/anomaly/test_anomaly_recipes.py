"""Laws of the study on NAB and SMAP: nothing is known before its time, and PCA is PCA."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA as REFERENCE

from dlkit.core.batch import Batch
from tests.shared_data import shared

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from anomaly_recipes import PCA, SETS, WINDOW, against_past, is_dev


def test_a_score_is_compared_with_its_past_alone_and_units_do_not_matter():
    random = np.random.default_rng(0)
    scores = random.exponential(size=500)
    other = scores.copy()
    other[300:] += 50
    np.testing.assert_array_equal(against_past(scores)[:300], against_past(other)[:300])
    np.testing.assert_allclose(against_past(1000 * scores + 7), against_past(scores), rtol=1e-4)


def test_an_alarm_keeps_lower_ones_quiet_for_a_while():
    scores = np.random.default_rng(1).random(600)
    scores[[200, 240, 260, 200 + 2 * WINDOW]] = 10, 9, 30, 20
    found = against_past(scores)
    assert np.isfinite(found[[200, 260]]).all()
    assert np.isnan(found[[240, 261]]).all()
    assert np.isfinite(found[200 + 2 * WINDOW])


@pytest.mark.parametrize("components", [1, 3, 0.9])
def test_pca_leaves_what_that_of_scikit_learn_leaves(components):
    random = np.random.default_rng(2)
    windows = (random.normal(size=(60, 4)) * [5, 3, 2, 1]) @ random.normal(size=(4, 16)) + 1
    x = torch.from_numpy(windows).float().view(60, 2, 8)
    reference = REFERENCE(components if components < 1 else int(components)).fit(windows)
    left = windows - reference.inverse_transform(reference.transform(windows))
    found, _ = PCA(components).fit(x).squares(Batch(x, torch.empty(60, 0)))
    np.testing.assert_allclose(found.flatten(1), left**2, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "series", "rows"), [("nab", 58, 365_558), ("smap", 54, 435_826)])
def test_the_sets_are_whole_and_few_series_choose(name, series, rows, monkeypatch):
    monkeypatch.setenv("DLKIT_BENCH_DATA", str(shared("anomaly").parent))
    cases = list(SETS[name].cases())
    assert (len(cases), sum(len(case.test) for case in cases)) == (series, rows)
    assert sum(map(is_dev, range(series))) <= series / 5
    if name == "nab":
        assert all(len(case.normal) == min(int(0.15 * len(case.test)), 750) for case in cases)
    data = cases[0].read(32)
    assert data.labels is not None
    np.testing.assert_array_equal(data.labels[data.rows_of("test")], cases[0].labels)
    assert not data.labels[data.rows_of("train") | data.rows_of("val")].any()
