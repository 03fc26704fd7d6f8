"""The file that runs an exported model: no dlkit, no torch, and no answer to what it was not made for."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlkit.data.table.calendar import calendar_columns, calendar_names
from dlkit.export import runtime
from dlkit.export.runtime import Model, RefusedError, calendar
from tests.made_onnx import ABOUT, X, write_model

NAMES, UNITS = X["channels"], X["units"]
GOOD = np.stack([np.full((3, 4), 20.0), np.full((3, 4), 1013.0)], 1).astype(np.float32)
GOOD[1, 0] = [1, 2, 3, 6]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(write_model(tmp_path_factory.mktemp("made") / "model.onnx"), threads=1)


def test_arrays_lists_and_channels_by_name_give_the_same(model):
    wanted = GOOD.mean(2)
    by_name = {"pressure": GOOD[:, 1].tolist(), "temperature": GOOD[:, 0]}
    for given in (GOOD, {"x": GOOD}, {"x": GOOD.astype(np.float64).tolist()}, {"x": by_name}, by_name):
        np.testing.assert_allclose(model.predict(given)["point"], wanted, rtol=1e-6)
    np.testing.assert_allclose(model.predict(GOOD, channels=NAMES, units={"x": UNITS})["point"], wanted, rtol=1e-6)


def test_what_is_missing_may_be_none_or_nan(model):
    holes = GOOD.astype(object)
    holes[0, 1, 2] = None
    found = model.predict(holes.tolist())["point"]
    assert np.isnan(found[0, 1]) and np.isfinite(np.delete(found, 1)).all()


NONE = np.where(np.arange(3)[:, None, None] == 1, np.nan, GOOD).astype(np.float32)
REFUSED = {
    "nothing at all": ({"inputs": np.full_like(GOOD, np.nan)}, "no value in 3 of 3 windows (number 0, 1, 2, counted"),
    "one window of nothing": ({"inputs": NONE}, "'x' has no value in 1 of 3 windows (number 1, counted from 0)"),
    "order": ({"inputs": GOOD, "channels": NAMES[::-1]}, "in another order"),
    "other channels": ({"inputs": GOOD, "channels": ["a", "b"]}, "not those that are needed"),
    "units": ({"inputs": GOOD, "units": ["K", "mbar"]}, "came in 'K', but 'degC' is needed"),
    "too few units": ({"inputs": GOOD, "units": ["degC"]}, "2 channels, but 1 units"),
    "unknown input": ({"inputs": {"y": GOOD}}, "There is no input 'y'"),
    "one input too many": ({"inputs": {"x": GOOD, "y": GOOD}}, "There is no input 'y'"),
    "no input": ({"inputs": {}}, "'x' is missing"),
    "channel missing": ({"inputs": {"temperature": GOOD[:, 0]}}, "'pressure' of 'x' are missing"),
    "channel unknown": ({"inputs": {"x": {"humidity": GOOD[:, 0]}}}, "no channel 'humidity'"),
    "channels of two shapes": ({"inputs": {"temperature": GOOD[:, 0], "pressure": GOOD[:2, 1]}}, "other shapes"),
    "no windows axis": ({"inputs": GOOD[0]}, "(windows, channels 2, time 4) is needed"),
    "time first": ({"inputs": GOOD.transpose(0, 2, 1)}, "the shape (3, 4, 2)"),
    "too short": ({"inputs": GOOD[:, :, 1:]}, "the shape (3, 2, 3)"),
    "no windows": ({"inputs": GOOD[:0]}, "has no windows, the shape (0, 2, 4)"),
    "text": ({"inputs": "warm"}, "real numbers"),
    "ragged": ({"inputs": [[[1, 2], [3]]]}, "no array of numbers"),
    "complex": ({"inputs": GOOD + 1j}, "real numbers"),
    "infinite": ({"inputs": np.full_like(GOOD, np.inf)}, "infinite values"),
    "too large for float32": ({"inputs": GOOD.astype(np.float64) * 1e300}, "infinite values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_model_was_not_made_for_is_refused_in_one_sentence(model, name):
    given, says = REFUSED[name]
    with pytest.raises(RefusedError) as error:
        model.predict(**given)
    sentence = str(error.value)
    assert says in sentence and "\n" not in sentence and sentence.endswith(".")


def test_values_like_none_of_the_training_are_doubted(model):
    kelvin = GOOD + np.array([[273.15], [0]], np.float32)
    with pytest.warns(UserWarning, match="'temperature' is .* look at its unit"):
        model.predict(kelvin)
    assert len(model.doubts({"x": GOOD[:, ::-1]})) == 2  # channels that changed places
    assert model.doubts({"x": GOOD}) == model.doubts({"x": np.full_like(GOOD, np.nan)}) == []


OTHER = {"axes": ["batch", "channels", "time"], "channels": ["c", "age"], "units": ["V", "s"], "typical": [],
         "shape": [2, 3], "fresh": 2, "telling": [0], "max_age": 5.0, "aged": True, "optional": True,
         "times": [-2, -1, 0], "meaning": "a source"}  # fmt: skip
CAM = OTHER | {"axes": ["batch", "frames", "channels", "height", "width"], "channels": ["p"], "units": [""],
               "shape": [2, 1, 2, 2], "fresh": 1, "telling": [], "max_age": 0.5, "aged": False}  # fmt: skip
AGE = CAM | {"axes": ["batch", "frames"], "channels": [], "units": [], "shape": [2], "fresh": 0, "max_age": None,
             "optional": False}  # fmt: skip


def several(path, **camera):
    """Return a model of a slow series and a camera, and three windows for it."""
    inputs = [port | {"name": name} for name, port in {"slow": OTHER, "cam": CAM | camera, "cam.age": AGE}.items()]
    slow = np.zeros((3, 2, 3), np.float32)
    given = {"slow": slow, "cam": np.ones((3, 2, 1, 2, 2), np.float32), "cam.age": np.float32([[0.4, 0.1]] * 3)}
    return Model(write_model(path / "model.onnx", ABOUT | {"inputs": inputs}), threads=1), given


def test_a_source_that_is_too_old_counts_as_absent_and_that_is_said(tmp_path):
    model, given = several(tmp_path)
    assert not any(np.isnan(one).any() for one in model.checked(given).values())
    given["cam.age"][1], given["cam.age"][2] = [0.4, 0.6], [0.9, 0.5]  # only the age of the last frame counts
    given["slow"][0, 1], given["slow"][2, 1] = [4, 6, 6], [1, 5, 6]
    found = model.checked(given)
    assert [np.isnan(one).all() for one in found["cam"]] == [False, True, False]
    assert [np.isnan(one).all() for one in found["slow"]] == [True, False, False]  # two are looked at, both too old
    assert np.isnan(found["slow"][2, 0]).tolist() == [False, False, True]
    said = "'cam' is absent or too old in 1 of 3 windows (number 1, counted from 0)"
    assert any(said in one for one in model.doubts(found))


def test_a_source_that_training_always_had_must_be_there_and_never_may_all_be_absent(tmp_path):
    model, given = several(tmp_path)
    given["cam"][:] = given["slow"][2] = np.nan
    with pytest.raises(RefusedError, match=r"No source has a value that is new enough in 1 of 3 windows \(number 2,"):
        model.checked(given)
    model, given = several(tmp_path, optional=False)
    given["cam.age"][:2] = 3600
    with pytest.raises(RefusedError, match=r"'cam' has no value in 2 of 3 windows \(number 0, 1, .*too old.* always"):
        model.checked(given)


def test_ages_below_0_or_not_said_are_refused(tmp_path):
    model, given = several(tmp_path)
    for name, place, age, says in (
        ("cam.age", (1, 0), -5, r"age of 'cam' is negative, -5 s, in 1 of 3 windows \(number 1,"),
        ("slow", (2, 1, 0), -5, r"age of 'slow' is negative, -5 s, in 1 of 3 windows \(number 2,"),
        ("cam.age", (0, 1), np.nan, r"age of the last frame of 'cam' is missing in 1 of 3 windows \(number 0,"),
    ):
        bad = {key: value.copy() for key, value in given.items()}
        bad[name][place] = age
        with pytest.raises(RefusedError, match=says):
            model.checked(bad)


def test_a_short_trace_is_filled_where_traces_have_unequal_lengths(tmp_path):
    padded = Model(write_model(tmp_path / "model.onnx", ABOUT | {"padded": True}))
    found = padded.checked(GOOD[:, :, :3])["x"]
    assert found.shape == GOOD.shape and np.isnan(found[:, :, 3]).all()
    with pytest.raises(RefusedError, match="shape"):
        padded.checked(np.concatenate([GOOD, GOOD], 2))


def test_the_calendar_is_that_of_the_training():
    times = np.datetime64("2024-02-28T23:00") + np.arange(48).reshape(2, 24) * np.timedelta64(1, "h")
    names = calendar_names(("day", "week", "year"))
    wanted = calendar_columns(times.ravel().astype("datetime64[ns]").astype(np.int64), ("day", "week", "year"))
    np.testing.assert_allclose(calendar(times, names), wanted.reshape(2, 24, -1).transpose(0, 2, 1), atol=1e-6)
    with pytest.raises(RefusedError, match="sin_of_month"):
        calendar(times, ["sin_of_month"])


@pytest.mark.parametrize("content", [None, b"no model", "no words"])
def test_a_file_that_is_no_exported_model_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    if content == "no words":
        write_model(path, None)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(RefusedError, match=r"There is no model|damaged|not written by"):
        Model(path)


ALONE = """
import sys
sys.modules.update(torch=None, dlkit=None, pandas=None, onnx=None)
import run_model
sys.exit(run_model.main(sys.argv[1:]))
"""


def test_it_runs_with_numpy_and_onnxruntime_alone(tmp_path):
    write_model(tmp_path / "model.onnx")
    shutil.copyfile(runtime.__file__, tmp_path / "run_model.py")
    np.savez(tmp_path / "data.npz", x=GOOD)
    command = [sys.executable, "-c", ALONE, "model.onnx", "data.npz", "out.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["point"], GOOD.mean(2), rtol=1e-6)


def test_the_script_says_what_goes_in_and_refuses_in_one_line(tmp_path, capsys):
    path = str(write_model(tmp_path / "model.onnx"))
    assert runtime.main([path]) == 0
    said = capsys.readouterr().out
    assert "temperature [degC], pressure [mbar]" in said and "channels 2, time 4" in said
    assert "time: the oldest first, 1 s apart, the last 0 s before the moment of the answer" in said
    np.savez(tmp_path / "bad.npz", x=GOOD[:, :1])
    for arguments in ([path, str(tmp_path / "bad.npz"), "out.npz"], [path, "none.npz", "out.npz"], [], ["a", "b"]):
        assert runtime.main(arguments) == 2
        told = capsys.readouterr().err
        assert told.startswith("run_model: ") and told.count("\n") == 1


def test_windows_go_through_the_network_some_at_a_time_and_the_answers_stand_in_their_order(model, monkeypatch):
    sizes, run = [], model.run
    monkeypatch.setattr(model, "run", lambda given: sizes.append(len(given["x"])) or run(given))
    many = np.random.default_rng(0).normal(20, 5, (600, 2, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(many)["point"], many.mean(2), rtol=1e-5)
    assert sizes == [256, 256, 88]


def test_answers_that_find_no_place_leave_what_stood_there(model, tmp_path, monkeypatch):
    runtime.write(tmp_path / "out.npz", {"point": GOOD})

    def full(file, **arrays):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        runtime.write(tmp_path / "out.npz", {"point": GOOD + 1})
    monkeypatch.undo()
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["point"], GOOD)
    assert [one.name for one in tmp_path.iterdir()] == ["out.npz"]


def test_the_first_future_step_follows_the_gap(tmp_path):
    future = X | {"name": "future", "times": []}
    window = {"step_seconds": 10.0, "gap": 2, "look_forward": 4}
    model = Model(write_model(tmp_path / "model.onnx", ABOUT | {"inputs": [X, future], "window": window}))
    assert "time: the earliest first, 10 s apart, the first 30 s after the last input" in model.text()


def test_a_data_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path, capsys):
    path, out = str(write_model(tmp_path / "model.onnx")), str(tmp_path / "out.npz")
    (tmp_path / "text.npz").write_text("warm")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    np.savez(tmp_path / "empty.npz", x=GOOD[:0])
    cases = {"none.npz": "no data file", "empty.npz": "no windows"}
    for name in ("none.npz", "text.npz", "cut.npz", "objects.npy", "empty.npz"):
        assert runtime.main([path, str(tmp_path / name), out]) == 2
        told = capsys.readouterr().err
        assert cases.get(name, "no npz or npy file of plain numbers") in told, told
        assert told.count("\n") == 1 and "pickle" not in told and "Errno" not in told
    np.save(tmp_path / "one.npy", GOOD)
    assert runtime.main([path, str(tmp_path / "one.npy"), out]) == 0
