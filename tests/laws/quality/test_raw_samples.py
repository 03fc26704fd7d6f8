"""Labelled samples and frames are recognized by what lies in their files, and read with what was found."""

import importlib
import io

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from dlkit.core.checks import InputError
from dlkit.data.raw.open import lenient, open_all, open_raw
from dlkit.data.sources.frame_folder import FrameFolder
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.shared_data import shared

RANDOM = np.random.default_rng(0)
TRACES = RANDOM.normal(size=(20, 2, 16)).astype(np.float32)
CLASSES = np.arange(20) % 3


def pixels():
    return RANDOM.integers(0, 255, (8, 8, 3), dtype=np.uint8)


def jpeg():
    content = io.BytesIO()
    Image.fromarray(pixels()).save(content, "JPEG")
    return content.getvalue()


def built(raw):
    block = yaml.safe_load(raw.source_yaml())["source"]
    module, name = block["class_path"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**block["init_args"])


def npz(folder):
    np.savez(folder / "t.npz", X=TRACES, y=CLASSES)
    return folder / "t.npz"


def npz_by_role(folder):
    half = {"X_train": TRACES[:10], "y_train": CLASSES[:10], "X_test": TRACES[10:], "y_test": CLASSES[10:]}
    np.savez(folder / "t.npz", **half)
    return folder / "t.npz"


def hdf5(folder):
    with h5py.File(folder / "t.h5", "w") as file:
        file["X"], file["y"] = TRACES, CLASSES
    return folder / "t.h5"


def npy_pair(folder):
    np.save(folder / "X.npy", TRACES)
    np.save(folder / "y.npy", CLASSES)
    return folder


def ts(folder):
    rows = [",".join(map(str, trace[0])) + f":{label}" for trace, label in zip(TRACES, CLASSES, strict=True)]
    head = ["@problemName P", "@timeStamps false", "@univariate true", "@classLabel true 0 1 2", "@data"]
    for part, own in (("TRAIN", rows[:10]), ("TEST", rows[10:])):
        (folder / f"P_{part}.ts").write_text("\n".join([*head, *own]) + "\n")
    return folder


def tsv(folder):
    rows = ["\t".join([str(label), *map(str, trace[0])]) for trace, label in zip(TRACES, CLASSES, strict=True)]
    for part, own in (("TRAIN", rows[:10]), ("TEST", rows[10:])):
        (folder / f"P_{part}.tsv").write_text("\n".join(own) + "\n")
    return folder


def class_folders(folder):
    for number in range(20):
        place = folder / "images" / "abc"[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels()).save(place / f"{number}.png")
    return folder / "images"


def listed(folder):
    class_folders(folder)
    files = sorted((folder / "images").rglob("*.png"))
    rows = {
        "path": [file.relative_to(folder).as_posix() for file in files],
        "label": [file.parent.name for file in files],
    }
    pd.DataFrame(rows).to_csv(folder / "list.csv", index=False)
    return folder / "list.csv"


def packed(folder):
    words = [f"class {label}" for label in CLASSES]
    names = [f"a/{number}.jpg" for number in range(20)]  # where they once were
    frame = pd.DataFrame(
        {"file": names, "number": CLASSES.astype("uint8"), "class": words, "jpeg": [jpeg() for _ in CLASSES]}
    )
    frame[:10].to_parquet(folder / "digits_train.parquet")
    frame[10:].to_parquet(folder / "digits_test.parquet")
    return folder


