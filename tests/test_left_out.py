"""Samples that a run leaves out are told on the screen and listed beside what it writes."""

import numpy as np
import pandas as pd
import pytest

from dlkit.__main__ import main
from tests.bad_inputs.sample_jobs import JOBS, pixels, save, write_arrays

SPLIT = [
    f"--data.split{key}" for key in ("=dlkit.data.sample_splits.Stratified", ".train=0.5", ".val=0.3", ".test=0.2")
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with runs on images and on traces that skip what they cannot use."""
    folder = tmp_path_factory.mktemp("skips")
    for name in ("images", "traces"):
        JOBS[name](folder)
    (folder / "images" / "cat" / "98.png").write_bytes(b"")
    for name in ("images", "traces"):
        assert main(["fit", str(folder / f"{name}.yaml"), "--data.source.bad=skip", *SPLIT]) == 0
    return folder


def predict(place, name, new):
    assert (
        main(["predict", str(place / "runs" / f"{name}-001"), "--data", str(new), "--output", str(place / "p.csv")])
        == 0
    )
    return pd.read_csv(place / "p.csv")


def spoilt_images(place):
    for number in range(6):
        save(place / "new" / f"{number}.png", pixels(number))
    for name in ("4.png", "5.png"):
        (place / "new" / name).write_bytes(b"")
    save(place / "new" / "deep.png", pixels(1, kind="uint16"))
    return place / "new", ["0.png", "1.png", "2.png", "3.png"], {"4.png": "empty file", "5.png": "empty file"}


def spoilt_traces(place):
    values = np.random.default_rng(0).standard_normal((7, 2, 16)).astype(np.float32)
    values[1], values[2, 0, 3], values[4, 1, 0] = np.nan, np.inf, np.inf
    write_arrays(place, "new.npz", X=values, y=None)
    return place / "new.npz", [f"new/{n}" for n in (0, 3, 5, 6)], {"new/1": "no known value", "new/4": "infinite value"}


@pytest.mark.parametrize(("name", "spoilt"), [("images", spoilt_images), ("traces", spoilt_traces)])
def test_new_files_that_cannot_be_used_are_told_and_listed_beside_the_predictions(place, name, spoilt, capsys):
    new, good, bad = spoilt(place)
    capsys.readouterr()
    table = predict(place, name, new)
    said = capsys.readouterr().out
    assert table["sample"].tolist() == good
    assert f"3 of 7 {name} are left out" in said
    assert all(word in said for word in (*bad, *bad.values(), "p_left_out.csv", "4 predictions")), said
    record = pd.read_csv(place / "p_left_out.csv")
    assert set(record["sample"]) | set(good) == set(record["sample"].tolist() + good)
    assert len(record) == 3
    assert bad.items() <= dict(zip(record["sample"], record["cause"], strict=True)).items()


def test_the_list_goes_where_all_new_files_can_be_used(place, capsys):
    predict(place, "images", spoilt_images(place)[0])
    assert (place / "p_left_out.csv").is_file()
    capsys.readouterr()
    predict(place, "images", place / "new" / "[0-3].png")
    assert "left out" not in capsys.readouterr().out
    assert not (place / "p_left_out.csv").exists()


def test_a_run_says_how_many_training_images_it_left_out(tmp_path, capsys):
    JOBS["images"](tmp_path)
    (tmp_path / "images" / "cat" / "98.png").write_bytes(b"")
    (tmp_path / "images" / "cat" / "Thumbs.db").write_bytes(b"\0")
    for number, check in enumerate(("true", "false"), start=1):
        assert main(["fit", str(tmp_path / "images.yaml"), "--data.source.bad=skip", f"--check={check}"]) == 0
        assert "1 of 25 images is left out (empty file: 1)" in capsys.readouterr().out, number


@pytest.mark.parametrize("command", ["evaluate", "embed"])
def test_other_commands_on_new_files_tell_it_too(place, command, capsys):
    for number in range(8):
        save(place / "elsewhere" / ("cat", "dog")[number % 2] / f"{number}.png", pixels(number))
    (place / "elsewhere" / "dog" / "7.png").write_bytes(b"")
    capsys.readouterr()
    done = main([command, str(place / "runs" / "images-001"), "--data", str(place / "elsewhere")])
    said = capsys.readouterr()
    assert done == 0, said.err
    assert "1 of 8 images is left out (empty file: dog/7.png)" in said.out
