"""`dlkit baselines CONFIG|RUN`: the same windows, the same measures, one table."""

import math
import shutil

import numpy as np
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.anomaly.detector import Detector
from dlkit.anomaly.thresholds import Quantile
from dlkit.baselines.anomaly_contest import AnomalyContest
from dlkit.baselines.contest import Contest, Limits
from dlkit.baselines.question import Question
from dlkit.core.runfolder import read_json
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.splits import ByFraction
from dlkit.models.mlp import MLP
from dlkit.tasks.reconstruct import Reconstruct
from tests.bad_inputs.cases_anomalies import write_anomalies
from tests.bad_inputs.corpus import tiny, write_job
from tests.made_multimodal import filmed, logged, sampled
from tests.made_sample_modules import Given, image_module, images, trace_module, traces
from tests.made_tables import Parts, stream


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder of a tested run on windows of one table, with missing values and masks."""
    folder = tmp_path_factory.mktemp("trained")
    write_job(folder)
    lines = (folder / "tiny.csv").read_text().splitlines()
    lines[20:26] = [line.replace(line.split(",")[1], "", 1) for line in lines[20:26]]
    (folder / "tiny.csv").write_text("\n".join(lines) + "\n")
    settings = tiny(folder)
    settings["data"]["init_args"] |= {"mask_channels": True, "calendar": ["day"], "season": 4}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    assert main(["run", str(folder / "config.yaml")]) == 0
    return folder / "runs" / "tiny-001"


def methods_of(path, question="all"):
    return read_json(path / "baselines.json")[question]["methods"]


def test_the_network_of_a_run_and_naive_forecasts_have_the_numbers_of_its_test(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    assert main(["baselines", str(run), "--only", "repeat,seasonal,ridge,own_past", "--most", "50"]) == 0
    said, found, known = capsys.readouterr().out, methods_of(run), read_json(run / "metrics.json")
    before = {"model": known["test"]} | {
        name: known["baselines"][title] for name, title in (("repeat", "repeat last"), ("seasonal", "seasonal naive"))
    }
    for name, measures in before.items():
        assert found[name]["measures"]["MSE"] == measures["standardized"]["overall"]["mse"]
        assert found[name]["measures"]["MAE a"] == measures["physical"]["per_channel"]["mae"]["a"]
    assert 40 < found["ridge"]["rows"] <= 50  # those of 50 in which an answer was measured
    assert found["model"]["fit_s"] == known["fit"]["seconds"]
    assert f"ridge: trained on {found['ridge']['rows']} of" in said
    assert said.index("model: Linear") < said.index("repeat last")
    assert (run / "figures" / "baselines.png").stat().st_size > 10_000
    assert (run / "baselines.txt").read_text() in said


def test_a_configuration_gets_a_folder_of_its_own(trained):
    place = trained.parents[1]
    assert main(["baselines", str(place / "config.yaml"), "--only", "random_forest", "--most", "30"]) == 0
    folder = place / "runs" / "tiny_baselines-001"
    assert set(methods_of(folder)) == {"random_forest"}
    assert {path.name for path in folder.iterdir()} == {"baselines.json", "baselines.txt", "baselines.png"}


# ------------------------------------------------------------------ samples
def results(data, *names, **limits):
    contest = Contest(Question(data), Limits(**limits))
    return {name: contest.run(name) for name in names or contest.names}


def test_a_method_knows_nothing_of_the_samples_that_test():
    samples = traces(count=120)
    first = results(trace_module(samples), "logistic", "rocket")
    changed = traces(count=120)
    numbers = trace_module(samples).prepared.numbers["test"].numpy()
    changed.values[numbers] = 0
    again = results(trace_module(changed), "logistic", "rocket")
    for name, result in first.items():
        assert result.said == again[name].said
        assert again[name].measures["accuracy"][0] == pytest.approx(1 / 3, abs=0.05)  # one answer to all


@pytest.mark.parametrize("kind", ["ordinal", "labels", "values"])
def test_every_kind_of_answer_is_measured_as_a_network_s(kind):
    truth = np.arange(60) % 3
    fields = {
        "ordinal": {"labels": truth, "kind": "ordinal"},
        "labels": {"labels": (truth[:, None] == np.arange(3)).astype(np.float32), "kind": "labels"},
        "values": {"labels": truth[:, None].astype(np.float32), "kind": "values", "classes": (), "targets": ("n",)},
    }[kind]
    made = traces(unequal=True, **fields)
    made.values[:, 0, :9] += 8 * truth[:, None]
    names = {
        "values": ("training_mean", "ridge"),
        "ordinal": ("class_shares", "svm"),
        "labels": ("class_shares", "rocket"),
    }[kind]
    found = results(trace_module(made), *names)
    measure = "R2" if kind == "values" else "area under the ROC curve"
    floor, method = (found[name].measures[measure][0] for name in names)
    assert floor < 0.6
    assert method > 0.9


def test_images_and_settings_chosen_without_validation():
    data = image_module(images(), split=None)
    found = results(data, "k_nearest", most=20)
    assert found["k_nearest"].rows == 20


# ------------------------------------------------------------------ several sources
HEADS = {
    "ahead": Head(kind="forecast", channels=["fast.c0"], look_forward=3),
    "soon": Head(kind="values", channels=["slow.c1", "fast.c2"], gap=1),
    "state": Head(kind="class", events="state"),
}


@pytest.fixture(scope="module")
def several():
    """Return windows of a stream that loses values, one that is slow, a camera and events."""
    sources = {
        "fast": StreamInput(source=sampled(120, 3, seconds=8, seed=1, missing=0.02), look_back=12, mask=True),
        "slow": StreamInput(source=sampled(9, 2, seconds=8, seed=2), look_back="320ms", every=4, age=True),
        "cam": FrameInput(source=filmed(15, seconds=8), look_back=3, max_age="200ms"),
        "state": EventInput(source=logged(seconds=8)),
    }
    split = ByFraction(train=0.6, val=0.2, test=0.2)
    return MultimodalDataModule(
        clock=Regular(step="20ms"), sources=sources, targets=HEADS, split=split, batch_size=8, placement="host"
    )


@pytest.mark.parametrize(
    ("head", "name"), [("ahead", "ridge"), ("soon", "last_value"), ("soon", "svr"), ("state", "logistic")]
)
def test_each_of_several_heads_is_asked_alone(several, head, name):
    contest = Contest(Question(several, head), Limits(features=60))
    found = contest.run(name)
    assert all(math.isfinite(value) for value, _ in list(found.measures.values())[:2])
    assert any("averaged" in note for note in contest.notes())
    assert "own_past" not in contest.names
    assert ("last_value" in contest.names) == (head == "soon")
    assert "rocket" not in contest.names


# ------------------------------------------------------------------ anomalies
@pytest.fixture(scope="module")
def ringing():
    """Return windows of three sines, one of which is off for 20 rows, and a task with a detector."""
    random, time = np.random.default_rng(5), np.arange(800)
    waves = [np.sin(time / 7), np.cos(time / 7), 2 * np.sin(time / 7)]
    fault = (time >= 700) & (time < 720)
    values = np.stack([*waves, fault], 1)
    values[:, :3] += 0.05 * random.normal(size=(800, 3))
    values[fault, 1] += 3
    source = Parts([stream(values)])
    split = ByFraction(train=0.5, val=0.25, test=0.25)
    data = ReconstructionDataModule(source=source, labels="c3", look_back=10, split=split, placement="host")
    return Reconstruct(spec=data.spec, net=MLP, detector=Detector(threshold=Quantile(level=0.99))), data


def test_the_network_of_a_run_on_anomalies_has_the_numbers_of_its_test(tmp_path):
    write_anomalies(tmp_path)
    assert main(["run", str(tmp_path / "config.yaml")]) == 0
    run = tmp_path / "runs" / "tiny-001"
    known = read_json(run / "metrics.json")["test"]["anomalies"]
    assert main(["baselines", str(run), "--only", "pca_q,nearest"]) == 0
    found = methods_of(run)
    assert list(found) == ["model", "pca_q", "nearest"]
    assert found["model"]["measures"]["AUPRC"] == known["auprc"]
    assert found["model"]["measures"]["affiliation_recall"] == known["affiliation_recall"]


def test_every_method_for_anomalies_finds_what_no_training_window_shows(ringing):
    contest = AnomalyContest(*ringing, Limits(most=300))
    for name in contest.names:
        found = contest.run(name).measures
        assert found["AUROC"][0] > 0.8, name
        assert found["events found"][0] == 1, name
    assert list(found)[:2] == ["AUPRC", "VUS-PR"]


def test_anomalous_samples_are_found_by_every_method():
    source = AnomalySamples(source=Given(traces(count=160, time=20)), normal=["a", "b"])
    source.source.samples.values[2::3, 0] += 12
    data = TraceDataModule(source=source, placement="host")
    contest = AnomalyContest(Reconstruct(spec=data.spec, net=MLP), data, Limits())
    for name in contest.names:
        assert contest.run(name).measures["AUROC"][0] > 0.95, name


def test_the_same_errors_are_judged_as_those_of_a_network(ringing):
    task, data = ringing
    task.eval()
    contest = AnomalyContest(task, data, Limits())
    own = contest.evaluation
    own.fit_detectors()
    own.find()
    contest.squares = lambda method, batch: task.squares(batch)
    with torch.no_grad():
        found = contest.of_windows(contest.methods["pca_q"])
    assert found == own.judged.measures
