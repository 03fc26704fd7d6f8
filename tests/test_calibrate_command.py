"""`dlkit calibrate` and the end of `dlkit run`: what is told of confidence is what the written answers show."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder
from dlkit.export.runtime import Model
from dlkit.train.confidence import confidence
from dlkit.train.confidence.answers import Order, halves

HOURS, CLASSES = 700, 3
TRAINER = {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
SURE = ["level", "uncertainty_total", "uncertainty_aleatoric", "uncertainty_epistemic", "distance", "flag"]


def job(folder, name, data, model):
    config = {"name": name, "runs": f"{folder}/runs", "seed_everything": 1, "trainer": TRAINER} | data | model
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config))


def part(path, /, **settings):
    return {"class_path": f"dlkit.{path}", "init_args": settings}


def forecast_job(folder):
    random = np.random.default_rng(0)
    rows = {"t": pd.date_range("2024-01-01", periods=HOURS, freq="h"), "a": random.normal(size=HOURS).cumsum() / 9}
    pd.DataFrame(rows).to_csv(folder / "walk.csv", index=False)
    source = part("data.sources.files.Files", path=f"{folder}/walk.csv", time="t", units={"a": "mm"})
    split = part("data.splits.ByFraction", train=0.4, val=0.3, test=0.3)
    settings = {"look_back": 8, "look_forward": 4, "split": split, "batches_per_step": 1, "eval_batch_size": 50}
    data = {"data": part("data.datamodules.TimeSeriesDataModule", source=source, targets=["a"], **settings)}
    net = {"net": part("models.linear.Linear"), "loss": part("losses.quantile.Pinball")}
    job(folder, "walk", data, {"model": part("tasks.forecast.Forecast", **net)})


def class_job(folder):
    random = np.random.default_rng(0)
    labels = np.arange(240) % CLASSES
    traces = random.normal(size=(240, 1, 8)) + 0.4 * labels[:, None, None]
    np.savez(folder / "made.npz", X=traces.astype(np.float32), y=labels)
    source = part("data.sources.sample_arrays.SampleArrays", path=f"{folder}/made.npz")
    split = part("data.sample_splits.Stratified", train=0.4, val=0.3, test=0.3)
    data = {"data": part("data.sample_modules.TraceDataModule", source=source, split=split, batches_per_step=1)}
    job(folder, "traces", data, {"model": part("tasks.classify.Classify", net=part("models.mlp.MLP", hidden_size=8))})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    forecast_job(folder)
    class_job(folder)
    for name in ("walk", "traces"):
        assert main(["run", str(folder / f"{name}.yaml")]) == 0
    plain = ["--confidence", "null", "--name", "plain", "--seed_everything", "2"]
    assert main(["run", str(folder / "walk.yaml"), *plain]) == 0
    return folder


@pytest.fixture
def walk(place):
    return place / "runs" / "walk-001"


@pytest.fixture
def traces(place):
    return place / "runs" / "traces-001"


def told(run):
    return json.loads((run / "confidence.json").read_text())["heads"][""]


def inside(table, kind=""):
    return (table["truth"] >= table[f"lower{kind}"]) & (table["truth"] <= table[f"upper{kind}"])


def test_what_is_told_of_a_forecast_is_what_its_written_answers_show(walk):
    table, head = pd.read_parquet(walk / "predictions.parquet"), told(walk)
    each, path = head["promises"][:2]
    assert (each["method"], path["method"], each["unit"]) == ("CQR", "Joint", "mm")
    assert each["seen"] == pytest.approx(inside(table).mean(), abs=1e-9)
    assert each["size"] == pytest.approx((table["upper"] - table["lower"]).mean(), rel=1e-5)
    windows = inside(table, "_joint").groupby(table["issued"]).all()
    assert path["seen"] == pytest.approx(windows.mean(), abs=1e-9)
    assert each["low"] < each["seen"] < each["high"]
    np.testing.assert_allclose(head["measures"]["per_horizon"]["seen"], inside(table).groupby(table["horizon"]).mean())


def test_the_columns_of_a_forecast_are_those_of_the_documented_schema(walk):
    table = pd.read_parquet(walk / "predictions.parquet")
    own = ["series", "target", "unit", "issued", "time", "horizon", "prediction", "lower", "upper", "truth"]
    further = [name for name in table if name.endswith("_adaptive")]
    assert list(table) == [*own, "lower_joint", "upper_joint", *further, *SURE]
    assert set(table["level"]) == {0.9}
    assert (table["distance"] > 0).all()
    assert table["flag"].str.match("interpolates|extrapolates").all()
    width = table["upper"] - table["lower"]
    assert (table["upper_joint"] - table["lower_joint"] > width).mean() > 0.99


def test_a_higher_level_gives_wider_intervals_and_adaptive_ones_are_written_when_asked_for(walk, capsys):
    before = pd.read_parquet(walk / "predictions.parquet")
    assert main(["calibrate", str(walk), "--level", "0.97", "--method", "adaptive", "--csv"]) == 0
    said = capsys.readouterr().out
    after, head = pd.read_parquet(walk / "predictions.parquet"), told(walk)
    assert ((after["upper"] - after["lower"]) > (before["upper"] - before["lower"])).all()
    adaptive = next(one for one in head["promises"] if one["method"] == "Adaptive")
    assert adaptive["seen"] == pytest.approx(inside(after, "_adaptive").mean(), abs=1e-9)
    assert "97 %" in said
    assert list(pd.read_csv(walk / "predictions.csv")) == list(after)


def test_the_share_of_adaptive_intervals_that_are_infinite_is_told(walk, capsys):
    assert main(["calibrate", str(walk), "--level", "0.998", "--method", "adaptive", "--no-distance"]) == 0
    table = pd.read_parquet(walk / "predictions.parquet")
    endless = np.isinf(table["upper_adaptive"] - table["lower_adaptive"]).mean()
    assert endless > 0
    assert f"{100 * endless:.3g} % of the adaptive intervals are infinite" in " ".join(capsys.readouterr().out.split())


def test_a_calibration_that_dies_leaves_no_half_of_a_confidence(walk, monkeypatch):
    assert main(["calibrate", str(walk), "--csv"]) == 0
    before = (walk / "confidence.json").read_bytes()

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dlkit.train.confidence.calibrating.write_novelty", dies)
        assert main(["calibrate", str(walk), "--level", "0.8"]) != 0
    assert (walk / "confidence.json").read_bytes() == before
    assert (walk / "confidence.npz").exists()
    with monkeypatch.context() as patched:
        patched.setattr("dlkit.train.stages.predict", dies)
        assert main(["calibrate", str(walk), "--level", "0.8"]) != 0
    assert json.loads((walk / "confidence.json").read_text())["distances"]
    assert not list(walk.glob("predictions.*"))  # those of another level
    assert main(["predict", str(walk)]) == 0
    assert set(pd.read_parquet(walk / "predictions.parquet")["level"]) == {0.8}


def test_what_is_told_of_classes_is_what_the_written_sets_show(traces):
    table, head = pd.read_parquet(traces / "predictions.parquet"), told(traces)
    held = np.array([truth in names for truth, names in zip(table["truth"], table["set"], strict=True)])
    promise = head["promises"][0]
    assert promise["method"] == "LAC"
    assert promise["seen"] == pytest.approx(held.mean())
    assert promise["size"] == pytest.approx(table["set"].map(len).mean())
    chances = table[[f"probability_{name}" for name in range(CLASSES)]].to_numpy()
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(table["probability"], chances.max(1), rtol=1e-6)
    entropy = -(chances * np.log(chances)).sum(1)
    np.testing.assert_allclose(table["uncertainty_total"], entropy, rtol=1e-4)
    assert list(table)[-7:] == ["set", *SURE]


def test_temperature_leaves_the_said_class_and_changes_its_probability(traces):
    scaled = pd.read_parquet(traces / "predictions.parquet")
    assert main(["calibrate", str(traces), "--scaling", "none", "--method", "raps", "--no-distance"]) == 0
    raw = pd.read_parquet(traces / "predictions.parquet")
    assert (raw["prediction"] == scaled["prediction"]).all()
    assert not np.allclose(raw["probability"], scaled["probability"])
    assert raw["distance"].isna().all()
    assert not (traces / "confidence.npz").exists()


def test_too_few_samples_for_a_level_hold_all_classes_and_say_so(traces, capsys):
    assert main(["calibrate", str(traces), "--level", "0.999"]) == 0
    assert "too few to promise 0.999" in capsys.readouterr().out
    assert (pd.read_parquet(traces / "predictions.parquet")["set"].map(len) == CLASSES).all()


def test_a_confidence_that_was_read_is_the_one_that_was_written(walk):
    saved = json.loads(confidence.place_of(RunFolder(walk)).read_text())
    found = confidence.read(RunFolder(walk))
    assert json.loads(json.dumps({"checkpoint": saved["checkpoint"]} | found.to_dict())) == saved


def test_networks_of_two_seeds_disagree_and_both_answer_whenever_the_run_predicts(place, walk):
    assert main(["calibrate", str(walk), "--ensemble", str(place / "runs" / "plain-001"), "--no-distance"]) == 0
    table = pd.read_parquet(walk / "predictions.parquet")
    assert (table["uncertainty_epistemic"] > 0).all()
    parts = np.hypot(table["uncertainty_aleatoric"], table["uncertainty_epistemic"])
    np.testing.assert_allclose(table["uncertainty_total"], parts, rtol=1e-5)
    assert main(["predict", str(walk)]) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(walk / "predictions.parquet"), table)


def test_null_leaves_confidence_out(place):
    run = place / "runs" / "plain-001"
    assert not (run / "confidence.json").exists()
    table = pd.read_parquet(run / "predictions.parquet")
    assert set(table["level"]) == {0.8}  # what the quantiles of the loss say of themselves
    assert table["flag"].isna().all()


@pytest.mark.parametrize("length", [1, 6, 30])
def test_halves_of_windows_share_no_row_and_halves_of_samples_share_no_sample(length):
    starts = np.concatenate([np.arange(10, 60), np.arange(200, 260)])
    order = Order(starts, np.repeat(["a", "b"], [50, 60]), [(0, 50), (50, 110)], length=length)
    first, second = (set(part.tolist()) for part in halves(order, torch.zeros(110)))
    rows = [{row for k in part for row in range(starts[k], starts[k] + length)} for part in (first, second)]
    assert not rows[0] & rows[1]
    assert len(second) == 55
    truth = torch.arange(91) % 3
    one, other = halves(Order(np.arange(91), None, [(0, 91)]), truth)
    assert sorted([*one.tolist(), *other.tolist()]) == list(range(91))
    assert (truth[one].bincount() - truth[other].bincount()).abs().max() <= 1


def test_what_was_calibrated_leaves_the_house_with_the_model(walk, capsys):
    assert main(["export", str(walk), "--to", "torch"]) == 0
    said = capsys.readouterr().out
    assert "run_model.py" in said and "largest relative difference" in said
    distances = json.loads((walk / "confidence.json").read_text())["distances"]
    stays = {"adaptive": told(walk)["adaptive"], "distances to the training data": distances}
    lines = [one for one in said.splitlines() if one.startswith("not inside: ")]
    assert len(lines) == any(stays.values())
    assert all((word in "".join(lines)) == bool(is_so) for word, is_so in stays.items())
    model = Model(walk / "export" / "model.pt2")
    assert model.about["level"] == 0.9 and model.about["promises"]
    batch = np.zeros((2, *model.inputs["x"]["shape"]))
    others = {name: np.zeros((2, *port["shape"])) for name, port in model.inputs.items() if name != "x"}
    found = model.answer(model.checked({"x": batch} | others))
    assert (found["lower"] < found["upper"]).all()
    assert ("joint_lower" in found) == (told(walk)["joint"] is not None)


@pytest.mark.parametrize("settings", [["--risk", "false_positive_rate=0.01"]])
def test_a_rate_of_three_classes_is_refused_with_what_it_is_for(traces, settings, capsys):
    assert main(["calibrate", str(traces), *settings]) == 2
    assert "kept of two classes or of labels, but the network tells one of 3 classes" in capsys.readouterr().err


def test_no_skill_is_told_of_a_calibration_error(traces):
    line = next(one for one in (traces / "summary.txt").read_text().splitlines() if one.startswith("calibration error"))
    assert "%" not in line
