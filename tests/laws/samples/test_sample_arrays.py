"""Labelled arrays are read as they are, in any file, with labels of any kind."""

import h5py
import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.made_samples import pixels, traces


def same(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert (one.classes, one.kind, one.channels) == (other.classes, other.kind, other.channels)


def write_arrays(folder, form, arrays):
    if form == "npz":
        np.savez(folder / "made.npz", **arrays)
        return folder / "made.npz"
    if form == "npy":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        return folder
    with h5py.File(folder / "made.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return folder / "made.h5"


@pytest.mark.parametrize("form", ["npz", "npy", "h5"])
def test_arrays_in_any_file_are_those_in_memory(form, tmp_path):
    arrays = traces()
    samples = SampleArrays(path=write_arrays(tmp_path, form, arrays)).read()
    same(samples, SampleArrays.of(arrays).read())
    np.testing.assert_array_equal(samples.values, arrays["X"])
    np.testing.assert_array_equal(samples.labels, arrays["y"])


def test_arrays_of_the_right_type_are_not_copied(tmp_path):
    arrays = traces()
    assert np.shares_memory(SampleArrays.of(arrays).read().values, arrays["X"])
    values = SampleArrays(path=write_arrays(tmp_path, "npy", arrays)).read().values
    assert isinstance(values, np.memmap) or isinstance(values.base, np.memmap)


def test_arrays_cut_by_role_are_official_and_lengths_are_kept(tmp_path):
    made, lengths = traces(), np.arange(30) % 9 + 8
    parts = {"train": slice(0, 18), "test": slice(18, 30)}
    cut = {f"{key}_{role}": made[key][part] for role, part in parts.items() for key in ("X", "y")}
    cut |= {f"len_{role}": lengths[part] for role, part in parts.items()}
    samples = SampleArrays(path=write_arrays(tmp_path, "npz", {**cut, "classes": np.array(["u", "v", "w"])})).read()
    assert (samples.roles == np.array(["train"] * 18 + ["test"] * 12)).all()
    assert samples.classes == ("u", "v", "w")
    np.testing.assert_array_equal(samples.lengths, lengths)
    for trace, own, length in zip(samples.values, made["X"], lengths, strict=True):
        np.testing.assert_array_equal(trace[:, :length], own[:, :length])
        assert np.isnan(trace[:, length:]).all()


def test_padding_with_nan_is_found_and_ragged_arrays_are_padded(tmp_path):
    random = np.random.default_rng(0)
    ragged = [random.normal(size=length).astype(np.float32) for length in (5, 9, 7, 3)]
    with h5py.File(tmp_path / "ragged.h5", "w") as file:
        rows = file.create_dataset("X", 4, dtype=h5py.vlen_dtype(np.float32))
        for number, trace in enumerate(ragged):
            rows[number] = trace
        file["y"] = [0, 1, 0, 1]
    samples = SampleArrays(path=tmp_path / "ragged.h5").read()
    assert samples.values.shape == (4, 1, 9)
    np.testing.assert_array_equal(samples.lengths, [5, 9, 7, 3])
    again = SampleArrays.of({"X": samples.values, "y": samples.labels}).read()
    np.testing.assert_array_equal(again.lengths, samples.lengths)
    np.testing.assert_array_equal(again.values, samples.values)


def test_files_of_several_runs_are_joined_and_are_groups(tmp_path):
    for run in range(3):
        np.savez(tmp_path / f"run{run}.npz", **traces(12, time=10 + run, seed=run))
    samples = SampleArrays(path=str(tmp_path / "*.npz"), groups="file").read()
    assert samples.values.shape == (36, 2, 12)
    assert samples.groups.tolist() == ["run0"] * 12 + ["run1"] * 12 + ["run2"] * 12
    assert samples.lengths.tolist() == [10] * 12 + [11] * 12 + [12] * 12


@pytest.mark.parametrize("axes, order", [("time channels", (0, 2, 1)), ("height width channels", (0, 2, 3, 1))])
def test_axes_in_any_order(axes, order):
    values = pixels(6, 3, 5, 7)[:, :, 0] if len(order) == 3 else pixels(6, 3, 5, 7)
    samples = SampleArrays.of({"X": values.transpose(order), "y": np.arange(6) % 2}, axes=axes).read()
    np.testing.assert_array_equal(samples.values, values)
    assert samples.values.dtype == np.uint8


LABELS = {
    "numbers count classes": (np.array([2, 0, 2, 0]), {}, "class", [1, 0, 1, 0], ("0", "2")),
    "numbers sort as numbers": (np.array(["10", "9", "10", "9"]), {}, "class", [1, 0, 1, 0], ("9", "10")),
    "minus one is a class": (np.array([1, -1, 1, -1]), {}, "class", [1, 0, 1, 0], ("-1", "1")),
    "bytes are text": (np.array([b"b", b"a", b"b", b"b"]), {}, "class", [1, 0, 1, 1], ("a", "b")),
    "none is a class": (np.array(["none", "arc", "arc", "arc"]), {}, "class", [1, 0, 0, 0], ("arc", "none")),
    "an order is kept": (
        np.array(["low", "high", "mid", "low"]), {"kind": "ordinal", "classes": ["low", "mid", "high"]},
        "ordinal", [0, 2, 1, 0], ("low", "mid", "high"),
    ),
    "names of numbers": (np.array([1, 0, 1, 0]), {"classes": ["a", "q"]}, "class", [1, 0, 1, 0], ("a", "q")),
    "one hot": (np.eye(2)[[1, 0, 1, 1]], {"kind": "class"}, "class", [1, 0, 1, 1], ("0", "1")),
    "floats are values": (np.array([0.5, 1.5, 2.5, 3.0]), {}, "values", [[0.5], [1.5], [2.5], [3.0]], ()),
    "whole floats as told": (np.array([1.0, 2.0, 2.0, 1.0]), {"kind": "class"}, "class", [0, 1, 1, 0], ("1", "2")),
    "zeros and ones": (np.eye(4)[:, :3], {}, "labels", np.eye(4)[:, :3], None),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_every_kind(name):
    raw, settings, kind, labels, classes = LABELS[name]
    samples = SampleArrays.of({"X": traces(4)["X"], "y": raw}, **settings).read()
    assert samples.kind == kind
    np.testing.assert_array_equal(samples.labels, labels)
    assert classes is None or samples.classes == classes


def test_values_have_names_and_units_and_may_be_missing():
    values = np.array([[1.5, np.nan], [2.5, 3.5], [0.5, 1.0]])
    units = {"targets": ["current", "field"], "target_units": ["A", "T"], "units": {"x1": "V"}, "step": "2us"}
    samples = SampleArrays.of({"X": traces(3)["X"], "y": values}, **units).read()
    assert (samples.targets, samples.target_units) == (("current", "field"), ("A", "T"))
    assert (samples.units, samples.step) == (("", "V"), 2e-6)
    np.testing.assert_array_equal(samples.labels, values.astype(np.float32))


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("shape", "right", "wrong"),
    [
        ((8, 3, 30), "channels time", "time channels"),
        ((8, 30, 3), "time channels", "channels time"),
        ((8, 12, 10, 9), "height width channels", "channels height width"),
    ],
)
def test_masks_and_lengths_that_fit_another_order_of_the_axes_blame_the_axes(shape, right, wrong, given):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    size = tuple(length for length, word in zip(shape[1:], right.split(), strict=True) if word != "channels")
    made = {"X": x, "y": np.arange(8) % 2, "where": np.ones((8, *size), dtype=bool)}
    if len(size) == 1:
        made["lengths"] = np.arange(size[0] - 7, size[0] + 1)
    assert SampleArrays.of(made, axes=right, informative="where").read().informative.shape == (8, *size)
    axes = wrong if given or wrong.startswith("time") else None  # which is what is taken where nothing is given
    for part in {"where", "lengths"} & set(made):
        only = {key: made[key] for key in ("X", "y", part)}
        with pytest.raises(InputError, match=f"not with `axes: {wrong}`: set `axes: {right}`") as caught:
            SampleArrays.of(only, axes=axes, **({"informative": "where"} if part == "where" else {})).read()
        assert "change `informative`" not in str(caught.value) and "skip" not in str(caught.value)


def test_arrays_of_other_lengths_are_told_with_their_names():
    arrays = traces()
    short, count = arrays["y"][:-5], len(arrays["y"])
    with pytest.raises(InputError, match=rf" holds {count} inputs, but {count - 5} labels \('y'\): give one of each"):
        SampleArrays.of(arrays | {"y": short}).read()
