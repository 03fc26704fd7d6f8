"""Batches of samples: each once an epoch, scaled by the training samples only, the same wherever they are made."""

from dataclasses import replace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.data import augment
from dlkit.data.batches.batching import KNOWN_SPEC
from dlkit.data.batches.sample_batching import generator_of
from dlkit.data.labelled import pictures as sample_pictures
from dlkit.data.labelled.prepare import audit_samples
from dlkit.data.normalize import LogStandard, MinMax
from dlkit.data.sample_modules import ImageDataModule
from tests.made_sample_modules import Given, Listed, image_module, images, trace_module, traces

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
ROLES = ("train", "val", "test")
AUGMENT = [augment.PadCrop(2), augment.Flip(), augment.Noise(0.2), augment.Mixup(0.4)]


def batches(data, role="train", epoch=0):
    loader = {"train": data.train_dataloader, "val": data.val_dataloader, "test": data.test_dataloader}[role]()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def same(one, other):
    for part, part_of_other in zip(one, other, strict=True):
        assert (part is None) == (part_of_other is None)
        assert part is None or torch.equal(part, part_of_other)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("data", [image_module(augment=AUGMENT), trace_module(traces(unequal=True))])
def test_every_sample_of_a_role_comes_once_an_epoch(data, role):
    seen = torch.cat([batch.start for batch in batches(data, role)])
    assert sorted(seen.tolist()) == data.prepared.numbers[role].tolist()
    assert len(seen) == data.count(role) > 0


