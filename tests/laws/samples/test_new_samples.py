"""New files are read as the training files were, with labels or without."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.data.labelled.lengths import fit_lengths
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.data.sources.ucr import UCR
from tests.made_samples import TS, encoded, image_folder, make_source, pixels, table_of_images, traces, ts_files


def assert_unlabelled(samples):
    assert samples.kind == "class"
    assert samples.classes == ()
    assert (samples.labels == -1).all()
    assert samples.roles is samples.groups is None


@pytest.mark.parametrize("cls", [ImageFolder, Manifest, SampleArrays, UCR])
def test_the_training_files_as_new_files_are_the_same(cls, tmp_path):
    source = make_source(cls, tmp_path)
    trained = source.read()
    path = source.path if not isinstance(source.path, list) else source.path[0]
    again = source.with_path([str(path)], fitted=source.fitted).read()
    np.testing.assert_array_equal(again.labels, trained.labels)
    assert (again.names, again.classes, again.kind) == (trained.names, trained.classes, trained.kind)
    assert again.channels == trained.channels
    assert again.roles is again.groups is None


def test_images_without_labels_take_the_colour_of_the_training_images(tmp_path):
    source = ImageFolder(path=image_folder(tmp_path / "train"), groups=r"run(\d)")
    source.read()
    (tmp_path / "new").mkdir()
    for number in range(3):
        (tmp_path / "new" / f"{number}.png").write_bytes(encoded(pixels(8, 10, seed=number)))
    for paths in ([tmp_path / "new"], sorted((tmp_path / "new").iterdir()), [str(tmp_path / "new" / "*.png")]):
        samples = source.with_path(paths, fitted=source.fitted).read()
        assert_unlabelled(samples)
        assert samples.names == ["0.png", "1.png", "2.png"]
        assert samples.values.decode(1).shape == (3, 8, 10)


def test_tables_arrays_and_archives_without_labels(tmp_path):
    rows = table_of_images(tmp_path)
    rows.to_csv(tmp_path / "train.csv", index=False)
    rows[["path"]][:4].to_csv(tmp_path / "new.csv", index=False)
    source = Manifest(path=tmp_path / "train.csv", groups="shot", roles="role")
    assert_unlabelled(source.with_path(tmp_path / "new.csv").read())

    np.savez(tmp_path / "new.npz", X=traces()["X"])
    source = SampleArrays(path=tmp_path / "train.npz", groups="shot", labels="fault", roles="role", inputs="X")
    samples = source.with_path([str(tmp_path / "new.npz")], fitted={"kind": "class"}).read()
    assert_unlabelled(samples)
    np.testing.assert_array_equal(samples.values, traces()["X"])

    text = TS.replace("@classLabel true up down", "@classLabel false").replace(":up", "").replace(":down", "")
    (tmp_path / "New_TEST.ts").write_text(text)
    source = UCR(path=ts_files(tmp_path) / "Made_TRAIN.ts")
    samples = source.with_path(tmp_path / "New_TEST.ts").read()
    assert_unlabelled(samples)
    np.testing.assert_array_equal(samples.values, source.read().values[:4])  # Made_TEST.ts is beside it
    with pytest.raises(InputError, match=r"New_TEST\.ts.*no labels"):
        UCR(path=tmp_path / "New_TEST.ts").read()


def test_new_labels_may_be_missing_strange_or_of_one_class():
    made = traces(4)
    source = SampleArrays.of({**made, "y": np.array(["arc", "", "melt", "arc"])}, classes=["arc", "quench"])
    source.arrays, source.settings = source.arrays, source.settings.for_new({"kind": "class"})
    samples = source.read()
    assert (samples.labels.tolist(), samples.classes) == ([0, -1, 2, 0], ("arc", "quench", "melt"))
    assert samples.skipped == {}
    values = SampleArrays.of({**made, "y": np.array([1.0, 2.0, np.nan, 4.0])})
    values.settings = values.settings.for_new({"kind": "values"})
    np.testing.assert_array_equal(values.read().labels[:, 0], [1, 2, np.nan, 4])


def test_new_values_may_all_be_words_such_as_question_marks(tmp_path):
    rows = table_of_images(tmp_path)
    rows.to_csv(tmp_path / "train.csv", index=False)
    source = Manifest(path=tmp_path / "train.csv", label="size")
    source.read()
    rows.assign(size="?").to_csv(tmp_path / "new.csv", index=False)
    samples = source.with_path(tmp_path / "new.csv", fitted=source.fitted).read()
    assert (len(samples), samples.skipped) == (12, {})
    assert np.isnan(samples.labels).all()


def test_new_images_need_no_group_and_files_of_one_name_keep_their_folders(tmp_path):
    source = ImageFolder(path=image_folder(tmp_path / "train"), groups=r"run(\d)")
    source.read()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(encoded(pixels(8, 10, 3)))
    files = [tmp_path / name / "0.png" for name in ("a", "b")]
    assert source.with_path(files, fitted=source.fitted).read().names == [file.as_posix() for file in files]


def test_new_images_of_bytes(tmp_path):
    rows = pd.DataFrame({"jpeg": [encoded(pixels(8, 10, 3, seed=n), "JPEG") for n in range(3)]})
    rows.to_parquet(tmp_path / "new.parquet")
    source = make_source(Manifest, tmp_path)
    samples = source.with_path(tmp_path / "new.parquet", fitted={"kind": "class", "color": "gray"}).read()
    assert_unlabelled(samples)
    assert samples.values.decode(2).shape == (1, 8, 10)


@pytest.mark.parametrize("cls", [ImageFolder, Manifest])
def test_new_images_of_another_pixel_type_or_with_colours_never_seen_are_refused(cls, tmp_path):
    def save(name, image):
        (tmp_path / name).mkdir()
        Image.fromarray(image).save(tmp_path / name / "new.png")
        if cls is Manifest:
            pd.DataFrame({"path": [f"{name}/new.png"]}).to_csv(tmp_path / f"{name}.csv", index=False)
        return tmp_path / (f"{name}.csv" if cls is Manifest else name)

    folder = image_folder(tmp_path / "images")
    for number, file in enumerate(sorted(folder.rglob("*.png"))):
        Image.fromarray(pixels(8, 10, seed=number)).save(file)
    rows = [(file.relative_to(folder).as_posix(), file.parent.name) for file in sorted(folder.rglob("*.png"))]
    pd.DataFrame(rows, columns=["path", "label"]).to_csv(folder / "table.csv", index=False)
    source = cls(path=folder if cls is ImageFolder else folder / "table.csv")
    source.read()
    deep = save("deep", pixels(8, 10, dtype=np.uint16))
    coloured = save("coloured", pixels(8, 10, 3))
    assert len(source.with_path(save("same", pixels(8, 10))).read()) == 1
    with pytest.raises(InputError, match=r"trained on 8-bit images, got 16-bit: .*new\.png"):
        source.with_path(deep).read()
    with pytest.raises(InputError, match=r"trained on 1 channel, got 3: .*new\.png"):
        source.with_path(coloured).read()
    known = source.fitted | {"drops_color": True}
    assert source.with_path(coloured, fitted=known).read().values.decode(0).shape == (1, 8, 10)


def test_a_run_of_tables_says_how_to_list_new_images(tmp_path):
    source = make_source(Manifest, tmp_path)
    folder = image_folder(tmp_path / "images") / "cat"
    for path in (folder, [folder / "*.png"], sorted(folder.iterdir())):
        with pytest.raises(InputError, match=r"got 6 images without one: list them in a table with a column 'jpeg'"):
            source.with_path(path).read()


def fitted(policy, spec_time, padded, lengths, width):
    """Return the names of traces of given lengths that fit a network, and what was left out."""
    values = np.zeros((len(lengths), 2, width), np.float32)
    for row, length in zip(values, lengths, strict=True):
        row[:, length:] = np.nan
    made = SampleArrays.of({"X": values, "y": np.arange(len(lengths)) % 2})
    spec = Spec(channels=("x0", "x1", *(("valid",) if padded else ())), size=(spec_time,), output=(2,),
                units=("",) * (2 + padded), kind="class", classes=("0", "1"), padded=padded)  # fmt: skip
    samples = fit_lengths(made.read(), spec, policy)
    assert samples.values.shape[-1] == spec_time
    assert (samples.lengths is None) is not padded
    return samples.names, samples.skipped


@pytest.mark.parametrize("padded", [True, False])
def test_new_traces_that_do_not_fit_the_network_are_left_out_alone_or_named(padded):
    names, skipped = fitted("skip", 8, padded, [8, 10, 8, 5, 12], 12)
    assert names == [f"array/{n}" for n in ((0, 2, 3) if padded else (0, 2))]
    assert {name for found in skipped.values() for name in found} == {f"array/{n}" for n in range(5)} - set(names)
    with pytest.raises(InputError, match=r"[23] of 5 new traces.*longer than the 8 samples.*array/1, array/4"):
        fitted("fail", 8, padded, [8, 10, 8, 5, 12], 12)
    with pytest.raises(InputError, match=r"up to 12 samples long, the run was trained on traces of (at most )?8"):
        fitted("skip", 8, padded, [10, 12], 12)
    assert fitted("fail", 8, padded, [8, 8], 8) == (["array/0", "array/1"], {})


def test_a_trace_without_a_value_is_no_shorter_trace():
    made = traces(6)
    made["X"][2] = np.nan
    samples = SampleArrays.of(made, bad="skip").read()
    assert samples.lengths is None
    assert samples.skipped == {"no known value": ["array/2"]}
