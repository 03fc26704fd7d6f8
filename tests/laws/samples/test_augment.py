"""Every augmentation: nothing at zero strength, parameters of its own for each sample, the same from the same seed."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.transforms import v2

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.specs import Spec
from dlkit.data import augment as images
from dlkit.data import augment_traces as traces
from dlkit.data.augment_torchvision import Transform
from dlkit.data.base import Augment
from dlkit.data.batches.augment_draws import beta

CLASSES = 4
IMAGE = Spec(channels=("r", "g", "b"), size=(9, 7), output=(CLASSES,), kind="class", classes=tuple("abcd"))
TRACE = Spec(channels=("u", "i"), size=(50,), output=(CLASSES,), kind="class", classes=tuple("abcd"))
PADDED = Spec(
    channels=("u", "i", "valid"), size=(50,), output=(CLASSES,), kind="class", classes=tuple("abcd"), padded=True
)
ON_IMAGES = {
    "crop": images.PadCrop(3), "flip": images.Flip(0.5), "vertical flip": images.Flip(0.5, "vertical"),
    "affine": images.Affine(degrees=20.0, scale=0.2, translate=0.1, shear=5.0), "rotate": images.Rotate(30.0),
    "intensity": images.Intensity(), "noise": images.Noise(), "cutout": images.Cutout(3), "mixup": images.Mixup(1.0),
    "torchvision": Transform(v2.RandomErasing(p=0.7)),
}  # fmt: skip
ON_TRACES = {
    "jitter": traces.Jitter(), "scale": traces.Scale(), "mask": traces.TimeMask(0.5), "warp": traces.TimeWarp(),
    "crop": traces.Crop(0.5), "mixup": images.Mixup(1.0),
}  # fmt: skip
NOTHING_ON_IMAGES = [
    images.PadCrop(0),
    images.Flip(0.0),
    images.Affine(),
    images.Rotate(0.0),
    images.Intensity(0.0, 0.0),
    images.Noise(0.0),
    images.Cutout(0),
    images.Mixup(0.0),
    Transform(v2.Identity()),
]
NOTHING_ON_TRACES = [
    traces.Jitter(0.0),
    traces.Scale(0.0),
    traces.TimeMask(0.0),
    traces.TimeWarp(0.0),
    traces.Crop(1.0),
    images.Mixup(0.0),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_images(count=12, dtype=torch.float32):
    x = torch.rand(count, 3, 9, 7, generator=generator(1)) + 0.5
    return x if dtype == torch.float32 else (x * 100).to(dtype)


def some_traces(count=12, *, padded=False, holes=False):
    x = torch.randn(count, 2, 50, generator=generator(1)) + 3
    if holes:
        x[0, 0, 5], x[1, 1, 8:11] = torch.nan, torch.nan
    if not padded:
        return x
    valid = (torch.arange(50) < torch.arange(20, 20 + 2 * count, 2)[:, None]).float()
    return torch.cat([x.where(valid[:, None] == 1, torch.nan), valid[:, None]], dim=1)


def labels(count=12):
    return torch.arange(count) % CLASSES


def apply(change, x, *, seed=0, spec=None, y=None):
    change.start(spec or (IMAGE if x.ndim == 4 else TRACE))
    return change(x.clone(), labels(len(x)) if y is None else y, generator(seed))


def test_every_augmentation_is_among_those_tested_here():
    tested = [*ON_IMAGES.values(), *ON_TRACES.values()]
    nothing = [*NOTHING_ON_IMAGES, *NOTHING_ON_TRACES]
    assert set(discover("dlkit.data", Augment)) == set(map(type, tested)) == set(map(type, nothing))


@pytest.mark.parametrize("change", NOTHING_ON_IMAGES, ids=lambda change: type(change).__name__)
def test_without_strength_an_image_stays_as_it_is(change):
    x = some_images()
    changed, y = apply(change, x)
    torch.testing.assert_close(changed, x, atol=1e-5, rtol=0)
    assert torch.equal(y.argmax(1) if y.ndim == 2 else y, labels())


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("change", NOTHING_ON_TRACES, ids=lambda change: type(change).__name__)
def test_without_strength_a_trace_stays_as_it_is_to_the_last_bit(change, padded):
    x = some_traces(padded=padded, holes=True)
    changed, _ = apply(change, x, spec=PADDED if padded else TRACE)
    torch.testing.assert_close(changed, x, equal_nan=True, atol=0, rtol=0)


BOTH = [
    *(pytest.param(change, some_images(), id=f"image {name}") for name, change in ON_IMAGES.items()),
    *(pytest.param(change, some_traces(), id=f"trace {name}") for name, change in ON_TRACES.items()),
]


@pytest.mark.parametrize(("change", "x"), BOTH)
def test_seed_alone_decides(change, x):
    first, y = apply(change, x)
    torch.rand(3)  # the global state plays no part
    again, y_again = apply(change, x)
    assert torch.equal(first, again)
    assert torch.equal(y, y_again)
    assert not torch.equal(first, apply(change, x, seed=1)[0])


@pytest.mark.parametrize(("change", "x"), BOTH)
def test_samples_get_parameters_of_their_own(change, x):
    same = x[:1].expand(x.shape).contiguous()
    changed, y = apply(change, same, y=torch.arange(len(x)) % CLASSES)
    seen = changed if y.ndim == 1 else y  # equal images mix into themselves, their labels do not
    assert len({tuple(sample.flatten().tolist()) for sample in seen}) >= (2 if isinstance(change, images.Flip) else 4)


@pytest.mark.parametrize(("change", "x"), BOTH)
def test_random_numbers_of_torch_are_left_alone(change, x):
    before = torch.get_rng_state()
    apply(change, x)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
def test_crop_equals_slicing_one_image_after_the_other(dtype):
    x = some_images(30).mul(20_000).to(dtype) if dtype == torch.uint16 else some_images(30, dtype)
    found, _ = apply(images.PadCrop(2), x)
    random = generator()
    top, left = (torch.randint(0, 5, (30,), generator=random).tolist() for _ in range(2))
    wide = functional.pad(x.float(), (2, 2, 2, 2))
    for i in range(30):
        assert torch.equal(found[i].float(), wide[i, :, top[i] : top[i] + 9, left[i] : left[i] + 7])
    assert found.dtype == dtype
    assert set(top) == set(left) == set(range(5))


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32])
def test_flipping_twice_undoes_and_once_mirrors_half_of_the_images(axis, dtype):
    x, change = some_images(200, dtype), images.Flip(0.5, axis)
    once, _ = apply(change, x)
    flipped = [not torch.equal(a, b) for a, b in zip(once.float(), x.float(), strict=True)]
    assert 60 < sum(flipped) < 140
    mirrored = x.float().flip(-1 if axis == "horizontal" else -2)
    assert all(torch.equal(a, b) for a, b, f in zip(once.float(), mirrored, flipped, strict=True) if f)
    assert torch.equal(apply(change, once)[0].float(), x.float())


def test_a_quarter_turn_moves_every_pixel_of_a_square(monkeypatch):
    monkeypatch.setattr(images, "between", lambda low, high, shape, generator, like: torch.full(shape, high))
    x = torch.rand(3, 2, 6, 6, generator=generator())
    turned, _ = images.Rotate(90.0)(x, labels(3), generator())
    torch.testing.assert_close(turned, x.rot90(1, (2, 3)), atol=1e-5, rtol=0)


def test_a_turn_keeps_circles_round_where_images_are_not_square():
    down, across = torch.meshgrid(torch.arange(64.0), torch.arange(40.0), indexing="ij")
    disc = torch.sigmoid(9 - ((down - 31.5) ** 2 + (across - 19.5) ** 2).sqrt())
    x = disc.expand(20, 1, 64, 40).contiguous()
    turned, _ = images.Affine(degrees=180.0)(x, labels(20), generator())
    torch.testing.assert_close(turned, x, atol=0.02, rtol=0)


@pytest.mark.parametrize("name", ["scale", "translate"])
def test_scale_and_shift_move_a_disc_by_what_they_say(name):
    down, across = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    x = torch.sigmoid(10 - ((down - 31.5) ** 2 + (across - 31.5) ** 2).sqrt()).expand(300, 1, 64, 64)
    found, _ = images.Affine(**{name: 0.2})(x, labels(300), generator())
    if name == "scale":
        area = (found.sum((1, 2, 3)) / x[0].sum()).sqrt()
        assert 1 / 1.21 < area.min() < 1 / 1.15
        assert 1.15 < area.max() < 1.21
    else:
        middle = (found * across).sum((1, 2, 3)) / found.sum((1, 2, 3)) - 31.5
        assert 0.17 * 64 < middle.abs().max() <= 0.2 * 64 + 0.1


def test_cutout_blanks_a_square_which_may_reach_over_the_edge():
    x = some_images(300)
    blank = apply(images.Cutout(3), x)[0] == 0
    rows, columns = blank[:, 0].any(2).sum(1), blank[:, 0].any(1).sum(1)
    assert torch.equal(blank[:, 0], blank[:, 1])
    assert torch.equal(blank.sum((1, 2, 3)), 3 * rows * columns)  # a rectangle
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3}


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
def test_mixup_keeps_the_mass_of_labels_and_mixes_pixels_as_labels(alpha):
    values = torch.arange(12.0).view(12, 1, 1, 1).expand(12, 3, 9, 7)
    mixed, y = apply(images.Mixup(alpha), values, y=labels())
    torch.testing.assert_close(y.sum(1), torch.ones(12))
    one_of_each = functional.one_hot(torch.arange(12), 12).float()
    again, parts = apply(images.Mixup(alpha), values, y=one_of_each)
    assert torch.equal(again, mixed)
    torch.testing.assert_close(mixed[:, 0, 0, 0], parts @ torch.arange(12.0))


def test_mixup_draws_from_the_beta_law():
    from scipy.stats import beta as law
    from scipy.stats import kstest

    drawn = beta(0.4, 5000, generator(), torch.zeros(1)).double().numpy()
    assert kstest(drawn, law(0.4, 0.4).cdf).pvalue > 0.001


def test_mixed_numbers_stay_numbers_and_a_missing_one_stays_missing():
    y = torch.randn(12, 2, generator=generator())
    y[3, 0] = torch.nan
    _, mixed = apply(images.Mixup(1.0), some_images(), y=y)
    assert mixed.isnan()[:, 1].sum() == 0
    assert 1 <= mixed.isnan()[:, 0].sum() <= 2
    assert mixed[:, 1].min() >= y[:, 1].min()


@pytest.mark.parametrize("name", ON_TRACES)
def test_padding_stays_padding_and_where_a_trace_ends_stays(name):
    x = some_traces(padded=True)
    changed, _ = apply(ON_TRACES[name], x, spec=PADDED)
    valid = changed[:, -1:]
    assert torch.equal(changed[:, :2].isnan(), (valid == 0).expand_as(changed[:, :2]))
    if name == "mixup":  # ends with the shorter one
        assert bool((valid <= x[:, -1:]).all())
    else:
        assert torch.equal(valid, x[:, -1:])


@pytest.mark.parametrize("name", ["jitter", "scale", "mask"])
def test_missing_values_stay_missing(name):
    x = some_traces(holes=True)
    assert torch.equal(apply(ON_TRACES[name], x)[0].isnan(), x.isnan())


@pytest.mark.parametrize("change", [traces.TimeWarp(0.5), traces.Crop(0.3)])
def test_padding_changes_nothing_of_a_trace(change):
    whole = torch.randn(6, 2, 30, generator=generator())
    valid = torch.cat([torch.ones(6, 1, 30), torch.zeros(6, 1, 20)], dim=-1)
    longer = torch.cat([functional.pad(whole, (0, 20), value=torch.nan), valid], dim=1)
    padded, _ = apply(change, longer, spec=PADDED)
    torch.testing.assert_close(padded[:, :2, :30], apply(change, whole)[0])


def test_warped_time_keeps_its_ends_and_its_order():
    line = torch.arange(50.0).expand(40, 2, 50)
    warped, _ = apply(traces.TimeWarp(0.5), line)
    torch.testing.assert_close(warped[..., [0, -1]], line[..., [0, -1]])
    assert bool((warped.diff() > 0).all())
    assert float((warped - line).abs().max()) > 2


def test_crop_reads_a_straight_part_of_the_trace():
    line = torch.arange(50.0).expand(200, 2, 50)
    cut, _ = apply(traces.Crop(0.5), line)
    steps = cut.diff()
    torch.testing.assert_close(steps, steps[..., :1].expand_as(steps), atol=2e-5, rtol=0)
    assert 0.5 <= float(steps.min()) < 0.55
    assert 0.95 < float(steps.max()) <= 1.0001
    assert float(cut.min()) >= 0
    assert float(cut.max()) <= 49


def test_time_mask_blanks_one_stretch_of_all_channels():
    blank = apply(traces.TimeMask(0.5), some_traces(300))[0] == 0
    assert torch.equal(blank[:, 0], blank[:, 1])
    edges = blank[:, 0].float().diff(prepend=torch.zeros(300, 1), append=torch.zeros(300, 1))
    assert int((edges == 1).sum(1).max()) == 1
    assert int(blank[:, 0].sum(1).max()) == 25
    assert blank[:, 0].float().mean(0).std() < 0.2


def test_transform_equals_torchvision_with_the_same_random_numbers():
    x = (some_images(4) * 100).to(torch.uint8)
    found, _ = apply(Transform(v2.ColorJitter(0.3, 0.3, 0.3, 0.1), per_image=False), x)
    torch.manual_seed(int(torch.randint(2**62, (), generator=generator())))
    assert torch.equal(found, v2.ColorJitter(0.3, 0.3, 0.3, 0.1)(x))


@pytest.mark.parametrize(
    ("change", "spec", "words"),
    [
        (images.Flip(), TRACE, "take one of dlkit.data.augment_traces"),
        (traces.Jitter(), IMAGE, "take one of dlkit.data.augment"),
        (images.Mixup(), Spec(channels=("r",), size=(3, 3), output=(2,), kind="ordinal"), "with an order"),
    ],
)
def test_what_cannot_be_changed_is_refused(change, spec, words):
    with pytest.raises(InputError, match=words):
        change.start(spec)


def test_a_transform_that_changes_the_size_is_refused():
    with pytest.raises(InputError, match="use one that keeps type and size"):
        apply(Transform(v2.CenterCrop(3)), some_images())


def test_strength_of_noise_is_drawn_for_each_sample():
    x = torch.zeros(400, 1, 30, 30)
    strength = apply(images.Noise(0.5), x, spec=IMAGE)[0].std((1, 2, 3)).numpy()
    assert np.quantile(strength, 0.05) < 0.06
    assert 0.45 < np.quantile(strength, 0.99) < 0.53
