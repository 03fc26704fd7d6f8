"""Images and traces to be given back: only normal ones train, all others are tested, and none is lost."""

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.data.sample_modules import ImageDataModule, TraceDataModule
from dlkit.data.sample_splits import Grouped, Official, Stratified
from dlkit.data.samples.normal import ANOMALY
from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.made_samples import image_folder, traces

LABELS = np.arange(60) % 3


def arrays(labels=LABELS, **parts):
    made = {"X": np.random.default_rng(0).normal(size=(len(labels), 2, 16)).astype(np.float32), "y": labels}
    settings = {"classes": ["good", "torn", "wet"]} if parts.pop("named", True) else {}
    return SampleArrays.of(made | parts, **settings)


def module(source=None, *, normal=("good",), **fields):
    source = AnomalySamples(source=source or arrays(), normal=None if normal is None else list(normal))
    return TraceDataModule(source=source, batch_size=8, **fields)


def labels_of(data, role):
    return data.prepared.samples.labels[data.prepared.numbers[role].numpy()]


def test_only_normal_samples_train_and_every_other_one_is_tested():
    data = module()
    assert data.spec.kind == "reconstruct"
    assert data.spec.classes == ANOMALY
    assert data.spec.output == (2, 16, 1)
    assert not labels_of(data, "train").any()
    assert not labels_of(data, "val").any()
    assert [len(labels_of(data, role)) for role in ("train", "val")] == [14, 2]
    assert (labels_of(data, "test") == 1).sum() == 40
    assert sum(len(data.prepared.numbers[role]) for role in ("train", "val", "test")) == 60


def test_the_normalizer_knows_normal_training_samples_only():
    source = arrays()
    one = module(source).prepared.scaling
    source.arrays["X"][LABELS > 0] *= 1e4
    other = module(source).prepared.scaling
    assert torch.equal(one.shift, other.shift)
    assert torch.equal(one.scale, other.scale)


def test_several_classes_may_be_normal_and_the_order_of_names_does_not_matter():
    one, other = module(normal=["good", "wet"]), module(normal=["wet", "good"])
    np.testing.assert_array_equal(one.prepared.samples.labels, (LABELS == 1).astype(int))
    assert all(torch.equal(one.prepared.numbers[r], other.prepared.numbers[r]) for r in ("train", "val", "test"))


def test_without_normal_classes_all_samples_train_and_keep_their_classes():
    data = module(normal=None)
    assert data.spec.classes == ("good", "torn", "wet")
    assert set(labels_of(data, "train")) == {0, 1, 2}
    batch = data.first_batch()
    assert batch.x.shape == (8, 2, 16)
    assert set(batch.y.tolist()) <= {0, 1, 2}


def test_values_are_no_anomalies_and_all_samples_train():
    source = SampleArrays.of({"X": traces()["X"], "y": np.linspace(0, 1, 30)})
    data = module(source, normal=None, split=Stratified(train=0.5, val=0.25, test=0.25))
    assert (data.prepared.samples.labels == -1).all()
    assert data.spec.classes == ()
    assert data.count("train") == 15


def test_with_groups_and_official_roles_anomalies_do_not_move_to_the_test():
    groups = np.arange(60) // 6
    data = module(arrays(groups=groups), split=Grouped())
    trained, tested = (set(groups[data.prepared.numbers[role].numpy()]) for role in ("train", "test"))
    assert not trained & tested
    assert not labels_of(data, "train").any()
    roles = np.where(np.arange(60) < 40, "train", "test")
    official = module(arrays(roles=roles), split=Official(val=0.2))
    np.testing.assert_array_equal(official.prepared.numbers["test"], np.arange(40, 60))
    assert not labels_of(official, "train").any()


def test_new_files_are_known_by_the_names_of_their_classes(tmp_path):
    source = AnomalySamples(source=ImageFolder(path=image_folder(tmp_path / "old")), normal=["cat"])
    data = ImageDataModule(source=source, batch_size=4, split=Stratified(train=0.5, val=0.25, test=0.25))
    assert data.count("train") == 3
    image_folder(tmp_path / "new", classes=("cat", "dog"), each=2)
    image_folder(tmp_path / "flat", classes=("",), each=3)
    new = data.for_new_data(source.with_path(tmp_path / "new", fitted=source.fitted), data.prepared.scaling)
    assert sorted(new.prepared.samples.labels.tolist()) == [0, 0, 1, 1]
    flat = data.for_new_data(source.with_path(tmp_path / "flat", fitted=source.fitted), data.prepared.scaling)
    assert flat.prepared.samples.labels.tolist() == [-1] * 3
    assert flat.spec == data.spec


@pytest.mark.parametrize(
    ("normal", "sentence"),
    [(["god"], "no class is 'god'; did you mean 'good'"), (["good", "torn", "wet"], "nothing is anomalous"),
     ([], "is empty")],
)  # fmt: skip
def test_impossible_normal_classes_are_refused(normal, sentence):
    with pytest.raises(InputError, match=sentence):
        _ = module(normal=normal).prepared


def test_training_samples_without_a_normal_one_are_refused():
    roles = np.where(LABELS == 0, "test", "train")
    with pytest.raises(InputError, match="None of the 40 training samples is normal"):
        _ = module(arrays(roles=roles), split=Official(val=0.0)).prepared
