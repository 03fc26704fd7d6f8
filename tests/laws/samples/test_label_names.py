"""The answers of a network are called what the labels are called, and new labels keep their names."""

import numpy as np
import pytest

from dlkit.data.labelled.truth import truth_of
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.made_sample_modules import trace_module
from tests.made_samples import traces

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("kind", "labels"), [("values", RANDOM.normal(size=(30, 2))), ("labels", RANDOM.integers(0, 2, (30, 2)))]
)
def test_columns_without_a_name_take_that_of_their_array(kind, labels):
    made = {"X": traces()["X"], "charge": labels, "y": labels}
    read = SampleArrays.of(made, labels="charge", kind=kind).read()
    assert read.targets == ("charge0", "charge1")
    assert SampleArrays.of(made, labels="charge", kind=kind, targets=["a", "b"]).read().targets == ("a", "b")
    usual = SampleArrays.of(made, labels="y", kind=kind).read()
    assert usual.targets == SampleArrays.of(made, kind=kind).read().targets == (f"{kind[:-1]}0", f"{kind[:-1]}1")
    one = SampleArrays.of({**made, "charge": labels[:, 0]}, labels="charge", kind="values", target_units="nC").read()
    assert (one.targets, one.target_units) == (("charge",), ("nC",))


@pytest.mark.parametrize("labels", [["a", "spark", "", "c"], [0, 7, np.nan, 2]])
def test_new_labels_keep_the_names_of_classes_that_the_settings_do_not_name(labels):
    source = SampleArrays.of({"X": traces(4)["X"], "y": np.array(labels)}, classes=["a", "b", "c"])
    source.settings = source.settings.for_new({"kind": "class"})
    found = truth_of(source.read(), trace_module().spec)
    assert found.labels.tolist() == [0, -1, -1, 2]
    assert found.unseen == {str(labels[1]).removesuffix(".0"): 1}
