"""Which network a run explains: as it is where a layer is named, one and the same for answers, maps and baseline."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Part, Spec
from dlkit.explain.base import Scored
from dlkit.explain.cam import ActivationMap, GradCAM
from dlkit.explain.rows import scores_of
from dlkit.models.fusion import Fusion
from dlkit.models.itransformer import ITransformer
from dlkit.models.lstm import LSTM
from dlkit.models.revin import RevIN
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.members import Ensemble
from dlkit.tasks.regress import Regress
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.inputs import gather_inputs
from dlkit.train.explain.possible import default_method, has_maps
from dlkit.train.explain.question import Wanted, ask, from_baseline
from dlkit.train.explain.result import Choice
from tests.laws.explain.test_explaining import explain, made
from tests.made_modules import module


# ------------------------------------------------------------------ a layer
def grad_cam(net, layer, x, number):
    """Grad-CAM in its own words: a hook, a gradient and a sum."""
    seen = []
    handle = net.get_submodule(layer).register_forward_hook(lambda _module, _x, z: seen.append(z))
    scores = net(x).gather(1, number)
    handle.remove()
    (slope,) = torch.autograd.grad(scores.sum(), seen[0])
    coarse = (slope.mean((2, 3), keepdim=True) * seen[0]).sum(1, keepdim=True).relu()
    return nn.functional.interpolate(coarse, x.shape[2:], mode="bilinear").detach()


@pytest.mark.parametrize("others", [[], ["saliency"]])
def test_a_layer_that_is_named_is_that_of_the_network_as_it_is(others, tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))
    task, data = made("images")
    x = data.pick_batch("test", 3).x
    with torch.no_grad():
        task.net.train()(2 * x + 1)
        for part in task.net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight.normal_()
                part.bias.normal_()
    task.eval()
    layers = [name for name, part in task.net.named_modules() if isinstance(part, nn.Conv2d)]
    layer = layers[-1]
    explain(task, data, tmp_path, *others, f"gradcam:layer={layer}", samples=3)
    with np.load(tmp_path / "explain" / "gradcam" / "maps.npz") as maps:
        found = torch.from_numpy(maps["relevance"])
    expected = grad_cam(task.net, layer, x, task.net(x).argmax(1)[:, None])
    assert expected.flatten(1).amax(1).min() > 0
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-3, atol=1e-4 * float(expected.max()))


# ------------------------------------------------------------------ an ensemble
def ensemble(task):
    torch.manual_seed(1)
    other = copy.deepcopy(task)
    for weight in other.parameters():
        nn.init.normal_(weight, std=0.3)
    task.members = Ensemble(task, [other])
    return task.eval()


def forecasting():
    torch.manual_seed(0)
    data = module(look_back=12, look_forward=4)
    task = Forecast(spec=data.spec, net=partial(LSTM, hidden_size=8))
    task.take_scaling(data)
    return task, data


@pytest.mark.parametrize("kind", [Regress, Forecast])
def test_of_an_ensemble_answers_and_baseline_are_those_of_the_network_that_is_explained(kind):
    task, data = made(task=Regress, values=True) if kind is Regress else forecasting()
    alone, batch = copy.deepcopy(task).eval(), data.pick_batch("test", 4)
    question, expected = (ask(one, batch, Wanted()) for one in (ensemble(task), alone))
    assert not torch.allclose(task.predict_step(batch, 0).point, alone.predict_step(batch, 0).point)
    assert torch.equal(question.answers, expected.answers) and question.lines == expected.lines
    torch.testing.assert_close(question.answers, scores_of(question.net, batch.x, question.targets))
    start = torch.zeros_like(batch.x)[None]
    begun = from_baseline(question, batch.x, start, "mean").scores
    one_input = scores_of(alone.net, start[0], None)
    assert len({score.partition(", from ")[2] for (score, *_) in begun}) == 1 and len(one_input.unique(dim=0)) == 1
    assert begun == from_baseline(expected, batch.x, start, "mean").scores


def test_of_an_ensemble_the_table_says_which_network_is_explained(tmp_path):
    task, data = made(task=Regress, values=True)
    said = "the network alone is explained, not what all members say together"
    assert said not in explain_run(task.eval(), data, RunFolder(tmp_path), ["saliency"], Choice(samples=2))
    assert said in explain_run(ensemble(task), data, RunFolder(tmp_path), ["saliency"], Choice(samples=2))


# ------------------------------------------------------------------ positions that are no places of the input
INVERTED = partial(ITransformer, d_model=16, heads=2, d_ff=16, layers=1, dropout=0.0)
SERIES = Spec(("a", "b", "c", "d"), (48,), (6, 1, 1), ("a",))
WRAPPED = {
    "itself": INVERTED,
    "scored": lambda spec: Scored(INVERTED(spec)),
    "RevIN": partial(RevIN, net=INVERTED),
    "RevIN twice": partial(RevIN, net=partial(RevIN, net=INVERTED)),
}


@pytest.mark.parametrize("cls", discover("dlkit.explain", ActivationMap))
@pytest.mark.parametrize("layer", [None, "encoder.0"])
def test_maps_over_channels_are_not_drawn_over_time(cls, layer):
    net, x = INVERTED(SERIES).eval(), torch.randn(2, 4, 48)
    with pytest.raises(InputError, match="positions of the features of ITransformer are no places of the input"):
        cls(layer=layer)(net, x)


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_no_wrapper_hides_that_positions_are_channels_and_integrated_gradients_are_left(wrapped):
    net, x = wrapped(SERIES).eval(), torch.randn(2, 4, 48)
    with pytest.raises(InputError, match="no places of the input"):
        GradCAM()(net, x)
    assert not has_maps(net, x)


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        (INVERTED, "branch of 'magnets' have positions that are not those of its input"),
        (partial(RevIN, net=INVERTED), "source 'magnets', a RevIN, does not answer by its features alone"),
    ],
)
def test_a_branch_without_maps_over_its_source_is_told_in_one_sentence(inside, sentence):
    part = Part("magnets", ("x", "y"), (9,), tuple(0.1 * i for i in range(-8, 1)))
    spec = Spec(("magnets.x", "magnets.y"), (19,), (2,), kind="class", classes=("u", "v"), parts=(part,))
    net, x = Fusion(spec, branches={"series": inside}, width=8).eval(), torch.ones(2, 19)
    with pytest.raises(InputError, match=sentence):
        GradCAM().of(spec)(net, x)


def test_the_default_of_a_network_whose_positions_are_channels_are_integrated_gradients():
    task, data = forecasting()
    batch = data.pick_batch("test", 2)
    inputs, question = gather_inputs(task, data, batch), ask(task, batch, Wanted())
    object.__setattr__(question, "rises", True)  # as of classes
    net = INVERTED(task.spec).eval()
    assert type(default_method(net, inputs, question)).__name__ == "IntegratedGradients"
