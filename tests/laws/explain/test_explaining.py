"""A run is explained: what is written, what answers for itself, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import TensorBoardLogger

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.sample_modules import ImageDataModule, TraceDataModule
from dlkit.explain.attribution import IntegratedGradients
from dlkit.explain.base import Explainer
from dlkit.explain.cam import GradCAM
from dlkit.explain.perturbation import Occlusion
from dlkit.losses.classification import BinaryCrossEntropy
from dlkit.models.lstm import LSTM
from dlkit.models.resnet import ResNet
from dlkit.report.lag_maps import LagView, lag_maps_figure
from dlkit.report.maps import Legend, MapView, image_maps_figure
from dlkit.report.trace_maps import trace_maps_figure
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.regress import Regress
from dlkit.train.explain.explaining import explain_briefly, explain_run
from dlkit.train.explain.figures import legend_of
from dlkit.train.explain.files import file_stem
from dlkit.train.explain.inputs import gather_inputs
from dlkit.train.explain.question import Wanted, ask
from dlkit.train.explain.result import Choice
from dlkit.train.explain_panels import ExplainPanels
from tests.made_modules import module

SIZES = {"images": (9, 8), "traces": (40,)}


class Made(SampleSource):
    """Samples with a bump at a random place, the known truth; its channel and sign are the class."""

    def __init__(self, what="traces", *, values=False, padded=False, count=60):
        self.what, self.values, self.padded, self.count = what, values, padded, count

    def read(self):
        random, size = np.random.default_rng(0), SIZES[self.what]
        x = random.normal(0, 0.3, (self.count, 2, *size)).astype(np.float32)
        classes = np.arange(self.count) % 3
        truth = np.zeros((self.count, *size), dtype=bool)
        for i, (one, place) in enumerate(zip(classes, random.integers(0, size[-1] // 2, self.count), strict=True)):
            x[i, one % 2, ..., place : place + 4] += (3, 3, -3)[one]
            truth[i, ..., place : place + 4] = True
        lengths = np.full(self.count, size[-1])
        if self.padded:
            lengths[:] = random.integers(25, 40, self.count)
            x[np.arange(40) >= lengths[:, None, None].repeat(2, 1)] = np.nan
        labels = (classes[:, None] * np.float32([2.0, 5.0])).astype(np.float32) if self.values else classes
        kind = {"kind": "values", "targets": ("p", "q"), "target_units": ("bar", "m")} if self.values else {
            "kind": "class", "classes": ("up", "other", "down")}  # fmt: skip
        return Samples(
            names=[f"shot {i}" for i in range(self.count)], values=x, channels=("a", "b"), units=("V", "A"),
            labels=labels, informative=truth, lengths=lengths if self.padded else None, step=1e-3, **kind,
        )  # fmt: skip

    def fingerprint(self):
        return {}


def small(spec):
    return ResNet(spec, width=6, blocks=(1, 1))


def made(what="traces", net=small, task=Classify, **fields):
    torch.manual_seed(0)
    data = (ImageDataModule if what == "images" else TraceDataModule)(source=Made(what, **fields), batch_size=16)
    own = task(spec=data.spec, net=net)
    own.take_scaling(data)
    return own, data


def trained(what="traces", **fields):
    task, data = made(what, **fields)
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-2)
    batch = data.make_batch(data.prepared.numbers["train"])
    for _ in range(60):
        optimizer.zero_grad()
        task.step(batch).loss.backward()
        optimizer.step()
    return task.eval(), data


def explain(task, data, tmp_path, *methods, **choice):
    table = explain_run(task, data, RunFolder(tmp_path), methods, Choice(**{"samples": 3} | choice))
    folders = sorted((tmp_path / "explain").iterdir())
    return table, {folder.name: json.loads((folder / "summary.json").read_text()) for folder in folders}


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))


@pytest.mark.parametrize("what", ["images", "traces"])
def test_a_trained_network_is_explained_and_the_maps_find_the_known_truth(what, tmp_path):
    task, data = trained(what)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    table, summaries = explain(task, data, tmp_path, "gradcam", "occlusion:window=2", samples=4)
    assert set(summaries) == {"gradcam", "occlusion"} and "gradcam" in table
    for name, summary in summaries.items():
        assert summary["faithfulness"]["verdict"] == "holds", name
        assert summary["known_truth"]["mass_inside"] > 0.1 + summary["known_truth"]["chance"]
        assert (summary["verdict"] == "holds") == (not summary["problems"] + summary["undecided"])
        folder = tmp_path / "explain" / name
        figures = sorted(path.name for path in folder.glob("*.png"))
        assert figures[0].startswith("00_shot") and figures[3].startswith("03_shot")
        assert len(figures) == 4 + (what == "images") and not list(folder.glob(".*"))
        with np.load(folder / "maps.npz") as maps:
            assert maps["relevance"].shape == (4, 1, 1 if name == "gradcam" else 2, *SIZES[what])
            assert maps["inputs"].shape == (4, 2, *SIZES[what]) and maps["truth"].shape == (4, *SIZES[what])
            assert set(maps["scores"][:, 0]) <= {"up", "other", "down"}
            if what == "traces":
                assert str(maps["time_unit"]) == "ms" and maps["times"][1] == pytest.approx(1.0)
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())


class Blind(Explainer):
    """Says the same of every network."""

    def relevance(self, net, x, targets, baseline):
        return torch.linspace(0, 1, x[0, 0].numel()).view(x.shape[2:]).expand(len(x), 1, *x.shape[1:])


@pytest.mark.usefixtures("undrawn")
def test_a_method_that_does_not_look_at_the_network_is_marked(tmp_path, monkeypatch):
    task, data = trained()
    monkeypatch.setattr("dlkit.train.explain.explaining.make_method", lambda _name: Blind())
    table, summaries = explain(task, data, tmp_path, "blind")
    summary = summaries["blind"]
    assert (
        summary["verdict"] == summary["sanity"]["verdict"] == "fails" and summary["faithfulness"]["verdict"] != "holds"
    )
    assert "not sane" in table and any("rank correlation of 1.00" in problem for problem in summary["problems"])


@pytest.mark.usefixtures("undrawn")
def test_padding_has_no_relevance_that_is_drawn_and_is_never_deleted(tmp_path):
    task, data = trained(padded=True)
    assert data.spec.padded
    _, summaries = explain(task, data, tmp_path, "gradcam", "integrated_gradients:steps=8,most_steps=8")
    assert summaries["integrated_gradients"]["channels"] == ["a", "b"]
    with np.load(tmp_path / "explain" / "integrated_gradients" / "maps.npz") as maps:
        padding = np.isnan(maps["inputs"][:, 0])
        assert padding.any() and np.abs(maps["relevance"][:, 0, 0][padding]).max() == 0


@pytest.mark.usefixtures("undrawn")
def test_values_are_explained_in_their_unit(tmp_path):
    task, data = made(task=Regress, values=True)
    task.eval()
    _, summaries = explain(task, data, tmp_path, "integrated_gradients", wanted=Wanted(target="q"))
    summary = summaries["integrated_gradients-q"]
    assert summary["score"] == "change of q (m)" and summary["incomplete"] < 0.05
    batch = data.pick_batch("test", 3)
    with torch.no_grad():
        change = [task.target_scaling.inverse(task.loss.point(task.net(x)))[:, 1] for x in (batch.x, 0 * batch.x)]
    told = [sum(one["explained"][0]["relevance_per_channel"]) for one in summary["samples"]]
    torch.testing.assert_close(torch.tensor(told), change[0] - change[1], rtol=0.02, atol=0.02)
    begins = [one["explained"][0]["score"] for one in summary["samples"]]
    assert begins == [f"q, from {float(start):.4g} m at the training mean" for start in change[1]]


@pytest.mark.parametrize("baseline", ["zero", "train"])
def test_forecasts_are_explained_by_channel_and_time_in_the_unit_of_the_target(baseline, tmp_path):
    torch.manual_seed(0)
    data = module(look_back=12, look_forward=4)
    task = Forecast(spec=data.spec, net=lambda spec: LSTM(spec, hidden_size=8))
    task.take_scaling(data)
    wanted = Wanted(horizon=[1, 4], baseline=baseline)
    _, summaries = explain(task, data, tmp_path, "integrated_gradients", samples=3, wanted=wanted)
    name = f"integrated_gradients-step1-4-{baseline}"
    assert summaries[name]["incomplete"] < 0.05
    folder = tmp_path / "explain" / name
    assert len(list(folder.glob("*.png"))) == 4 and (folder / "overview.png").exists()
    with np.load(folder / "maps.npz") as maps:
        assert maps["relevance"].shape == (3, 2, 3, 12) and maps["times"].shape == (3, 12)
        assert np.issubdtype(maps["times"].dtype, np.datetime64)
        starts = data.pick_batch("test", 3).start.numpy()
        expected = data.clock(data.prepared.table.times[starts[:, None] + np.arange(12)])
        assert (maps["times"] == expected).all()
    for sample, issued in zip(summaries[name]["samples"], expected[:, -1], strict=True):
        ahead = [np.datetime64(one["target_time"]) - np.datetime64(one["issued"]) for one in sample["explained"]]
        assert ahead == [np.timedelta64(1, "h"), np.timedelta64(4, "h")]
        assert {np.datetime64(one["issued"]) for one in sample["explained"]} == {issued}


def test_a_second_explanation_replaces_the_first_and_says_so_where_it_has_fewer_samples(tmp_path):
    task, data = made()
    assert "replaced" not in explain(task, data, tmp_path, "gradcam", samples=3)[0]
    assert "replaced" not in explain(task, data, tmp_path, "gradcam", samples=3)[0]
    told = explain(task, data, tmp_path, "gradcam", samples=1)[0].splitlines()[-1]
    assert told.startswith("replaced: the maps of 3 samples by those of 1 sample (--samples 3 ")
    assert len(list((tmp_path / "explain" / "gradcam").glob("*.png"))) == 1


@pytest.mark.usefixtures("undrawn")
def test_without_a_method_the_network_and_the_question_decide(tmp_path):
    task, data = made()
    assert "gradcam" in explain(task, data, tmp_path / "maps", samples=1)[1]
    flat, _ = made(net=lambda spec: LSTM(spec, hidden_size=4))
    assert "integrated_gradients" in explain(flat, data, tmp_path / "flat", samples=1)[1]
    assert "gradcam" in explain_briefly(task, data, RunFolder(tmp_path))
    values, data = made(task=Regress, values=True)
    assert "integrated_gradients" in explain_briefly(values, data, RunFolder(tmp_path / "values"))


@pytest.mark.usefixtures("undrawn")
def test_the_network_itself_is_not_explained_twice_for_the_sanity_check(tmp_path, monkeypatch):
    task, data = made()
    once = explain(task, data, tmp_path / "once", "occlusion")[1]["occlusion"]["sanity"]
    calls = []
    relevance = Occlusion.relevance
    monkeypatch.setattr(Occlusion, "relevance", lambda *given: calls.append(1) or relevance(*given))
    monkeypatch.setattr(Occlusion, "quick", lambda _self: Occlusion())  # as if it were another: nothing is reused
    assert explain(task, data, tmp_path / "twice", "occlusion")[1]["occlusion"]["sanity"] == once
    twice, calls[:] = len(calls), []
    monkeypatch.undo()
    monkeypatch.setattr(Occlusion, "relevance", lambda *given: calls.append(1) or relevance(*given))
    explain_run(task, data, RunFolder(tmp_path), ["occlusion"], Choice(samples=3))
    assert len(calls) == twice - 1


@pytest.mark.parametrize(
    ("methods", "choice", "sentence"),
    [
        (["gradcamm"], {}, "no method 'gradcamm' to explain with; did you mean 'gradcam'"),
        (["gradcam:layer=body.77"], {}, "ResNet has no layer 'body.77'; did you mean"),
        (["gradcam"], {"split": "tset"}, "--split tset is none of train, val and test"),
        (["gradcam"], {"samples": 0}, "--samples 0 must be positive"),
        (["gradcam"], {"numbers": [2, 99]}, r"--number \[99\] is not in the split 'test': it has 12 samples"),
        (["gradcam"], {"wanted": Wanted(target="dwn")}, "no class 'dwn' to explain; did you mean 'down'"),
        (["saliency"], {"wanted": Wanted(baseline="noise")}, "--baseline noise is none of mean, zero, train"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence_and_nothing_is_written(methods, choice, sentence, tmp_path):
    task, data = made()
    with pytest.raises(InputError, match=sentence):
        explain_run(task, data, RunFolder(tmp_path), methods, Choice(**choice))
    assert not list(tmp_path.iterdir())


def test_class_activation_maps_of_a_network_without_feature_maps_are_one_sentence(tmp_path):
    task, data = made(net=lambda spec: LSTM(spec, hidden_size=4))
    with pytest.raises(InputError, match=r"features of LSTM have no positions.*use saliency, integrated_gradients"):
        explain_run(task, data, RunFolder(tmp_path), ["gradcam"], Choice(samples=2))


def test_a_split_without_samples_and_a_horizon_that_is_not_forecast_are_one_sentence(tmp_path):
    task, data = made()
    data.prepared.numbers["val"] = torch.empty(0, dtype=torch.int64)
    with pytest.raises(InputError, match="split 'val' has no sample to explain"):
        explain_run(task, data, RunFolder(tmp_path), [], Choice(split="val"))
    data = module()
    task = Forecast(spec=data.spec, net=lambda spec: LSTM(spec, hidden_size=4))
    with pytest.raises(InputError, match=r"--horizon \[9\] is not forecast: give steps from 1 to 2"):
        explain_run(task, data, RunFolder(tmp_path), [], Choice(wanted=Wanted(horizon=[9])))


@pytest.mark.parametrize("method", [None, IntegratedGradients(steps=4, most_steps=4)])
@pytest.mark.parametrize("what", ["images", "traces"])
def test_maps_reach_tensorboard_while_a_network_trains(method, what, tmp_path):
    task, data = made(what)
    panels = ExplainPanels(method, samples=3, every_n_epochs=1)
    board = TensorBoardLogger(tmp_path, name="", version="")
    Trainer(
        max_epochs=1, accelerator="cpu", logger=board, callbacks=[panels], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    ).fit(task, datamodule=data)  # fmt: skip
    board.experiment.flush()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*tfevents*"))
    name = b"gradcam" if method is None else b"integrated_gradients"
    assert written.count(name + b"/") == (1 if what == "images" else 3)
    assert task.training and all(p.requires_grad for p in task.parameters())


def test_a_network_without_maps_is_drawn_by_integrated_gradients():
    task, data = made(net=lambda spec: LSTM(spec, hidden_size=4))
    assert {name.partition("/")[0] for name, _ in ExplainPanels(samples=1).draw(task, data)} == {"integrated_gradients"}


@pytest.mark.parametrize(("target", "words"), [("", "predicted class"), ("true", "true class"), ("down", "class down")])
def test_the_score_of_classes_names_which_class(target, words):
    task, data = made("images")
    assert ask(task, data.pick_batch("test", 2), Wanted(target=target)).score == f"logit of the {words}"


def test_maps_say_whether_they_have_a_unit_and_what_is_drawn_over_them():
    task, data = made("images")
    batch = data.pick_batch("test", 2)
    inputs, question = gather_inputs(task, data, batch), ask(task, batch, Wanted())
    relative, unit = legend_of(GradCAM(), inputs, question), legend_of(IntegratedGradients(), inputs, question)
    assert all("probabilities before calibration" in legend.title for legend in (relative, unit))
    assert (relative.score, unit.score) == ("relative relevance", "contribution to the logit of the predicted class")
    assert "as the network sees them, {} x {} pixels".format(*inputs.values.shape[2:]) in relative.title
    box, maps = np.array([[1, 4], [2, 5]]), np.ones((1, 9, 8))
    view = MapView(inputs.values[0], maps, "shot", ["energy: said 50.48 MeV, true down to 49.97 MeV"], None, box)
    figure = image_maps_figure([view], relative)
    texts = [figure.get_suptitle(), *(axes.get_title("left") for axes in figure.axes)]
    assert "dashed: box of what is above 20 % of the maximum" in texts[0].replace("\n", " ")
    assert any("true down to 49.97 MeV" in text.replace("\n", " ") for text in texts)
    label = "relative relevance (1: the most of an image) 0: the image shows, pale"
    assert figure.axes[-1].get_ylabel().replace("\n", " ") == label


def test_relative_maps_of_traces_reach_from_0_to_1_and_black_lines_are_seen_on_all_their_colours():
    values, relevance = np.zeros((2, 5)), np.array([[0, 1e-3, 4e-3, 0, np.nan]])
    for signed in (False, True):
        legend = Legend("t", signed=signed, channels=("a", "b"), units=("K", ""), score="relevance", relative=True)
        figure = trace_maps_figure(MapView(values, relevance, "a"), np.arange(5.0), legend, time_unit="s")
        mesh = figure.axes[0].collections[0]
        np.testing.assert_allclose(mesh.get_array().filled(np.nan).ravel(), [0, 0.25, 1, 0, np.nan])
        assert figure.axes[-1].get_ylabel().replace("\n", " ") == "relevance (1: the most of this trace)"
        colours = np.array([mesh.cmap(x) for x in np.linspace(0, 1, 64)])[:, :3]
        linear = np.where(colours > 0.04045, ((colours + 0.055) / 1.055) ** 2.4, colours / 12.92)
        assert ((linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05).min() > 4.5  # contrast with black, WCAG 2.2


def test_a_box_around_the_whole_image_is_not_drawn():
    whole = MapView(np.ones((1, 4, 6)), np.ones((1, 4, 6)), "a", box=np.array([[0, 4], [0, 6]]))
    half = replace(whole, box=np.array([[0, 4], [0, 3]]))
    for views, drawn in (([whole], 0), ([whole, half], 1)):
        figure = image_maps_figure(views, Legend("t", channels=("a",)))
        assert sum(len(axes.patches) for axes in figure.axes) == drawn
        assert ("dashed" in figure.get_suptitle()) == bool(drawn)


def test_no_map_of_an_overview_is_empty_and_its_largest_value_is_told():
    random = np.random.default_rng(0)
    views = [MapView(np.ones((1, 4, 6)), size * random.normal(size=(1, 4, 6)), "a") for size in (1.0, 1e-4)]
    figure = image_maps_figure(views, Legend("t", signed=True, channels=("a",), score="change (K)"))
    heats = figure.axes[1:4:2]
    assert [np.abs(axes.images[1].get_array()).max() for axes in heats] == pytest.approx([1, 1])
    most = [np.abs(view.relevance).max() for view in views]
    assert [axes.get_title("right") for axes in heats] == [f"1: {value:.3g}" for value in most]
    (alone,) = [axes for axes in image_maps_figure(views[1:], Legend("t", signed=True)).axes if len(axes.images) == 2]
    assert np.abs(alone.images[1].get_array()).max() == pytest.approx(most[1]) and not alone.get_title("right")


@pytest.mark.usefixtures("undrawn")
def test_each_target_has_its_folder_and_few_samples_are_called_few(tmp_path):
    task, data = made()
    explain(task, data, tmp_path, "gradcam", samples=8)
    table, summaries = explain(task, data, tmp_path, "gradcam", samples=2, wanted=Wanted(target="down"))
    assert set(summaries) == {"gradcam", "gradcam-down"} and "\nfew samples: 2" in table and "only" not in table
    assert summaries["gradcam-down"]["few_samples"] and not summaries["gradcam"]["few_samples"]
    table, _ = explain(task, data, tmp_path, "gradcam", samples=99)
    assert "few samples" not in table and table.endswith("only 12 samples in test")
    assert file_stem("a b/x.PNG") == "a_b_x" and file_stem("shot 1.5") == "shot_1.5"
    labels = replace(data.spec, kind="labels")
    several = Classify(spec=labels, net=small, loss=BinaryCrossEntropy())
    with pytest.raises(InputError, match="several labels of a sample may be true; name one of up, other, down"):
        ask(several, data.pick_batch("test", 2), Wanted(target="true"))


def test_parts_that_cancel_are_both_drawn_beside_a_map():
    legend = Legend("t", signed=True, channels=("a", "b"), score="change (K)", unit="K")
    relevance = np.array([[2.0, -2.0, 0.0], [0.0, 1.0, 0.0]])
    figure = lag_maps_figure([LagView(relevance, "one")], np.arange(3.0), legend, axis="lag")
    bars = next(axes for axes in figure.axes if "net" in axes.get_xlabel())
    assert [patch.get_width() for patch in bars.patches] == [2, 1, -2, 0] and bars.get_xlabel().endswith("(K)")
