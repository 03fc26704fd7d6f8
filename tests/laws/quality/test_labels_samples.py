"""Labels of samples: planted errors, copies and leaks are found and named; clean data stay silent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from dlkit.core.checks import InputError
from dlkit.data.records import Samples
from dlkit.quality.labels.balance import balance_findings
from dlkit.quality.labels.check_samples import quick_findings, samples_findings
from dlkit.quality.labels.copies import contents, near_copies
from dlkit.quality.labels.features import small_images, standardized
from dlkit.quality.labels.from_run import sample_answers
from dlkit.quality.labels.leaks import leak_findings
from dlkit.quality.labels.quick_model import folds_of
from dlkit.quality.labels.ridge import PENALTIES, axes_of, out_of_fold
from dlkit.quality.labels.values import far_out

TIME = np.linspace(0, 1, 48)


def made_traces(samples=240, classes=3, seed=0, **settings):
    """Traces of a class each: waves of other frequencies with noise."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(samples) % classes)
    phase = random.uniform(0, 0.3, (samples, 1))
    values = np.sin(2 * np.pi * ((labels[:, None] + 1.5) * TIME + phase)) + 0.4 * random.normal(size=(samples, 48))
    return Samples(
        names=settings.pop("names", [f"t{chr(97 + n % 26)}{n}" for n in range(samples)]),
        values=values[:, None].astype(np.float32), channels=("u",), units=("V",), kind="class", labels=labels,
        classes=tuple("abcde"[:classes]), **settings,
    )  # fmt: skip


