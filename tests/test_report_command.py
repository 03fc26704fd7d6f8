"""`dlkit report` and `dlkit compare` on real runs: whole pages that load nothing, and verdicts that are right."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from dlkit.__main__ import main
from dlkit.confidence.scaling import Temperature
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.train import stages
from dlkit.train.confidence.confidence import Confidence, HeadConfidence
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.report.cases import explanations_section
from dlkit.train.report.known import Known
from tests.bad_inputs.corpus import text, tiny
from tests.laws.report.test_page_parts import Reader

SECTIONS = ["question", "data", "model", "training", "results", "confidence", "time", "cases", "explanations",
            "anomalies", "robustness", "novelty", "repeat"]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train a forecast twice, with other settings, and one of classes; return their folder."""
    folder = tmp_path_factory.mktemp("report")
    forecast(folder)
    classes(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dlkit"])
        patch.chdir(folder)
        assert main(["run", "forecast.yaml"]) == 0
        assert main(["run", "forecast.yaml", "--model.init_args.net", "dlkit.models.nlinear.NLinear"]) == 0
        assert main(["run", "classes.yaml"]) == 0
    return folder / "runs"


def forecast(folder):
    """Write an hourly series with a gap, and its configuration."""
    random = np.random.default_rng(0)
    rows = np.r_[0:200, 260:520]
    times = (pd.Timestamp("2021-03-01") + pd.to_timedelta(rows, unit="h")).strftime("%Y-%m-%dT%H:%M")
    a = np.sin(rows / 4) + 0.1 * random.normal(size=len(rows))
    lines = [
        "t,a,b",
        *(f"{t},{x:.4f},{y:.4f}" for t, x, y in zip(times, a, random.normal(size=len(rows)), strict=True)),
    ]
    (folder / "tiny.csv").write_text(text(lines))
    config = tiny(folder)
    config["data"]["init_args"]["source"]["init_args"] |= {"units": {"a": "mm"}, "gaps": "split"}
    (folder / "forecast.yaml").write_text(yaml.safe_dump(config))


def classes(folder):
    """Write traces of three classes, and their configuration."""
    random, labels = np.random.default_rng(1), np.arange(150) % 3
    values = random.normal(size=(150, 1, 12)) * 0.4 + labels[:, None, None]
    np.savez(folder / "made.npz", X=values.astype(np.float32), y=labels)
    config = tiny(folder) | {"name": "made"}
    source = {
        "class_path": "dlkit.data.sources.sample_arrays.SampleArrays",
        "init_args": {"path": f"{folder}/made.npz"},
    }
    config["data"] = {
        "class_path": "dlkit.data.sample_modules.TraceDataModule",
        "init_args": {"source": source, "batch_size": 8, "batches_per_step": 1},
    }
    net = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 8}}
    config["model"] = {"class_path": "dlkit.tasks.classify.Classify", "init_args": {"net": net}}
    config["trainer"]["max_epochs"] = 3
    (folder / "classes.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def pages(runs):
    """Write the pages of a forecast and of classes."""
    for name in ("tiny-001", "made-001"):
        assert main(["report", str(runs / name)]) == 0
    return {name: (runs / name / "report.html").read_text() for name in ("tiny-001", "made-001")}


@pytest.mark.parametrize("name", ["tiny-001", "made-001"])
def test_a_page_has_every_section_loads_nothing_and_describes_its_pictures(pages, name):
    read = Reader(pages[name])
    assert not read.open
    assert [attrs["id"] for tag, attrs in read.tags if tag == "section"] == SECTIONS
    assert [one for one in read.addresses if not one.startswith(("#", "data:"))] == []
    assert all(len(attrs.get("alt", "")) > 10 for tag, attrs in read.tags if tag == "img")
    assert "<!--" not in pages[name].partition("<body>")[2].replace("<!-->", "")
    assert len(pages[name]) < 5_000_000


def test_a_page_tells_the_numbers_of_the_run(pages, runs):
    said = " ".join(Reader(pages["tiny-001"]).texts)
    found = json.loads((runs / "tiny-001" / "metrics.json").read_text())
    error = found["test"]["physical"]["per_channel"]["mae"]["a"]
    assert f"{error:#.4g}" in said
    assert "a (mm)" in said
    assert "repeat last" in said
    assert f"{found['test_windows']:,}" in said
    assert "gap within series" in said
    assert "Leak audit: nothing is shared" in said


@pytest.mark.parametrize("scaling", [None, Temperature().fit(torch.full((30, 3), 1 / 3), torch.arange(30) % 3)])
def test_probabilities_in_pictures_of_explanations_are_told_from_calibrated_ones(tmp_path, scaling):
    run, spec = RunFolder(tmp_path), Spec(("x",), (8,), (3,), kind="class", classes=("a", "b", "c"))
    (tmp_path / "explain" / "grad_cam").mkdir(parents=True)
    (tmp_path / "explain" / "grad_cam" / "summary.json").write_text("{}")
    known = Known(run, {}, {}, {}, spec, tmp_path / "best.ckpt")
    known.__dict__["confidence"] = Confidence(Wish(), {"": HeadConfidence("classes", scaling=scaling)})
    said = "".join(explanations_section(known).parts)
    assert ("before calibration; those of the best and worst" in said) == (scaling is not None)


@pytest.mark.parametrize(("overview", "shown"), [(True, 1), (False, 2)])
def test_each_method_shows_its_overview_or_of_traces_its_first_maps(overview, shown, tmp_path):
    folder = tmp_path / "explain" / "saliency"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text('{"samples": [{"name": "trip 7"}, {"name": "trip 8"}, {"name": "trip 9"}]}')
    for name in ["00_a", "01_b", "02_c", *["overview"] * overview]:
        Image.new("RGB", (4, 4)).save(folder / f"{name}.png")
    spec = Spec(("x",), (8,), (3,), kind="class", classes=("a", "b", "c"))
    said = "".join(explanations_section(Known(RunFolder(tmp_path), {}, {}, {}, spec, tmp_path / "best.ckpt")).parts)
    assert said.count("<img") == shown and ("saliency: trip 8" in said) != overview


def test_probabilities_before_calibration_are_told_from_those_after_it(runs, pages, capsys):
    said, run = "robabilities before calibration", runs / "made-001"
    assert said in (run / "summary.txt").read_text()
    assert "robabilities are those of the network, before calibration" in pages["made-001"]
    assert main(["evaluate", str(run), "--data", str(runs.parent / "made.npz")]) == 0
    assert said in capsys.readouterr().out
    cli, _ = stages.load([str(run)])
    evaluation = evaluation_of(cli.model, cli.datamodule)
    evaluation.test(cli.trainer)
    cli.model.test_scores.scores = [1 - one for one in cli.model.test_scores.scores]  # mistakes, whatever was learned
    figures = dict(evaluation.figures())
    assert said in figures["mistakes"].get_suptitle().replace("\n", " ")
    assert "before calibration" in figures["reliability"].axes[1].get_xlabel()


def test_what_is_repeated_is_found_to_be_the_same(pages):
    for page in pages.values():
        repeated = " ".join(Reader(page).texts).partition("Checked while this page was written")[2]
        assert "the sources have the fingerprint of the run" in repeated
        assert "the same rows and windows train, validate and test" in repeated
        assert "computed again are those of predictions.parquet to the last digit" in repeated


def test_data_that_changed_are_told(runs, tmp_path):
    other = shutil.copytree(runs / "tiny-001", tmp_path / "tiny-001")
    known = json.loads((other / "data.json").read_text())
    known["source"]["files"][0]["sha256"] = "0" * 64
    known["split"]["test"]["rows"] += 1
    (other / "data.json").write_text(json.dumps(known))
    assert main(["report", str(other), "--output", str(tmp_path / "a.html")]) == 0
    said = " ".join(Reader((tmp_path / "a.html").read_text()).texts)
    assert "the sources have changed since" in said
    assert "differs in split" in said


def test_an_unfinished_run_without_its_data_still_has_a_page(runs, tmp_path):
    other = shutil.copytree(runs / "made-001", tmp_path / "made-001")
    for name in ("metrics.json", "predictions.parquet", "data.json", "confidence.json"):
        (other / name).unlink(missing_ok=True)
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["data"]["init_args"]["source"]["init_args"]["path"] = str(tmp_path / "gone.npz")
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["report", str(other)]) == 0
    read = Reader((other / "report.html").read_text())
    assert [attrs["id"] for tag, attrs in read.tags if tag == "section"] == SECTIONS
    said = " ".join(read.texts)
    assert "Unfinished: training did not come to its end" in said
    assert "Tested on" not in said
    assert "gone.npz" in said


