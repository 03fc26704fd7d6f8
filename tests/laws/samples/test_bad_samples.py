"""Bad samples are named before training, all at once, or left out and recorded."""

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError, counted
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.data.sources.ucr import UCR
from tests.made_samples import TS, encoded, image_folder, pixels, png16, table_of_images, traces


def test_all_bad_images_are_named_at_once_or_left_out_and_recorded(tmp_path):
    image_folder(tmp_path)
    whole = (tmp_path / "cat" / "run0_0.png").read_bytes()
    (tmp_path / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cat" / "nothing.jpg").write_bytes(b"")
    (tmp_path / "dog" / "text.png").write_text("no image")
    (tmp_path / "dog" / "dot.png").write_bytes(encoded(pixels(1, 1, 3)))
    (tmp_path / "dog" / "deep.png").write_bytes(png16(pixels(8, 10, 3, dtype=np.uint16)))
    (tmp_path / "dog" / "notes.txt").write_text("notes")
    (tmp_path / "fish").mkdir()
    with pytest.raises(InputError) as caught:
        ImageFolder(path=tmp_path).read()
    bad = ["cat/cut.png", "cat/nothing.jpg", "dog/text.png", "dog/dot.png", "dog/deep.png", "fish", "bad: skip"]
    assert all(name in str(caught.value) for name in bad), str(caught.value)
    assert str(caught.value).startswith("5 of 17 images")
    samples = ImageFolder(path=tmp_path, bad="skip").read()
    assert len(samples) == len(samples.values) == len(samples.labels) == 12
    assert samples.classes == ("cat", "dog")
    recorded = {name for names in samples.skipped.values() for name in names}
    assert recorded == {*bad[:-1], "dog/notes.txt"}
    assert {samples.values.decode(number).shape for number in range(12)} == {(3, 8, 10)}


def test_bad_labels_and_values_are_named_with_their_causes(tmp_path):
    made = traces(8)
    made["X"][2] = np.nan
    made["X"][3, 0, 0] = np.inf
    made["y"] = np.array(["arc", "quench", "arc", "quench", "", "arcc", "arc", "quench"])
    with pytest.raises(InputError) as caught:
        SampleArrays.of(made, classes=["arc", "quench"]).read()
    words = ["4 of 8", "no known value: array/2", "infinite value: array/3", "label missing: array/4", "array/5"]
    assert all(word in str(caught.value) for word in words), str(caught.value)
    samples = SampleArrays.of(made, classes=["arc", "quench"], bad="skip").read()
    assert samples.names == ["array/0", "array/1", "array/6", "array/7"]
    assert samples.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("x", "where", "words"),
    [
        ((8, 1, 30), np.zeros((8, 90)), r"shape \(8, 90\), .*need \(8, 30\)"),
        ((8, 1, 30), np.ones((8, 1, 30)), r"shape \(8, 1, 30\), .*need \(8, 30\)"),
        ((8, 1, 30), np.full((8, 30), np.nan), "NaN"),
        ((8, 1, 30), np.full((8, 30), "no"), "text"),
        ((8, 1, 12, 10), np.zeros((8, 10, 12)), r"shape \(8, 10, 12\), .*need \(8, 12, 10\)"),
    ],
)
def test_masks_of_another_shape_than_the_inputs_are_one_sentence(x, where, words):
    made = {"X": np.random.default_rng(0).normal(size=x).astype(np.float32), "y": np.arange(8) % 2, "where": where}
    with pytest.raises(InputError, match=f"'where'.*{words}"):
        SampleArrays.of(made, informative="where").read()
    fits = np.zeros((8, *x[2:]))
    fits[:, 2:5] = 1
    found = SampleArrays.of(made | {"where": fits}, informative="where").read().informative
    np.testing.assert_array_equal(found, fits == 1)


