"""`dlkit ensemble` from a YAML file to a run whose network is all members; what was stopped goes on."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.ensembles.beside import train_beside
from dlkit.submit.array import Array
from dlkit.submit.spread import Local, Spread
from dlkit.train import stages
from dlkit.train.confidence.laplace_files import fitted
from tests.bad_inputs.corpus import text, tiny

ROWS = 160


@pytest.fixture(autouse=True)
def no_arguments_of_pytest(monkeypatch):
    """Lightning warns when the command line of the process is another than the one it is given."""
    monkeypatch.setattr("sys.argv", ["dlkit"])


@pytest.fixture
def ran(monkeypatch):
    """Train the members in this process, at most as many as ``ran.most`` says; return their command lines."""

    class Ran:
        most, commands = 99, []

    def spread(tasks, where, *, folder, gather=None):
        assert isinstance(where, Local)
        assert gather.argv == ["ensemble", str(folder.absolute()), "--gather"]
        for task in tasks[: Ran.most]:
            Ran.commands.append(task.argv)
            assert main(task.argv) == 0
        return Spread(codes=dict.fromkeys([task.name for task in tasks[: Ran.most]], 0), logs=folder / "logs")

    monkeypatch.setattr("dlkit.submit.numbered.spread", spread)
    return Ran


def waves(folder, **changes):
    """Write an hourly series and a configuration with a normal law as answer."""
    random = np.random.default_rng(0)
    times = pd.date_range("2021-03-01", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M")
    a = np.sin(np.arange(ROWS) / 4) + 0.1 * random.normal(size=ROWS)
    lines = ["t,a,b", *(f"{t},{x:.4f},{y:.4f}" for t, x, y in zip(times, a, random.normal(size=ROWS), strict=True))]
    (folder / "tiny.csv").write_text(text(lines))
    config = tiny(folder)
    net = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8}}
    loss = {"class_path": "dlkit.losses.likelihood.Gaussian"}
    config["model"]["init_args"] |= {"net": net, "loss": loss}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changes))
    return str(folder / "config.yaml")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_members_differ_by_seed_alone_and_together_are_one_run(tmp_path, ran, capsys):
    ran.most = 1
    assert main(["ensemble", waves(tmp_path, confidence=None), "--members", "2"]) == 2
    place = tmp_path / "runs" / "tiny_ensemble-001"
    assert "goes on" in capsys.readouterr().err
    ran.most = 99
    assert main(["ensemble", str(place)]) == 0
    assert [argv[-1] for argv in ran.commands] == ["1", "2"]
    said = capsys.readouterr().out
    configs = [yaml.safe_load((place / f"member-{k}" / "config.yaml").read_text()) for k in (1, 2)]
    assert [config["seed_everything"] for config in configs] == [1, 2]
    assert configs[0]["data"] == configs[1]["data"]
    first = [load_checkpoint(RunFolder(place / f"member-{k}").checkpoints / "best.ckpt")["state_dict"] for k in (1, 2)]
    assert torch.equal(first[0]["scaling.shift"], first[1]["scaling.shift"])
    assert not torch.equal(*(next(value for key, value in one.items() if key.startswith("net.")) for one in first))
    found = read_json(place / "metrics.json")
    for score in ("nll", "crps", "mae", "rmse", "coverage"):
        assert score in said
        assert len(found["ensemble"][score]["members"]) == 2
    tested, judged = found["test"]["standardized"]["overall"], found["ensemble"]
    assert judged["mae"]["ensemble"] == pytest.approx(tested["mae"], rel=1e-5)
    assert judged["rmse"]["ensemble"] <= np.mean(judged["rmse"]["members"]) + 1e-6  # convex in the answer
    table = pd.read_parquet(place / "predictions.parquet")
    each = [stages.load([str(place / f"member-{k}")])[0] for k in (1, 2)]
    batch = each[0].datamodule.make_batch(each[0].datamodule.places("test").starts(torch.arange(4)))
    with torch.no_grad():
        points = torch.stack([cli.model.eval().predict_step(batch, 0).point for cli in each])
    own = table["prediction"].to_numpy()[: points[0].numel()]
    np.testing.assert_allclose(own, points.mean(0).flatten().numpy(), rtol=1e-4, atol=1e-5)
    (place / "member-2").rename(place / "away")
    assert main(["predict", str(place)]) == 2
    assert "its member 'member-2' is not there" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_trains_the_others_beside_it_once(tmp_path):
    cli = stages.fit([waves(tmp_path, confidence={"ensemble": 2})])
    place = cli.run_folder.path
    train_beside(cli, cli.run_folder, 2)
    other = place / "members" / "member-2" / "checkpoints" / "best.ckpt"
    when = other.stat().st_mtime_ns
    train_beside(cli, cli.run_folder, 2)
    assert other.stat().st_mtime_ns == when
    again, _ = stages.load([str(place)])
    assert len(again.model.members.others) == 1
    batch = again.datamodule.make_batch(torch.arange(4))
    with torch.no_grad():
        parts = again.model.eval().predict_step(batch, 0).parts
        torch.testing.assert_close(parts, cli.model.eval().predict_step(batch, 0).parts)
        again.model.members = fitted(again.model, again.datamodule)
        drawn = again.model.predict_step(batch, 0).parts
    assert (parts.epistemic > 0).all()
    assert (drawn.epistemic > 0).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_cluster_gets_an_array_of_members_and_a_job_that_gathers(tmp_path, monkeypatch, capsys):
    sent = []

    def spread(tasks, where, *, folder, gather=None):
        sent.append((where, [*tasks, gather]))
        return Spread(logs=folder, job="7", gather="8")

    monkeypatch.setattr("dlkit.submit.numbered.spread", spread)
    command = ["ensemble", waves(tmp_path), "--members", "2", "--slurm", "auto", "--time", "1h"]
    assert main(command) == 0
    (where, tasks) = sent[0]
    place = tmp_path / "runs" / "tiny_ensemble-001"
    assert isinstance(where, Array)
    assert [task.argv for task in tasks] == [
        ["ensemble", str(place), *rest] for rest in (["--member", "1"], ["--member", "2"], ["--gather"])
    ]
    assert "job array 7 of 2 members, gathered by job 8" in capsys.readouterr().out
