"""Folders, tables and archives of samples are read as they are."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlkit.data.sample_splits import Official
from dlkit.data.samples.decode import decode
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.data.sources.ucr import UCR
from tests.made_samples import TS, encoded, image_folder, pixels, table_of_images, tiff, ts_files
from tests.shared_data import shared


def first(image):
    return image[None] if image.ndim == 2 else image.transpose(2, 0, 1)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_a_folder_gives_its_images(form, tmp_path):
    samples = ImageFolder(path=image_folder(tmp_path, form=form), groups=r"run(\d)").read()
    assert samples.classes == ("cat", "dog")
    assert samples.labels.tolist() == [0] * 6 + [1] * 6
    assert samples.groups.tolist() == list("001122") * 2
    assert samples.channels == ("red", "green", "blue")
    assert samples.roles is None
    for number, name in enumerate(samples.names):
        expected = first(np.asarray(Image.open(tmp_path / name)))
        np.testing.assert_array_equal(samples.values.decode(number), expected)


def test_folders_of_roles_are_official(tmp_path):
    source = ImageFolder(path=image_folder(tmp_path, roles=("train", "Validation", "test")), classes=["dog", "cat"])
    samples = source.read()
    assert samples.classes == ("dog", "cat")
    assert [role for role, _ in zip(samples.roles, samples.names, strict=True)].count("val") == 12
    roles = Official().roles(samples)
    assert all(samples.names[number].startswith("test/") for number in roles["test"])


@pytest.mark.parametrize("color, channels", [("gray", 1), ("rgb", 3), ("auto", 3)])
def test_gray_and_colour_mixed_become_one(color, channels, tmp_path):
    image_folder(tmp_path)
    (tmp_path / "cat" / "gray.png").write_bytes(encoded(pixels(8, 10)))
    (tmp_path / "dog" / "alpha.png").write_bytes(encoded(pixels(8, 10, 4)))
    samples = ImageFolder(path=tmp_path, color=color).read()
    images = [samples.values.decode(number) for number in range(len(samples))]
    assert {image.shape for image in images} == {(channels, 8, 10)}
    assert samples.values.channels == channels
    gray = images[samples.names.index("cat/gray.png")]
    np.testing.assert_array_equal(gray, np.repeat(first(pixels(8, 10)), channels, axis=0))
    if color == "gray":
        colour = Image.open(tmp_path / samples.names[0]).convert("L")
        assert np.abs(images[0].astype(int) - np.asarray(colour)).max() <= 1


def test_detector_images_of_16_bits_and_floats(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(4):
            page = pixels(6, 9, 7, dtype=np.uint16, seed=number)
            (tmp_path / label / f"{number}.tif").write_bytes(tiff([page]))
    samples = ImageFolder(path=tmp_path, units={"x0": "counts"}).read()
    assert samples.values.decode(0).dtype == np.uint16
    assert len(samples.channels) == 6
    assert samples.units[0] == "counts"
    for file in tmp_path.rglob("*.tif"):
        image = decode(np.fromfile(file, np.uint8)).astype(np.float32)
        image[0, 0, 0] = np.nan
        np.save(file.with_suffix(".npy"), image)
        file.unlink()
    samples = ImageFolder(path=tmp_path).read()
    assert samples.values.decode(0).dtype == np.float32
    assert np.isnan(samples.values.decode(0)[0, 0, 0])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_of_paths(form, tmp_path):
    rows = table_of_images(tmp_path)
    getattr(rows, f"to_{form}")(tmp_path / f"list.{form}", index=False)
    common = {"path": tmp_path / f"list.{form}", "groups": "shot", "roles": "role"}
    samples = Manifest(**common).read()
    assert samples.classes == ("cat", "dog")
    assert samples.names == rows["path"].to_list()
    assert samples.groups.tolist() == [str(shot) for shot in rows["shot"]]
    assert samples.roles.tolist() == rows["role"].to_list()
    values = Manifest(**common, label=["size", "charge"], target_units=["mm", "nC"]).read()
    assert (values.kind, values.targets, values.target_units) == ("values", ("size", "charge"), ("mm", "nC"))
    np.testing.assert_allclose(values.labels, rows[["size", "charge"]], rtol=1e-6)
    tags = Manifest(**common, label="tags", separator=";").read()
    assert (tags.kind, tags.classes) == ("labels", ("big", "red", "small"))
    np.testing.assert_array_equal(tags.labels[:3], [[1, 1, 0], [0, 0, 0], [0, 1, 0]])


def test_a_table_of_bytes_and_one_file_a_role(tmp_path):
    images = [pixels(8, 10, 3, seed=number) for number in range(12)]
    rows = pd.DataFrame({"image": [encoded(image) for image in images], "label": list("ab") * 6})
    rows[:8].to_parquet(tmp_path / "one.parquet")
    rows[8:].assign(image=[{"bytes": item, "path": None} for item in rows["image"][8:]]).to_parquet(
        tmp_path / "two.parquet"
    )
    roles = {"train": str(tmp_path / "one.parquet"), "test": str(tmp_path / "two.parquet")}
    samples = Manifest(path=roles, image="image").read()
    assert samples.roles.tolist() == ["train"] * 8 + ["test"] * 4
    for number, image in enumerate(images):
        np.testing.assert_array_equal(samples.values.decode(number), first(image))


def test_ts_with_missing_values_and_unequal_lengths(tmp_path):
    samples = UCR(path=ts_files(tmp_path)).read()
    assert samples.roles.tolist() == ["train"] * 4 + ["test"] * 4
    assert samples.classes == ("up", "down")
    assert samples.labels[:4].tolist() == [0, 1, 0, 1]
    assert samples.lengths[:4].tolist() == [4, 2, 3, 4]
    np.testing.assert_array_equal(samples.values[0], [[1, 2, 3, 4], [5, np.nan, 7, 8]])
    np.testing.assert_array_equal(samples.values[2], [[-1, 2.5, 30, np.nan], [0, 0, 0, np.nan]])


@pytest.mark.parametrize("named", ["", "Made", "Made_TRAIN.ts", "Made_TEST.ts"])
def test_a_problem_of_an_archive_is_found_by_its_name_by_one_of_its_files_and_among_others(tmp_path, named):
    whole = UCR(path={role: str(ts_files(tmp_path) / f"Made_{role.upper()}.ts") for role in ("train", "test")}).read()
    np.savez(tmp_path / "other.npz", X=np.zeros((3, 4)), y=[0, 1, 0])
    source = UCR(path=tmp_path / named)
    samples = source.read()
    assert (samples.names, samples.roles.tolist()) == (whole.names, whole.roles.tolist())
    assert len(source.fingerprint()["files"]) == 2
    assert len(source.with_path(tmp_path / "Made_TEST.ts").read()) == 4  # of new files only those that are named


def test_ts_of_a_regression_and_tsv(tmp_path):
    text = TS.replace("@classLabel true up down", "@targetLabel true").replace(":up", ":1.5").replace(":down", ":2")
    (tmp_path / "Fat_TRAIN.ts").write_text(text)
    samples = UCR(path=tmp_path, target_units=["%"]).read()
    assert (samples.kind, samples.target_units) == ("values", ("%",))
    assert samples.labels[:, 0].tolist() == [1.5, 2, 1.5, 2]
    (tmp_path / "Old_TRAIN.tsv").write_text("1\t0.5\t1.5\t2.5\n-1\t1\t2\tNaN\n")
    samples = UCR(path=tmp_path / "Old_TRAIN.tsv").read()
    assert samples.classes == ("-1", "1")
    assert samples.lengths.tolist() == [3, 2]


@pytest.mark.parametrize("name, lengths", [("PLAID", True), ("JapaneseVowels", True), ("GunPoint", False)])
def test_shared_problems_are_read_as_they_are(name, lengths):
    path = shared(f"traces/{name}.npz")
    raw = np.load(path)
    for source in (UCR(path=path), SampleArrays(path=path)):
        samples = source.read()
        np.testing.assert_array_equal(samples.values, np.concatenate([raw["X_train"], raw["X_test"]]))
        np.testing.assert_array_equal(samples.labels, np.concatenate([raw["y_train"], raw["y_test"]]))
        assert samples.classes == tuple(raw["classes"])
        if lengths:
            np.testing.assert_array_equal(samples.lengths, np.concatenate([raw["len_train"], raw["len_test"]]))
        else:
            assert samples.lengths is None


def test_shared_pictures_are_what_pillow_reads():
    path = shared("images/cifar10_test.parquet")
    samples = Manifest(path=path, image="jpeg", label="class", name="file", check="some").read()
    assert len(samples) == 10_000
    assert np.bincount(samples.labels).tolist() == [1000] * 10
    rows = pd.read_parquet(path, columns=["jpeg"])
    for number in range(0, 10_000, 997):
        expected = first(np.asarray(Image.open(io.BytesIO(rows["jpeg"][number]))))
        np.testing.assert_array_equal(samples.values.decode(number), expected)


def test_one_unit_needs_no_list(tmp_path):
    table_of_images(tmp_path).to_csv(tmp_path / "list.csv", index=False)
    assert Manifest(path=tmp_path / "list.csv", label="size", target_units="mm").read().target_units == ("mm",)
