"""Anomalies from the command line: a run finds a fault that it was never shown, and new files are judged by it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json

ROWS, FAULTS = 2400, ((1700, 1760), (2100, 2150))
START = pd.Timestamp("2024-05-01T06:00:00")


def table(rows=ROWS, faults=FAULTS, seed=0):
    """Return two channels that go together, and a label; in a fault they do not, though each stays in its range."""
    random = np.random.default_rng(seed)
    turning = np.sin(np.arange(rows) / 7) + 0.02 * random.standard_normal(rows)
    flow, fault = turning.copy(), np.zeros(rows, int)
    for first, past in faults:
        flow[first:past] *= -1
        fault[first:past] = 1
    times = START + pd.to_timedelta(np.arange(rows), unit="s")
    return pd.DataFrame({"time": times, "speed": 1500 + 100 * turning, "flow": 20 + 5 * flow, "fault": fault})


def job(folder, **trainer):
    table().to_csv(folder / "bench.csv", index=False)
    source = {
        "class_path": "dlkit.data.sources.files.Files",
        "init_args": {"path": f"{folder}/bench.csv", "time": "time", "units": {"speed": "rpm", "flow": "l/min"}},
    }
    net = {
        "class_path": "dlkit.models.autoencoder.ConvAutoencoder",
        "init_args": {"width": 8, "depth": 2, "bottleneck": 4},
    }
    split = {"train": 1000, "val": 500, "test": 900}
    threshold = {"class_path": "dlkit.anomaly.thresholds.Quantile", "init_args": {"level": 0.999}}
    config = {
        "name": "bench", "runs": f"{folder}/runs", "seed_everything": 0,
        "data": {
            "class_path": "dlkit.data.reconstruction.ReconstructionDataModule",
            "init_args": {
                "source": source, "look_back": 24, "stride": 4, "labels": "fault", "batch_size": 32,
                "eval_batch_size": 256, "batches_per_step": 1,
                "split": {"class_path": "dlkit.data.splits.ByRows", "init_args": split},
            },
        },
        "model": {
            "class_path": "dlkit.tasks.reconstruct.Reconstruct",
            "init_args": {
                "net": net,
                "detector": {
                    "class_path": "dlkit.anomaly.detector.Detector",
                    "init_args": {"threshold": threshold, "smooth": "5s", "min_duration": "10s", "join_gap": "20s"},
                },
                "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.01}},
            },
        },
        "trainer": {"max_epochs": 8, "enable_progress_bar": False, "enable_model_summary": False} | trainer,
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return str(folder / "config.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    assert main(["run", job(folder)]) in (0, None)
    return RunFolder(folder / "runs" / "bench-001")


def test_faults_that_were_never_shown_are_found_on_the_original_clock(run):
    events = pd.read_parquet(run.path / "events.parquet")
    assert len(events) == len(FAULTS)
    for (first, past), event in zip(FAULTS, events.itertuples(), strict=True):
        assert abs((event.start - START).total_seconds() - first) <= 40
        assert abs((event.end - START).total_seconds() - past) <= 40
        assert event.severity > 1
        assert 0 <= event.confidence == pytest.approx(1 - event.p_value)
        assert event.start <= event.peak <= event.end
        assert event.labelled > 0.5
    np.testing.assert_allclose(events["share_speed"] + events["share_flow"], 1)
    text = pd.read_csv(run.path / "events.csv", parse_dates=["start", "end", "peak"])
    assert text["channels"].str.contains("flow").all()
    assert list(text.columns) == list(events.columns)
    assert (text["start"] == events["start"]).all()


def test_scores_have_a_line_a_row_and_errors_in_units(run):
    scores = pd.read_parquet(run.path / "scores.parquet")
    assert len(scores) == 900
    assert scores["time"].iloc[0] == START + pd.Timedelta(seconds=1500)
    normal = scores[scores["label"] == 0]
    assert normal["error_speed"].median() / normal["error_flow"].median() == pytest.approx(100 / 5, rel=0.7)
    assert scores["alarm"].sum() == pd.read_parquet(run.path / "events.parquet")["duration_s"].sum()
    predicted = pd.read_parquet(run.predictions)
    p_values = predicted.pop("p_value").to_numpy()
    pd.testing.assert_frame_equal(predicted, scores)
    assert (np.diff(p_values[np.argsort(scores["score"], kind="stable")]) <= 0).all()
    promise = read_json(run.path / "confidence.json")["heads"][""]["promises"][0]
    clear = scores["label"].rolling(2 * 28 + 1, center=True, min_periods=1).max() == 0  # look_back - 1 + smooth
    assert promise["seen"] == pytest.approx((p_values[clear] > 0.1).mean())
    assert promise["low"] < promise["seen"] < promise["high"]


def test_measures_and_a_rival_are_in_the_metrics_and_each_event_has_a_picture(run):
    found = read_json(run.metrics)
    own = found["test"]["anomalies"]
    assert own["detected"] == 1
    assert own["auroc"] > 0.9
    assert set(own) == set(found["baselines"]["PCA"]["anomalies"])
    assert {path.name for path in run.figures.glob("*.png")} == {
        "overview.png",
        "scores.png",
        "event_001.png",
        "event_002.png",
    }
    summary = run.summary.read_text()
    assert "inflated" in summary and "oracle" in summary and "PCA" in summary
    assert "`dlkit watch` judges each row from its past; its measures are those of `merge: causal`" in summary


def test_the_report_has_every_row_of_the_printed_table_also_where_the_model_loses(run):
    """The printed table is the reference: the numbers of model and rival stand beside each other on the page too."""
    assert main(["report", str(run.path)]) in (0, None)
    page = (run.path / "report.html").read_text()
    rows = [re.findall(r"<td[^>]*>(?:<[^>]*>)?([\d.]+)<", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    shown = [tuple(map(float, row[:2])) for row in rows]
    printed = [
        line for line in run.summary.read_text().split("\n---")[1].splitlines() if re.search(r"\d\*?(?: |$)", line)
    ]
    assert len(printed) > 8 and printed[0].startswith("normal rows, standardized")
    for line in printed:
        pair = tuple(float(value) for value in re.findall(r"(?<= )\d[\d.]*(?=[* ]|$)", line)[:2])
        assert pair in shown, line


def test_a_threshold_that_promises_too_much_says_once_and_in_the_summary_what_is_lacking(run, tmp_path, caplog):
    config = yaml.safe_load(Path(job(tmp_path, max_epochs=1)).read_text())
    config["model"]["init_args"]["detector"]["init_args"]["threshold"] = {
        "class_path": "dlkit.anomaly.thresholds.Conformal"
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["run", str(tmp_path / "config.yaml")]) in (0, None)
    summary = RunFolder(tmp_path / "runs" / "bench-001").summary.read_text()
    assert "threshold infinite, by Conformal" in summary
    assert "500 normal validation rows cannot promise 1 false alarms a day, 86399 can" in summary
    assert "`false_alarms_per_day` higher" in summary
    assert sum("cannot promise 1 false alarms a day" in one.getMessage() for one in caplog.records) == 1
    assert "infinite" not in run.summary.read_text()


def test_new_files_are_judged_by_the_detector_of_the_run(run, tmp_path, capsys):
    new = table(600, ((300, 340),), seed=5).drop(columns="fault")
    new["time"] += pd.Timedelta(days=3)
    new.to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run.path), "--data", str(tmp_path / "new.csv")]) in (0, None)
    scores = pd.read_parquet(run.path / "predictions_new.parquet")
    events = pd.read_parquet(run.path / "predictions_new_events.parquet")
    assert len(scores) == 600
    assert "label" not in scores
    assert len(events) == 1
    assert abs((events["start"][0] - START - pd.Timedelta(days=3)).total_seconds() - 300) <= 40
    said = capsys.readouterr().out
    assert "600 predictions" in said
    assert "1 event, " in said and f"{run.path}/predictions_new_events.csv" in said
    assert str(events["start"][0]) in said and "flow" in said
    text = pd.read_csv(run.path / "predictions_new_events.csv", parse_dates=["start", "end", "peak"])
    pd.testing.assert_frame_equal(text, events, check_dtype=False)


def test_new_files_without_a_fault_are_said_to_have_none(run, tmp_path, capsys):
    table(600, (), seed=0).drop(columns="fault").to_csv(tmp_path / "calm.csv", index=False)
    assert main(["predict", str(run.path), "--data", str(tmp_path / "calm.csv")]) in (0, None)
    assert "0 events" in capsys.readouterr().out
    assert list(pd.read_csv(run.path / "predictions_calm_events.csv").columns[:3]) == ["series", "start", "end"]


def test_the_screen_tells_the_events_of_a_test(run, capsys):
    assert main(["test", str(run.path)]) in (0, None)
    said = capsys.readouterr().out
    events = pd.read_parquet(run.path / "events.parquet")
    assert "2 events" in said and "events.csv" in said
    assert all(str(moment) in said for name in ("start", "end") for moment in events[name])
    assert "2 events" in run.summary.read_text()


def test_a_detector_of_other_weights_is_refused(run, tmp_path, capsys):
    table(600, ()).to_csv(tmp_path / "new.csv", index=False)
    kept = read_json(run.path / "detector.json")
    (run.path / "detector.json").write_text(
        (run.path / "detector.json").read_text().replace(kept["checkpoint"], "other")
    )
    assert main(["predict", str(run.path), "--data", str(tmp_path / "new.csv")]) == 2
    assert "run `dlkit test" in capsys.readouterr().err
    assert main(["test", str(run.path)]) in (0, None)
    assert read_json(run.path / "detector.json")["checkpoint"] == kept["checkpoint"]


def test_a_threshold_that_keeps_a_risk_is_written_beside_the_alarms_and_says_what_the_test_saw(run, capsys):
    assert main(["calibrate", str(run.path), "--risk", "false_alarms_per_day=2000", "--no-distance"]) == 0
    risk = read_json(run.path / "confidence.json")["heads"][""]["risk"]
    table = pd.read_parquet(run.predictions)
    above = table["score"] > risk["threshold"]
    assert (table["alarm_at_risk"] == above).all()
    assert risk["low"] <= risk["seen"] <= risk["high"]
    assert above[table["label"] == 1].any()
    assert "2000 false alarms a day with 95 % probability" in " ".join(capsys.readouterr().out.split())
    assert main(["calibrate", str(run.path), "--risk", "false_alarms_per_day=0.001", "--no-distance"]) == 0
    assert pd.read_parquet(run.predictions)["alarm_at_risk"].isna().all()  # no threshold keeps it
