"""What folds say together: intervals, merged predictions, pooled metrics, and how new a test is to its training."""

import json
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, f1_score, mean_absolute_error, r2_score
from sklearn.neighbors import NearestNeighbors

from dlkit.confidence.ranges import Extremes
from dlkit.core.checks import InputError
from dlkit.crossval.errors import log_loss
from dlkit.crossval.merge import Predicted, write_merged
from dlkit.crossval.novelty import distances, nearest, principal, shrunk
from dlkit.crossval.pooled import Pooled
from dlkit.crossval.verdict import extrapolates, sentence
from dlkit.data.fold_plan import Plan, fold_overrides
from dlkit.metrics.resampled import estimate, rank_correlation, t_probability, t_quantile
from dlkit.train.evaluation.measures import better_of, flat_measures, label_of, main_metric


# ---------------------------------------------------------------------- intervals
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 29, 100])
@pytest.mark.parametrize("probability", [0.6, 0.95, 0.975, 0.999])
def test_quantiles_of_student_are_those_of_scipy(freedom, probability):
    assert t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-9)
    assert t_probability(1.3, freedom) == pytest.approx(2 * stats.t.cdf(1.3, freedom) - 1, rel=1e-12)


def test_an_interval_is_the_one_computed_by_hand():
    """Four folds of 0.8, 0.9, 0.7, 0.8; test/train = 1/3: sd 0.08165, t(0.975, 3) 3.18245, sqrt(1/4 + 1/3)."""
    found = estimate([0.8, 0.9, 0.7, 0.8], 1 / 3)
    reach = 3.182446305 * math.sqrt(1 / 4 + 1 / 3) * math.sqrt(0.02 / 3)
    assert (found.mean, found.deviation) == pytest.approx((0.8, math.sqrt(0.02 / 3)))
    assert (found.low, found.high) == pytest.approx((0.8 - reach, 0.8 + reach))


def test_without_shared_training_data_the_interval_is_the_usual_one():
    values = np.random.default_rng(0).normal(size=12)
    usual = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    found = estimate(values.tolist(), 0.0)
    assert (found.low, found.high) == pytest.approx(usual)


def test_undefined_folds_are_left_out_and_one_fold_has_no_interval():
    assert estimate([1.0, math.nan, 3.0], 0.5).count == 2
    one = estimate([math.nan, 2.0], 0.5)
    assert one.mean == 2.0
    assert math.isnan(one.low)


def test_rank_correlation_is_that_of_scipy_also_with_ties():
    one, other = np.array([1, 2, 2, 5, 4, 9.0]), np.array([0, 1, 3, 3, 3, 2.0])
    assert rank_correlation(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert math.isnan(rank_correlation(np.ones(5), other[:5]))
    assert rank_correlation(np.append(one, np.nan), np.append(other, 7)) == pytest.approx(rank_correlation(one, other))


# ---------------------------------------------------------------------- predictions
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 3), st.integers(0, 9))
def test_merged_predictions_have_every_place_once_in_the_order_of_the_data(tmp_path_factory, places, folds, each, seed):
    folder = tmp_path_factory.mktemp("merge")
    home = np.random.default_rng(seed).integers(0, folds, places)
    parts = []
    for fold in range(folds):
        own = 10 * np.flatnonzero(home == fold)
        rows = np.repeat(own, each)
        pd.DataFrame({"place": rows, "number": np.arange(len(rows)) % each}).to_parquet(folder / f"{fold}.parquet")
        if len(own):
            parts.append(Predicted(folder / f"{fold}.parquet", own, fold + 1))
    assert sum(map(len, write_merged(folder / "all.parquet", [parts, parts]))) == 2 * places * each
    found = pd.read_parquet(folder / "all.parquet")
    assert found["repeat"].tolist() == [1] * places * each + [2] * places * each
    once = found[found["repeat"] == 1]
    assert once["place"].tolist() == np.repeat(10 * np.arange(places), each).tolist()
    assert once["number"].tolist() == list(range(each)) * places
    assert once["fold"].tolist() == np.repeat(home + 1, each).tolist()


