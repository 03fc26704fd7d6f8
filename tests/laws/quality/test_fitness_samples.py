"""What the roles of labelled samples say of each other: planted faults are found, clean samples stay silent."""

import numpy as np
import pytest

from dlkit.data.records import Samples
from dlkit.data.sample_splits import Grouped, Stratified
from dlkit.quality.fitness.answers import class_findings
from dlkit.quality.fitness.fitness import fitness_findings
from dlkit.quality.fitness.role_samples import sample_roles
from dlkit.quality.fitness.roles import Asked
from tests.made_sample_modules import image_module, images, trace_module, traces


def test_clean_samples_stay_silent():
    for made in (trace_module(traces(240)), image_module(images(240))):
        assert fitness_findings(made).findings == []


@pytest.mark.parametrize("kind", ["class", "values", "labels"])
def test_a_role_without_samples_is_looked_at_as_empty(kind):
    values = np.random.default_rng(0).normal(size=(240, 2)).astype(np.float32)
    fields = {
        "class": {},
        "values": {"labels": values, "classes": (), "targets": ("a", "b"), "target_units": ("", "")},
        "labels": {"labels": (values > 0).astype(np.float32), "classes": ("a", "b")},
    }
    samples = images(240, kind=kind, **fields[kind])
    data = image_module(samples, split=Stratified(train=0.7, val=0.0, test=0.3))
    seen = sample_roles(data.prepared, 1000).seen["val"]
    assert len(seen) == 0 and seen.level.shape == (0, 3) and all(len(answer) == 0 for answer in seen.answers.values())
    found = fitness_findings(data)
    assert set(found.facts["told apart"]) == {"test"} and all("val" not in one.what for one in found.findings)


def test_traces_in_two_roles_are_found_by_name():
    samples = traces(240)
    data = trace_module(samples)
    train, test = (data.prepared.numbers[role].numpy() for role in ("train", "test"))
    samples.values[test[:20]] = samples.values[train[:20]]
    found = next(one for one in fitness_findings(trace_module(samples)).findings if one.kind == "samples in two roles")
    pairs = [(samples.names[one], samples.names[other]) for one, other in zip(test[:10], train[:10], strict=True)]
    assert found.count == 20 and [place.sample for place in found.places] == [name for pair in pairs for name in pair]
    samples.values[test[:20]] += 1e-3
    found = fitness_findings(trace_module(samples)).findings
    assert {(one.kind, one.count, one.level) for one in found} == {("near copies in two roles", 20, "warning")}


def test_traces_that_are_equal_because_they_are_constant_are_called_so():
    samples = traces(240, unequal=True)
    data = trace_module(samples)
    train, test = (data.prepared.numbers[role].numpy() for role in ("train", "test"))
    for values, flat in ((samples.values[test[0]], False), (np.float32(3), True)):
        samples.values[[test[0], train[0]]] = values
        samples.lengths[[test[0], train[0]]] = samples.lengths[test[0]]
        found = fitness_findings(trace_module(samples)).findings
        (one,) = [each for each in found if each.kind == "samples in two roles"]
        assert ("are constant, and thus traces of train again" in one.what) == flat


@pytest.mark.parametrize("shape", [(2, 1), (2, 2), (40, 3), (1, 1)])
def test_traces_without_a_course_in_time_are_told(shape):
    channels, time = shape
    random = np.random.default_rng(0)
    values = random.normal(size=(240, channels, time)).astype(np.float32)
    names = tuple(f"x{number}" for number in range(channels))
    samples = Samples(
        names=[f"trace {number}" for number in range(240)], values=values, channels=names, units=("",) * channels,
        kind="class", labels=np.arange(240) % 3, classes=("a", "b", "c"),
    )  # fmt: skip
    (found,) = [one for one in fitness_findings(trace_module(samples)).findings if one.kind == "short traces"]
    assert f"has {channels} channel" in found.what and f"of {time} sample" in found.what and "axes" in found.what
    assert found.level == ("error" if time == 1 else "warning")  # one sample has no course at all