def test_roles_share_no_sample_and_lose_none():
    numbers = image_module().prepared.numbers
    assert sorted(torch.cat(list(numbers.values())).tolist()) == list(range(60))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_values_are_scaled_by_mean_and_deviation_of_the_training_samples(dtype):
    samples = images(dtype=dtype)
    data = image_module(samples)
    train = samples.values[data.prepared.numbers["train"]].astype(np.float64)
    mean, std = train.mean((0, 2, 3)), train.std((0, 2, 3))
    np.testing.assert_allclose(data.prepared.scaling.shift, mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(data.prepared.scaling.scale, std, rtol=1e-6)
    batch = data.pick_batch("test", 10)
    wanted = (samples.values[batch.start].astype(np.float64) - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(batch.x, wanted, atol=1e-5)


@given(st.integers(0, 9))
@settings(max_examples=5, deadline=None)
def test_what_does_not_train_does_not_scale(seed):
    samples = traces(unequal=True)
    data = trace_module(samples)
    rest = np.setdiff1d(np.arange(60), data.prepared.numbers["train"].numpy())
    values = samples.values.copy()
    values[rest] = np.random.default_rng(seed).normal(1e6, 1e6, values[rest].shape)
    other = trace_module(replace(samples, values=values)).prepared.scaling
    assert torch.equal(other.shift, data.prepared.scaling.shift)
    assert torch.equal(other.scale, data.prepared.scaling.scale)


def test_missing_values_and_padding_never_count():
    samples = traces(unequal=True)
    samples.values[::4, 0, 3:7] = np.nan
    data = trace_module(samples)
    train = samples.values[data.prepared.numbers["train"]].astype(np.float64)
    np.testing.assert_allclose(data.prepared.scaling.shift, np.nanmean(train, (0, 2)), rtol=1e-6)
    np.testing.assert_allclose(data.prepared.scaling.scale, np.nanstd(train, (0, 2)), rtol=1e-6)
    inside = np.arange(40) < samples.lengths[data.prepared.numbers["train"]][:, None]
    missing = 1 - (~np.isnan(train[:, 0])).sum() / inside.sum()
    assert data.describe()["missing in training samples"] == {"u": pytest.approx(missing, abs=1e-6)}


def test_scaled_values_can_be_put_back():
    samples = images(dtype=np.float32)
    samples.values[3, 1, 2, 2] = np.nan
    for normalizer in (MinMax(), LogStandard()):
        data = image_module(samples, normalizer=normalizer)
        batch = data.make_batch(torch.arange(60))
        back = data.prepared.scaling.inverse(batch.x, dim=1)
        torch.testing.assert_close(back[batch.x_observed], torch.from_numpy(samples.values)[batch.x_observed])


def test_sixteen_bits_keep_their_full_range():
    values = np.arange(0, 65536, 65536 // (60 * 48), dtype=np.uint16)[: 60 * 48].reshape(60, 1, 8, 6)
    data = image_module(images(values=values, channels=1), augment=[augment.PadCrop(0), augment.Flip(0.0)])
    for role in ("train", "test"):
        batch = data.make_batch(torch.arange(60), role)
        np.testing.assert_allclose(data.prepared.scaling.inverse(batch.x, dim=1), values, atol=0.02)


def test_last_channel_says_where_a_trace_is_and_padding_is_zero():
    samples = traces(unequal=True)
    data = trace_module(samples)
    batch = data.make_batch(torch.arange(60))
    assert data.spec.channels == ("u", "i", "valid")
    assert data.spec.units == ("V", "A", "")
    assert data.spec.padded
    np.testing.assert_array_equal(batch.x[:, -1], np.arange(40) < samples.lengths[:, None])
    assert bool((batch.x[:, :2].where(batch.x[:, 2:] == 0, 0.0) == 0).all())
    assert batch.x_observed is None
    assert not trace_module().spec.padded


def test_missing_values_are_zero_and_marked():
    samples = traces(unequal=True)
    samples.lengths[0], samples.values[0] = 40, 1.0
    samples.values[0, 1, 3] = np.nan
    batch = trace_module(samples).make_batch(torch.tensor([0, 1]))
    assert batch.x[0, 1, 3] == 0
    unseen = ~batch.x_observed[0]
    assert unseen.sum() == 1
    assert unseen[1, 3]
    assert bool(batch.x_observed[1, 2].all())  # where a trace is is always known


@pytest.mark.parametrize(
    ("kind", "labels", "output"), [
        ("class", np.arange(60) % 3, (3,)),
        ("ordinal", np.arange(60) % 3, (3,)),
        ("labels", np.eye(3, dtype=np.float32)[np.arange(60) % 3], (3,)),
    ],
)  # fmt: skip
def test_labels_of_classes_come_as_they_are(kind, labels, output):
    data = image_module(images(kind=kind, labels=labels))
    batch = data.pick_batch("val", 9)
    np.testing.assert_array_equal(batch.y, labels[batch.start])
    assert batch.y_observed is None
    assert (data.spec.kind, data.spec.output, data.spec.classes) == (kind, output, ("a", "b", "c"))
    train = labels[data.prepared.numbers["train"]]
    counts = train.sum(0) if kind == "labels" else np.bincount(train, minlength=3)
    np.testing.assert_array_equal(data.prepared.class_counts, counts)


def test_numbers_are_scaled_by_the_training_samples_and_missing_ones_are_marked():
    labels = np.random.default_rng(0).normal(5, 3, (60, 2)).astype(np.float32)
    labels[::7, 1] = np.nan
    samples = images(kind="values", labels=labels, classes=(), targets=("a", "b"), target_units=("m", "K"))
    data = image_module(samples)
    train = labels[data.prepared.numbers["train"]].astype(np.float64)
    batch = data.make_batch(torch.arange(60))
    wanted = (labels - np.nanmean(train, 0)) / np.nanstd(train, 0)
    np.testing.assert_allclose(batch.y, np.nan_to_num(wanted), atol=1e-5)
    np.testing.assert_array_equal(batch.y_observed, ~np.isnan(labels))
    assert data.spec.output == (2, 1)
    assert data.spec.target_units == ("m", "K")


def test_audit_counts_a_group_and_a_content_of_all_three_roles_once():
    samples = images(groups=np.arange(60) // 4)
    samples.values[[2, 5]] = samples.values[0]
    numbers = {"train": np.array([0, 1, 4]), "val": np.array([2, 9]), "test": np.array([3, 5])}
    roles_of = {group: {role for role in ROLES if group in numbers[role] // 4} for group in range(15)}
    assert [group for group, roles in roles_of.items() if len(roles) > 1] == [0, 1]  # 0 of all three
    found = audit_samples(samples, numbers)
    assert (found["shared groups"], found["equal samples in two roles"]) == (2, 1)


def test_audit_counts_groups_and_equal_samples_in_two_roles_and_refuses_a_sample_in_two():
    samples = images(groups=np.arange(60) // 2)
    samples.values[1] = samples.values[0]
    numbers = {"train": np.array([0, 2, 3]), "val": np.array([1]), "test": np.array([5])}
    found = audit_samples(samples, numbers)
    assert found == {"shared samples": 0, "shared groups": 1, "equal samples in two roles": 1}
    with pytest.raises(InputError, match="2 samples are in two roles"):
        audit_samples(samples, numbers | {"test": np.array([0, 3])})


def test_description_counts_classes_of_each_role():
    data = image_module()
    found = data.describe()
    for role in ROLES:
        assert sum(found["split"][role]["per class"].values()) == found["split"][role]["samples"] == data.count(role)
    assert found["placement"] == "host"
    assert found["source"] == {"made": 60}
    assert found["audit"]["shared samples"] == 0


def test_a_known_spec_is_given_without_reading():
    spec = Spec(channels=("r",), size=(3, 3), output=(2,), kind="class")
    token = KNOWN_SPEC.set(spec)
    try:
        assert image_module().spec is spec
    finally:
        KNOWN_SPEC.reset(token)


# ---------------------------------------------------------------------- augmentation
def test_only_training_batches_are_changed():
    plain, changed = image_module(), image_module(augment=AUGMENT)
    for role in ("val", "test"):
        for one, other in zip(batches(plain, role), batches(changed, role), strict=True):
            same(one, other)
    assert not torch.equal(batches(plain)[0].x, batches(changed)[0].x)


def test_seed_and_epoch_alone_decide_how_batches_are_changed():
    def of(seed, epoch):
        return batches(image_module(augment=AUGMENT, seed=seed), epoch=epoch)

    for one, other in zip(of(1, 2), of(1, 2), strict=True):
        same(one, other)
    assert not torch.equal(of(1, 2)[0].x, of(1, 3)[0].x)
    assert not torch.equal(of(1, 2)[0].x, of(2, 2)[0].x)


def test_epoch_changes_a_batch_even_when_its_samples_are_the_same():
    data = image_module(augment=[augment.Noise(1.0)], batch_size=30)  # all training samples in one batch
    first, second = (batches(data, epoch=epoch)[0] for epoch in range(2))
    assert torch.equal(first.start, second.start)
    assert not torch.equal(first.x, second.x)


def test_a_loader_goes_on_with_the_batches_it_would_have_given():
    data = image_module(augment=AUGMENT, batch_size=4)
    whole = batches(data, epoch=3)
    stopped = data.train_dataloader()
    stopped.sampler.set_epoch(3)
    given = [batch for batch, _ in zip(stopped, range(3), strict=False)]
    for batch, wanted in zip(given, whole, strict=False):
        same(batch, wanted)
    other = image_module(augment=AUGMENT, batch_size=4).train_dataloader()
    other.load_state_dict({"epoch": 3, "given": 3})
    rest = list(other)
    assert len(rest) == len(whole) - 3
    for batch, wanted in zip(rest, whole[3:], strict=True):
        same(batch, wanted)


def seeds(seed, epoch, place):
    return int(torch.randint(2**62, (), generator=generator_of(seed, epoch, place)))


def test_seeds_of_batches_do_not_meet():
    assert len({seeds(s, e, p) for s in range(4) for e in range(10) for p in range(0, 200, 4)}) == 4 * 10 * 50


class Watch(pl.LightningModule):
    """Gathers what Lightning hands to the training."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen, self.automatic_optimization = torch.nn.Parameter(torch.zeros(())), [], False

    def training_step(self, batch, batch_idx):
        self.seen += [batch] if isinstance(batch, tuple) else list(batch)

    def validation_step(self, batch, batch_idx):
        assert isinstance(batch, tuple)

    def configure_optimizers(self):
        return None


@pytest.mark.filterwarnings("ignore")  # Lightning advises on workers and logging
def test_batches_are_the_same_several_a_step_from_files_and_on_another_device(monkeypatch):
    def seen(samples=None, **fields):
        watch = Watch()
        trainer = pl.Trainer(
            max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, accelerator="cpu", num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(watch, datamodule=image_module(samples, augment=AUGMENT, batch_size=4, **fields))
        return watch.seen

    one = seen()
    assert len(one) == 16
    listed = images(values=Listed(list(images().values)))
    for other in (seen(batches_per_step=3), seen(listed, placement="files", batches_per_step=3)):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    # As if the network were on another device: the loader only reads, Lightning's hook does the rest.
    monkeypatch.setattr(ImageDataModule, "made_later", True)
    for other in (seen(), seen(placement="device"), seen(listed, placement="files", batches_per_step=3, num_workers=1)):
        for a, b in zip(one, other, strict=True):
            same(a, b)


# ---------------------------------------------------------------------- where samples lie
def pictures(sizes=((8, 6),), dtype=np.uint8):
    random = np.random.default_rng(1)
    each = [sizes[i % len(sizes)] for i in range(60)]
    return images(
        values=Listed([random.integers(0, np.iinfo(dtype).max, (3, *size), dtype, endpoint=True) for size in each])
    )


def test_files_and_memory_give_the_same_batches():
    for one, other in zip(
        batches(image_module(pictures(), placement="files", augment=AUGMENT)),
        batches(image_module(pictures(), placement="host", augment=AUGMENT)),
        strict=True,
    ):
        same(one, other)


@pytest.mark.parametrize("placement", ["files", "host"])
def test_workers_and_no_workers_give_the_same_batches(placement):
    alone = image_module(pictures(), placement=placement, augment=AUGMENT)
    helped = image_module(pictures(), placement=placement, augment=AUGMENT, num_workers=2)
    loader = helped.train_dataloader()
    for epoch in range(2):  # the workers live on; the epoch is another one
        loader.sampler.set_epoch(epoch)
        for one, other in zip(batches(alone, epoch=epoch), loader, strict=True):
            same(one, other)


@pytest.mark.parametrize("placement", ["files", "host", "auto"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_of_mixed_sizes_are_brought_to_one(placement, dtype):
    data = image_module(pictures([(8, 6), (20, 9), (5, 30)], dtype), size=(6, 6), placement=placement)
    assert data.spec.size == (6, 6)
    assert data.pick_batch("train", 20).x.shape[1:] == (3, 6, 6)
    assert data.placed == ("host" if placement == "auto" else placement)


def test_a_resized_image_keeps_its_mean_and_its_middle():
    image = np.zeros((1, 30, 62), np.uint8)
    image[:, 10:20, 26:36] = 200  # in the middle: cutting the sides off leaves it
    values = Listed([image] * 60)
    data = image_module(images(values=values, channels=1), size=(15, 15))
    found = data.prepared.samples.values[0, 0].astype(float)
    np.testing.assert_allclose(found, found[::-1, ::-1], atol=1)
    np.testing.assert_allclose(found.sum(), 200 * 10 * 10 / 4, rtol=0.01)


def test_known_truth_is_resized_with_the_images():
    truth = np.zeros((60, 8, 8), bool)
    truth[:, :4] = True
    samples = images(size=(8, 8), informative=truth)
    found = image_module(samples, size=(16, 16)).prepared.samples.informative
    assert found.shape == (60, 16, 16)
    assert found[:, :8].all()
    assert not found[:, 8:].any()


@pytest.mark.parametrize("workers", [0, 1])
def test_mixed_sizes_without_a_size_are_refused_in_a_sentence(workers):
    data = image_module(pictures([(8, 6), (8, 6), (9, 6)]), placement="files", num_workers=workers)
    with pytest.raises(InputError, match=r"'image \d+' is 9 x 6 pixels.*set `size: \[height, width\]`") as error:
        batches(data)
    assert "Traceback" not in str(error.value)


def test_an_array_cannot_be_decoded():
    with pytest.raises(InputError, match="set `placement: host`"):
        _ = image_module(placement="files").prepared


def test_images_that_do_not_fit_into_memory_stay_in_files(monkeypatch):
    monkeypatch.setattr(sample_pictures, "free_memory", lambda: 60 * 3 * 8 * 6 * 4)
    data = image_module(pictures(), placement="auto")
    assert data.placed == "files"
    assert data.describe()["stored as"] == "files"


def test_images_and_traces_are_told_apart():
    with pytest.raises(InputError, match="TraceDataModule"):
        _ = image_module(traces()).prepared
    with pytest.raises(InputError, match="ImageDataModule"):
        _ = trace_module(images()).prepared


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_device_and_host_give_the_same_batches(dtype):
    change = [augment.PadCrop(2), augment.Flip(), augment.Affine(degrees=20.0), augment.Cutout(3), augment.Mixup(0.4)]
    host, device = (image_module(images(dtype=dtype), placement=where, augment=change) for where in ("host", "device"))
    for one, other in zip(batches(host), batches(device), strict=True):
        made = device.make_batch(other.cpu() if isinstance(other, torch.Tensor) else other.start, "train")
        torch.testing.assert_close(made.x.cpu(), one.x.cpu(), atol=1e-4, rtol=0)
        torch.testing.assert_close(made.y.cpu(), one.y.cpu())


# ---------------------------------------------------------------------- new data
def test_new_samples_are_all_tested_with_the_scaling_of_the_old():
    data, new = image_module(), images(40)
    other = data.for_new_data(Given(new), data.prepared.scaling)
    assert [other.count(role) for role in ROLES] == [0, 0, 40]
    batch = other.make_batch(torch.arange(40))
    wanted = data.prepared.scaling(torch.from_numpy(new.values).float(), dim=1)
    torch.testing.assert_close(batch.x, wanted, atol=1e-5, rtol=0)


def test_new_labels_are_found_by_their_names():
    data = image_module()
    new = images(6, labels=np.array([0, 1, 2, 0, 1, 2]), classes=("c", "zebra", "a"))
    other = data.for_new_data(Given(new), data.prepared.scaling)
    assert other.prepared.samples.labels.tolist() == [2, -1, 0, 2, -1, 0]
    assert other.prepared.samples.classes == ("a", "b", "c")


def test_new_traces_are_padded_to_the_old_length_or_refused():
    data = trace_module(traces(unequal=True))
    batch = data.for_new_data(Given(traces(5, time=30)), data.prepared.scaling).make_batch(torch.arange(5))
    assert batch.x.shape == (5, 3, 40)
    assert batch.x[:, -1].sum(1).tolist() == [30] * 5
    with pytest.raises(InputError, match=r"up to 50 samples long.*at most 40"):
        data.for_new_data(Given(traces(5, time=50)), data.prepared.scaling)
    with pytest.raises(InputError, match=r"2 channels.*was trained on"):
        one = trace_module(traces(channels=1))
        one.for_new_data(Given(traces(5)), one.prepared.scaling)


def test_new_images_are_resized_to_what_the_network_takes():
    data = image_module(size=(6, 6))
    other = data.for_new_data(Given(pictures([(9, 9), (30, 12)])), data.prepared.scaling, spec=data.spec)
    assert other.make_batch(torch.arange(4)).x.shape == (4, 3, 6, 6)