def test_merging_works_across_the_parts_that_are_sorted_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.crossval.merge.AT_ONCE", 7)
    home = np.random.default_rng(1).integers(0, 3, 100)
    for fold in range(3):
        own = np.flatnonzero(home == fold)
        pd.DataFrame({"place": own}).to_parquet(tmp_path / f"{fold}.parquet", row_group_size=5)
    parts = [Predicted(tmp_path / f"{fold}.parquet", np.flatnonzero(home == fold), fold + 1) for fold in range(3)]
    assert [len(part) for part in write_merged(tmp_path / "all.parquet", [parts])] == [7] * 14 + [2]
    assert pd.read_parquet(tmp_path / "all.parquet")["place"].tolist() == list(range(100))


def parts_of(frame, sizes=(3, 50, 1000)):
    import pyarrow as pa

    for first, last in zip((0, *sizes), sizes, strict=False):
        if first < len(frame):
            yield pa.Table.from_pandas(frame.iloc[first:last], preserve_index=False)


def test_pooled_numbers_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"target": np.tile(["a", "b"], 100), "truth": random.normal(size=200) * 3 + 5})
    frame["prediction"] = frame["truth"] + random.normal(size=200)
    frame["lower"], frame["upper"] = frame["prediction"] - 1, frame["prediction"] + 1
    frame.loc[4, "truth"] = np.nan
    pooled = Pooled()
    for part in parts_of(frame):
        pooled.add(part)
    own = frame[(frame["target"] == "a") & frame["truth"].notna()]
    found = pooled.measures([])["a"]
    assert found["count"] == 99
    assert found["mae"] == pytest.approx(mean_absolute_error(own["truth"], own["prediction"]))
    assert found["r2"] == pytest.approx(r2_score(own["truth"], own["prediction"]))
    assert found["coverage"] == pytest.approx(((own["prediction"] - own["truth"]).abs() <= 1).mean())


def test_pooled_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth, said = (np.array(["x", "y", "z"])[random.integers(0, 3, 150)] for _ in range(2))
    frame = pd.DataFrame({"truth": truth, "prediction": said}).astype(object)
    frame.loc[7, "truth"] = None
    pooled = Pooled()
    for part in parts_of(frame):
        pooled.add(part)
    found = pooled.measures(["x", "y", "z"])["classes"]
    known = frame["truth"].notna()
    truth, said = frame["truth"][known].tolist(), frame["prediction"][known].tolist()
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert np.array(found["confusion"])[0, 1] == Counter(zip(truth, said, strict=True))["x", "y"]
    assert json.dumps(found)


# ---------------------------------------------------------------------- how new a test is
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50))
def test_a_value_is_outside_only_beyond_what_training_observed(seed):
    random = torch.Generator().manual_seed(seed)
    train, test = (torch.randn(12, 3, 5, generator=random) for _ in range(2))
    seen, known = (torch.rand(12, 3, 5, generator=random) > 0.3 for _ in range(2))
    extremes = Extremes(torch.arange(3).repeat_interleave(5), 3)
    for rows in (slice(0, 5), slice(5, 12)):
        extremes.add(train[rows], seen[rows])
    found = extremes.outside(test, known)
    for window in range(12):
        for channel in range(3):
            own = train[:, channel][seen[:, channel]]
            values = test[window, channel][known[window, channel]]
            assert bool(found[window, channel]) == bool(((values < own.min()) | (values > own.max())).any())
    assert not extremes.outside(train, seen).any()


def test_presence_is_no_channel():
    extremes = Extremes(torch.tensor([0, 0, 1, -1]), 2)
    extremes.add(torch.tensor([[0.0, 1.0, 5.0, 1.0]]), None)
    assert extremes.outside(torch.tensor([[0.5, 1.5, 5.0, 0.0]]), None).tolist() == [[True, False]]


def test_nearest_neighbours_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    points, others = random.normal(size=(40, 6)), random.normal(size=(90, 6))
    expected = NearestNeighbors(n_neighbors=1).fit(others).kneighbors(points)[0][:, 0]
    found = nearest(torch.from_numpy(points), torch.from_numpy(others), part=7)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("shape", [(60, 8), (10, 40)])
