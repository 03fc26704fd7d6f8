"""A run of several sources is explained: shares, lags, frames and shifts find what was planted."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.data.clock import Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.simulators.beamline import MAGNETS
from dlkit.data.sources.beamline import BeamlineCamera, BeamlineSensors
from dlkit.explain.attribution import IntegratedGradients
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.linear import Linear
from dlkit.models.mlp import MLP
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.regress import Regress
from dlkit.train.evaluation.windows import WindowValues
from dlkit.train.explain.explaining import explain_briefly, explain_run
from dlkit.train.explain.question import Wanted
from dlkit.train.explain.result import Choice
from dlkit.train.explain.shifts import shift_sources
from dlkit.train.explain_panels import ExplainPanels
from tests.made_planted import HEADS, LAG, VALUE, film, planted, wave


def module(targets=VALUE, **fields):
    return MultimodalDataModule(
        clock=Regular(step="20ms"), span="union", sources=planted(**fields), targets=targets,
        inputs=["coil.*", "idle.*", "cam"], batch_size=64, placement="host",
    )  # fmt: skip


def small(spec):
    nets = {"coil": partial(MLP, hidden_size=32, dropout=0.0), "idle": partial(MLP, hidden_size=8, dropout=0.0)}
    nets["cam"] = partial(CNN, width=4, layers=1, kernel_size=3, dropout=0.0)
    return Fusion(spec, branches=nets, width=12)


def trained(data, kind, steps=150):
    torch.manual_seed(0)
    task = kind(spec=data.spec, net=small)
    task.take_scaling(data)
    optimizer = torch.optim.Adam(task.parameters(), lr=5e-3)
    places = data.places("train")
    starts = places.starts(torch.arange(len(places)))
    batch = data.make_batch(starts)
    for _ in range(steps):
        optimizer.zero_grad()
        task.step(batch).loss.backward()
        optimizer.step()
    return task.eval()


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr("dlkit.train.explain.files.source_figures", lambda *_: iter(()))


@pytest.fixture(scope="module")
def values():
    data = module()
    return trained(data, Regress), data


@pytest.fixture(scope="module")
def beam():
    data = beamline()
    torch.manual_seed(0)
    task = Regress(spec=data.spec, net=fused)
    task.take_scaling(data)
    optimizer = torch.optim.LBFGS(task.parameters(), max_iter=200, history_size=50, line_search_fn="strong_wolfe")
    places = data.places("train")
    batch = data.make_batch(places.starts(torch.arange(len(places))))

    def cost():
        optimizer.zero_grad()
        loss = task.step(batch).loss
        loss.backward()
        return loss

    optimizer.step(cost)
    return task.eval(), data


@pytest.fixture(scope="module")
def heads():
    data = module(targets=HEADS)
    return trained(data, Combined, steps=0), data


def explain(task, data, folder, *methods, **choice):
    table = explain_run(task, data, RunFolder(folder), methods, Choice(**{"samples": 2} | choice))
    found = sorted((folder / "explain").iterdir())
    return table, {one.name: json.loads((one / "summary.json").read_text()) for one in found}


@pytest.mark.usefixtures("undrawn")
def test_shares_lags_pixels_and_shifts_find_what_was_planted(values, tmp_path):
    task, data = values
    _, summaries = explain(task, data, tmp_path, samples=8)
    summary = summaries["integrated_gradients"]
    assert summary["verdict"] == "holds" and summary["incomplete"] < 0.02 and summary["difference_to_shapley"] < 0.1
    coil, idle, cam = summary["sources"]
    assert coil["share_of_all"] > 0.4 and cam["share_of_all"] > 0.2 and idle["share_of_all"] < 0.05
    assert coil["channels"][1]["best_lag_s"] == pytest.approx(LAG) and cam["channels"][0]["best_lag_s"] == 0
    assert coil["channels"][1]["share_mean_size"] > 10 * coil["channels"][0]["share_mean_size"]
    for one in summary["samples"]:
        told = one["explained"][0]
        channels = told["relevance_per_channel"]
        assert channels["coil.a"] + channels["coil.b"] == pytest.approx(told["shares"]["coil"])
        assert told["shapley_baseline"]["coil"] == pytest.approx(told["shares"]["coil"], abs=0.3)
    curves = summary["misalignment"]["sources"]
    assert summary["misalignment"]["error"] == "root mean square error (mm)"
    best = {name: one["delay_s"][int(np.argmin(one["error"]))] for name, one in curves.items()}
    assert best["coil"] == 0 and abs(best["cam"]) <= 0.02  # frames are 20 ms old in the mean
    assert curves["coil"]["slope_per_ms"] > 5 * curves["cam"]["slope_per_ms"] > 0


def test_maps_are_unpacked_by_source_with_the_times_of_their_recordings(values, tmp_path):
    task, data = values
    explain(task, data, tmp_path)
    folder = tmp_path / "explain" / "integrated_gradients"
    assert {one.name for one in folder.glob("*.png")} >= {"overview.png", "misalignment.png"}
    assert len(list(folder.glob("*.png"))) == 4
    batch = data.pick_batch("test", 2)
    with np.load(folder / "maps.npz") as maps:
        assert maps["relevance/coil"].shape == (2, 1, 2, 10) and maps["inputs/coil"].shape == (2, 2, 10)
        assert maps["relevance/cam"].shape == (2, 1, 2, 1, 8, 10) and maps["channels/coil"].tolist() == ["a", "b"]
        assert maps["units/coil"].tolist() == ["A", "A"] and maps["times/coil"].shape == (2, 10)
        last = data.prepared.table.times[batch.start.numpy() + data.geometry.look_back - 1].astype("datetime64[ns]")
        assert (maps["times/coil"][:, -1] == last).all() and (maps["times/idle"][:, -1] == last).all()
        stamps = film().read()[0].times.astype("datetime64[ns]")
        shown = np.searchsorted(stamps, last, side="right") - 1
        assert (maps["times/cam"] == stamps[shown[:, None] + [-1, 0]]).all()
        seconds = maps["times/coil"].astype(np.int64) / 1e9
        assert np.allclose(maps["inputs/coil"][:, 1], wave(seconds, 2), atol=1e-3)  # physical units, on its clock
        pixels = film().read()[0].pictures.values[shown]
        assert np.allclose(maps["inputs/cam"][:, -1], pixels, atol=0.01)
        spot = np.abs(maps["relevance/cam"][:, 0, -1, 0])
        assert spot[:, 2:5, 5:8].mean() > 5 * spot.mean()


@pytest.mark.usefixtures("undrawn")
def test_windows_are_called_by_the_time_of_the_prediction_table(tmp_path):
    data = module(targets=replace(VALUE, gap="60ms"))
    task = trained(data, Regress, steps=0)
    _, summaries = explain(task, data, tmp_path, "saliency")
    starts = data.pick_batch("test", 2).start
    times = WindowValues(task, data).times(starts)
    for sample, time in zip(summaries["saliency"]["samples"], times, strict=True):
        (told,) = sample["explained"]
        assert np.datetime64(told["target_time"]) == time and sample["name"] == str(time)[:23].replace("T", " ")
        assert time - np.datetime64(told["issued"]) == np.timedelta64(60, "ms")


@pytest.mark.parametrize("late", [0.0, 0.04])
def test_a_source_whose_stamps_are_late_has_its_least_error_where_the_delay_is_taken_back(values, late):
    found = shift_sources(values[0], module(late=late), "test", Wanted(), ["20ms", "40ms", "60ms"])
    coil = next(one for one in found.curves if one.source == "coil")
    assert coil.shifts == pytest.approx([-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06])
    assert coil.shifts[int(np.argmin(coil.error))] == pytest.approx(-late)
    assert coil.change[3] == 0 and min(coil.change[:3]) > 0


@pytest.mark.usefixtures("undrawn")
def test_another_unit_of_a_source_leaves_relevance_and_shares_as_they_are(values, tmp_path):
    task, data = values
    wanted = Wanted(baseline="zero")
    _, one = explain(task, data, tmp_path / "one", wanted=wanted)
    milli = module(milli=1000.0)
    task.take_scaling(milli)
    _, other = explain(task, milli, tmp_path / "other", wanted=wanted)
    task.take_scaling(data)
    for first, second in zip(*(found["integrated_gradients-zero"]["samples"] for found in (one, other)), strict=True):
        a, b = (sample["explained"][0]["shares"] for sample in (first, second))
        assert b == pytest.approx(a, rel=1e-3, abs=1e-3)


@pytest.mark.usefixtures("undrawn")
def test_class_maps_of_a_branch_lie_on_what_its_camera_sees(values, tmp_path):
    task, data = values
    table, summaries = explain(task, data, tmp_path, "gradcam:signed=true", "occlusion:window=3", samples=6)
    assert summaries["gradcam"]["relevance"] == "relative relevance" and "shares of sources are relative" in table
    assert "shares of sources are relative, " in table and "of them not where the exact ones are" in table
    for summary in summaries.values():
        assert summary["shares"].startswith("shares are relative")
        for sample in summary["samples"]:
            assert sum(map(abs, sample["explained"][0]["shares"].values())) == pytest.approx(1)
    exact = [one["explained"][0]["shapley_baseline"] for one in summaries["occlusion"]["samples"]]
    assert [sum(map(abs, one.values())) for one in exact] == pytest.approx([1] * len(exact))
    assert "shapley_baseline" not in summaries["gradcam"]["sources"][0]
    with np.load(tmp_path / "explain" / "gradcam" / "maps.npz") as maps:
        seen = np.abs(maps["relevance/cam"][:, 0, -1, 0]).mean(0)
    assert seen[2:5, 5:8].mean() > 1.5 * seen.mean()
    assert summaries["occlusion"]["sources"][1]["share_of_all"] < 0.1


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("target", "folder", "score"),
    [
        ("", "saliency", "change of probe.y (mm)"),
        ("now", "saliency-now", "change of probe.y (mm)"),
        ("ahead", "saliency-ahead", "change of probe.y (mm)"),
        ("ahead:probe.y", "saliency-ahead_probe.y", "change of probe.y (mm)"),
        ("state", "saliency-state", "logit of the predicted class"),
        ("state:loud", "saliency-state_loud", "logit of the class loud"),
    ],
)
def test_each_head_of_several_is_explained(heads, target, folder, score, tmp_path):
    task, data = heads
    _, summaries = explain(task, data, tmp_path, "saliency", samples=1, wanted=Wanted(target=target))
    (name,) = summaries
    assert (name, summaries[name]["score"]) == (folder, score)
    error = summaries[name]["misalignment"]["error"]
    assert error == ("cross-entropy (nat)" if "state" in target else "root mean square error (mm)")
    assert len(summaries[name]["samples"][0]["explained"]) == (3 if "ahead" in target else 1)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("kind", "head"), [(Forecast, "ahead"), (Classify, "state")])
def test_a_single_head_of_any_kind_is_explained(kind, head, tmp_path):
    data = module(targets=HEADS[head])
    task = trained(data, kind, steps=0)
    table = explain_briefly(task, data, RunFolder(tmp_path))
    assert "integrated_gradients" in table and (tmp_path / "explain" / "integrated_gradients" / "maps.npz").exists()


@pytest.mark.usefixtures("undrawn")
def test_sources_that_are_not_there_say_so_and_have_no_share(tmp_path):
    data = module(blind=12.0)
    task = trained(data, Regress, steps=0)
    _, summaries = explain(task, data, tmp_path)
    cam = summaries["integrated_gradients"]["sources"][2]
    assert cam["samples_there"] == 0 and cam["share_mean_size"] == 0 and cam["shapley_baseline"] == 0
    assert cam["channels"][0]["best_lag_s"] is None
    with np.load(tmp_path / "explain" / "integrated_gradients" / "maps.npz") as maps:
        assert np.isnat(maps["times/cam"]).all() and np.isnan(maps["inputs/cam"]).all()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"shifts": ["1ms"]}, "--shift 1ms: give durations of at least one row of the clock, 20 ms"),
        ({"shifts": ["1h"]}, "--shift 1h: no window of test can be moved that far"),
        ({"shifts": ["soon"]}, "--shift='soon' is not a duration"),
        ({"wanted": Wanted(target="nwo")}, "there is no head 'nwo'; did you mean 'now'"),
        ({"wanted": Wanted(target="state:lowd")}, "no class 'lowd' to explain; did you mean 'loud'"),
        ({"wanted": Wanted(target="now", horizon=[1])}, "--horizon chooses steps of a forecast, but this is answered"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(heads, choice, sentence, tmp_path):
    task, data = heads
    with pytest.raises(InputError, match=sentence):
        explain_run(task, data, RunFolder(tmp_path), ["saliency"], Choice(**choice))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", [None, IntegratedGradients(steps=2, most_steps=2)])
def test_maps_of_a_head_are_drawn_while_a_network_trains(heads, method):
    task, data = heads
    drawn = dict(ExplainPanels(method, samples=2, target="now", most_figures=2).draw(task, data))
    assert len(drawn) == 2 and all(figure.axes for figure in drawn.values())


# ------------------------------------------------------------------ the beam line, whose causes and lags are known
def beamline():
    """Magnets alone move the beam, each after its lag; thermometers say nothing, a camera sees some of it late."""
    run = {"duration": 120.0, "difficulty": "clean"}
    devices = {device: BeamlineSensors(device=device, **run) for device in ("magnets", "temperatures", "target")}
    sources = {name: StreamInput(source=source) for name, source in devices.items()}
    sources["magnets"] = StreamInput(source=devices["magnets"], look_back="200ms")
    sources["camera"] = FrameInput(source=BeamlineCamera(**run), look_back=2, size=(8, 8))
    return MultimodalDataModule(
        clock=Regular(step="10ms"), sources=sources, inputs=["magnets.*", "temperatures.*", "camera"], stride=4,
        targets=Head(kind="values", channels=["target.x", "target.y"]), batch_size=64, placement="host",
    )  # fmt: skip


def fused(spec):
    nets = {"magnets": partial(MLP, hidden_size=32, layers=1, dropout=0.0), "temperatures": Linear}
    nets["camera"] = partial(CNN, width=4, layers=1, kernel_size=3, dropout=0.0)
    return Fusion(spec, branches=nets, width=16)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("target", "magnets"), [("target.x", ("h1", "h2", "h3")), ("target.y", ("v1", "v2", "v3"))])
def test_on_the_beam_line_the_maps_find_the_magnets_and_their_lags(target, magnets, beam, tmp_path):
    task, data = beam
    _, summaries = explain(task, data, tmp_path, samples=16, wanted=Wanted(target=target))
    (summary,) = summaries.values()
    assert summary["verdict"] == "holds" and summary["incomplete"] < 0.02
    found = {one["source"]: one for one in summary["sources"]}
    assert found["magnets"]["share_of_all"] > 0.6 and found["temperatures"]["share_of_all"] < 0.05
    channels = {one["channel"]: one for one in found["magnets"]["channels"]}
    others = [one["share_mean_size"] for name, one in channels.items() if name not in magnets]
    for name in magnets:
        assert channels[name]["best_lag_s"] == pytest.approx(MAGNETS[name].lag, abs=0.011), name
        assert channels[name]["share_mean_size"] > 3 * max(others)
    slopes = {name: one["slope_per_ms"] for name, one in summary["misalignment"]["sources"].items()}
    assert max(slopes, key=slopes.get) == "magnets"
