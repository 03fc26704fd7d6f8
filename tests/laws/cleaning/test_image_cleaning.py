"""Steps that clean images: what they take away is gone, what they must leave stays, what they learn is of training."""

import json
import os

import numpy as np
import pytest
from skimage.metrics import mean_squared_error

from dlkit.core.discover import discover
from dlkit.data.cleaning.arrays import packed, unpacked
from dlkit.data.cleaning.background import Background, SubtractBackground
from dlkit.data.cleaning.base import CleanPictures, knowing
from dlkit.data.cleaning.denoise import Median, NonLocalMeans, TotalVariation, Wavelet
from dlkit.data.cleaning.exposure import Equalize, Gamma, Stretch
from dlkit.data.cleaning.images import CleanedPictures, learn_pictures
from dlkit.data.cleaning.leave_out import LeaveOut, LeaveOutCopies, leave_out
from dlkit.data.cleaning.pixels import RepairPixels
from dlkit.data.cleaning.register import Register
from dlkit.data.samples.untouched import Untouched
from dlkit.quality.images.frames import frame_findings
from dlkit.quality.images.samples import image_findings
from tests.made_images import beam, encode, files, frames, samples, scenes

CLEAN = scenes(40)
TRAIN = np.arange(24)
STEPS = discover("dlkit.data.cleaning", CleanPictures)


def taught(step, values, train=TRAIN):
    """Return a step with what it learns from some images."""
    return learn_pictures([step], Untouched(values), train)[0]


def of_type(kind):
    return CLEAN.astype(kind) * (257 if kind == np.uint16 else 1)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("make", STEPS, ids=lambda step: step.__name__)
def test_every_step_keeps_size_and_type_and_takes_each_image_by_itself(make, kind):
    values = of_type(kind)[:30]
    before = values.copy()
    step = taught(make(), values)
    some = step.change(values[:4])
    assert some.shape == (4, 3, 32, 32)
    assert some.dtype == kind
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(np.concatenate([step.change(values[k : k + 1]) for k in range(4)]), some)


@pytest.mark.parametrize("make", STEPS, ids=lambda step: step.__name__)
def test_a_missing_pixel_does_not_spread(make):
    values = CLEAN.astype(np.float32)
    step = taught(make(), values)
    values[:, :, 9, 7] = np.nan
    missing = np.isnan(step.change(values[:3]))
    assert missing[:, :, 14:].sum() == 0
    assert missing.mean() < 0.02


@pytest.mark.parametrize("make", STEPS, ids=lambda step: step.__name__)
def test_what_a_step_learns_comes_from_training_images_and_through_json(make):
    values, other = CLEAN.copy(), CLEAN.copy()
    other[24:] = 255 - other[24:]
    step, same = taught(make(), values), taught(make(), other)
    assert step.plain() == same.plain()
    assert (step.learnt is not None) == step.learns
    again = knowing(make(), json.loads(json.dumps(step.plain())).get("learnt"))
    np.testing.assert_array_equal(again.change(values[:5]), step.change(values[:5]))


def test_salt_and_pepper_go_and_the_rest_stays():
    rows, columns = np.mgrid[:32, :32]
    ramp = np.broadcast_to((rows * 4 + columns).astype(np.uint8), (2, 1, 32, 32)).copy()
    spoilt = ramp.copy()
    spoilt[:, :, 5::9, 4::9] = 255
    np.testing.assert_allclose(Median().change(spoilt)[..., 1:-1, 1:-1], ramp[..., 1:-1, 1:-1], atol=4)


@pytest.mark.parametrize("step", [TotalVariation(weight=0.3), NonLocalMeans(), Wavelet(), Median()])
def test_noise_becomes_less_than_half(step):
    rows, columns = np.mgrid[:64, :64]
    sharp = (200.0 * ((rows - 32) ** 2 + (columns - 30) ** 2 < 300) + 20)[None, None]
    noisy = (sharp + np.random.default_rng(0).normal(0, 20, sharp.shape)).astype(np.float32)
    assert mean_squared_error(sharp, step.change(noisy)) < 0.5 * mean_squared_error(sharp, noisy)


