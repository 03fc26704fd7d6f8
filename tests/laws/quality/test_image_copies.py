"""Images that come twice, and how images were compressed."""

import io

import numpy as np
import pytest
from PIL import Image

from dlkit.data.samples.copies import near_copies, normal_vectors, pairs_within, same_content
from dlkit.data.samples.thumbnails import gray_of, means_of_blocks, thumbnails_of
from dlkit.quality.images import traits
from dlkit.quality.images.jpeg import read_jpeg
from dlkit.quality.images.measure import entropy_of
from dlkit.quality.images.samples import image_findings
from tests.made_images import encode, files, samples, scenes

CLEAN = scenes()
ROLES = np.array(["train"] * 80 + ["test"] * 40)


def found(values, **more):
    return {one.kind: one for one in image_findings(samples(values, **more))}


def reencoded(image, quality=40):
    with Image.open(io.BytesIO(encode(image, "JPEG", quality=quality))) as file:
        return np.asarray(file).transpose(2, 0, 1)


def halved(image):
    half = Image.fromarray(image.transpose(1, 2, 0)).resize((16, 16), Image.Resampling.BOX)
    return np.asarray(half.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)


def test_an_equal_image_in_another_role_is_an_error_and_in_the_same_one_it_is_not():
    values = CLEAN.copy()
    values[100], values[7] = values[4], values[5]
    one = found(values, roles=ROLES)
    assert {kind: (finding.level, finding.count) for kind, finding in one.items()} == {
        "copy in two roles": ("error", 1), "copy": ("note", 1)
    }  # fmt: skip
    assert {place.sample for place in one["copy in two roles"].places} == {"image 4", "image 100"}
    assert found(values)["copy"].count == 2  # no role is known


@pytest.mark.parametrize(
    "change", [reencoded, halved, lambda image: (image * 0.7 + 20).astype(np.uint8)], ids=["jpeg", "half", "darker"]
)
def test_a_changed_copy_is_near_and_no_other_image_is(change):
    values = CLEAN.copy()
    values[90], values[11] = change(values[2]), change(values[13])
    one = found(values, roles=ROLES)
    assert {kind: (finding.level, finding.count) for kind, finding in one.items() if "copy" in kind} == {
        "near copy in two roles": ("warning", 1), "near copy": ("note", 1)
    }  # fmt: skip


@pytest.mark.parametrize(("change", "kind"), [(lambda image: image, "conflicting copies"),
                                              (reencoded, "conflicting near copies")])  # fmt: skip
@pytest.mark.parametrize("roles", [None, ROLES])
def test_copies_with_different_labels_are_told_as_such_alone_and_named_in_the_cure(change, kind, roles):
    values = CLEAN.copy()
    values[91] = change(values[4])  # labels go by turns
    one = found(values, roles=roles)
    assert [each for each in one if "cop" in each] == [kind]
    assert one[kind].count == 2 and {place.sample for place in one[kind].places} == {"image 4", "image 91"}
    assert [cure.line for cure in one[kind].cures] == [
        '{class_path: dlkit.data.cleaning.leave_out.LeaveOut, init_args: {names: ["image 4", "image 91"]}}'
    ]


def test_every_pair_within_a_distance_is_found_as_by_comparing_all():
    random = np.random.default_rng(0)
    thumbnails = random.integers(0, 255, (60, 256)).astype(np.uint8)
    values = np.concatenate([thumbnails, thumbnails[:20] + random.integers(0, 9, (20, 256))])
    vectors = normal_vectors(values)
    distance = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    for radius in (0.02, 0.06, 0.2):
        wanted = np.argwhere(np.triu(distance <= radius, 1))
        np.testing.assert_array_equal(pairs_within(values, vectors, radius), wanted)


def test_images_of_few_kinds_are_no_copies_of_each_other():
    random = np.random.default_rng(1)
    kinds = scenes(5, 16, 1)[:, 0].astype(float)
    values = kinds[random.integers(0, 5, 400)] + random.normal(0, 12, (400, 16, 16))
    assert len(near_copies(thumbnails_of(values.astype(np.float32)))) == 0


def test_thousands_of_one_picture_are_copies_of_one():
    values = np.concatenate([scenes(60, 16)[:, 0], np.repeat(scenes(1, 16, seed=8)[0, :1], 3_000, 0)])
    pairs = near_copies(thumbnails_of(values.astype(np.float32)))
    np.testing.assert_array_equal(pairs, [[60, n] for n in range(61, 3_060)])


def test_the_first_of_equal_content_is_named():
    np.testing.assert_array_equal(same_content(np.array([5, 7, 5, 9, 7])), [0, 1, 0, 3, 1])


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 92, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_the_header_of_a_jpeg_tells_its_quality_and_colours(quality, subsampling):
    read = read_jpeg(encode(CLEAN[0], "JPEG", quality=quality, subsampling=subsampling))
    assert read == (quality, {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}[subsampling])
    assert read_jpeg(encode(CLEAN[0])) is None
    assert read_jpeg(b"\xff\xd8\xff") is None


def test_small_jpegs_are_said_to_be_reencoded_and_large_good_ones_are_not():
    (one,) = image_findings(samples(files([encode(image, "JPEG", quality=80) for image in CLEAN])))
    assert (one.kind, one.level, one.count) == ("re-encoded", "note", 120)
    assert "quality 80, colours at half resolution (4:2:0)" in one.what
    large = [encode(image, "JPEG", quality=90) for image in scenes(40, 160, seed=4)]
    assert image_findings(samples(files(large))) == []


def test_a_compression_that_tells_the_class_is_found_and_one_by_chance_is_not():
    labels = np.arange(120) % 2
    told = [encode(image, "JPEG", quality=80 + 10 * int(k)) for image, k in zip(CLEAN, labels, strict=True)]
    one = found(files(told))
    assert one["compression tells the class"].level == "warning"
    chance = np.random.default_rng(0).integers(0, 2, 120)
    mixed = [encode(image, "JPEG", quality=80 + 10 * int(k)) for image, k in zip(CLEAN, chance, strict=True)]
    assert "compression tells the class" not in found(files(mixed))


def test_what_is_known_of_an_image_does_not_depend_on_its_neighbours(monkeypatch):
    pictures = files([encode(image) for image in [*CLEAN[:9], *scenes(3, 48), *CLEAN[9:20]]])
    whole, sums, _ = traits.traits_of(pictures)
    monkeypatch.setattr(traits, "TASK", 5)
    parts, other, _ = traits.traits_of(pictures)
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    np.testing.assert_allclose(sums.std, other.std)
    np.testing.assert_allclose(sums.mean, CLEAN[:20].mean(0))
    np.testing.assert_allclose(sums.std, CLEAN[:20].std(0), rtol=1e-6)


def test_measures_are_what_their_names_say():
    gray = gray_of(CLEAN)
    np.testing.assert_allclose(gray[0], np.tensordot([0.299, 0.587, 0.114], CLEAN[0], 1), rtol=1e-5)
    np.testing.assert_allclose(entropy_of(np.array([[4, 4, 0], [1, 0, 0]])), [1, 0])
    np.testing.assert_allclose(means_of_blocks(gray, 8, 4), gray.reshape(-1, 8, 4, 4, 8).mean((2, 4)), rtol=1e-5)
    missing = CLEAN[:, :1].astype(np.float32)
    missing[:, :, 0, 0] = np.nan
    assert np.isfinite(gray_of(missing)).all()
