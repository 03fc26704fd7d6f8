"""A run with `clean:`: recorded in data.json, replayed on new files when the training data are gone, told by export."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder
from dlkit.train import stages
from dlkit.train.anomalies.events import row_errors
from dlkit.train.anomalies.files import read_detector
from dlkit.train.watch.watch import watch

STEPS = [
    ("mask.Mask", {"channels": ["a"], "values": [-9999]}),
    ("clip.Clip", {"channels": ["b"], "quantiles": [0.02, 0.98]}),
    ("interpolate.Interpolate", {"channels": ["*"], "limit": "5s"}),
    ("filter.Filter", {"channels": ["a", "b"], "cutoff": "8s"}),
]


def table(rows, seed):
    random, time = np.random.default_rng(seed), np.arange(rows)
    made = pd.DataFrame({"t": pd.to_datetime(time, unit="s").astype(str)})
    for place, name in enumerate("ab"):
        made[name] = np.sin(time / (4 + place)) + 0.1 * random.normal(size=rows)
    made.loc[::17, "a"] = -9999
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose training data are gone."""
    folder = tmp_path_factory.mktemp("cleaned")
    table(600, 0).to_csv(folder / "train.csv", index=False)
    steps = [{"class_path": f"dlkit.data.cleaning.{path}", "init_args": given} for path, given in STEPS]
    files = {"path": f"{folder}/train.csv", "time": "t", "gaps": "split"}
    data = {
        "source": {"class_path": "dlkit.data.sources.files.Files", "init_args": files},
        "clean": steps, "look_back": 12, "batch_size": 64, "batches_per_step": 1,
    }  # fmt: skip
    quiet = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
    net = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 4}}
    config = {
        "name": "cleaned", "runs": f"{folder}/runs", "seed_everything": 1, "trainer": quiet, "confidence": None,
        "data": {"class_path": "dlkit.data.reconstruction.ReconstructionDataModule", "init_args": data},
        "model": {"class_path": "dlkit.tasks.reconstruct.Reconstruct", "init_args": {"net": net}},
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["fit", str(folder / "config.yaml")]) == 0
    path = folder / "runs" / "cleaned-001"
    assert main(["test", str(path)]) == 0
    assert main(["export", str(path), "--to", "torch"]) == 0
    (folder / "train.csv").unlink()
    return path


def test_the_run_records_what_was_cleaned_and_learnt(run):
    record = json.loads((run / "data.json").read_text())["clean"]
    assert [one["step"] for one in record] == [f"dlkit.data.cleaning.{path}" for path, _ in STEPS]
    assert record[0]["values changed"] == {"a": 36}
    train = table(600, 0)["b"][:420].to_numpy(np.float32).astype(np.float64)
    bounds = [record[1]["learnt"][side]["b"] for side in ("lower", "upper")]
    np.testing.assert_allclose(bounds, np.quantile(train, [0.02, 0.98]), rtol=1e-6)


def scores_of(run, path):
    """Scores of a whole file at once, and the rows that the network was given."""
    cli, folder = stages.load([str(run)], reads=False)
    source = stages.source_of(cli.datamodule, [str(path)], folder, cli.model.spec)
    data = cli.datamodule.for_new_data(source, cli.model.scaling, spec=cli.model.spec)
    values = np.array(data.prepared.table.values)
    errors, fitted = row_errors(cli.model, data, "test", merge="causal"), read_detector(RunFolder(run), "causal")
    return fitted.scores(errors, data.segments("test")), values


def test_new_files_are_cleaned_as_in_training_also_row_by_row(run, tmp_path):
    path = tmp_path / "new.csv"
    made = table(150, 3)
    made.loc[40:44, "b"] = 30.0
    made.to_csv(path, index=False)
    scores, values = scores_of(run, path)
    upper = json.loads((run / "data.json").read_text())["clean"][1]["learnt"]["upper"]["b"]
    assert not np.isnan(values[1:]).any()  # the first value is missing
    assert np.nanmin(values) > -2
    assert values[:, 1].max() <= 1.1 * upper < 30  # the filter overshoots by a few percent
    watch([str(run)], path, output=tmp_path / "judged.csv", until_idle=0.0, every=0.01, from_start=True)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "judged.csv")["score"], scores, rtol=1e-5, atol=1e-5)


def test_the_command_predicts_new_files_without_the_training_data(run, tmp_path):
    table(150, 3).to_csv(tmp_path / "new.csv", index=False)
    output = tmp_path / "out.csv"
    assert main(["predict", str(run), "--data", str(tmp_path / "new.csv"), "--output", str(output)]) == 0
    assert len(pd.read_csv(output)) > 0


def test_the_exported_file_says_what_it_does_not_hold(run, capsys):
    import torch

    from dlkit.export.torch_file import META

    files = {META: ""}
    torch.export.load(run / "export" / "model.pt2", extra_files=files)
    about = next(json.loads(text) for text in files.values())
    assert [one["step"] for one in about["clean"]] == [f"dlkit.data.cleaning.{path}" for path, _ in STEPS]
    assert "upper" in about["clean"][1]["learnt"]
