"""A run on an MLflow server is the run in its folder; training outlives the server."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from lightning_fabric.utilities.rank_zero import rank_zero_only
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.core.signal import Stopped
from dlkit.train import tracking
from dlkit.train.mlflow import client as tracking_client
from dlkit.train.mlflow.client import clean, connect
from dlkit.train.mlflow.files import files_of_model
from dlkit.train.settings import compared
from dlkit.train.tracking import MLflow
from tests.made_servers import Wire, free_port, history, mlflow_server

mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed: pip install dlkit[mlflow]")
CONFIG = """
name: tracked
data:
  class_path: dlkit.data.datamodules.TimeSeriesDataModule
  init_args:
    source: {class_path: dlkit.data.sources.files.Files, init_args: {path: hours.csv, time: t}}
    targets: [a (%)]
    look_back: 12
    look_forward: 3
    batch_size: 16
    batches_per_step: 1
model:
  class_path: dlkit.tasks.forecast.Forecast
  init_args: {net: {class_path: dlkit.models.dlinear.DLinear}}
trainer:
  max_epochs: 2
  accelerator: cpu
  log_every_n_steps: 5
  enable_progress_bar: false
  enable_model_summary: false
  logger: {class_path: dlkit.train.tracking.MLflow, init_args: {uri: "", experiment: ""}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(autouse=True)
def job(tmp_path, monkeypatch):
    """Work in a folder with a table; nothing is asked of a proxy, and Lightning sees no arguments of pytest."""
    monkeypatch.setattr("sys.argv", ["dlkit"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    hours = np.arange(300)
    columns = {"a (%)": np.sin(hours / 4) + hours % 7, "b": np.cos(hours / 9)}
    table = pd.DataFrame({"t": pd.date_range("2021-01-01", periods=300, freq="h"), **columns})
    table.to_csv("hours.csv", index=False)


def config(uri, experiment):
    settings = yaml.safe_load(CONFIG)
    settings["trainer"]["logger"]["init_args"] = {"uri": uri, "experiment": experiment}
    Path("job.yaml").write_text(yaml.safe_dump(settings))
    return "job.yaml"


def runs_of(client, experiment):
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id])


def boards(run):
    """Return steps and values of each scalar of TensorBoard."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {name: sorted((e.step, e.value) for e in events.Scalars(name)) for name in events.Tags()["scalars"]}


def test_the_run_on_the_server_is_the_run_in_the_folder(server):
    assert main(["run", config(server, "whole")]) == 0
    folder, client = Path("runs/tracked-001"), connect(server)
    (run,) = runs_of(client, "whole")
    scalars = {name: values for name, values in boards(folder).items() if not name.startswith("hp/")}
    assert {"train/loss", "val/loss", "train/loss_step", "train/gradient_norm"} <= scalars.keys()
    for name, values in scalars.items():
        np.testing.assert_allclose(history(client, run.info.run_id, name), values, rtol=1e-6, err_msg=name)
    tested = {name for name in run.data.metrics if name.startswith("test/")}
    assert tested and set(run.data.metrics) == scalars.keys() | tested
    settings = compared(yaml.safe_load((folder / "config.yaml").read_text()))
    assert run.data.params == {clean(name): str(value) for name, value in settings.items()}
    assert (run.info.status, run.info.run_name) == ("FINISHED", "tracked-001")
    sent = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert sent >= {"config.yaml", "data.json", "metrics.json", "summary.txt", "predictions.parquet", "figures"}
    assert not sent & {"tensorboard", "checkpoints", "mlflow.json", ".lock"}
    copy = client.download_artifacts(run.info.run_id, "predictions.parquet", str(Path.cwd()))
    assert Path(copy).read_bytes() == (folder / "predictions.parquet").read_bytes()


def test_every_stage_of_a_run_and_its_resumption_write_into_one_run(server):
    assert main(["fit", config(server, "stages")]) == 0
    (first,) = runs_of(connect(server), "stages")
    run = "runs/tracked-001"
    assert (
        main(
            ["fit", "--resume", run, "--trainer.max_epochs", "4", "--data.init_args.source.init_args.tolerance", "0.06"]
        )
        == 0
    )
    assert main(["test", run]) == 0
    assert main(["predict", run]) == 0
    assert main(["fit", "--into", run]) == 0
    (last,) = runs_of(connect(server), "stages")
    assert last.info.run_id == first.info.run_id and last.info.status == "FINISHED"
    steps = [step for step, _ in history(connect(server), last.info.run_id, "val/loss")]
    assert len(steps) == len(set(steps)) == 4
    assert last.data.tags["changed.data.source.tolerance"] == "0.06"  # a parameter cannot change
    assert any(name.startswith("test/") for name in last.data.metrics)


def test_a_run_that_was_asked_to_stop_is_marked_so_until_it_goes_on(server, monkeypatch):
    log, calls = MLflow.log_metrics, iter(range(10**6))

    def stop_in_the_second_epoch(self, metrics, step=None):
        log(self, metrics, step)
        if next(calls) == 7:
            raise Stopped("enough", 143)

    with monkeypatch.context() as patch:
        patch.setattr(MLflow, "log_metrics", stop_in_the_second_epoch)
        assert main(["fit", config(server, "stopped")]) == 143
    (run,) = runs_of(connect(server), "stopped")
    assert run.info.status == "KILLED" and "train/loss_step" in run.data.metrics
    assert main(["fit", "--resume", "runs/tracked-001"]) == 0
    (run,) = runs_of(connect(server), "stopped")
    assert run.info.status == "FINISHED"


def test_two_processes_are_one_run_on_the_server(server):
    command = [sys.executable, "-m", "dlkit", "fit", config(server, "two"), "--trainer.devices", "2"]
    done = subprocess.run([*command, "--trainer.strategy", "ddp"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (run,) = runs_of(connect(server), "two")
    steps = [step for step, _ in history(connect(server), run.info.run_id, "val/loss")]
    assert run.info.status == "FINISHED" and len(steps) == len(set(steps)) == 2


def test_the_model_on_the_server_predicts_what_dlkit_predicts(server):
    assert main(["fit", config(server, "model")]) == 0
    table = pd.read_csv("hours.csv").iloc[100:160].reset_index(drop=True)
    table.to_csv("new.csv", index=False)
    assert main(["predict", "runs/tracked-001", "--data", "new.csv", "--output", "own.parquet"]) == 0
    (run,) = runs_of(connect(server), "model")
    mlflow.set_tracking_uri(server)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    own = pd.read_parquet("own.parquet").drop(columns="series", errors="ignore")
    assert len(own) > 100
    for given_table in (table, pd.DataFrame({"path": ["new.csv"]})):
        served = model.predict(given_table).drop(columns="series", errors="ignore")
        pd.testing.assert_frame_equal(served, own)
    assert len(runs_of(connect(server), "model")) == 1  # answering is no run


def served(server, run):
    mlflow.set_tracking_uri(server)
    return mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(pd.read_csv("hours.csv").iloc[100:160])


def test_the_model_on_the_server_is_the_calibrated_one_and_follows_a_new_calibration(server):
    assert main(["run", config(server, "sure")]) == 0
    (run,) = runs_of(connect(server), "sure")
    sides = ["prediction", "lower", "upper"]
    pd.read_csv("hours.csv").iloc[100:160].to_csv("new.csv", index=False)
    widths = []
    for level in (None, "0.5"):
        if level is not None:
            assert main(["calibrate", "runs/tracked-001", "--level", level]) == 0
        assert main(["predict", "runs/tracked-001", "--data", "new.csv", "--output", "own.parquet"]) == 0
        found = served(server, run)
        pd.testing.assert_frame_equal(found[sides], pd.read_parquet("own.parquet")[sides])
        widths.append((found["upper"] - found["lower"]).mean())
    assert widths[0] > 1.2 * widths[1] > 0
    sent = read_json(Path("runs/tracked-001/mlflow.json"))["sent"]["model"]
    assert {Path(name).name for name in sent} >= {"config.yaml", "confidence.json", "confidence.npz"}
    known = read_json(Path("runs/tracked-001/confidence.json"))
    Path("runs/tracked-001/confidence.json").write_text(json.dumps(known | {"checkpoint": "of other weights"}))
    names = {path.name for path in files_of_model(RunFolder(Path("runs/tracked-001")))}
    assert not names & {"confidence.json", "confidence.npz"}


def test_training_outlives_the_server_and_sends_what_it_missed(server, monkeypatch, caplog):
    wire, log, calls = Wire(server), MLflow.log_metrics, iter(range(10**6))

    def cut_in_between(self, metrics, step=None):
        log(self, metrics, step)
        number = next(calls)
        if number == 2:
            self._sender.flush()
            wire.cut()
        if number == 4:
            assert self._sender.flush() > 0
            wire.join()

    monkeypatch.setattr(MLflow, "log_metrics", cut_in_between)
    assert main(["fit", config(wire.address, "outage")]) == 0
    warned = [one.getMessage() for one in caplog.records if "MLflow" in one.getMessage()]
    assert len(warned) == 1 and "goes on" in warned[0]
    (run,) = runs_of(connect(server), "outage")
    for name, values in boards(Path("runs/tracked-001")).items():
        assert [step for step, _ in history(connect(server), run.info.run_id, name)] == [s for s, _ in values], name
    wire.cut()


def test_a_server_that_stays_away_costs_warnings_and_not_the_run(server, monkeypatch, caplog):
    wire, finalize = Wire(server), MLflow.finalize

    def cut_before_the_end(self, status):
        wire.cut()
        finalize(self, status)

    monkeypatch.setattr(MLflow, "finalize", cut_before_the_end)
    assert main(["run", config(wire.address, "away")]) == 0
    assert read_json(Path("runs/tracked-001/metrics.json"))["fit"]["epochs"] == 2
    warned = [one.getMessage() for one in caplog.records if "MLflow" in one.getMessage()]
    assert len(warned) == 2 and "cannot be used" in warned[0] and "did not reach" in warned[1]
    assert main(["fit", "--resume", "runs/tracked-001", "--trainer.max_epochs", "3"]) == 0  # nor does it stop a job
    assert main(["test", "runs/tracked-001"]) == 0


def refusal(arguments, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0, said
    assert not Path("runs").exists()  # nothing was begun
    return said


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("", "set trainer.logger.init_args.uri"),
        ("localhost:5000", "write http://HOST:PORT"),
        ("http://me:secret@127.0.0.1:5000", "MLFLOW_TRACKING_PASSWORD"),
        ("ftp://127.0.0.1/runs", "cannot be used"),
    ],
)
def test_an_address_that_is_none_is_refused(uri, told, capsys):
    said = refusal(["fit", config(uri, "x")], capsys)
    assert told in said and "secret" not in said


def test_a_server_that_is_not_there_is_refused_before_training(capsys):
    said = refusal(["fit", config(f"http://127.0.0.1:{free_port()}", "x")], capsys)
    assert "Connection refused" in said and "trainer.logger.init_args.uri" in said


def test_a_deleted_experiment_is_refused(server, capsys):
    client = connect(server)
    client.delete_experiment(client.create_experiment("deleted"))
    assert "mlflow experiments restore" in refusal(["fit", config(server, "deleted")], capsys)


def test_a_server_of_something_else_is_refused(server, capsys):
    assert "cannot be used" in refusal(["fit", config(f"{server}/elsewhere", "x")], capsys)


def test_without_mlflow_a_run_is_refused_but_an_old_one_goes_on(server, capsys, caplog, monkeypatch):
    assert main(["fit", config(server, "uninstalled"), "--runs", "old"]) == 0
    capsys.readouterr()
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert "pip install dlkit[mlflow]" in refusal(["fit", "job.yaml"], capsys)
    assert main(["test", "old/tracked-001"]) == 0
    assert any("Nothing more is logged" in one.getMessage() for one in caplog.records)


def test_two_jobs_that_make_an_experiment_at_once_share_it(server, monkeypatch):
    client = connect(server)
    number, ask, answers = client.create_experiment("shared"), client.get_experiment_by_name, iter([None])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: next(answers, ask(name)))
    assert tracking_client.experiment_number(client, "shared") == number


def test_only_the_first_process_asks_the_server(monkeypatch, tmp_path):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    monkeypatch.setattr(tracking, "connect", lambda uri: pytest.fail("a second process logs"))
    logger = MLflow(uri="http://127.0.0.1:1")
    logger.begin(RunFolder(tmp_path), {})
    logger.log_metrics({"a": 1.0}, 1)
    logger.finalize("success")
    assert not list(tmp_path.glob("mlflow*"))
