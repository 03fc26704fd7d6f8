"""The truth of new samples: known where the network was trained on their class, counted where not."""

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from dlkit.data.labelled.truth import truth_of, unknown_text, unseen_text
from dlkit.data.sources.manifest import Manifest
from dlkit.losses.classification import CrossEntropy
from dlkit.train.elsewhere.sides import Side
from dlkit.train.elsewhere.text import measures_text
from tests.made_sample_modules import Given, trace_module, traces
from tests.made_samples import table_of_images


def test_classes_never_trained_are_unknown_and_counted():
    spec = trace_module().spec
    found = truth_of(traces(classes=("c", "arc", "a")), spec)
    np.testing.assert_array_equal(found.labels, np.array([2, -1, 0])[np.arange(60) % 3])
    assert found.unseen == {"arc": 20}
    assert found.given == dict.fromkeys(range(1, 60, 3), "arc")
    assert unseen_text(found.unseen, "class") == "the run was not trained on the class 'arc' (20 samples)"
    assert truth_of(traces(), spec).unseen == {}
    assert unseen_text({}, "class") == ""


def test_numbers_stand_for_classes_where_none_is_called_by_a_number():
    found = truth_of(traces(classes=("0", "2", "7")), trace_module().spec)
    np.testing.assert_array_equal(found.labels, np.array([0, 2, -1])[np.arange(60) % 3])
    assert found.unseen == {"7": 20}


def test_labels_and_values_that_were_never_trained_are_counted():
    marks = np.tile(np.array([[1, 0], [1, 1]], np.float32), (30, 1))
    several = traces(kind="labels", labels=marks, classes=("u", "v"), targets=("u", "v"), target_units=("", ""))
    found = truth_of(several, replace(trace_module().spec, kind="labels", classes=("v", "w")))
    np.testing.assert_array_equal(found.labels, np.stack([marks[:, 1], np.full(60, np.nan)], 1))
    assert found.unseen == {"u": 60}
    values = traces(kind="values", labels=marks, classes=(), targets=("u", "v"), target_units=("V", "A"))
    found = truth_of(values, replace(trace_module().spec, kind="values", targets=("v",)))
    np.testing.assert_array_equal(found.labels, marks[:, 1:])
    assert found.unseen == {"u": 60}


def test_samples_of_a_class_never_trained_do_not_change_what_the_others_cost():
    trained, some = trace_module(), traces(classes=("a", "arc", "c"))
    new = trained.for_new_data(Given(some), trained.prepared.scaling)
    new.setup()
    batch = new.make_batch(torch.arange(60))
    assert batch.y_observed.tolist() == [number % 3 != 1 for number in range(60)]
    logits = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    known = batch.y_observed
    cost = CrossEntropy()(logits, batch.y, batch.y_observed)
    torch.testing.assert_close(cost, CrossEntropy()(logits[known], batch.y[known]))


def spec_of(kind, names):
    """Return the spec of a network of these labels or targets."""
    named = {"classes": names} if kind == "labels" else {"targets": names}
    return replace(trace_module().spec, kind=kind, **named)


def of_new(folder, rows, trained=None, **settings):
    """Return new rows, read by a run that trained on others, and the truth of them."""
    (rows if trained is None else trained).to_csv(folder / "trained.csv", index=False)
    rows.to_csv(folder / "new.csv", index=False)
    source = Manifest(path=folder / "trained.csv", **settings)
    known = source.read()
    spec = spec_of(known.kind, known.classes if known.kind == "labels" else known.targets)
    return truth_of(source.with_path(folder / "new.csv", fitted=source.fitted).read(), spec), spec


@pytest.mark.parametrize("classes", [None, ["big", "red", "small"]])
def test_a_listed_label_that_no_new_row_carries_is_absent_and_its_false_alarms_are_seen(classes, tmp_path):
    rows = table_of_images(tmp_path)
    new = rows[~rows["tags"].str.contains("small")].assign(tags=lambda some: some["tags"].replace("big", "big;odd"))
    found, spec = of_new(tmp_path, new, rows, label="tags", separator=";", classes=classes)
    words = new["tags"].str.split(";")
    np.testing.assert_array_equal(found.labels, [[name in cell for name in spec.classes] for cell in words])
    assert (found.labels[:, 2] == 0).all()
    assert found.unseen == {"odd": 2}
    assert unknown_text(found.labels, spec) == ""


def test_a_listed_column_that_is_empty_throughout_says_nothing(tmp_path):
    rows = table_of_images(tmp_path)
    for new in (rows.assign(tags=""), rows.drop(columns="tags")):
        found, _ = of_new(tmp_path, new, rows, label="tags", separator=";")
        assert np.isnan(found.labels).all()


@pytest.mark.parametrize("kind", ["labels", "values"])
def test_a_column_of_labels_or_values_that_is_missing_is_unknown_alone_and_told(kind, tmp_path):
    rows = table_of_images(tmp_path)
    rows["charge"], rows["size"] = np.arange(12) % 2, np.arange(12) % 3 // 2
    found, spec = of_new(tmp_path, rows.drop(columns="charge"), rows, label=["size", "charge"], kind=kind)
    np.testing.assert_array_equal(found.labels, np.stack([rows["size"], np.full(12, np.nan)], 1))
    thing = "label" if kind == "labels" else "target"
    told = f"the {thing} 'charge' is unknown of every sample: what is measured is of the other alone"
    assert unknown_text(found.labels, spec) == told
    found, spec = of_new(tmp_path, rows, label=["size", "charge"], kind=kind)
    assert unknown_text(found.labels, spec) == ""


@pytest.mark.parametrize("lacking", [[], ["tail"], ["spot", "tail"]])
def test_what_has_no_truth_is_told_below_the_measures(lacking):
    names, measures = ("spot", "tail"), {} if len(lacking) == 2 else {"accuracy": (0.5, "high")}
    labels = np.array([[np.nan if name in lacking else 0.0 for name in names]] * 4)
    parts = {"evaluation": MagicMock(heads={}), "answered": MagicMock(starts=np.arange(4), measured=len(measures) * 4)}
    side = MagicMock(spec=Side, unseen={}, measures=measures, **parts)
    side.name = "new.csv"
    side.evaluation.task.spec, side.evaluation.data.prepared.samples.labels = spec_of("labels", names), labels
    said = measures_text([side])
    assert ("new.csv: the label 'tail' is unknown of every sample" in said) == (lacking == ["tail"])
    assert ("no truth is known of new.csv" in said) == (len(lacking) == 2)