def test_principal_directions_keep_the_variance_that_they_promise(shape):
    values = np.random.default_rng(0).normal(size=shape) * 0.5 ** np.arange(shape[1])
    mean, directions = principal(torch.from_numpy(values))
    centred = torch.from_numpy(values) - mean
    torch.testing.assert_close(directions.T @ directions, torch.eye(directions.shape[1], dtype=torch.float64))
    share = (centred @ directions).square().sum() / centred.square().sum()
    assert share >= 0.95
    assert (centred @ directions[:, :-1]).square().sum() / centred.square().sum() < 0.95


def test_five_percent_of_what_is_alike_is_far_and_all_of_what_is_elsewhere():
    random = torch.Generator().manual_seed(0)
    train, alike = torch.randn(1500, 3, generator=random), torch.randn(1500, 3, generator=random)
    itself = torch.eye(1500, dtype=torch.bool)
    assert distances(train, alike, itself)[1] == pytest.approx(0.05, abs=0.02)
    assert distances(train, alike + 9, itself)[1] == 1.0
    assert distances(train, train, itself)[1] == 0.0


def test_neighbours_that_overlap_do_not_make_training_look_dense():
    """Windows of a stationary process: their shifted copies are nearest unless those that share rows are left out."""
    noise, walk = torch.randn(3000, generator=torch.Generator().manual_seed(0)), [0.0]
    for step in noise.tolist():
        walk.append(0.9 * walk[-1] + step)
    windows, starts = torch.tensor(walk).unfold(0, 30, 1), torch.arange(1500)
    train, test = windows[:1500], windows[1600:2900:3]
    naive = distances(train, test, torch.eye(1500, dtype=torch.bool))[1]
    fair = distances(train, test, (starts[:, None] - starts).abs() < 30)[1]
    assert fair < 0.1
    assert naive > 0.5


def test_where_all_of_training_overlaps_nothing_is_called_far():
    relative, far = distances(torch.randn(50, 3), torch.randn(9, 3), torch.ones(50, 50, dtype=torch.bool))
    assert relative.isnan().all()
    assert math.isnan(far)


@pytest.mark.parametrize("shape", [(2, 3, 8), (2, 3, 5000), (2, 3, 200, 150), (2, 9000), (2, 5, 30000)])
def test_large_inputs_are_shrunk(shape):
    found = shrunk(torch.ones(shape))
    assert found.shape[1] <= 4096
    assert (found == 1).all()
    assert math.prod(shape[1:]) > 4096 or found.shape[1] == math.prod(shape[1:])


def test_log_loss_knows_unknown_truths():
    probabilities = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    assert log_loss(probabilities, torch.tensor([1, -1])).tolist() == pytest.approx(
        [-math.log(0.75), math.nan], nan_ok=True
    )
    labels = log_loss(probabilities, torch.tensor([[0.0, 1.0], [math.nan, 1.0]]))
    assert labels.tolist() == pytest.approx([-math.log(0.75), math.log(2)])


# ---------------------------------------------------------------------- words
FOLD = {
    "when": {"later than all training": 1.0, "earlier than all training": 0.0, "in series that never train": 0.0},
    "novelty": {"farther than 95 % of training from each other": 0.31, "outside the range of a channel": 0.1,
                "outside by channel": {"a": 0.1, "b": 0.02}},
}  # fmt: skip


def test_a_fold_is_told_in_one_sentence():
    said = sentence(2, FOLD, "window", [1.0, 2.0], ("standardized/mae", "MAE"))
    assert said == (
        "fold 2 extrapolates: later than all training data, 31 % of its windows lie farther from training than 95 % of "
        "training windows do, 10 % leave the range of a channel, most often a; MAE 2.000, 1.33 times the mean"
    )
    inside = {"when": {}, "novelty": FOLD["novelty"] | {"farther than 95 % of training from each other": 0.04}}
    assert not extrapolates(inside)
    unknown = {"when": {}, "novelty": FOLD["novelty"] | {"farther than 95 % of training from each other": None}}
    assert not extrapolates(unknown)
    assert "too few training samples" in sentence(1, unknown, "sample", [0.8, 1.0], ("accuracy", "accuracy"))
    assert "0.1 below the mean" in sentence(1, inside, "sample", [0.8, 1.0], ("accuracy", "accuracy"))