def made_images(samples=200, seed=0):
    """Images of 10 x 10 pixels with a bright spot left or right."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(samples) % 2)
    values = random.integers(0, 60, (samples, 1, 10, 10))
    for image, label, row in zip(values, labels, random.integers(1, 8, samples), strict=True):
        image[0, row : row + 2, 1 + 6 * label : 3 + 6 * label] += 150
    return Samples(
        names=[f"i{n}" for n in range(samples)], values=values.astype(np.uint8), channels=("light",), units=("",),
        kind="class", labels=labels, classes=("left", "right"),
    )  # fmt: skip


def flipped(samples, share=0.1, seed=1):
    """The samples with a share of other labels, and which."""
    random, classes = np.random.default_rng(seed), len(samples.classes)
    bad = random.random(len(samples)) < share
    moved = (samples.labels + random.integers(1, classes, len(samples))) % classes
    return replace(samples, labels=np.where(bad, moved, samples.labels)), bad


def kinds(found):
    return {one.kind for one in found}


@pytest.mark.parametrize("samples", [made_traces(), made_images()], ids=["traces", "images"])
def test_clean_labels_stay_silent(samples):
    report = samples_findings(samples)
    assert not report.findings
    assert not report.table["suspect"].any()
    assert report.facts["accuracy"] > 0.95


@pytest.mark.parametrize("samples", [made_traces(), made_images(400)], ids=["traces", "images"])
def test_wrong_labels_are_found_with_their_number_and_names(samples):
    wrong, bad = flipped(samples)
    report = samples_findings(wrong, source="s")
    (found,) = [one for one in report.findings if one.kind == "wrong label"]
    assert found.level == "warning"
    assert found.source == "s"
    assert found.count == pytest.approx(bad.sum(), abs=0.25 * bad.sum())
    named = report.table[report.table["suspect"]]
    assert bad[named["number"]].mean() > 0.8
    assert bad[[wrong.names.index(place.sample) for place in found.places]].mean() > 0.8
    right = np.array(samples.classes)[samples.labels[named["number"]]]
    assert (named["suggested"] == right).mean() > 0.8


def test_the_same_seed_gives_the_same_report():
    wrong, _ = flipped(made_traces())
    first, again = (samples_findings(wrong, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.plain()["ranked"][0]["suspect"] is True


def test_given_probabilities_judge_and_what_has_none_is_not_judged():
    wrong, bad = flipped(made_traces())
    p = np.full((240, 3), 0.01)
    p[np.arange(240), made_traces().labels] = 0.98
    p[:20] = np.nan
    report = samples_findings(wrong, probabilities=p)
    assert set(report.table[report.table["suspect"]]["number"]) == set(np.flatnonzero(bad)) - set(range(20))
    assert report.facts["judged"] == 220


def test_labels_are_judged_one_by_one():
    samples = made_traces(300, 2)
    hot = np.stack([samples.labels == 0, samples.labels == 1], 1).astype(np.float32)
    clean = replace(samples, kind="labels", labels=hot.copy(), targets=())
    assert not samples_findings(clean).findings
    bad = np.random.default_rng(0).random(300) < 0.1
    hot[bad, 1] = 1 - hot[bad, 1]
    found = samples_findings(replace(clean, labels=hot)).findings
    assert [(one.kind, one.channel, one.level) for one in found] == [("wrong label", "b", "warning")]


def test_values_that_are_far_out_are_found():
    samples = made_traces(200, 1)
    random = np.random.default_rng(0)
    height = random.normal(20, 3, (200, 1)).astype(np.float32)
    values = samples.values + height[:, :, None] / 3
    labels = height + 0.3 * random.normal(size=(200, 1)).astype(np.float32)
    clean = replace(samples, values=values, kind="values", labels=labels, classes=(), targets=("h",),
                    target_units=("mm",))  # fmt: skip
    assert not samples_findings(clean).findings
    wrong = labels.copy()
    wrong[[5, 50]] += [[40], [-30]]
    report = samples_findings(replace(clean, labels=wrong))
    (found,) = report.findings
    assert (found.kind, found.channel, found.count) == ("outlying target", "h", 2)
    assert " mm " in found.what
    assert {place.sample for place in found.places} == {samples.names[5], samples.names[50]}
    assert set(report.table["number"][:2]) == {5, 50}


@pytest.mark.parametrize("draw", ["normal", "laplace", "logistic"])
def test_errors_of_usual_laws_are_not_far_out(draw):
    random = np.random.default_rng(0)
    assert sum(far_out(getattr(random, draw)(size=500))[1].any() for _ in range(40)) <= 5


@pytest.mark.parametrize(("noise", "kind"), [(0.0, "conflicting copies"), (1e-3, "conflicting near copies")])
def test_copies_with_different_labels_are_found(noise, kind):
    samples = made_traces()
    values, labels = samples.values.copy(), samples.labels.copy()
    values[7] = values[100] + np.float32(noise) * np.random.default_rng(0).normal(size=48)
    labels[7] = (labels[100] + 1) % 3
    (found,) = [one for one in samples_findings(replace(samples, values=values, labels=labels)).findings
                if "copies" in one.kind]  # fmt: skip
    assert (found.kind, found.count, found.level) == (kind, 2, "warning")
    assert {place.sample for place in found.places} == {samples.names[7], samples.names[100]}


def test_equal_copies_and_rare_classes_need_no_model():
    samples = made_traces()
    assert quick_findings(samples) == []
    values, labels = samples.values.copy(), samples.labels.copy()
    values[7], labels[7] = values[100], (labels[100] + 1) % 3
    (found,) = quick_findings(replace(samples, values=values, labels=labels))
    assert (found.kind, found.count) == ("conflicting copies", 2)
    labels = np.where(np.arange(240) < 3, 2, np.arange(240) % 2)
    (rare,) = [one for one in quick_findings(replace(samples, labels=labels)) if one.kind == "rare class"]
    assert " classes ha" in rare.what


def test_copies_with_one_label_are_none_and_independent_samples_are_no_near_copies():
    samples = made_traces()
    values, labels = samples.values.copy(), samples.labels.copy()
    values[7], labels[7] = values[100], labels[100]
    assert not samples_findings(replace(samples, values=values, labels=labels)).findings
    random = np.random.default_rng(0)
    for axes in (1, 2, 5, 20):
        points = random.normal(size=(400, axes))
        assert len(near_copies(points, np.arange(400))) <= 1


def test_contents_are_equal_where_all_values_are():
    values = np.array([[1, np.nan], [1, np.nan], [2, 0], [1, 0]], np.float32)
    one, same, *others = contents(values).tolist()
    assert one == same
    assert len({one, *others}) == 3


def test_uneven_classes_are_told_with_their_cost_and_even_ones_are_not():
    samples = made_traces(300)
    assert not balance_findings(samples, "")
    labels = np.r_[np.zeros(250, int), np.ones(47, int), np.full(3, 2)]
    found = {one.kind: one for one in balance_findings(replace(samples, labels=labels), "")}
    assert set(found) == {"class imbalance", "rare class"}
    assert "'c' (3)" in found["rare class"].what and "One sample" not in found["rare class"].what
    labels[-3:-1] = 1
    (alone,) = [one for one in balance_findings(replace(samples, labels=labels), "") if one.kind == "rare class"]
    assert "'c' (1)" in alone.what and "`classes`" in alone.what and "`bad: skip`" in alone.what
    assert "83 %" in found["class imbalance"].what
    assert found["class imbalance"].level == "note"


def test_labels_that_follow_the_group_are_found_and_independent_groups_are_not():
    samples = made_traces(240)
    random = np.random.default_rng(0)
    assert not leak_findings(replace(samples, groups=random.integers(0, 12, 240)), "")
    own = samples.labels * 4 + random.integers(0, 4, 240)  # each group has one class
    (found,) = leak_findings(replace(samples, groups=own), "")
    assert (found.kind, found.level) == ("label follows group", "warning")
    assert found.cures[0].place == "data"
    (found,) = leak_findings(replace(samples, groups=samples.labels), "")
    assert "each class has one of its own" in found.what
    assert not found.cures


def test_labels_that_follow_a_number_of_the_name_are_told_to_need_groups_for_the_split():
    samples = made_traces(240)
    shots = samples.labels * 4 + np.random.default_rng(0).integers(0, 4, 240)
    names = [f"shot{shot}_{chr(97 + n % 26)}" for n, shot in enumerate(shots.tolist())]
    (found,) = [one for one in leak_findings(replace(samples, names=names), "") if one.kind == "label follows name"]
    assert "`groups` of the source" in found.what and [cure.place for cure in found.cures] == ["data"]


@pytest.mark.parametrize("kind", ["class", "labels"])
def test_a_class_that_lives_in_one_group_is_found_in_any_check(kind):
    samples = made_traces()
    groups = np.where(samples.labels == 2, "ring", np.array(list("abcd"))[np.arange(240) % 4])
    several = {
        "labels": np.eye(3, dtype=np.float32)[samples.labels],
        "targets": samples.classes,
        "target_units": ("",) * 3,
    }
    alone = replace(samples, groups=groups, kind=kind, **(several if kind == "labels" else {}))
    for findings in (quick_findings(alone), samples_findings(alone).findings):
        (found,) = [one for one in findings if one.kind == "class in one group"]
        assert (found.level, found.count, found.counted) == ("warning", 1, "class")
        assert "all 80 of 'c' in 'ring'" in found.what
    seen_twice = replace(alone, groups=np.where(np.arange(240) == np.flatnonzero(groups == "ring")[0], "a", groups))
    assert "class in one group" not in kinds(quick_findings(seen_twice))


def test_labels_that_follow_a_number_in_the_name_are_found():
    samples = made_traces(240)
    random = np.random.default_rng(0)
    run = samples.labels * 5 + random.integers(0, 5, 240)
    named = replace(samples, names=[f"run{r}_shot{n}" for r, n in zip(run, random.permutation(240), strict=True)])
    (found,) = leak_findings(named, "")
    assert (found.kind, found.level) == ("label follows name", "warning")
    assert "number 1 of the name" in found.what
    (told,) = leak_findings(replace(named, groups=np.array(list("abcdefghijklmno"))[run]), "")
    assert told.kind == "label follows group"  # the number is the group by another name


def test_numbers_that_only_count_are_no_leak():
    samples = made_traces(240)
    assert not leak_findings(replace(samples, names=[f"shot{n}" for n in range(240)]), "")
    order = np.argsort(samples.labels, kind="stable")
    count = np.concatenate([np.arange(80)] * 3)
    by_class = replace(samples, labels=samples.labels[order],
                       names=[f"{k}/{n}" for k, n in zip(samples.labels[order], count, strict=True)])  # fmt: skip
    assert not leak_findings(replace(by_class, names=[f"x{n}" for n in count]), "")


@pytest.mark.parametrize("folder", ["{0}", "train/{0}"])
def test_the_folder_that_is_the_class_is_no_leak_and_another_of_its_kind_is(folder):
    samples = replace(made_traces(240), classes=("level 1", "level 2", "level 12"))
    own = [folder.format(samples.classes[label]) for label in samples.labels]
    shots = np.random.default_rng(0).integers(0, 9, 240)
    named = replace(samples, names=[f"{one}/{shot}" for one, shot in zip(own, shots, strict=True)])
    assert not leak_findings(named, "")
    moved = replace(named, classes=("a", "b", "c"))  # the folders are recordings then, one for each class
    assert kinds(leak_findings(moved, "")) == {"label follows name"}


def test_labels_that_come_in_stretches_are_noted():
    samples = made_traces(240)
    labels = np.repeat(np.random.default_rng(0).integers(0, 3, 24), 10)
    (found,) = leak_findings(replace(samples, labels=labels, names=list("x" * 240)), "")
    assert (found.kind, found.level) == ("label follows order", "note")


def test_groups_stay_in_one_fold_and_classes_are_spread():
    random = np.random.default_rng(0)
    labels, groups = random.integers(0, 3, 300), np.arange(300) // 10
    fold = folds_of(labels, groups, 0)
    assert all(len(set(fold[groups == group])) == 1 for group in range(30))
    alone = folds_of(labels, np.arange(300), 0)
    for label in range(3):
        counts = np.bincount(alone[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert set(fold) == set(alone) == set(range(5))


def test_answers_out_of_fold_are_those_of_a_ridge_regression_on_the_other_folds():
    random = np.random.default_rng(0)
    x, fold = random.normal(size=(60, 5)) + 3, np.arange(60) % 3
    y = x @ random.normal(size=(5, 2)) + 0.1 * random.normal(size=(60, 2))
    found, penalty = out_of_fold(x, y, fold)
    assert penalty in PENALTIES
    for number in range(3):
        out = fold == number
        model = Ridge(alpha=penalty * np.square(x).mean() * (~out).sum()).fit(x[~out], y[~out])
        np.testing.assert_allclose(found[out], model.predict(x[out]), rtol=1e-6)


def test_axes_keep_all_distances_where_there_are_enough():
    random = np.random.default_rng(0)
    for shape in ((40, 7), (7, 40)):
        x = random.normal(size=shape)
        scaled, axes = (x - x.mean(0)) / x.std(0), axes_of(x)
        np.testing.assert_allclose(axes @ axes.T, scaled @ scaled.T, atol=1e-3)


def test_missing_values_are_the_mean_once_standardized():
    x = np.array([[1.0, np.nan], [3.0, 5.0], [5.0, 5.0]])
    np.testing.assert_allclose(standardized(x, (0,)), [[-1.2247, 0], [0, 0], [1.2247, 0]], atol=1e-3)


class Damaged:
    """Pictures of which the second cannot be read."""

    channels = 1

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def decode(self, number):
        if number == 1:
            raise InputError("damaged")
        return self.values[number]


def test_pictures_that_cannot_be_read_are_left_out():
    samples = made_images(40)
    values, readable = small_images(Damaged(samples.values), np.arange(4))
    assert readable.tolist() == [True, False, True, True]
    assert values.shape == (3, 1, 32, 32)
    assert samples_findings(replace(samples, values=Damaged(samples.values))).facts["judged"] == 39


@pytest.mark.parametrize("length", [1, 3, 48])
def test_labels_that_no_model_can_know_are_not_called_wrong(length):
    random = np.random.default_rng(0)
    samples = made_traces(120)
    for _ in range(3):
        values = random.normal(size=(120, 1, length)).astype(np.float32)
        assert not samples_findings(replace(samples, values=values)).findings


def test_few_samples_and_unknown_labels_are_not_judged():
    samples = made_traces(240)
    assert not samples_findings(replace(samples, labels=np.full(240, -1))).findings
    few = made_traces(9)
    assert samples_findings(few).facts["judged"] == 0


def test_the_predictions_of_a_run_are_answers_out_of_fold(tmp_path):
    samples = made_traces(30)
    with pytest.raises(InputError, match=r"no predictions\.parquet"):
        sample_answers(tmp_path, samples)
    table = pd.DataFrame({"sample": samples.names[5:], "truth": "a", **{f"probability_{k}": 1 / 3 for k in "abc"}})
    table.to_parquet(tmp_path / "predictions.parquet")
    found = sample_answers(tmp_path, samples)
    assert np.isnan(found[:5]).all()
    np.testing.assert_allclose(found[5:], 1 / 3)
    with pytest.raises(InputError, match="no probabilities of"):
        sample_answers(tmp_path, replace(samples, classes=("a", "b", "z")))
    with pytest.raises(InputError, match="none of these samples"):
        sample_answers(tmp_path, replace(samples, names=[f"other{n}" for n in range(30)]))