@pytest.mark.parametrize("command", ["report", "compare"])
def test_damaged_answers_are_told_in_a_sentence(runs, tmp_path, capsys, command):
    other = shutil.copytree(runs / "made-001", tmp_path / "made-001")
    path = other / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:300])
    assert main([command, str(other), *([str(runs / "made-001")] if command == "compare" else [])]) == 2
    said = capsys.readouterr().err
    assert f"'{path}' is damaged: make it anew by `dlkit predict {other}`." in said
    assert "Traceback" not in said


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium to open the page with")
def test_a_browser_draws_the_traces_without_an_error(pages, runs, tmp_path):
    page = (runs / "tiny-001" / "report.html").as_uri()
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom", page],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "log level" not in line]
    assert console == []
    assert done.stdout.count("bk-Figure") >= 2 or done.stdout.count("bk-GridPlot") >= 2
    assert len(pages) == 2


def test_runs_are_compared_window_by_window(runs, tmp_path, capsys):
    page = tmp_path / "compare.html"
    assert main(["compare", str(runs / "tiny-001"), str(runs / "tiny-002"), "--output", str(page)]) == 0
    said = capsys.readouterr().out
    assert "model.net  " in said
    assert "NLinear" in said
    assert "Diebold-Mariano" in said
    both = [pd.read_parquet(runs / name / "predictions.parquet") for name in ("tiny-001", "tiny-002")]
    losses = [(one["prediction"] - one["truth"]).abs() / one["truth"].std() for one in both]
    assert f"{(losses[0] - losses[1]).mean():+.4g}" in said
    read = Reader(page.read_text())
    assert not read.open
    assert [attrs["id"] for tag, attrs in read.tags if tag == "section"] == ["significance", "measures", "settings"]


def test_a_copy_of_a_run_differs_by_nothing(runs, tmp_path, capsys):
    other = shutil.copytree(runs / "made-001", tmp_path / "made-001")
    assert main(["compare", str(runs / "made-001"), str(other)]) == 0
    said = capsys.readouterr().out
    assert "no setting differs" in said
    assert "p = 1 by exact McNemar" in said
    assert "no difference beyond chance" in said


def test_runs_on_other_data_have_only_their_measures_compared(runs, capsys):
    assert main(["compare", str(runs / "tiny-001"), str(runs / "made-001")]) == 2
    assert "--metrics-only" in capsys.readouterr().err
    assert main(["compare", str(runs / "tiny-001"), str(runs / "made-001"), "--metrics-only"]) == 0
    assert "differences were not tested" in capsys.readouterr().out
