"""`dlkit evaluate RUN --data OTHER`: the same tables of the own test and of other data, whatever the run answers."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.data.sources.files import Files
from dlkit.data.sources.weather import TMY3Weather
from dlkit.train import stages
from dlkit.train.confidence.answers import Order
from dlkit.train.confidence.checks import seen
from dlkit.train.elsewhere import evaluating
from dlkit.train.elsewhere.promises import known_to_the_end
from dlkit.train.other_data import cure
from tests.bad_inputs.cases_anomalies import write_anomalies
from tests.bad_inputs.corpus import snapshot, table, text, write_job
from tests.bad_inputs.sample_jobs import pixels, save, write_images
from tests.test_embed_command import write_heads

FILES = {"images": "images.yaml", "several": "several.yaml"}


def many_rows(folder):
    write_job(folder)
    (folder / "tiny.csv").write_text(text(table(480)))


def many_images(folder):
    write_images(folder)
    for number in range(24, 80):
        save(folder / "images" / ("cat", "dog")[number % 2] / f"{number:02d}.png", pixels(number))


JOBS = {"forecast": many_rows, "images": many_images, "anomalies": write_anomalies, "several": write_heads}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a function that gives the folder of a job with its run, trained once."""
    made = {}

    def place_of(job):
        if job not in made:
            folder = tmp_path_factory.mktemp(job)
            JOBS[job](folder)
            name = FILES.get(job, "config.yaml")
            settings = yaml.safe_load((folder / name).read_text())
            (folder / name).write_text(yaml.safe_dump(settings | {"confidence": None}))
            assert main(["fit", str(folder / name)]) == 0
            made[job] = folder
        return made[job]

    return place_of


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures out, which take most of the time."""
    monkeypatch.setattr(evaluating, "figures", lambda *_: iter(()))


def run_of(folder, tmp_path):
    (run,) = (folder / "runs").iterdir()
    return shutil.copytree(run, tmp_path / "run")


def evaluated(run, *paths):
    """Return the folder of an evaluation and what it found of own test and other data."""
    before = {path.name for path in run.iterdir()}
    assert main(["evaluate", str(run), "--data", *map(str, paths)]) == 0
    (new,) = {path.name for path in run.iterdir()} - before
    found = read_json(run / new / "metrics.json")
    found.pop("level")
    own = found.pop(evaluating.OWN)
    (other,) = found.values()
    return run / new, own, other


def test_the_own_test_given_as_other_data_gives_the_same_numbers(trained, tmp_path, capsys):
    run = run_of(trained("images"), tmp_path)
    before = snapshot(run)
    data = stages.load([str(run)])[0].datamodule
    for number in data.prepared.numbers["test"].tolist():
        name = data.prepared.samples.names[number]
        (tmp_path / "same" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(trained("images") / "images" / name, tmp_path / "same" / name)
    folder, own, other = evaluated(run, tmp_path / "same")
    assert folder.name == "evaluate_same"
    assert other["measures"].keys() == own["measures"].keys() >= {"accuracy", "calibration error"}
    for part in ("measures", "distance", "by_distance"):
        assert str(own[part]) == str(other[part])
    assert other["took part in the run"] == {"train": 0, "val": 0}
    after = snapshot(run)
    assert {name: mark for name, mark in after.items() if not name.startswith("evaluate_same")} == before
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert drawn == {"distance.png", "quality_by_distance.png", "channels.png"}
    assert (folder / "summary.txt").read_text().strip() in capsys.readouterr().out
    rows = pd.read_parquet(folder / "predictions.parquet")
    assert len(rows) == other["answers"]
    assert (rows["distance"] > 1).mean() == pytest.approx(other["distance"]["above_1"])


def test_without_truth_there_are_distances_drift_and_predictions_alone(trained, undrawn, tmp_path, capsys):
    for number in range(8):
        save(tmp_path / "plain" / f"{number}.png", pixels(number + 500) // 4)
    folder, own, other = evaluated(run_of(trained("images"), tmp_path), tmp_path / "plain")
    assert other["measures"] == {}
    assert own["measures"]["accuracy"] is not None
    assert all(one["quality"] is None for one in other["by_distance"]["answers"])
    assert other["drift"]["channels"]["gray"]["changed"]
    assert len(pd.read_parquet(folder / "predictions.parquet")) == 8
    assert "no truth is known of plain: nothing is measured there" in capsys.readouterr().out


def test_strange_windows_extrapolate_and_the_channel_is_named(trained, undrawn, tmp_path, capsys):
    frame = pd.read_csv(trained("forecast") / "tiny.csv")
    frame["a"] = 30 + 3 * frame["a"]
    frame.to_csv(tmp_path / "strange.csv", index=False)
    folder, own, other = evaluated(run_of(trained("forecast"), tmp_path), tmp_path / "strange.csv")
    assert own["distance"]["extrapolates"] < 0.2
    assert other["distance"]["above_1"] == other["distance"]["outside"] == 1
    assert other["drift"]["channels"]["a"]["changed"]
    assert not other["drift"]["channels"]["b"]["changed"]
    assert not any(one["changed"] for one in own["drift"]["channels"].values())
    assert other["measures"]["MAE a"] > 2 * own["measures"]["MAE a"]
    assert {"MAE of repeat last"} <= own["measures"].keys()
    rows = pd.read_parquet(folder / "predictions.parquet")
    assert set(rows["flag"]) == {"extrapolates: a"}
    assert "a  +" in capsys.readouterr().out


@pytest.mark.parametrize("job", ["anomalies", "several"])
def test_what_a_run_was_trained_on_is_known_to_it_whatever_it_answers(job, trained, undrawn, tmp_path):
    place = trained(job)
    run = run_of(place, tmp_path)
    files = {
        "several": [f"fast={place}/fast.csv", f"cam={place}/frames.parquet", f"slow={place}/slow.csv",
                    f"faults={place}/events.csv"],
    }.get(job, [place / "tiny.csv"])  # fmt: skip
    if job == "anomalies":
        assert main(["test", str(run)]) == 0  # fits the detector
    folder, own, other = evaluated(run, *files)
    assert other["answers"] > own["answers"]
    assert other["distance"]["above_1"] < 0.25
    assert own["measures"].keys() == other["measures"].keys() != set()
    heads = {"several": {"fault", "level"}}.get(job, {"answers"})
    assert other["by_distance"].keys() == heads
    for bins in other["by_distance"].values():
        assert sum(one["answers"] for one in bins) == other["answers"]
    assert len(pd.read_parquet(folder / "predictions.parquet"))


def test_quality_by_distance_is_the_mean_of_the_answers(trained, undrawn, tmp_path):
    place = trained("forecast")
    folder, _, other = evaluated(run_of(place, tmp_path), place / "tiny.csv")
    bins = other["by_distance"]["answers"]
    known = [one for one in bins if one["quality"] is not None]
    mean = np.average([one["quality"] for one in known], weights=[one["answers"] for one in known])
    assert mean == pytest.approx(other["measures"]["MAE"], rel=0.02)  # the last windows know a part of their truth
    assert folder.name == "evaluate_tiny"
    split = read_json(folder.parent / "data.json")["split"]
    for role, count in other["took part in the run"].items():  # and windows whose horizon alone lies beyond the border
        assert 0 < split[role]["windows"] <= count < split[role]["windows"] + 24


def calibrated_run(place, tmp_path):
    run = run_of(place, tmp_path)
    assert main(["calibrate", str(run)]) == 0
    return run


def test_a_promise_that_fails_on_other_data_is_said_on_top_and_in_a_table(trained, undrawn, tmp_path, capsys):
    frame = pd.read_csv(trained("forecast") / "tiny.csv")
    frame["a"] = 30 + 3 * frame["a"]
    frame.to_csv(tmp_path / "strange.csv", index=False)
    run = calibrated_run(trained("forecast"), tmp_path)
    capsys.readouterr()
    folder, own, other = evaluated(run, tmp_path / "strange.csv")
    made = read_json(run / "confidence.json")["heads"][""]["promises"]
    assert [one for one in made if one["method"] != "Adaptive"] == own["promises"]
    steps, paths = other["promises"]
    rows = pd.read_parquet(folder / "predictions.parquet")
    rows = rows[rows["truth"].notna()]
    inside = rows["truth"].between(rows["lower"], rows["upper"])
    assert steps["seen"] == pytest.approx(inside.groupby(rows["issued"]).mean().mean())
    assert steps["holds"] is paths["holds"] is False
    first = (folder / "summary.txt").read_text().splitlines()[0]
    assert first.startswith("90 % was promised, ")
    assert " was seen on strange.csv (" in first
    assert first.endswith("none of 2 promises holds there")
    assert "seen on own test" in capsys.readouterr().out


@pytest.mark.parametrize("job", ["images", "several"])
def test_sets_and_heads_are_checked_as_calibration_did(job, trained, undrawn, tmp_path):
    place = trained(job)
    files = {
        "images": [place / "images"],
        "several": [f"fast={place}/fast.csv", f"cam={place}/frames.parquet", f"slow={place}/slow.csv",
                    f"faults={place}/events.csv"],
    }[job]  # fmt: skip
    run = calibrated_run(place, tmp_path)
    folder, own, other = evaluated(run, *files)
    heads = read_json(run / "confidence.json")["heads"]
    made = [
        one | {"what": f"{name}: {one['what']}" if name else one["what"]}
        for name, head in heads.items()
        for one in head["promises"]
        if one["method"] != "Adaptive"
    ]
    assert own["promises"] == made
    assert [one["what"] for one in other["promises"]] == [one["what"] for one in made]
    assert "holds?" in (folder / "summary.txt").read_text()


def test_a_few_windows_that_alternate_are_not_taken_for_endlessly_many():
    share, low, high, worth = seen(np.array([1.0, 0, 1, 1, 0, 1]), Order(np.arange(6), np.full(6, "a"), [(0, 6)], 10))
    assert share == pytest.approx(2 / 3)
    assert low < 0.1
    assert high > 0.9
    assert 0 < worth <= 6


def test_a_path_that_runs_beyond_the_end_is_no_path():
    truth = torch.zeros(6, 2, 1)
    truth[1, 1] = truth[3:, 1] = torch.nan
    found = known_to_the_end(truth, [(0, 4), (4, 6)])
    assert found.isnan().all((1, 2)).tolist() == [False, False, False, True, True, True]


def refused(capsys, *arguments):
    """Return the one sentence with which a command is refused."""
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    return capsys.readouterr().err.strip()


def test_a_command_without_other_data_is_refused_once_and_says_where_a_file_belongs(tmp_path, capsys):
    (tmp_path / "b.csv").write_text("t,a\n")
    alone = refused(capsys, "evaluate", tmp_path)
    assert alone == f"dlkit evaluate: There are no other data: give them with --data, `dlkit evaluate {tmp_path} " + (
        "--data FILE`."
    )
    assert f"--data {tmp_path / 'b.csv'}`" in refused(capsys, "evaluate", tmp_path, tmp_path / "b.csv")


def broken_files(place, folder):
    """Write the table of a job with a gap, with every other row, with two series, and with a word in a channel."""
    frame = pd.read_csv(place / "tiny.csv")
    lacks = frame.drop(index=range(200, 210))
    other = {"gap": lacks, "step": frame[::2], "series": pd.concat([frame, frame])}
    other["word"] = frame.assign(b=["calm", "wind"] * (len(frame) // 2))
    for name, one in other.items():
        one.to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_other_data_get_advice_that_the_command_accepts(command, trained, undrawn, tmp_path, capsys):
    run = run_of(trained("forecast"), tmp_path)
    broken_files(trained("forecast"), tmp_path)
    told = {
        name: refused(capsys, command, run, "--data", tmp_path / f"{name}.csv")
        for name in ("gap", "step", "series", "word")
    }
    assert not any("set `" in one for one in told.values())
    assert "bring it to that of the run" in told["step"]
    assert "each in a file of its own" in told["series"]
    assert "the run takes this channel as numbers, so write numbers there" in told["word"]
    key, choice = told["gap"].split("`")[1].split()
    assert main([command, str(run), "--data", str(tmp_path / "gap.csv"), key, choice]) == 0


def test_a_source_without_the_setting_is_not_advised_to_set_it():
    for setting in ("gaps", "disorder", "duplicates", "irregular"):
        assert "--data" not in cure(setting, TMY3Weather())
        assert f"init_args.{setting} " in cure(setting, Files(path="a.csv", time="t"))


def test_channels_beyond_their_range_are_named_and_those_that_no_test_can_tell_not_counted(trained, undrawn, tmp_path):
    frame = pd.read_csv(trained("forecast") / "tiny.csv")[:24]
    frame["a"] += 100
    frame.to_csv(tmp_path / "short.csv", index=False)
    folder, _, other = evaluated(run_of(trained("forecast"), tmp_path), tmp_path / "short.csv")
    told = other["drift"]["channels"].values()
    assert sorted(one["changed"] is None for one in told) == [False, True]
    assert all((one["changed"] is None) == (one["p_adjusted"] is None) for one in told)
    lines = (folder / "summary.txt").read_text().splitlines()
    assert lines[0].startswith("beyond the range of training on short.csv: a in 100.0 % of inputs (+")
    assert next(line for line in lines if line.startswith("channels that changed")).endswith("1 of 1 tested")