def test_wavelets_that_keep_everything_give_the_image_back():
    values = CLEAN.astype(np.float32)
    np.testing.assert_allclose(Wavelet(threshold=1e-9).change(values), values, atol=1e-3)


def test_a_stretch_reaches_both_ends_and_again_changes_nothing():
    dull = (CLEAN // 4 + 30).astype(np.uint8)
    once = Stretch(low=0, high=1).change(dull)
    assert once.min() == 0
    assert once.max() == 255
    np.testing.assert_array_equal(Stretch(low=0, high=1).change(once), once)


def test_gamma_is_a_power_of_what_lies_between_the_extremes():
    values = CLEAN.astype(np.float32)
    low, high = (extreme((1, 2, 3), keepdims=True) for extreme in (values.min, values.max))
    np.testing.assert_allclose(Gamma(gamma=0.5).change(values), ((values - low) / (high - low)) ** 0.5, atol=1e-5)


@pytest.mark.parametrize("method", ["histogram", "adaptive"])
def test_equalizing_fills_the_scale(method):
    dull = (CLEAN // 4 + 30).astype(np.uint8)
    found = Equalize(method=method).change(dull)
    assert found.std() > 2 * dull.std()
    if method == "histogram":
        assert np.abs(np.quantile(found, np.linspace(0, 1, 5)) / 255 - np.linspace(0, 1, 5)).max() < 0.1


@pytest.mark.parametrize("of", ["median", "mean", "darkest"])
def test_a_still_background_is_taken_away(of):
    random = np.random.default_rng(0)
    still = random.uniform(100, 500, (1, 16, 16)).astype(np.float32)
    values = still + random.normal(0, 1, (40, 1, 16, 16)).astype(np.float32)
    values[::8, :, 5:8, 5:8] += 50
    step = taught(SubtractBackground(of=of), values)
    left = step.change(values)
    assert np.abs(left[1]).max() < 8
    assert left[32, :, 5:8, 5:8].mean() == pytest.approx(50, abs=9)
    assert step.learnt["images"] == 24


def test_a_background_of_more_images_than_are_kept_is_of_evenly_spread_ones(monkeypatch):
    monkeypatch.setattr("dlkit.data.cleaning.background.KEPT", 10 * CLEAN[0].nbytes)
    learner = Background("median")
    for image in np.arange(100, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 4, 4), np.float32):
        learner.add(image[None])
    assert unpacked(learner.finish()["background"]) == pytest.approx(49.5, abs=6)


def test_a_dark_frame_comes_from_a_file(tmp_path):
    dark = np.full((32, 32), 30, np.uint8)
    np.save(tmp_path / "dark.npy", dark)
    step = SubtractBackground(path=str(tmp_path / "dark.npy"), pedestal=5)
    assert not step.learns
    wanted = np.clip(CLEAN[:3].astype(int) - 25, 0, 255)
    np.testing.assert_array_equal(step.change(CLEAN[:3]), wanted)
    np.save(tmp_path / "dark.npy", dark + 10)
    os.utime(tmp_path / "dark.npy", ns=(1, 1))  # read once, and again where it has changed
    np.testing.assert_array_equal(step.change(CLEAN[:3]), np.clip(CLEAN[:3].astype(int) - 35, 0, 255))


def test_a_learnt_image_is_inflated_once_and_may_not_be_written_to(monkeypatch):
    text = packed(np.random.default_rng(0).normal(size=(1, 5, 7)))
    assert unpacked(text) is unpacked(json.loads(json.dumps(text)))
    with pytest.raises(ValueError, match="read-only"):
        unpacked(text)[0] = 1


def test_wrong_pixels_are_repaired_and_the_check_finds_them_no_more():
    values = beam()
    spoilt = values.copy()
    spoilt[:, 0, 20, 11] = 77
    spoilt[:, 0, 3, 4] += 500
    step = taught(RepairPixels(), spoilt, np.arange(40))
    assert step.learnt["pixels"] == [[3, 4], [20, 11]]
    mended = step.change(spoilt)
    assert [one.kind for one in frame_findings(frames(mended))] == ["bit depth"]
    same = np.ones((32, 32), bool)
    same[[3, 20], [4, 11]] = False
    np.testing.assert_array_equal(mended[..., same], values[..., same])
    np.testing.assert_allclose(mended[:, 0, 20, 11], values[:, 0, 20, 11], rtol=0.3)
    np.testing.assert_array_equal(step.change(mended), mended)


def test_a_block_of_wrong_pixels_is_filled_from_around_it():
    values = np.full((2, 1, 9, 9), 40, np.uint8)
    values[..., 3:6, 3:6] = 255
    block = [(row, column) for row in range(3, 6) for column in range(3, 6)]
    assert (RepairPixels(pixels=block).change(values) == 40).all()


def blobs(shifts, size=48):
    rows, columns = np.mgrid[:size, :size]
    return np.stack([
        1000 * np.exp(-((rows - 24 - a) ** 2 + (columns - 20 - b) ** 2) / 18)
        + 400 * np.exp(-((rows - 14 - a) ** 2 + (columns - 34 - b) ** 2) / 10) for a, b in shifts
    ])[:, None].astype(np.float32)  # fmt: skip


def middles(images):
    rows, columns = np.mgrid[:48, :48]
    weight = images[:, 0] / images[:, 0].sum((1, 2), keepdims=True)
    return np.stack([(weight * axis).sum((1, 2)) for axis in (rows, columns)], 1)


@pytest.mark.parametrize("noise", [0, 20])
def test_shifted_images_come_to_lie_on_each_other(noise):
    random = np.random.default_rng(0)
    shifts = random.uniform(-3, 3, (30, 2))
    clean = blobs(shifts)
    values = clean + random.normal(0, noise, clean.shape).astype(np.float32)
    step = taught(Register(upsample=20), values)
    found = [step.offset(unpacked(step.learnt["background"])[0], image[0]) for image in values]
    np.testing.assert_allclose(np.std(found + shifts, axis=0), 0, atol=0.15)
    if not noise:
        assert middles(values).std(0).min() > 1.2
        assert middles(step.change(values)).std(0).max() < 0.2


def test_a_shift_that_is_too_large_moves_nothing():
    step = taught(Register(max_shift=2), blobs(np.zeros((30, 2))))
    far = blobs([(6.0, 0.0), (0.0, -5.0)])
    np.testing.assert_array_equal(step.change(far), far)


def test_images_are_left_out_by_name_or_glob():
    rest = leave_out([LeaveOut(names=["image 3", "image 1?"])], samples(CLEAN))
    assert len(rest) == 29
    assert set(rest.skipped["left out by LeaveOut"]) == {"image 3"} | {f"image {n}" for n in range(10, 20)}
    np.testing.assert_array_equal(rest.values[3], CLEAN[4])
    np.testing.assert_array_equal(rest.labels, [n % 2 for n in range(40) if n != 3 and n // 10 != 1])


@pytest.mark.parametrize("stored", ["array", "files"])
def test_copies_are_left_out_and_those_that_test_stay(stored):
    values = CLEAN.copy()
    values[35], values[7], values[36] = values[3], values[5], values[8] // 2 + 20
    roles = np.array(["train"] * 30 + ["val"] * 3 + ["test"] * 7)
    given = samples(values if stored == "array" else files([encode(one) for one in values]), roles=roles)
    exact = leave_out([LeaveOutCopies()], given)
    assert exact.skipped["left out by LeaveOutCopies"] == ["image 3", "image 7"]
    near = leave_out([LeaveOutCopies(near=True)], given)
    assert near.skipped["left out by LeaveOutCopies"] == ["image 3", "image 7", "image 8"]
    assert not [one for one in image_findings(near) if "copy" in one.kind]
    assert len(near.values) == len(near.names) == len(near.roles) == 37


def test_steps_learn_from_what_the_steps_before_leave():
    values = CLEAN.astype(np.float32)
    first, second = learn_pictures(
        [SubtractBackground(of="mean"), SubtractBackground(of="mean")], Untouched(values), TRAIN
    )
    assert np.abs(unpacked(second.learnt["background"])).max() < 1e-3
    whole = CleanedPictures(Untouched(values), [first, second])
    np.testing.assert_allclose(whole.decode(5), values[5] - values[TRAIN].mean(0), atol=1e-3)


def test_a_learnt_image_survives_json():
    image = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    np.testing.assert_array_equal(unpacked(json.loads(json.dumps(packed(image)))), image)