def test_measures_of_all_tasks_become_one_table():
    physical = {"overall": {"mae": 9.0}, "per_channel": {"mae": {"a": 3.0}, "rmse": {"a": 4.0}}}
    forecast = {"standardized": {"overall": {"mae": 1.0, "mse": None}}, "physical": physical}
    values = {"standardized": {"overall": {"r2": 0.5}}, "physical": {"per_target": {"a": {"mae": 3.0, "bias": 1.0}}}}
    classes = {"overall": {"accuracy": 0.9}, "per_class": {}, "confusion": [[1]]}
    found = flat_measures({"test": forecast, "baselines": {"repeat last": forecast}})
    assert set(found) == {"model", "repeat last"}
    assert found["model"]["physical/a/rmse"] == 4.0
    assert math.isnan(found["model"]["standardized/mse"])
    several = flat_measures(
        {"heads": {"one": {"test": values}, "two": {"test": classes, "baselines": {"shares": classes}}}}
    )
    assert several["model"] == {"one/standardized/r2": 0.5, "one/physical/a/mae": 3.0, "two/accuracy": 0.9}
    assert several["shares"] == {"two/accuracy": 0.9}
    assert label_of("one/physical/a/mae", {"a": "m"}) == "one MAE a (m)"
    assert main_metric(found["model"]) == "standardized/mae"
    assert [better_of(name) for name in ("x/accuracy", "standardized/mae", "coverage")] == ["high", "low", "neither"]


# ---------------------------------------------------------------------- plans
def config(path, **source):
    return {"data": {"class_path": path, "init_args": {"source": {"class_path": "x", "init_args": source}}}}


WINDOWS, TRACES = "dlkit.data.datamodules.TimeSeriesDataModule", "dlkit.data.sample_modules.TraceDataModule"


@pytest.mark.parametrize(
    ("made", "kind", "cls"),
    [
        (config(WINDOWS), None, "dlkit.data.folds.KFold"),
        (config(WINDOWS), "walk-forward", "dlkit.data.folds.WalkForward"),
        (config("dlkit.data.multimodal.MultimodalDataModule"), "grouped", "dlkit.data.folds.SeriesKFold"),
        (config(TRACES), None, "dlkit.data.sample_folds.StratifiedKFold"),
        (config(TRACES, groups="device"), None, "dlkit.data.sample_folds.GroupedKFold"),
        (config(TRACES), "shuffled", "dlkit.data.sample_folds.ShuffledKFold"),
    ],
)
def test_a_fold_is_a_change_of_the_split(made, kind, cls):
    (change,) = fold_overrides(made, 4, 3, kind).values()
    assert change["class_path"] == cls
    assert (change["init_args"]["folds"], change["init_args"]["fold"]) == (4, 3)
    assert json.loads(json.dumps(change)) == change


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: fold_overrides(config(TRACES), 4, 0, "blocked"), "no common time axis"),
        (lambda: fold_overrides(config(WINDOWS), 4, 0, "shuffled"), "which overlap"),
        (lambda: fold_overrides(config(WINDOWS), 4, 4), "from 0 to 3"),
        (lambda: fold_overrides(config("dlkit.data.nothing.Here"), 4, 0), "no class"),
        (lambda: fold_overrides(config("dlkit.data.folds.KFold"), 4, 0), "no `split` that folds could replace"),
        (lambda: Plan(kind="blocked", train_blocks=2), "walk-forward"),
        (lambda: Plan(kind="blocked", repeats=0), "--repeats 0"),
    ],
)
def test_plans_that_cannot_be_are_refused(ask, sentence):
    with pytest.raises(InputError, match=sentence):
        ask()
