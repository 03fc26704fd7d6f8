"""Of several methods none works before all of them can."""

import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.models.lstm import LSTM
from dlkit.tasks.classify import Classify
from dlkit.tasks.regress import Regress
from dlkit.train.explain.explaining import explain_briefly, explain_run
from dlkit.train.explain.possible import PASSES, seconds_of_gradients
from dlkit.train.explain.result import Choice
from dlkit.train.explain_panels import ExplainPanels
from tests.laws.explain.test_explaining import explain, made


@pytest.mark.parametrize("method", ["gradcam", "occlusion:window=9999"])
def test_a_method_that_is_not_possible_is_refused_before_another_has_worked(method, tmp_path):
    task, data = made(net=lambda spec: LSTM(spec, hidden_size=4))
    with pytest.raises(InputError, match=rf"^{method.partition(':')[0]} cannot explain this run, and nothing was comp"):
        explain_run(task, data, RunFolder(tmp_path), ["saliency", method], Choice(samples=2))
    assert not (tmp_path / "explain").exists()


@pytest.mark.parametrize("network", [None, lambda spec: LSTM(spec, hidden_size=4)])
def test_methods_that_are_possible_all_work(network, tmp_path):
    task, data = made(**({} if network is None else {"net": network}))
    methods = ["saliency", "occlusion:window=3", *(["gradcam"] if network is None else [])]
    assert set(explain(task, data, tmp_path, *methods, samples=2)[1]) == {one.partition(":")[0] for one in methods}


@pytest.mark.parametrize("task", [Classify, Regress])
@pytest.mark.parametrize(("seconds", "made_by_itself"), [(19.0, True), (150.0, False)])
def test_a_network_without_feature_maps_is_explained_by_itself_where_that_does_not_take_long(
    task, seconds, made_by_itself, tmp_path, monkeypatch
):
    monkeypatch.setattr("dlkit.train.explain.explaining.seconds_of_gradients", lambda *_: seconds)
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))
    own, data = made(net=lambda spec: LSTM(spec, hidden_size=4), task=task, values=task is Regress)
    told = explain_briefly(own, data, RunFolder(tmp_path))
    assert (tmp_path / "explain" / "integrated_gradients").is_dir() == made_by_itself
    again = f"integrated gradients take about 2 min 30 s: `dlkit explain {tmp_path} --samples 8`"
    line = f"no heat maps: features of LSTM have no positions, and {again}"
    assert (told == line) != made_by_itself and ("integrated_gradients  " in told) == made_by_itself


class Cut(LSTM):
    """A network whose answers have no gradient at its inputs."""

    def features(self, x):
        return super().features(x.detach())


def test_a_network_without_a_gradient_is_told_and_ends_no_run(tmp_path):
    own, data = made(net=lambda spec: Cut(spec, hidden_size=4))
    told = explain_briefly(own, data, RunFolder(tmp_path))
    assert told == (
        "no heat maps: features of Cut have no positions, and it has no gradient at its inputs: "
        f"`dlkit explain {tmp_path} --samples 8`"
    )
    assert "occlusion  " in explain_run(own, data, RunFolder(tmp_path), [], Choice(samples=2))  # needs none
    with pytest.raises(InputError, match=r"no gradient at its inputs .*--method occlusion"):
        explain_run(own, data, RunFolder(tmp_path), ["integrated_gradients"], Choice(samples=2))
    assert next(ExplainPanels(samples=2).draw(own, data))[0].startswith("occlusion/")


@pytest.mark.parametrize("shape", [(8, 2, 40), (8, 2, 9, 8)])
def test_the_time_of_gradients_is_that_of_a_pass_as_often_as_they_take_and_the_network_stays(shape, monkeypatch):
    net, clock = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.LazyLinear(3)), iter([0, 9, 10, 10.5, 20, 20.25])
    net(torch.zeros(shape))
    monkeypatch.setattr("dlkit.train.explain.possible.time.perf_counter", lambda: next(clock))
    assert seconds_of_gradients(net, torch.rand(shape)) == 0.25 * PASSES
    assert net.training and all(one.requires_grad and one.grad is None for one in net.parameters())