def test_groups_in_two_roles_are_told_and_a_grouped_split_cures_it():
    samples = traces(240, groups=np.repeat(np.arange(24), 10))
    (found,) = fitness_findings(trace_module(samples)).findings
    assert found.kind == "groups in two roles" and "Grouped" in found.cures[0].line
    assert fitness_findings(trace_module(samples, split=Grouped())).findings == []


def test_samples_of_one_group_count_for_one():
    samples = traces(240, groups=np.repeat(np.arange(24), 10))
    facts = fitness_findings(trace_module(samples, split=Grouped())).facts["independent"]
    assert sum(one["effective"] for one in facts.values()) == 24


def test_a_mark_in_a_corner_that_tells_the_class_is_too_good_to_be_true():
    samples = images(400)
    samples.values[:, 0, 0, 0] = np.where(samples.labels == 1, 250, samples.values[:, 0, 0, 0] // 2)
    (found,) = fitness_findings(image_module(samples)).findings
    assert (found.kind, found.level) == ("too good to be true", "warning") and "row 0, column 0" in found.what


def test_a_value_that_is_in_the_trace_is_too_good_to_be_true():
    samples = traces(240)
    labels = samples.values[:, 1, 7:8].copy()
    given = traces(240, kind="values", labels=labels, classes=(), targets=("dose",), target_units=("Gy",))
    (found,) = fitness_findings(trace_module(given)).findings
    assert found.kind == "too good to be true" and "'dose'" in found.what


def test_a_class_that_a_role_lacks_is_a_warning_and_one_that_nobody_has_a_note():
    roles = sample_roles(trace_module(traces(60)).prepared, 100)
    counts = {"train": np.array([9, 0, 9]), "val": np.array([9, 9, 9]), "test": np.array([9, 9, 0])}
    found = class_findings(Asked("class", classes=("a", "b", "c")), counts, roles)
    assert [(one.level, one.what.split(" has ")[1]) for one in found] == [
        ("warning", "the class 'b'."),
        ("warning", "the class 'c'."),
    ]
    counts = {"train": np.array([9, 1, 9]), "val": np.array([9, 0, 9]), "test": np.array([9, 0, 9])}
    (once,) = class_findings(Asked("class", classes=("a", "b", "c")), counts, roles)
    assert once.what == "No sample of val or test has the class 'b'. In all, 'b' has 1 sample."
    nobody = class_findings(Asked("class", classes=("a",)), {role: np.array([0]) for role in counts}, roles)
    assert {one.level for one in nobody} == {"note"}


def test_where_samples_are_grouped_no_cure_puts_a_group_into_two_roles():
    samples = traces(240, groups=np.repeat(np.arange(24), 10))
    samples.labels[:] = np.where(samples.groups == 0, samples.labels.max(), samples.labels % samples.labels.max())
    found = fitness_findings(trace_module(samples, split=Grouped())).findings
    missing = [one for one in found if one.kind == "missing class"]
    assert missing and {(one.level, one.cures) for one in missing} == {("warning", ())}


def test_traces_of_unequal_length_and_labels_that_are_unknown_are_no_trouble():
    samples = traces(240, unequal=True)
    samples.labels[:40] = -1
    assert not [one for one in fitness_findings(trace_module(samples)).findings if one.level != "note"]


def test_a_shift_of_the_samples_of_test_is_told():
    samples = traces(240)
    samples.values[trace_module(samples).prepared.numbers["test"].numpy(), 0] += 3
    found = {(one.level, one.kind, one.channel) for one in fitness_findings(trace_module(samples)).findings}
    assert ("warning", "drift", "u") in found


def test_a_label_that_a_role_lacks_or_always_has_is_called_a_label():
    roles = sample_roles(trace_module(traces(60)).prepared, 100)
    asked = Asked("hot", "", ("not hot", "hot"))
    for counts, said in (([9, 0], "has the label 'hot'."), ([0, 9], "is without the label 'hot'.")):
        (found,) = class_findings(
            asked, {"train": np.array([9, 9]), "val": np.array([9, 9]), "test": np.array(counts)}, roles
        )
        assert found.what == f"No sample of test {said}"
