"""Labels of a run are judged by its predictions, and a column of labels as intervals."""

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import read_json
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.splits import ByFraction
from dlkit.quality.labels.rows import row_labels, rows_of
from dlkit.report.check import looks
from dlkit.train.check import page as check_page
from dlkit.train.check.answers import judged_intervals
from dlkit.train.check.intervals import events_of, intervals_of
from dlkit.train.check.seen import Wanted
from tests.made_events import SECOND, altered, made_events
from tests.made_tables import Parts, stream

COUNT, WRONG = 400, np.arange(0, 400, 10)


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    monkeypatch.setattr(looks, "sample_looks", lambda samples, seed: [])
    monkeypatch.setattr(check_page, "write_check_page", lambda path, check, seen: path)


def predicted(folder, config, *, probabilities=True):
    """Write a config, traces of noise with every tenth label wrong, and predictions that know the true ones."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, COUNT)
    labels = true.copy()
    labels[WRONG] = 1 - labels[WRONG]
    np.savez(folder / "made.npz", X=random.normal(size=(COUNT, 1, 12)).astype(np.float32), y=labels)
    source = {
        "class_path": "dlkit.data.sources.sample_arrays.SampleArrays",
        "init_args": {"path": f"{folder}/made.npz"},
    }
    block = {"class_path": "dlkit.data.sample_modules.TraceDataModule", "init_args": {"source": source}}
    (folder / config).write_text(yaml.safe_dump({"data": block}))
    sure = random.uniform(0.9, 0.99, COUNT)
    table = pd.DataFrame({"sample": [f"made/{n}" for n in range(COUNT)], "truth": labels.astype(str)})
    if probabilities:
        table["probability_0"] = np.where(true == 0, sure, 1 - sure)
        table["probability_1"] = 1 - table["probability_0"]
    table.to_parquet(folder / "predictions.parquet")
    return folder


def checked(folder):
    assert main(["check", str(folder), "--output", str(folder / "check")]) == 0
    return read_json(folder / "check" / "check.json")


@pytest.mark.parametrize("config", ["config.yaml", "experiment.yaml"])
def test_labels_of_a_run_and_of_a_cross_validation_are_judged_by_their_predictions(config, tmp_path):
    found = checked(predicted(tmp_path, config))
    facts, (wrong,) = found["labels"][""]["facts"], [one for one in found["findings"] if one["kind"] == "wrong label"]
    assert facts["by"] == f"the predictions of '{tmp_path}', which did not train on them"
    assert wrong["level"] == "warning" and wrong["count"] == len(WRONG)
    assert {place["sample"] for place in wrong["places"]} <= {f"made/{number}" for number in WRONG}
    assert "disagrees with the predictions out of fold" in wrong["what"]


def test_a_run_without_probabilities_says_so_and_a_quick_model_judges(tmp_path):
    found = checked(predicted(tmp_path, "config.yaml", probabilities=False))
    facts = found["labels"][""]["facts"]
    assert "have no probabilities of ['0', '1']" in facts["not by the run"]
    assert facts["by"] == "a quick model that did not see them"
    assert "wrong label" not in {one["kind"] for one in found["findings"]}


def test_intervals_of_a_run_are_judged_by_its_predictions(tmp_path):
    rows, events = made_events(kinds=1, every=250, events=20)
    random = np.random.default_rng(0)
    rows.values[:] = random.normal(size=rows.values.shape)  # of which a quick model learns nothing
    there = row_labels(rows_of([rows]), [events])[0] == 1
    table = pd.DataFrame({"series": rows.name, "time": rows.times / 1e9})
    sure = random.uniform(0.85, 0.95, len(table))
    table["probability_shift"] = np.where(there, sure, 1 - sure)
    table["probability_quiet"] = 1 - table["probability_shift"]
    table.to_parquet(tmp_path / "predictions.parquet")
    quick, by_run = (judged_intervals([events], [rows], run, 0, "") for run in (None, tmp_path))
    assert quick.facts["told"]["shift"] < 0.6 and "by" not in quick.facts
    assert by_run.facts["told"]["shift"] == 1 and by_run.facts["by"].startswith("the predictions of")


def test_a_column_of_labels_is_judged_as_intervals(tmp_path):
    rows, true = made_events(kinds=1)
    labelled = altered(true, keep=np.arange(40) % 8 != 3)
    fault = row_labels(rows_of([rows]), [labelled])[0]
    given = stream(np.column_stack([rows.values, fault]), channels=(*"abc", "fault"), name="run")
    split = ByFraction(train=0.5, val=0.25, test=0.25)
    data = ReconstructionDataModule(
        source=Parts([given]), look_back=8, labels="fault", anomalies="keep", split=split, cache=str(tmp_path)
    )
    ((name, (events,)),) = events_of(data)
    np.testing.assert_array_equal(events.onset // given.step, labelled.onset // SECOND)
    np.testing.assert_array_equal(events.offset // given.step, labelled.offset // SECOND)
    (missing,) = [one for one in intervals_of(data, Wanted())[name].findings if one.kind == "missing interval"]
    found, left_out = [place.first // given.step for place in missing.places], true.onset[3::8] // SECOND
    assert missing.count == len(found) >= 4 and missing.channel == "anomalous"  # of five; each is one of them
    assert all(np.abs(left_out - one).min() <= 5 for one in found)
