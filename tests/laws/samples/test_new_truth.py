"""The truth of new samples: known where the network was trained on their class, counted where not."""

from dataclasses import replace

import numpy as np
import torch

from dlkit.data.labelled.truth import truth_of, unseen_text
from dlkit.losses.classification import CrossEntropy
from tests.made_sample_modules import Given, trace_module, traces


def test_classes_never_trained_are_unknown_and_counted():
    spec = trace_module().spec
    found = truth_of(traces(classes=("c", "arc", "a")), spec)
    np.testing.assert_array_equal(found.labels, np.array([2, -1, 0])[np.arange(60) % 3])
    assert found.unseen == {"arc": 20}
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