def test_masks_of_files_of_unequal_length_are_false_where_there_is_no_trace(tmp_path):
    random = np.random.default_rng(0)
    for name, length in (("a", 20), ("b", 30)):
        x, y = random.normal(size=(4, 1, length)).astype(np.float32), np.arange(4) % 2
        np.savez(tmp_path / f"{name}.npz", X=x, y=y, informative=np.ones((4, length), dtype=bool))
    samples = SampleArrays(path=str(tmp_path / "*.npz")).read()
    np.testing.assert_array_equal(samples.informative, ~np.isnan(samples.values[:, 0]))


def test_missing_pixels_are_kept_but_infinite_and_blank_images_are_bad(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(3):
            image = np.random.default_rng(number).normal(size=(6, 7)).astype(np.float32)
            image[0, number] = np.nan
            np.save(tmp_path / label / f"{number}.npy", image)
    np.save(tmp_path / "a" / "inf.npy", np.full((6, 7), np.inf, np.float32))
    np.save(tmp_path / "b" / "blank.npy", np.full((6, 7), np.nan, np.float32))
    samples = ImageFolder(path=tmp_path, bad="skip").read()
    assert samples.skipped == {"infinite value": ["a/inf.npy"], "no known value": ["b/blank.npy"]}
    assert [int(np.isnan(samples.values.decode(number)).sum()) for number in range(6)] == [1] * 6
    assert np.isnan(samples.values.decode(4)[0, 0, 1])


def test_a_file_that_breaks_after_the_check_is_named_when_it_is_read(tmp_path):
    samples = ImageFolder(path=image_folder(tmp_path)).read()
    (tmp_path / "dog" / "run0_1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"dog/run0_1\.png.*empty file"):
        samples.values.decode(samples.names.index("dog/run0_1.png"))


def test_a_missing_file_in_a_table_is_named(tmp_path):
    rows = table_of_images(tmp_path)
    rows.loc[3, "path"], rows.loc[5, "path"], rows.loc[7, "label"] = "gone.png", None, None
    rows.to_parquet(tmp_path / "list.parquet")
    with pytest.raises(InputError) as caught:
        Manifest(path=tmp_path / "list.parquet").read()
    words = ["3 of 12", "no such file: gone.png", "image missing: list (row 6)", "label missing: dog/run0_1.png"]
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert len(Manifest(path=tmp_path / "list.parquet", bad="skip").read()) == 9


@pytest.mark.parametrize("kind", ["auto", "values"])
def test_a_word_among_values_is_one_bad_row_among_others(kind, tmp_path):
    rows = table_of_images(tmp_path).astype({"size": object})
    rows.loc[4, "size"], rows.loc[2, "path"], rows.loc[7, "size"] = "abc", "gone.png", None
    rows.to_csv(tmp_path / "list.csv", index=False)
    settings = {"path": tmp_path / "list.csv", "label": "size", "kind": kind}
    samples = Manifest(**settings, bad="skip").read()
    assert samples.kind == "values"
    assert samples.names == [name for number, name in enumerate(rows["path"]) if number not in (2, 4, 7)]
    np.testing.assert_array_equal(samples.labels[:, 0], rows["size"].drop([2, 4, 7]).astype(np.float32))
    assert {name for names in samples.skipped.values() for name in names} == set(rows["path"][[2, 4, 7]])
    with pytest.raises(InputError, match="1 of 12 rows" if kind == "auto" else "3 of 12 images"):
        Manifest(**settings).read()


def test_a_word_spoils_its_row_in_every_column_of_values():
    made = traces(4) | {"y": np.array([["1", "2"], ["3", "4"], ["x", "6"], ["", "8"]])}
    samples = SampleArrays.of(made, kind="values", targets=["a", "b"], bad="skip").read()
    np.testing.assert_array_equal(samples.labels, [[1, 2], [3, 4], [np.nan, 8]])
    assert samples.skipped == {"a is no number, such as 'x'": ["array/2"]}


def test_a_file_that_is_listed_again_carries_its_row_and_no_other_does(tmp_path):
    rows = table_of_images(tmp_path)
    rows = pd.concat([rows, rows.iloc[[3]]], ignore_index=True)
    rows.to_csv(tmp_path / "list.csv", index=False)
    names = Manifest(path=tmp_path / "list.csv").read().names
    twice = rows["path"][3]
    assert [names[3], names[12]] == [f"{twice} (row 4)", f"{twice} (row 13)"]
    assert [name for name in names if "row" not in name] == rows["path"].drop([3, 12]).to_list()
    rows.loc[3:3].to_csv(tmp_path / "more.csv", index=False)
    both = Manifest(path=[tmp_path / "list.csv", tmp_path / "more.csv"]).read().names
    assert [both[12], both[13]] == [f"{twice} (list, row 13)", f"{twice} (more, row 1)"]


def test_an_empty_cell_of_several_labels_says_that_there_is_none(tmp_path):
    rows = table_of_images(tmp_path)
    rows.loc[3, "tags"] = None
    rows.to_csv(tmp_path / "list.csv", index=False)
    samples = Manifest(path=tmp_path / "list.csv", label="tags", separator=";").read()
    assert samples.labels[3].tolist() == [0] * len(samples.classes)
    assert samples.skipped == {}


def refusals(folder):
    """Settings and files that cannot be, with words of the sentence that says so."""
    made, image = traces(6), image_folder(folder / "images")
    rows = table_of_images(folder / "rows")
    rows.to_csv(folder / "rows" / "list.csv", index=False)
    listed = folder / "rows" / "list.csv"
    (folder / "empty").mkdir()
    (folder / "one" / "cat").mkdir(parents=True)
    (folder / "one" / "cat" / "a.png").write_bytes(encoded(pixels(20, 30)))
    (folder / "loose").mkdir()
    (folder / "loose" / "a.png").write_bytes(encoded(pixels(20, 30)))
    (folder / "objects").mkdir()
    np.save(folder / "objects" / "X.npy", np.array([{}, None], dtype=object))
    stamped = folder / "Stamped_TRAIN.ts"
    stamped.write_text(TS.replace("@timestamps false", "@timestamps true"))
    words = folder / "Words_TRAIN.ts"
    words.write_text(TS + "1,two:3,4:up\n")
    of = SampleArrays.of
    yield lambda: ImageFolder(path=folder / "nowhere"), ["nowhere", "folder"]
    yield lambda: ImageFolder(path=folder / "empty"), ["empty", "no image", ".png"]
    yield lambda: ImageFolder(path=folder / "loose"), ["1 image ", "Manifest"]
    yield lambda: ImageFolder(path=folder / "one"), ["one class", "'cat'"]
    yield lambda: ImageFolder(path=image, classes=["cat", "dgo"]), ["'dgo'", "did you mean 'dog'"]
    yield lambda: ImageFolder(path=image, groups="shot("), ["groups", "pattern"]
    nothing = [r"`groups: shot(\d+)` matches no file name, e.g. 'cat/run0_0.png'", "change `groups`"]
    yield lambda: ImageFolder(path=image, groups=r"shot(\d+)", bad="skip"), nothing
    yield lambda: ImageFolder(path=image, groups=r"run0_(\d+)"), ["8 of 12 images", "group missing: cat/run1_2.png"]
    yield lambda: of({**made, "groups": np.full(6, "")}), ["None of the 6 samples has a group", "`groups`"]
    yield lambda: ImageFolder(path=image, kind="ordinal"), ["ordinal", "`classes`"]
    yield lambda: ImageFolder(path=image, channels=["a"]), ["`channels` names 1", "3"]
    yield lambda: Manifest(path=listed, image="pth"), ["'pth'", "`image`", "did you mean 'path'"]
    yield lambda: Manifest(path=listed, label="labels"), ["`label`", "did you mean 'label'"]
    yield lambda: Manifest(path=listed, label=[]), ["`label`", "empty"]
    yield (
        lambda: Manifest(path=listed, label="label", kind="values"),
        ["12 of 12 labels in label", "'cat'", "`kind`"],
    )
    mixed = pd.read_csv(listed).astype({"size": object})
    mixed.loc[4, "size"] = "abc"
    mixed.to_csv(listed.with_name("words.csv"), index=False)
    refused = ["row 5, size: 'abc' is no number, as in 1 of 12 rows", "`bad: skip`", "`kind: class`"]
    yield lambda: Manifest(path=listed.with_name("words.csv"), label="size"), refused
    refused = ["1 of 12 images", f"size is no number, such as 'abc': {mixed['path'][4]}", "`bad: skip`"]
    yield lambda: Manifest(path=listed.with_name("words.csv"), label="size", kind="values"), refused
    both = {"label": ["label", "size"], "separator": ";"}
    yield lambda: Manifest(path=listed, **both), ["`separator: ;`", "one column", "`label` names 2"]
    yield lambda: Manifest(path=listed, separator=";", kind="class"), ["`kind: class`", "set `kind: labels`"]
    yield lambda: Manifest(path=listed, label="label", kind="ordinal"), ["order", "`classes`"]
    yield lambda: Manifest(path=listed, label="size", target_units=["mm", "mm"]), ["`target_units`"]
    yield lambda: Manifest(path=listed, roles="label"), ["none of train, val, test"]
    yield lambda: Manifest(path=listed, label="tags", separator=";", classes=["red"]), ["big", "`classes`"]
    yield lambda: Manifest(path={"fit": str(listed)}), ["'fit'", "train, val or test"]
    yield lambda: Manifest(path=folder / "images" / "cat" / "run0_0.png"), ["run0_0.png", ".csv"]
    yield lambda: SampleArrays(path=folder / "objects", labels="X"), ["X.npy", "NumPy"]
    yield lambda: of(made, inputs="Z"), ["'Z'", "`inputs`"]
    yield lambda: of({"X": made["X"]}), ["`labels`", "'y'"]
    yield lambda: of({**made, "y": made["y"][:-1]}), ["6 inputs", "5"]
    yield lambda: of({**made, "y": np.zeros(6)}), ["whole numbers", "kind: class", "kind: values"]
    yield lambda: of({**made, "y": np.eye(3)[made["y"]]}), ["kind: class", "kind: labels"]
    yield lambda: of({**made, "y": np.zeros(6, int)}), ["one class"]
    yield lambda: of({**made, "X": made["X"].astype(complex)}), ["complex"]
    yield lambda: of({**made, "X": pixels(6, 8, 8)}), ["`axes`", "height width"]
    yield lambda: of({**made, "X": pixels(6, 32, 32, 3)}), ["`axes`", "height width channels"]
    yield lambda: of({**made, "X": np.zeros((6, 0, 4))}), ["empty"]
    yield lambda: of(made, axes="hight width"), ["`axes: hight width`"]
    yield lambda: of(made, units={"y9": "V"}), ["y9"]
    yield lambda: of({**made, "lengths": np.full(6, 99)}), ["length", "1 to 16"]
    yield lambda: UCR(path=stamped), ["Stamped_TRAIN.ts", "stamps"]
    yield lambda: UCR(path=words), ["Words_TRAIN.ts, line 12", "two"]


def test_what_cannot_be_is_refused_in_one_sentence(tmp_path):
    for number, (make, words) in enumerate(refusals(tmp_path)):
        with pytest.raises(InputError) as caught:
            make().read()
        message = str(caught.value)
        assert all(word in message for word in words), (number, message)
        assert "\n" not in message


def test_one_is_singular():
    assert [counted(n, "class") for n in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]
    assert counted(1, "class is", "classes are") == "1 class is"
