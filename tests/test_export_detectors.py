"""A detector of anomalies leaves the house: errors, scores, alarms and events are those of the run."""

import json
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.live import LiveDetector
from dlkit.anomaly.thresholds import Conformal, Quantile
from dlkit.core.checks import InputError
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sample_splits import Stratified
from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.splits import ByFraction
from dlkit.export import runtime
from dlkit.export.exporting import export_run
from dlkit.export.runtime import RefusedError, Stream
from dlkit.export.windows import physical_inputs
from dlkit.export.wish import Wish
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.serve.app import make_app
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import fit, row_errors
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.watch.live_errors import LiveErrors
from tests.laws.anomaly.test_anomalous_samples import module as samples_module
from tests.made_exports import exported, ready, run_folder
from tests.made_onnx import write_model
from tests.made_sample_modules import Given, traces
from tests.made_tables import Parts, noise, stream

LOOK_BACK, CHANNELS = 8, 5
NET = partial(ConvAutoencoder, width=4, depth=1, bottleneck=4)
CASES = {
    "plain": {"detector": {"aggregate": "mean"}},
    "averaged over fewer rows than a window": {"detector": {"aggregate": "max", "smooth": 3, "join_gap": 2}},
    "averaged over more": {"detector": {"aggregate": "top3", "smooth": 12, "min_duration": 3}, "missing": 0.2},
    "every third row": {
        "detector": {"aggregate": "top3", "smooth": 7, "join_gap": 1, "min_duration": 2},
        "missing": 0.2, "dilation": 3, "form": "torch",
    },
}  # fmt: skip


