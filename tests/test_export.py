"""An exported model answers as the run does: raw values in, answers out, whatever the network and the data."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from dlkit.confidence.class_sets import RAPS
from dlkit.confidence.intervals import CQR
from dlkit.confidence.joint import Joint
from dlkit.confidence.scaling import Isotonic
from dlkit.data.normalize import LogStandard
from dlkit.export.windows import physical_inputs
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.quantile import Pinball
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.linear import Linear
from dlkit.models.lstm import LSTM
from dlkit.models.patchtst import PatchTST
from dlkit.models.resnet import ResNet
from dlkit.models.revin import RevIN
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.train.confidence.confidence import HeadConfidence
from tests.laws.several.test_multimodal import module as sources_module
from tests.made_exports import exported
from tests.made_modules import module
from tests.made_sample_modules import image_module, trace_module, traces
from tests.made_tables import noise

RESNET = partial(ResNet, width=8, blocks=(1, 1))


def holes(values):
    values[::7, 1] = np.nan
    return values


def patchtst(spec):
    inside = partial(PatchTST, patch_size=4, stride=2, d_model=8, heads=2, d_ff=8, layers=1)
    return RevIN(spec, inside, scales=(1,))


def calibrated_forecast(task, data):
    answers = task.predict_step(data.pick_batch("val", 40), 0)
    return {"": HeadConfidence("forecast", intervals=CQR().fit(answers, 0.9), joint=Joint().fit(answers, 0.5))}


def calibrated_classes(task, data):
    answers = task.predict_step(data.pick_batch("train", 60), 0)
    scaling = Isotonic().fit(answers.probabilities, answers.truth)
    sets = RAPS(randomized=False).fit(scaling.probabilities(answers.probabilities), answers.truth, 0.8)
    return {"": HeadConfidence("classes", scaling=scaling, sets=sets)}


def lstm():
    data = module(holes(noise(200, 3)), look_back=12, mask_channels=True, calendar=["day"], normalizer=LogStandard())
    net = partial(LSTM, hidden_size=4)
    return Forecast(spec=data.spec, net=net, loss=Pinball()), data, calibrated_forecast


def transformer():
    data = module(noise(200, 2) * 30 + 1000, look_back=12)
    return Forecast(spec=data.spec, net=patchtst, loss=Gaussian()), data, None


def resnet_of_traces():
    data = trace_module(traces(unequal=True))
    return Classify(spec=data.spec, net=RESNET), data, calibrated_classes


def resnet_of_images():
    data = image_module()
    return Classify(spec=data.spec, net=RESNET), data, None


def fusion():
    data = sources_module()
    branches = {"series": Linear, "frames": partial(CNN, width=2)}
    return Combined(spec=data.spec, net=partial(Fusion, branches=branches, width=8)), data, None


MADE = {one.__name__: one for one in (lstm, transformer, resnet_of_traces, resnet_of_images, fusion)}


@pytest.fixture(scope="module", params=MADE)
def case(request, tmp_path_factory):
    torch.manual_seed(0)
    task, data, heads = MADE[request.param]()
    data.setup()
    task.take_scaling(data)
    known = None if heads is None else heads(task.eval(), data)
    model, about = exported(tmp_path_factory.mktemp(request.param) / "run", task, data, known)
    return request.param, task, data, known, model, about


def given(task, data, count, role="test"):
    batch = data.pick_batch(role, count)
    with torch.no_grad():
        inputs, answer = physical_inputs(task, batch), task.predict_step(batch, 0)
    return [one.numpy() for one in inputs], answer


def close(found, wanted):
    np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("count", [1, 3, 17])
def test_any_number_of_windows_gets_the_answers_of_the_run(case, count):
    name, task, data, heads, model, _ = case
    inputs, answer = given(task, data, count, "train")
    found = model.predict(dict(zip(model.inputs, inputs, strict=True)))
    assert all(len(one) == len(inputs[0]) for one in found.values())
    if name == "fusion":
        close(found["ahead/point"], answer["ahead"].point)
        close(found["soon/point"], answer["soon"].point)
        close(found["state/probabilities"], answer["state"].probabilities)
    elif name == "resnet_of_traces":
        close(found["probabilities"], heads[""].scaling.probabilities(answer.probabilities))
        assert (found["set"] == heads[""].sets.sets(torch.from_numpy(found["probabilities"])).numpy()).all()
    elif name == "resnet_of_images":
        close(found["probabilities"], answer.probabilities)
    else:
        close(found["point"], answer.point)
        for prefix, fitted in {"": heads[""].intervals, "joint_": heads[""].joint}.items() if heads else ():
            for side, bound in zip(("lower", "upper"), fitted.bounds(*answer[1:4]), strict=True):
                close(found[f"{prefix}{side}"], bound)


@pytest.mark.parametrize("case", ["fusion"], indirect=True)
def test_a_source_that_is_too_old_is_absent_as_in_the_data(case):
    _, task, data, _, model, _ = case
    inputs = dict(zip(model.inputs, given(task, data, 9, "train")[0], strict=True))
    stale, absent = ({key: value.copy() for key, value in inputs.items()} for _ in range(2))
    assert model.inputs["cam"]["max_age"] == 0.2 and model.inputs["slow"]["fresh"] == 1
    stale["cam.age"][:3, -1], absent["cam"][:3] = 0.21, np.nan
    stale["slow"][3:6, -1, -1], absent["slow"][3:6] = 0.31, np.nan  # only its last sample can be new enough
    found, wanted = model.checked(stale), model.checked(absent)
    for key in ("cam", "slow", "fast"):
        np.testing.assert_array_equal(found[key], wanted[key])
    with torch.no_grad():
        batch = data.pick_batch("train", 64)
        there = [~np.isnan(one.numpy()).reshape(len(one), -1).all(1) for one in physical_inputs(task, batch)[:3]]
    np.testing.assert_array_equal(np.stack(there, 1), batch.x[:, -3:].numpy() > 0)


def test_a_file_says_what_goes_in_and_what_comes_out(case):
    _, task, _, heads, model, about = case
    assert json.loads(json.dumps(about)) == model.about
    assert about["checked"]["largest_difference"] <= 1e-5
    assert about["kind"] == task.spec.kind and about["fingerprint"]["checkpoint"]
    assert about["classes"] == list(task.spec.classes)
    assert about["level"] == (0.9 if heads else {"lstm": 0.8}.get(case[0], about["level"]))
    for port in (*about["inputs"], *about["outputs"]):
        assert len(port["axes"]) == len(port["shape"]) + 1
        assert len(port["channels"]) == len(port["units"])
    assert all(port["name"] in model.text() for port in about["outputs"])
