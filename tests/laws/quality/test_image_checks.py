"""What is planted in images is found, with how many and where; sound images stay silent."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dlkit.data.labelled.size import resize_array
from dlkit.data.sources.digits import Digits
from dlkit.quality.images.cut import cut_off
from dlkit.quality.images.frames import frame_findings, looked_at
from dlkit.quality.images.samples import image_findings
from tests.made_images import beam, encode, files, frames, samples, scenes

CLEAN = scenes()


def found(values, **more):
    """Return the findings by kind."""
    return {one.kind: one for one in image_findings(samples(values, **more))}


def planted(places, change):
    """Return the clean scenes with a change of some."""
    values = CLEAN.copy()
    for place in places:
        values[place] = change(values[place])
    return values


def shown(finding):
    return {one.sample for one in finding.places}


@pytest.mark.parametrize("values", [CLEAN, CLEAN[:, :1], scenes(channels=1, bits=16, seed=1), scenes(60, 96, seed=2)])
def test_sound_images_stay_silent(values):
    assert image_findings(samples(values)) == []
    assert image_findings(samples((values / 255).astype(np.float32))) == []


@pytest.mark.parametrize(("height", "width", "size"), [(72, 96, (64, 64)), (90, 30, (20, 40)), (60, 80, (45, 60))])
def test_what_is_cut_off_is_what_resizing_leaves_of_the_coordinates(height, width, size):
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    seen = [np.ptp(resize_array(axis[None], size, smooth=False)) for axis in (rows, columns)]
    pixels = [extent / side for extent, side in zip((height, width), size, strict=True)]  # of one that is kept, at most
    kept = (seen[0] + min(pixels)) * (seen[1] + min(pixels)) / (height * width)
    assert cut_off(np.array([[height, width]]), size) == pytest.approx(1 - kept, abs=0.04)


def test_images_that_lose_their_edges_are_told_with_a_size_that_keeps_them():
    values = scenes(60, 96, seed=2)[:, :, :72]
    (finding,) = image_findings(samples(values), size=(64, 64))
    assert (finding.kind, finding.level, finding.count) == ("cut off", "warning", len(values))
    assert "cuts the edges off 60 of 60 images: 25 % of the area of" in finding.what and "72 x 96" in finding.what
    (cure,) = finding.cures
    assert cure.line == "size: [48, 64]" and not image_findings(samples(values), size=(48, 64))
    told = {one.kind: one for one in frame_findings(frames(beam()), size=(32, 16))}["cut off"]
    assert [cure.place for cure in told.cures] == ["input"] and "50 % of the area of frame 0" in told.what


def test_pixels_that_are_missing_are_told_with_the_image_that_lacks_most():
    values = (CLEAN / 255).astype(np.float32)
    values[7, :, :4], values[3, 0, :2, :3] = np.nan, np.nan
    (finding,) = image_findings(samples(values))
    share = f"{100 * 4 / values.shape[2]:.0f} %"
    assert (finding.kind, finding.level, finding.count, finding.counted) == ("missing pixels", "warning", 2, "images")
    assert f"2 of {len(values)} images have missing pixels (NaN), {share} of" in finding.what
    assert [one.sample for one in finding.places] == [samples(values).names[number] for number in (7, 3)]
    values[:] = np.where(np.arange(values.shape[3]) == 5, np.nan, values)
    assert {one.level for one in image_findings(samples(values)) if one.kind == "missing pixels"} == {"note"}


def test_digits_stay_silent():
    assert image_findings(Digits().read()) == []


def test_frames_of_a_sound_camera_are_silent_but_for_their_bits():
    (finding,) = frame_findings(frames(beam()))
    assert (finding.kind, finding.level) == ("bit depth", "note")
    assert "12 bits" in finding.what


CHANGES = {
    "dark": lambda image: image // 20,
    "bright": lambda image: 255 - (255 - image) // 20,
    "blank": lambda image: np.full_like(image, 40),
    "blurred": lambda image: np.stack([gaussian_filter(one.astype(float), 1.5) for one in image]).astype(np.uint8),
    "low information": lambda image: np.where(image > np.quantile(image, 0.99), 160, 40).astype(np.uint8),
    "gray among colour": lambda image: np.repeat(image[:1], 3, 0),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_an_image_that_is_unlike_the_others_is_found_and_no_other_one(kind):
    places = [3, 50, 71, 119]
    one = found(planted(places, CHANGES[kind]))
    assert list(one) == [kind]
    assert one[kind].count == 4
    assert shown(one[kind]) == {f"image {place}" for place in places}
    assert one[kind].share == pytest.approx(4 / 120)


@pytest.mark.parametrize("kind", ["dark", "blank", "blurred"])
def test_the_cure_names_the_images(kind):
    one = found(planted([7, 8], CHANGES[kind]))[kind]
    line = next(cure.line for cure in one.cures if "LeaveOut" in cure.line)
    assert '["image 7", "image 8"]' in line or '["image 8", "image 7"]' in line


def test_all_of_a_dark_set_are_not_dark():
    assert not {"dark", "bright", "low information"} & set(found(CLEAN // 20))


def test_sixteen_bits_that_hold_fewer_are_found():
    deep = scenes(channels=1, bits=16, seed=3)
    for values, said in ((deep >> 8, "8 bits"), (deep >> 4, "12 bits"), ((deep >> 4) << 4, "multiples of 16")):
        (one,) = image_findings(samples(values))
        assert (one.kind, one.level) == ("bit depth", "note")
        assert said in one.what


def test_eight_bits_among_sixteen_and_fractions_among_levels_are_found():
    for values in (scenes(channels=1, bits=16, seed=3), CLEAN.astype(np.float32)):
        values[[5, 9]] = values[[5, 9]] / values.dtype.type(257 if values.dtype == np.uint16 else 255)
        one = found(values)["scale"]
        assert (one.level, one.count, shown(one)) == ("warning", 2, {"image 5", "image 9"})


def test_gray_in_three_channels_is_found_with_its_cure():
    (one,) = image_findings(samples(np.repeat(CLEAN[:, :1], 3, 1)))
    assert (one.kind, one.level, one.cures[0].line) == ("gray as colour", "note", "color: gray")


def test_constant_transparency_is_found():
    opaque = np.concatenate([CLEAN, np.full_like(CLEAN[:, :1], 255)], 1)
    (one,) = image_findings(samples(opaque))
    assert (one.kind, one.count, one.cures[0].line) == ("constant alpha", 120, "color: rgb")


def test_channels_that_come_last_are_found():
    one = found(np.ascontiguousarray(CLEAN.transpose(0, 2, 3, 1)))["axes"]
    assert (one.level, one.count) == ("warning", 120)


def test_other_sizes_are_found():
    contents = [encode(image) for image in CLEAN]
    contents[4] = encode(scenes(1, 128, seed=5)[0])
    contents[6] = encode(np.ascontiguousarray(scenes(1, 64, seed=6)[0][:, :20]))
    one = found(files(contents))
    assert {kind: finding.count for kind, finding in one.items()} == {"sizes": 2, "odd size": 1, "odd aspect": 1}
    assert one["sizes"].cures[0].line == "size: [32, 32]"
    assert shown(one["odd size"]) == {"image 4"}
    assert shown(one["odd aspect"]) == {"image 6"}


def test_a_truncated_file_is_found_and_so_is_what_the_source_left_out():
    contents = [encode(image) for image in CLEAN]
    contents[10] = contents[10][:200]
    skipped = {"empty file": ["a.png", "b.png"], "not an image by its name": ["Thumbs.db"]}
    one = {finding.kind: finding for finding in image_findings(samples(files(contents), skipped=skipped))}
    bad = one["unusable images"]
    assert (bad.count, bad.cures[0].line, one["other files"].count) == (3, "bad: skip", 1)
    assert shown(bad) == {"a.png", "b.png", "image 10"}
    assert bad.what.startswith("3 of 122 images cannot be used (empty file: 2; damaged, or unlike the others: 1)")


def test_dead_and_hot_pixels_are_found_where_they_are():
    values = beam()
    values[:, 0, 20, 11] = 77
    values[:, 0, 3, 4] += 500
    one = {finding.kind: finding for finding in frame_findings(frames(values))}
    assert shown(one["dead pixels"]) == {"row 20, column 11"}
    assert shown(one["hot pixels"]) == {"row 3, column 4"}


def test_a_frame_that_came_twice_is_found_at_its_time():
    values = beam()
    values[[21, 22]] = values[20]
    one = {finding.kind: finding for finding in frame_findings(frames(values))}["repeated frame"]
    assert (one.count, [place.first for place in one.places]) == (2, [2_100_000_000, 2_200_000_000])


def test_of_very_many_frames_runs_of_neighbours_are_looked_at():
    assert looked_at(100, 1000).tolist() == list(range(100))
    some = looked_at(1_000_000, 2**20)
    assert len(some) == 1024
    assert some[0] == 0
    assert some[-1] == 999_999
    assert (np.diff(some) == 1).mean() > 0.9
