"""`dlkit evaluate` of a run on traces: classes never trained, and samples that trained it, are told."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.train.elsewhere import evaluating
from tests.bad_inputs.sample_jobs import write_traces


def content(count=96, seed=0):
    """Traces of 16 samples in three classes."""
    labels = np.arange(count) % 3
    values = np.random.default_rng(seed).normal(size=(count, 2, 16)) + labels[:, None, None]
    return {"X": values.astype(np.float32), "y": np.array(["arc", "melt", "quench"])[labels]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train on traces; return the folder of the run."""
    folder = tmp_path_factory.mktemp("traces")
    write_traces(folder)
    np.savez(folder / "traces.npz", **content())
    settings = yaml.safe_load((folder / "traces.yaml").read_text())
    (folder / "traces.yaml").write_text(yaml.safe_dump(settings | {"confidence": None}))
    assert main(["fit", str(folder / "traces.yaml")]) == 0
    return folder / "runs" / "traces-001"


@pytest.fixture
def evaluated(run, tmp_path, monkeypatch, capsys):
    """Return what evaluates arrays: what is said, and the measures that are written."""
    monkeypatch.setattr(evaluating, "figures", lambda *_: iter(()))

    def evaluate(**arrays):
        np.savez(tmp_path / "other.npz", **arrays)
        capsys.readouterr()
        assert main(["evaluate", str(run), "--data", str(tmp_path / "other.npz")]) == 0
        return capsys.readouterr().out, read_json(run / "evaluate_other" / "metrics.json")["other.npz"]

    return evaluate


def test_samples_of_a_class_never_trained_are_named_and_left_out_of_the_measures(evaluated):
    known = content(30, seed=1)
    strange = {"X": content(12, seed=2)["X"], "y": np.array(["spark"] * 7 + ["flash"] * 5)}
    said, found = evaluated(**{name: np.concatenate([known[name], strange[name]]) for name in known})
    words = "the run was not trained on the classes 'spark' (7 samples), 'flash' (5 samples): these are not measured"
    assert words in said
    assert found["not trained on"] == {"spark": 7, "flash": 5}
    assert (found["answers"], evaluated(**known)[1]["measures"]) == (42, found["measures"])


def test_what_is_said_first_and_all_counts_name_the_samples_that_can_never_be_answered(run, tmp_path, capsys):
    copy, known = shutil.copytree(run, tmp_path / "copy"), content(30, seed=1)
    assert main(["calibrate", str(copy)]) == 0
    names = np.array(["spark"] * 7 + ["flash"] * 5)
    np.savez(tmp_path / "n.npz", X=np.r_[known["X"], content(12, seed=2)["X"]], y=np.r_[known["y"], names])
    capsys.readouterr()
    assert main(["evaluate", str(copy), "--data", str(tmp_path / "n.npz")]) == 0
    said, found = capsys.readouterr().out, read_json(copy / "evaluate_n" / "metrics.json")["n.npz"]
    first = next(line for line in said.splitlines() if "was promised" in line)
    promised = found["promises"][0]
    assert "was seen on the 30 of 42 samples of n.npz whose class the run knows: " in first
    whole = promised["seen"] * 30 / 42
    assert promised["seen with classes not trained on"] == pytest.approx(whole)
    assert first.endswith(f"7 of 'spark' and 5 of 'flash': counted with them {100 * whole:.1f} %")
    assert (found["answers"], found["measured"]) == (42, 30)
    row = next(line.split() for line in said.splitlines() if line.startswith("of these measured"))
    assert row[-1] == "30"
    bins = found["by_distance"]["answers"]
    assert (sum(one["answers"] for one in bins), sum(one["measured"] for one in bins)) == (42, 30)
    truth = pd.read_parquet(copy / "evaluate_n" / "predictions.parquet")["truth"]
    assert truth.tolist() == np.r_[known["y"], names].tolist()


def test_where_no_class_was_trained_nothing_is_measured_and_they_are_named(evaluated):
    said, found = evaluated(X=content(9, seed=3)["X"], y=np.array(["spark"] * 9))
    assert "the run was not trained on the class 'spark' (9 samples): nothing is measured; it knows arc, melt" in said
    assert "no truth is known" not in said
    assert found["measures"] == {}


def test_predictions_say_which_classes_were_never_trained(run, tmp_path, capsys):
    np.savez(tmp_path / "new.npz", X=content(9)["X"], y=np.array(["spark"] * 4 + ["arc"] * 5))
    assert main(["predict", str(run), "--data", str(tmp_path / "new.npz"), "--output", str(tmp_path / "p.csv")]) == 0
    said = capsys.readouterr().out
    assert "the run was not trained on the class 'spark' (4 samples)\n9 predictions" in said


def test_new_samples_that_are_refused_are_left_out_with_the_setting_that_is_named(run, tmp_path, capsys):
    made = content(9)
    made["X"][3] = np.nan
    np.savez(tmp_path / "holes.npz", **made)
    asked = ["predict", str(run), "--data", str(tmp_path / "holes.npz")]
    assert main(asked) == 2
    said = capsys.readouterr().err
    cure = "--data.init_args.source.init_args.bad skip"
    assert "1 of 9 samples cannot be used" in said and f"mend them, or add `{cure}` to the command." in said
    assert main([*asked, *cure.split()]) == 0
    assert "8 predictions" in capsys.readouterr().out


@pytest.mark.parametrize(("command", "file"), [("predict", "predictions_twin.parquet"), ("evaluate", "evaluate_twin")])
def test_answers_of_other_data_of_the_same_name_are_not_replaced_without_a_word(
    command, file, run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(evaluating, "figures", lambda *_: iter(()))
    for count in (12, 9):
        place = tmp_path / str(count) / "twin.npz"
        place.parent.mkdir()
        np.savez(place, **content(count))
        assert main([command, str(run), "--data", str(place)]) == 0
        said = capsys.readouterr().out
        assert (run / file).exists()
        assert ("replaced: " in said) == (count == 9)
    assert f"{run / file}" in said.partition("replaced: ")[2].partition("\n")[0]


def test_samples_that_took_part_in_the_run_are_counted(evaluated, run):
    own, fresh = content(), content(10, seed=4)
    roles = {role: read_json(run / "data.json")["split"][role]["samples"] for role in ("train", "val")}
    said, found = evaluated(**{name: np.concatenate([own[name], fresh[name]]) for name in own})
    assert found["took part in the run"] == roles
    words = f"of 106 inputs of other.npz {roles['train']} trained the network and {roles['val']} chose its weights"
    assert words in said
    said, found = evaluated(**fresh)
    assert found["took part in the run"] == {"train": 0, "val": 0}
    assert "trained the network" not in said