SAMPLES = {
    "npz": npz, "npz by role": npz_by_role, "hdf5": hdf5, "npy": npy_pair, "ts": ts, "ucr tsv": tsv,
    "class folders": class_folders, "list of images": listed, "packed images": packed,
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_recognized_and_the_yaml_reads_them(name, tmp_path):
    raw = open_raw(SAMPLES[name](tmp_path))
    samples = raw.samples()
    assert raw.kind == "samples"
    assert (len(samples), len(samples.classes)) == (20, 3)
    assert raw.findings() == []
    again = built(raw).read()
    assert list(again.names) == list(samples.names)
    np.testing.assert_array_equal(again.labels, samples.labels)
    assert raw.layout.channels == tuple(samples.channels)


@pytest.mark.parametrize("name", ["npz by role", "ts", "ucr tsv", "packed images"])
def test_official_roles_are_kept(name, tmp_path):
    roles = open_raw(SAMPLES[name](tmp_path)).samples().roles
    assert sorted(set(roles)) == ["test", "train"]


def numbered(folder):
    (folder / "camera").mkdir()
    for number in range(12):
        Image.fromarray(pixels()).save(folder / "camera" / f"shot_{number:04d}.png")
    return folder / "camera"


def stamped(folder):
    times = pd.date_range("2021", periods=12, freq="s")
    pd.DataFrame({"t": times, "jpeg": [jpeg() for _ in times]}).to_parquet(folder / "camera.parquet")
    return folder / "camera.parquet"


def stack(folder):
    np.savez(folder / "s.npz", frames=np.stack([pixels() for _ in range(12)]), times=np.arange(12.0))
    return folder / "s.npz"


@pytest.mark.parametrize("make", [numbered, stamped])
def test_frames_are_recognized_and_the_yaml_reads_them(make, tmp_path):
    raw = open_raw(make(tmp_path))
    (frames,) = raw.frames()
    assert raw.kind == "frames"
    assert len(frames.times) == 12
    np.testing.assert_array_equal(built(raw).read()[0].times, frames.times)


STAMPED = pd.date_range("2026-03-02 08:00:00", periods=12, freq="7s")


@pytest.mark.parametrize(
    ("names", "given"),
    [
        ([str(one.value // 10**6) for one in STAMPED], {}),
        ([str(one.value // 10**6) for one in STAMPED], {"pattern": r"(\d+)$"}),
        ([str(one.value // 10**6) for one in STAMPED], {"pattern": r"(\d+)$", "time_format": "ms"}),
        ([str(one.value // 10**9) for one in STAMPED], {}),
        (STAMPED.strftime("%Y%m%d_%H%M%S"), {}),
        (STAMPED.strftime("%Y%m%d%H%M%S"), {}),
    ],
)
def test_stamps_in_the_names_of_frames_are_no_count(tmp_path, names, given):
    folder = tmp_path / "camera"
    folder.mkdir()
    for name in names:
        Image.fromarray(pixels()).save(folder / f"cam_{name}.png")
    raw = open_raw(folder, given)
    (frames,) = raw.frames()
    np.testing.assert_array_equal(frames.times, STAMPED.to_numpy().astype("datetime64[ns]").astype(np.int64))
    np.testing.assert_array_equal(built(raw).read()[0].times, frames.times)
    with pytest.raises(InputError, match="after the year 2262"):
        open_raw(folder, {"pattern": r"cam_(\d{5,})", "rate": 1e-12}).frames()


def test_a_stack_of_frames_takes_its_settings_from_the_user(tmp_path):
    raw = open_raw(stack(tmp_path), {"time_format": "relative", "axes": "height width channels"})
    assert (raw.kind, len(raw.frames()[0].times), raw.layout.dated) == ("frames", 12, False)


def test_a_broken_image_is_left_out_and_the_yaml_skips_it(tmp_path):
    folder = class_folders(tmp_path)
    (folder / "a" / "0.png").write_bytes((folder / "a" / "0.png").read_bytes()[:60])
    raw = open_raw(folder)
    assert len(raw.samples()) == 19
    assert sum(map(len, raw.samples().skipped.values())) == 1
    assert len(built(raw).read()) == 19


def test_traces_without_a_value_are_told_and_skipped(tmp_path):
    traces = TRACES.copy()
    traces[[3, 7]] = np.nan
    raw = lenient(SampleArrays.of({"X": traces, "y": CLASSES}), "shots")
    assert len(raw.samples()) == 18
    (bad,) = raw.findings()
    assert (bad.kind, bad.level, bad.count, bad.source) == ("unusable samples", "error", 2, "shots")
    assert bad.cures[0].line == "bad: skip"


def test_sources_of_a_config_are_read_as_they_are(tmp_path):
    raw = lenient(FrameFolder(path=numbered(tmp_path), pattern=r"(\d+)$", rate=10))
    assert (raw.kind, raw.layout.channels, raw.layout.dated) == ("frames", ("red", "green", "blue"), False)


def test_images_without_class_or_number_are_refused_with_a_cure(tmp_path):
    (tmp_path / "i").mkdir()
    for name in ("cat", "dog"):
        Image.fromarray(pixels()).save(tmp_path / "i" / f"{name}.png")
    with pytest.raises(InputError, match="one folder a class"):
        open_raw(tmp_path / "i")


REAL = {
    "messy/beijing_pm25_2010_2014.parquet": {"time": "date"},
    "forecasting/ETTh1.parquet": {"time": "date"},
    "anomaly/nab.parquet": {"time": "timestamp", "series": "file"},
    "multirate/imu_gyro.parquet": {"time": "t", "time_format": "relative"},
    "multimodal/karma_drone/ATTD.parquet": {"time": "t", "time_format": "relative"},
    "multimodal/karma_drone/audio_8khz.npz": {"step": "1s"},
}


@pytest.mark.parametrize("name", REAL)
def test_the_settings_of_real_recordings_are_found(name):
    assert open_raw(shared(name)).guessed == REAL[name]


def test_real_weather_is_read_with_units_and_needs_two_policies():
    raw = open_raw(shared("forecasting/weather.parquet"))
    assert sum(len(stream.times) for stream, _ in raw.chunks()) == 52_696
    assert raw.layout.units[:5] == ("mbar", "degC", "K", "degC", "%")
    assert {name: raw.source[1].get(name) for name in ("duplicates", "gaps", "irregular", "disorder")} == {
        "duplicates": "first", "gaps": "split", "irregular": None, "disorder": None,
    }  # fmt: skip
    assert sum(len(stream.times) for stream in built(raw).chunks()) == 52_695


def test_real_dust_has_its_wind_in_words():
    raw = open_raw(shared("messy/beijing_pm25_2010_2014.parquet"))
    missing = sum(np.isnan(stream.values[:, 0]).sum() for stream, _ in raw.chunks())
    assert missing == 2_067
    (text,) = raw.findings()
    assert (text.kind, text.level, text.channel) == ("text column", "note", "cbwd")
    assert built(raw).category_values == {"cbwd": ["NE", "NW", "SE", "cv"]}


def test_the_driving_streams_are_sources_of_their_own():
    found = open_all(shared("multirate"))
    assert {name: raw.kind for name, raw in found.items() if name.startswith("can")} == dict.fromkeys(
        ["can_radar", "can_speed", "can_steering_angle", "can_wheel_speed"], "table"
    )
    assert sum(len(raw.files.files) for raw in found.values()) == 13
    for raw in found.values():
        rows = sum(len(stream.times) for stream, _ in raw.chunks())
        left = sum(len(stream.times) for stream in built(raw).chunks())
        assert left == rows or raw.source[1]["duplicates"] == "first"


def test_real_pictures_are_listed_by_the_names_of_their_classes():
    raw = open_raw(shared("images"))
    assert {name: raw.guessed[name] for name in ("image", "label")} == {"image": "jpeg", "label": "class"}
    assert list(raw.settings["path"]) == ["train", "test"]


def test_traces_under_names_of_their_own_are_recognized_by_their_shapes(tmp_path):
    words = np.array(["quench", "arc", "none"])[CLASSES]
    role = np.array(["train", "train", "val", "test"] * 5)
    np.savez(tmp_path / "t.npz", waveforms=TRACES, fault=words, role=role)
    raw = open_raw(tmp_path / "t.npz")
    parts = {"inputs": "waveforms", "labels": "fault", "roles": "role"}
    assert parts.items() <= raw.guessed.items() and raw.samples().classes == ("arc", "none", "quench")
    assert len(built(raw).read()) == 20


def kept(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, each in arrays.items():
            file[name] = each.astype("S") if each.dtype.kind == "U" else each
    return path


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_traces_beside_other_arrays_are_no_table_of_these(suffix, tmp_path):
    words, device = np.array(["quench", "arc", "none"])[CLASSES], np.array(list("abcd"))[np.arange(20) % 4]
    arrays = {"waveforms": TRACES, "fault": words, "site": device, "onset": np.arange(20.0)}
    raw = open_raw(kept(tmp_path / f"t.{suffix}", arrays | {"several": np.ones((20, 3), int)}))
    samples, (note,) = raw.samples(), raw.findings()
    np.testing.assert_array_equal(samples.values, TRACES)
    assert samples.classes == ("arc", "none", "quench") and note.level == "note"
    assert all(name in note.what for name in arrays)
    np.testing.assert_array_equal(built(raw).read().labels, samples.labels)


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_what_no_table_has_is_refused_rather_than_left_out(suffix, tmp_path):
    movie = np.zeros((20, 2, 24, 24), np.float32)
    file = kept(tmp_path / f"t.{suffix}", {"movie": movie, "onset": np.arange(20.0), "end": np.arange(20.0)})
    with pytest.raises(InputError, match=r"'movie' \(20 x 2 x 24 x 24\).*no columns of a table.*--inputs NAME"):
        open_raw(file)


def test_time_before_channels_is_seen_by_the_shape(tmp_path):
    words, traces = np.array(["quench", "arc", "none"])[CLASSES], np.tile(TRACES, 3).swapaxes(1, 2)
    raw = open_raw(kept(tmp_path / "t.npz", {"waveforms": traces, "fault": words}))
    assert raw.guessed["axes"] == "time channels"
    np.testing.assert_array_equal(raw.samples().values, traces.swapaxes(1, 2))


def test_where_it_is_not_clear_which_array_is_which_the_settings_say_it(tmp_path):
    words = np.array(["quench", "arc", "none"])[CLASSES]
    np.savez(tmp_path / "t.npz", waveforms=TRACES, fault=words, site=words[::-1])
    chosen = open_raw(tmp_path / "t.npz", {"inputs": "waveforms", "labels": "site"})
    assert chosen.samples().classes == ("arc", "none", "quench")
    np.savez(tmp_path / "u.npz", waveforms=TRACES, one=words, other=words[::-1])
    with pytest.raises(InputError, match=r"SampleArrays.*waveforms, one, other.*--inputs NAME --labels NAME"):
        open_raw(tmp_path / "u.npz")