def recording(rows, missing, seed=0):
    """Return rows of five channels in units of their own, with a fault in a third of them."""
    values = noise(rows, CHANNELS, missing=missing) * np.array([1, 5, 0.1, 30, 2]) + np.array([0, 300, 1, -50, 7])
    random = np.random.default_rng(seed)
    for first in random.integers(0, rows - 20, rows // 60):
        values[first : first + 20, random.integers(CHANNELS)] *= 1.5
    return values.astype(np.float32)


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    own = {"missing": 0.0, "dilation": 1, "form": "onnx"} | CASES[request.param]
    data = ReconstructionDataModule(
        source=Parts([stream(recording(600, own["missing"]))]), look_back=LOOK_BACK, mask_channels=own["missing"] > 0,
        dilation=own["dilation"], split=ByFraction(train=0.5, val=0.25, test=0.25), placement="host",
    )  # fmt: skip
    detector = Detector(threshold=Quantile(level=0.9), **own["detector"])
    task = ready(Reconstruct(spec=data.spec, net=NET, detector=detector), data)
    causal = detector.with_merge("causal")
    fitted = fit(row_errors(task, data, "val", merge="causal"), data, causal)
    path = tmp_path_factory.mktemp("detector") / "run"
    model, about = exported(path, task, data, detectors={"causal": fitted}, form=own["form"], windows=40)
    return task, data, fitted, model, about, path


def windows_of(task, data, count=40):
    with torch.no_grad():
        return physical_inputs(task, data.pick_batch("test", count))[0].numpy()


def test_a_window_is_judged_as_the_last_row_of_a_series_that_is_this_window(case):
    task, data, fitted, model, about, _ = case
    x = windows_of(task, data)
    found, roots = model.predict(x), []
    for window, judged in zip(x, found["error_map"], strict=True):
        live = LiveErrors(task, dilation=data.dilation)
        # Rows that the window skips are missing, so that its own stand where they stood.
        rows = np.full(((LOOK_BACK - 1) * data.dilation + 1, CHANNELS), np.nan, np.float32)
        rows[:: data.dilation] = window.T
        errors = np.concatenate([live.push(rows), live.end()])
        np.testing.assert_allclose(judged.T, np.sqrt(errors[:: data.dilation]), rtol=1e-3, atol=1e-5)
        roots.append(errors)
    scores = np.array([fitted.scores(errors)[-1] for errors in roots])
    np.testing.assert_allclose(found["score"], scores, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found["alarm"], found["score"] > fitted.threshold)
    assert 0 < found["alarm"].mean() < 1 and about["detector"]["threshold"] == fitted.threshold
    above = np.array([fitted.contributions(errors)[-1] for errors in roots])
    unit = task.scaling.scale[:CHANNELS].numpy()
    np.testing.assert_allclose(found["error"], (above * fitted.scale + fitted.center) * unit, rtol=1e-3, atol=1e-4)
    positive = np.nan_to_num(above).clip(0)
    positive[positive.sum(1) == 0] = 1  # none lies above normal: all alike
    np.testing.assert_allclose(found["share"], positive / positive.sum(1, keepdims=True), atol=1e-3)
    np.testing.assert_allclose(found["share"].sum(1), 1, rtol=1e-5)


def test_rows_that_come_one_after_the_other_are_judged_as_dlkit_watch_judges_them(case):
    task, data, fitted, model, _, _ = case
    rows = recording(400, 0.1, seed=5)
    rows[150:170] = np.nan  # windows without a single value
    errors, live, judged, events = LiveErrors(task, dilation=data.dilation), LiveDetector(fitted), [], []
    judging, found, random = Stream(model), [], np.random.default_rng(0)
    for series in (rows[:5], rows[5:250], rows[250:]):  # gaps between them, the first shorter than a window
        pieces = np.split(series, np.sort(random.integers(0, len(series), 6)))
        known = np.concatenate([*(errors.push(piece) for piece in pieces), errors.end()])
        scores = live.scores(known)[0]
        for score, above in zip(scores, live.deviations(known), strict=True):
            alarm, over = live.step(float(score), above)
            judged.append((score, alarm))
            events.append(over)
        events.append(live.end())
        found += [*(judging.push(piece) for piece in pieces), judging.end()]
    whole = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    np.testing.assert_array_equal(whole["row"], np.arange(len(rows)))
    np.testing.assert_allclose(whole["score"], [score for score, _ in judged], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(whole["alarm"], [alarm for _, alarm in judged])
    wanted = [one for one in events if one is not None]
    assert len(judging.events) == len(wanted) > 1
    for own, one in zip(judging.events, wanted, strict=True):
        assert (own["first"], own["last"], own["peak"]) == (one.first, one.last, one.peak_row)
        assert own["p_value"] == one.p_value and own["severity"] == pytest.approx(one.severity, rel=1e-3)
        np.testing.assert_allclose(list(own["share"].values()), one.channels, atol=1e-3)


def test_a_file_says_what_one_window_cannot_know(case):
    _, _, fitted, model, about, _ = case
    own = about["detector"]
    assert json.loads(json.dumps(about)) == model.about
    assert own["alone"]["windows"] > 50 and 0 <= own["alone"]["alarms"] <= own["alone"]["windows"]
    assert (
        f"a stream averages {fitted.smooth} row" in own["knows"] and "no mean over windows that overlap" in own["knows"]
    )
    assert f"({fitted.join_gap} rows)" in own["knows"] and own["knows"] in model.text()
    ports = {one["name"]: one for one in about["outputs"]}
    assert set(ports) == {"point", "error_map", "error", "score", "alarm", "share"}
    assert list(ports["error"]["channels"]) == own["channels"] == model.inputs["x"]["channels"]


ALONE = """
import sys
sys.modules.update(torch=None, dlkit=None, pandas=None, onnx=None)
import run_model
sys.exit(run_model.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("case", ["averaged over more"], indirect=True)
def test_rows_of_a_file_are_judged_without_dlkit_and_without_torch(case, tmp_path):
    _, _, _, model, _, path = case
    shutil.copyfile(path / "export" / "model.onnx", tmp_path / "model.onnx")
    shutil.copyfile(runtime.__file__, tmp_path / "run_model.py")
    rows = recording(300, 0.1, seed=5)
    np.save(tmp_path / "rows.npy", rows)
    command = [sys.executable, "-c", ALONE, "model.onnx", "--rows", "rows.npy", "judged.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    judging = Stream(model)
    scores = np.concatenate([judging.push(rows)["score"], judging.end()["score"]])
    np.testing.assert_allclose(np.load(tmp_path / "judged.npz")["score"], scores, rtol=1e-5)
    assert [json.loads(line)["first"] for line in done.stdout.splitlines()] == [e["first"] for e in judging.events]
    np.savez(tmp_path / "two.npz", a=rows, b=rows)
    done = subprocess.run(
        [*command[:-2], "two.npz", "out.npz"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "several arrays: give one, (rows, channels)" in done.stderr


@pytest.mark.parametrize("case", ["plain"], indirect=True)
def test_a_service_says_alarm(case):
    task, data, _, model, _, _ = case
    x = windows_of(task, data)
    with TestClient(make_app(model)) as client:
        said = client.post("/predict", json={"inputs": x.tolist()}).json()["outputs"]
        assert client.get("/schema").json()["detector"]["threshold"] == model.about["detector"]["threshold"]
    assert said["alarm"] == model.predict(x)["alarm"].tolist() and True in said["alarm"]


@pytest.mark.parametrize("case", ["plain"], indirect=True)
def test_rows_that_cannot_be_judged_are_refused_in_one_sentence(case, tmp_path):
    model, rows = case[3], np.zeros((4, CHANNELS))
    names = model.inputs["x"]["channels"]
    for given, says in (
        ({"rows": rows[0]}, r"shape \(5,\), but \(rows, channels 5\) is needed"),
        ({"rows": rows[:, 1:]}, r"shape \(4, 4\)"),
        ({"rows": "warm"}, "real numbers"),
        ({"rows": rows, "channels": names[::-1]}, "in another order"),
        ({"rows": rows, "units": ["bar"]}, "5 channels, but 1 units"),
    ):
        with pytest.raises(RefusedError, match=says):
            Stream(model).push(**given)
    with pytest.raises(RefusedError, match="has no detector of windows"):
        Stream(runtime.Model(write_model(tmp_path / "model.onnx")))


def unequal_traces():
    samples = AnomalySamples(source=Given(traces(90, unequal=True)), normal=["a", "b"])
    return TraceDataModule(source=samples, split=Stratified(train=0.4, val=0.3, test=0.3), placement="host")


@pytest.mark.parametrize("make", [samples_module, unequal_traces])
def test_images_and_traces_are_judged_as_in_the_run(tmp_path, make):
    data = make()
    detector = Detector(aggregate="mean", threshold=Quantile(level=0.9))
    task = ready(Reconstruct(spec=data.spec, net=NET, detector=detector), data)
    evaluation = evaluation_of(task, data)
    evaluation.fit_detectors()
    evaluation.find()
    model, about = exported(tmp_path / "run", task, data, detectors=evaluation.fitted, form="torch")
    numbers = evaluation.numbers("test", data.count("test"))
    found = model.predict(physical_inputs(task, data.make_batch(numbers))[0].numpy())
    np.testing.assert_allclose(found["score"], evaluation.scores, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found["alarm"], evaluation.alarms)
    own = np.sqrt(evaluation.errors) * task.scaling.scale[: evaluation.errors.shape[1]].numpy()
    np.testing.assert_allclose(found["error"], own, rtol=1e-3)
    assert about["detector"]["alone"] == {} and "as by the run" in about["detector"]["knows"]
    with pytest.raises(RefusedError, match="has no detector of windows"):
        Stream(model)


def windows_task():
    data = ReconstructionDataModule(source=Parts([stream(recording(300, 0))]), look_back=LOOK_BACK, placement="host")
    return ready(Reconstruct(spec=data.spec, net=NET), data), data


def test_a_threshold_that_is_infinite_raises_no_alarm_and_is_told(tmp_path):
    task, data = windows_task()
    settings = Detector(merge="causal", threshold=Conformal(false_alarms_per_day=1e-3))
    fitted = fit(row_errors(task, data, "val", merge="causal"), data, settings)
    model, about = exported(tmp_path / "run", task, data, detectors={"causal": fitted}, form="torch")
    x = windows_of(task, data)
    judging = Stream(model)
    with pytest.warns(UserWarning, match="is usual"):
        assert not model.predict(x * 100)["alarm"].any()
    with pytest.warns(UserWarning, match="is usual"):
        judging.push(recording(60, 0) * 100)
    judging.end()
    assert about["detector"]["threshold"] is None
    assert judging.events == []


def test_a_run_without_a_detector_says_so_and_a_stale_one_is_refused(tmp_path):
    task, data = windows_task()
    model, about = exported(tmp_path / "run", task, data, form="torch")
    assert model.outputs == ["point"] and "detector" not in about
    assert about["left_out"] == [
        f"score and alarm: the run has no fitted detector, `dlkit test {tmp_path / 'run'}` fits it"
    ]
    run = run_folder(tmp_path / "stale")
    (run.path / "detector.json").write_text(json.dumps({"checkpoint": "0", "detectors": {"causal": {}}}))
    with pytest.raises(InputError, match=r"belongs to other weights.*run `dlkit test"):
        export_run(task, data, run, Wish(windows=5))
