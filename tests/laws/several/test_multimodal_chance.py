"""What chance does to windows of several sources in training, again and again the same, and how they are dealt."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.packing import borders, presence, unpack
from dlkit.core.specs import Part
from dlkit.data.augment import Flip, Mixup, PadCrop
from dlkit.data.augment_traces import Jitter
from dlkit.data.batches.loader import Batches
from dlkit.data.inputs import EventInput
from dlkit.data.several.augment import augment
from dlkit.data.several.dropout import drawn_sources, dropout_rates
from tests.laws.several.test_multimodal import HEADS, module, sources
from tests.laws.several.test_multimodal_laws import same

RATES = {"fast": 0.5, "slow": 0.2, "cam": 0.9}


def changing(**augments):
    given = sources()
    return {
        name: one if isinstance(one, EventInput) else replace(one, augment=augments.get(name, []))
        for name, one in given.items()
    }


def epoch(data, number):
    """Return copies of the training batches of an epoch."""
    loader = data.train_dataloader()
    loader.sampler.set_epoch(number)
    return [copied(batch) for batch in loader]


def copied(batch):
    return batch._replace(x=batch.x.clone(), x_observed=None if batch.x_observed is None else batch.x_observed.clone())


def test_sources_are_left_out_as_often_as_asked_for_and_one_always_stays():
    rates, there = dropout_rates(RATES, list(RATES)), torch.ones(200_000, 3, dtype=torch.bool)
    stays = drawn_sources(there, rates, torch.Generator().manual_seed(0))
    assert stays.any(1).all()
    # What would lose all keeps one of the three, each as often.
    expected = 1 - rates + rates.prod() / 3
    torch.testing.assert_close(stays.double().mean(0), expected.double(), atol=4e-3, rtol=0)
    first, second = stays[:, 0].double(), stays[:, 1].double()
    joint = (first * second).mean()
    torch.testing.assert_close(joint, torch.tensor(0.5 * 0.8).double(), atol=4e-3, rtol=0)


def test_a_source_that_is_not_there_does_not_come_back():
    there = torch.rand(5_000, 3, generator=torch.Generator().manual_seed(1)) < 0.5
    stays = drawn_sources(there, torch.ones(3), torch.Generator().manual_seed(2))
    assert not (stays & ~there).any()
    assert torch.equal(stays.sum(1), there.any(1).long())


def test_a_source_that_is_left_out_leaves_zeros_and_nothing_observed():
    data = module(modality_dropout=RATES)
    data.setup()
    parts, left = data.spec.parts, 0
    for batch in epoch(data, 0):
        whole = data.make_batch(batch.start)
        there = presence(batch.x, parts) == 1
        for number, (name, part) in enumerate(unpack(batch.x, parts).items()):
            stays = there[:, number]
            assert torch.equal(part[stays], unpack(whole.x, parts)[name][stays])
            assert not part[~stays].any() and not batch.x_observed[:, borders(parts)[name]][~stays].any()
            left += int((~stays).sum())
        for name, target in batch.y.items():
            torch.testing.assert_close(target, whole.y[name])
    assert left > 0


def test_validation_and_test_lose_nothing():
    plain, torn = module(), module(modality_dropout=0.9, given=changing(fast=[Jitter(2.0)]))
    for loader in ("val_dataloader", "test_dataloader"):
        for one, other in zip(getattr(plain, loader)(), getattr(torn, loader)(), strict=True):
            same(one, other)


def test_each_epoch_is_drawn_anew_and_can_be_repeated():
    data, other = (module(modality_dropout=RATES, given=changing(cam=[Flip()], fast=[Jitter(0.5)])) for _ in range(2))
    one, again, next_ = epoch(data, 0), epoch(other, 0), epoch(data, 1)
    for first, second in zip(one, again, strict=True):
        same(first, second)
    key = {int(start): row for batch in one for start, row in zip(batch.start, batch.x, strict=True)}
    moved = [not torch.equal(key[int(s)], row) for batch in next_ for s, row in zip(batch.start, batch.x, strict=True)]
    assert sum(moved) > len(moved) / 2


def test_an_augmentation_changes_its_own_source_and_measured_channels_alone():
    data = module(given=changing(fast=[Jitter(1.0)], cam=[Flip(1.0)]))
    data.setup()
    starts = data.places("train").starts(torch.arange(16))
    whole, changed = (unpack(data.make_batch(starts, role).x, data.spec.parts) for role in ("test", "train"))
    assert torch.equal(whole["slow"], changed["slow"])
    known = whole["fast"][:, 3:] == 1
    assert torch.equal(whole["fast"][:, 3:], changed["fast"][:, 3:])
    assert not torch.equal(whole["fast"][:, :3], changed["fast"][:, :3])
    assert not changed["fast"][:, :3][~known].any()
    there = whole["cam"][:, :, :2] != 0
    assert torch.equal(changed["cam"][:, :, :2], whole["cam"][:, :, :2].flip(-1)) and there.any()
    assert torch.equal(changed["cam"][:, :, 2:], whole["cam"][:, :, 2:])


def test_all_frames_of_a_window_are_moved_alike():
    pixels = torch.zeros(64, 3, 2, 9, 9)
    pixels[..., 4, 4] = 1.0
    part = Part("cam", ("p0", "p1"), (9, 9), (-2.0, -1.0, 0.0), frames=True)
    augment(pixels, part, [PadCrop(3)], torch.Generator().manual_seed(0))
    where = pixels.flatten(3).argmax(-1)
    assert torch.equal(where, where[:, :1, :1].expand_as(where)) and len(where.unique()) > 5


def test_what_mixes_targets_is_refused():
    with pytest.raises(InputError, match="Mixup mixes targets"):
        module(given=changing(fast=[Mixup()])).setup()


@pytest.mark.parametrize("rates", [{"fats": 0.1}, 1.5, {"fast": -0.1}])
def test_rates_that_are_none_are_refused(rates):
    with pytest.raises(InputError, match="modality_dropout"):
        module(modality_dropout=rates).setup()


# ---------------------------------------------------------------------- how windows are dealt
def test_every_window_comes_once_an_epoch():
    data = module(modality_dropout=0.3)
    for role, loader in {"val": "val_dataloader", "test": "test_dataloader", "train": "train_dataloader"}.items():
        starts = torch.cat([batch.start for batch in getattr(data, loader)()])
        places = data.places(role)
        assert torch.equal(starts.sort().values, places.starts(torch.arange(len(places))))


@pytest.mark.parametrize("frames", ["memory", "files"])
def test_a_run_that_goes_on_sees_what_it_would_have_seen(frames):
    fields = {"modality_dropout": RATES, "frames": frames}
    whole = epoch(module(given=changing(cam=[Flip()]), **fields), 3)
    data = module(given=changing(cam=[Flip()]), **fields)
    loader = data.train_dataloader()
    loader.sampler.set_epoch(3)
    for _ in islice(loader, 4):
        pass
    state, resumed = loader.state_dict(), module(given=changing(cam=[Flip()]), **fields)
    rest = resumed.train_dataloader()
    rest.load_state_dict(state)
    for one, other in zip(whole[4:], rest, strict=True):
        same(one, other)


@pytest.mark.parametrize("frames", ["memory", "files"])
@pytest.mark.parametrize("placement", ["host", "disk"])
def test_workers_give_the_same(tmp_path, frames, placement):
    fields = {"modality_dropout": RATES, "frames": frames, "placement": placement, "batch_size": 64}
    alone = module(tmp_path, given=changing(cam=[Flip()]), **fields)
    helped = module(tmp_path, given=changing(cam=[Flip()]), num_workers=1, **fields)
    for one, other in zip(epoch(alone, 1), epoch(helped, 1), strict=True):
        same(one, other)
    for one, other in zip(alone.test_dataloader(), helped.test_dataloader(), strict=True):
        same(one, other)


@pytest.mark.parametrize("frames", ["memory", "files"])
def test_several_batches_a_step_are_the_same_batches(frames):
    fields = {"modality_dropout": RATES, "frames": frames, "targets": HEADS["soon"]}
    one = epoch(module(**fields), 0)
    data = module(batches_per_step=4, **fields)
    loader = data.train_dataloader()
    assert data._several() == 4
    given = [batch for places in loader for batch in map(copied, Batches(data.maker("train"), places, 8))]
    assert sum(len(batch.start) for batch in given) == sum(len(batch.start) for batch in one)
    for batch in given:
        same(batch, data.maker("train")(batch.start))
