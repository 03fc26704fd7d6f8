"""Embeddings: planted clusters are found, distances do not depend on units or order, neighbours share no rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from dlkit.core.checks import InputError
from dlkit.core.spread import evenly
from dlkit.embedding import clusters as clusters_of
from dlkit.embedding.agreement import agreement, contingency, matched
from dlkit.embedding.clusters import NAMES, by_size, find_clusters, silhouette
from dlkit.embedding.neighbours import Points, distances, nearest, nearest_of_each, rarity
from dlkit.embedding.space import fit_space
from dlkit.embedding.views import flat, t_sne


def planted(count=3, each=40, features=6, apart=12.0, seed=0):
    """Points around ``count`` centres, and which centre each is from; the sizes fall."""
    random = np.random.default_rng(seed)
    centres = apart * np.linalg.qr(random.normal(size=(features, features)))[0][:count]
    labels = np.concatenate([np.full(each - 5 * k, k) for k in range(count)])
    return (centres[labels] + random.normal(size=(len(labels), features))).astype(np.float32), labels


# ------------------------------------------------------------------ the space
@given(st.integers(0, 1000), st.integers(1, 50))
def test_evenly_chosen_numbers_are_distinct_ordered_and_hold_both_ends(count, most):
    chosen = evenly(count, most)
    assert len(chosen) == min(count, most)
    assert (np.diff(chosen) > 0).all()
    if count and most > 1:
        assert (chosen[0], chosen[-1]) == (0, count - 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100))
def test_distances_do_not_depend_on_units_offsets_and_order_of_features(seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(30, 5))
    other = (points * random.uniform(0.01, 100, 5) + random.normal(size=5))[:, random.permutation(5)]
    first, second = fit_space(points)(points), fit_space(other)(other)
    np.testing.assert_allclose(distances(first, first), distances(second, second), atol=1e-3)


def test_the_space_keeps_99_percent_of_the_variance_of_standardized_features_and_constants_do_not_count():
    random = np.random.default_rng(0)
    hidden = random.normal(size=(200, 2))
    points = np.concatenate([hidden @ random.normal(size=(2, 9)), np.full((200, 1), 7.0)], 1)
    space = fit_space(points)
    assert len(space.shares) == 2
    assert space.shares.sum() > 0.99
    standard = (points[:, :9] - points[:, :9].mean(0)) / points[:, :9].std(0)
    np.testing.assert_allclose(distances(space(points), space(points)), distances(standard, standard), atol=1e-4)


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (np.zeros((2, 3)), "too few"),
        (np.ones((5, 3)), "same embedding"),
        (np.full((5, 3), np.nan), "no finite numbers for 5 of 5"),
    ],
)
def test_a_space_of_nothing_is_refused(points, says):
    with pytest.raises(InputError, match=says):
        fit_space(points)


# ------------------------------------------------------------------ clusters
@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_planted_clusters_are_found_without_knowing_how_many(method, count):
    points, labels = planted(count)
    found = find_clusters(method, points, smallest=10 if method == "hdbscan" else None)
    assert found.count == count
    assert agreement(found.labels, labels)["ari"] > 0.95


@pytest.mark.parametrize("method", ["kmeans", "gmm"])
def test_as_many_clusters_are_made_as_are_asked_for(method):
    points, _ = planted(3)
    found = find_clusters(method, points, count=4)
    assert found.count == found.settings["clusters"] == 4
    assert found.tried == {}


@pytest.mark.parametrize("method", NAMES)
def test_clusters_do_not_depend_on_the_order_of_points_and_come_by_size(method):
    points, _ = planted(3)
    order = np.random.default_rng(1).permutation(len(points))
    one, other = find_clusters(method, points).labels, find_clusters(method, points[order]).labels
    assert agreement(other, one[order])["ari"] == 1
    sizes = np.bincount(one[one >= 0])
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("method", NAMES)
def test_points_beyond_those_fitted_go_with_them(method, monkeypatch):
    points, labels = planted(3)
    monkeypatch.setattr(clusters_of, "FITTED", 60)
    found = find_clusters(method, points, smallest=5 if method == "hdbscan" else None)
    assert found.settings["fitted on"] == 60
    assert agreement(found.labels, labels)["ari"] > 0.95


def test_points_far_from_all_others_are_noise_of_a_density():
    points, labels = planted(2)
    far = np.concatenate([points, 100 * np.eye(6, dtype=np.float32)[:3]])
    found = find_clusters("hdbscan", far, smallest=10)
    assert (found.labels[-3:] == -1).all()
    assert agreement(found.labels[:-3], labels)["ari"] > 0.95


def test_the_silhouette_is_that_of_its_definition():
    points, labels = planted(3, each=15, apart=3.0)
    apart = distances(points, points)
    each = []
    for i, own in enumerate(labels):
        inside = [apart[i, j] for j in range(len(labels)) if labels[j] == own and j != i]
        others = [apart[i, labels == k].mean() for k in set(labels.tolist()) - {int(own)}]
        a, b = np.mean(inside), min(others)
        each.append((b - a) / max(a, b))
    assert silhouette(points, labels) == pytest.approx(np.mean(each), rel=1e-4)
    assert silhouette(points, np.zeros_like(labels)) is None
    assert silhouette(points, np.arange(len(labels))) is None


def test_clusters_are_numbered_by_size_and_noise_stays():
    assert by_size(np.array([5, 2, 2, -1, 2, 5, 9])).tolist() == [1, 0, 0, -1, 0, 1, 2]
    assert by_size(np.array([-1, -1])).tolist() == [-1, -1]


# ------------------------------------------------------------------ agreement
def test_matched_accuracy_is_the_best_of_all_assignments():
    random = np.random.default_rng(0)
    for _ in range(20):
        clusters, labels = random.integers(0, 4, 30), random.integers(0, 3, 30)
        table = contingency(clusters, labels)
        best = max(
            sum(table[row, column] for column, row in enumerate(rows))
            for rows in itertools.permutations(range(len(table)), table.shape[1])
        )
        assert matched(clusters, labels) == best / 30


def test_agreement_does_not_depend_on_names_and_leaves_unknown_labels_out():
    clusters, labels = np.array([0, 0, 1, 1, -1, 2]), np.array([1, 1, 0, 0, 2, -1])
    found = agreement(clusters, labels)
    assert found["labelled"] == 5
    assert found["ari"] == found["nmi"] == 1
    assert found["accuracy"] == 4 / 5  # noise stands for no label
    renamed = agreement(np.array([7, 7, 3, 3, -1, 0]), labels)
    assert renamed == found


def test_random_clusters_agree_with_nothing():
    random = np.random.default_rng(0)
    found = agreement(random.integers(0, 5, 5000), random.integers(0, 5, 5000))
    assert abs(found["ari"]) < 0.01
    assert found["nmi"] < 0.01


# ------------------------------------------------------------------ neighbours
def test_neighbours_are_those_of_all_distances():
    points, _ = planted(3)
    query = Points(points[[4]])
    numbers, gone = nearest(query, Points(points), 5, own=4)
    expected = NearestNeighbors(n_neighbors=6).fit(points).kneighbors(points[[4]])
    assert numbers.tolist() == expected[1][0][1:].tolist()
    np.testing.assert_allclose(gone, expected[0][0][1:], rtol=1e-5)
    each, far = nearest_of_each(Points(points), Points(points), own=np.arange(len(points)))
    expected = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points)
    np.testing.assert_allclose(far, expected[0][:, 1], rtol=1e-5)
    assert each.tolist() == expected[1][:, 1].tolist()


def test_a_point_of_another_table_may_be_its_own_twin():
    points, _ = planted(2)
    numbers, gone = nearest(Points(points[[7]]), Points(points), 1)
    assert numbers.tolist() == [7]
    assert gone[0] == pytest.approx(0, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 20))
def test_neighbours_share_no_row_with_the_query_or_each_other(seed, length, count):
    walk = np.random.default_rng(seed).normal(size=(60, 2)).cumsum(0)  # near in time is near in place
    known = Points(walk, np.arange(60), length)
    numbers, gone = nearest(known.some(np.array([30])), known, count, own=30)
    rows = [set(range(start, start + length)) for start in [30, *numbers.tolist()]]
    assert len(set.union(*rows)) == sum(map(len, rows))
    assert (np.diff(gone) >= 0).all()
    each, _ = nearest_of_each(known, known, own=np.arange(60))
    assert (np.abs(each - np.arange(60)) >= length)[each >= 0].all()


def test_a_window_whose_rows_all_others_share_has_no_neighbour():
    known = Points(np.random.default_rng(0).normal(size=(5, 2)), np.arange(5), 10)
    numbers, gone = nearest_of_each(known, known, own=np.arange(5))
    assert (numbers == -1).all()
    assert np.isinf(gone).all()
    assert len(nearest(known.some(np.array([2])), known, 3, own=2)[0]) == 0


def test_distances_lose_no_digits_far_from_the_origin():
    points = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_allclose(distances(points + 1e6, points + 1e6), distances(points, points), atol=1e-4)
    direct = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.testing.assert_allclose(distances(points, points), direct, atol=1e-7)


def test_new_points_like_the_known_ones_are_rarely_called_new():
    random, alarms = np.random.default_rng(0), []
    for _ in range(60):
        points = random.normal(size=(240, 3))
        known, new = Points(points[:200]), Points(points[200:])
        _, reference = nearest_of_each(known, known, own=np.arange(200))
        _, gone = nearest_of_each(new, known)
        alarms.append((rarity(gone, reference) < 0.1).mean())
    assert np.mean(alarms) < 0.1 + 4 * np.std(alarms) / np.sqrt(60)


def test_rarity_is_the_conformal_p_value():
    reference = np.array([1.0, 2.0, 3.0])
    assert rarity(np.array([0.5, 2.0, 2.5, 9.0]), reference).tolist() == [1.0, 0.75, 0.5, 0.25]


# ------------------------------------------------------------------ views
def test_the_flat_view_is_that_of_the_largest_variance():
    points, _ = planted(3)
    places = fit_space(points)(points)
    view = flat(places)
    assert view.shape == (len(points), 2)
    assert view.var(0).tolist() == sorted(places.var(0).tolist(), reverse=True)[:2]
    assert flat(places[:, :1])[:, 1].tolist() == [0] * len(points)


def test_t_sne_keeps_planted_groups_together_is_repeatable_and_capped():
    points, labels = planted(3, each=25)
    view = t_sne(points, 1000, seed=3)
    assert find_clusters("kmeans", view, count=3).count == 3
    assert agreement(find_clusters("kmeans", view, count=3).labels, labels)["ari"] == 1
    np.testing.assert_array_equal(view, t_sne(points, 1000, seed=3))
    capped = t_sne(points, 20, seed=3)
    assert np.isfinite(capped).all(1).sum() == 20
    assert np.isnan(t_sne(points[:3], 20, seed=3)).all()
