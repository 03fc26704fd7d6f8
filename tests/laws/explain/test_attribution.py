"""Attributions keep their axioms and agree with Captum."""

import warnings

import captum.attr
import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.specs import Spec
from dlkit.explain.attribution import DeepLift, GradientShap, IntegratedGradients, Saliency, SmoothGrad
from dlkit.explain.base import Explainer, Scored, still
from dlkit.explain.cam import GradCAM
from dlkit.explain.methods import find_method, make_method, short_name
from dlkit.explain.perturbation import FeatureAblation, Occlusion
from dlkit.explain.separate import separate
from dlkit.models.tcn import TCN

ATTRIBUTIONS = [cls for cls in discover("dlkit.explain", Explainer) if not cls.spatial]
EXACT = [IntegratedGradients, GradientShap, DeepLift, Occlusion, FeatureAblation]  # signed, in units of the score


def finest(cls):
    """The method with one part for each value."""
    return {Occlusion: Occlusion(window=1), FeatureAblation: FeatureAblation(parts=6)}.get(cls) or cls()


class Polynomial(nn.Module):
    """Products of up to three inputs: a path integral is exact with two nodes."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.randn(3, 12, dtype=torch.float64))

    def forward(self, x):
        flat = x.flatten(1)
        return torch.stack([(flat @ a) ** (k + 1) + flat[:, :3].prod(1) for k, a in enumerate(self.a)], dim=1)


class Convolutional(nn.Module):
    """ReLU network whose activation is one module, used twice."""

    def __init__(self, inplace=False):
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 6, 3, padding=1), nn.Conv1d(6, 6, 3, padding=1)
        self.activation, self.last = nn.ReLU(inplace=inplace), nn.Linear(36, 3)

    def forward(self, x):
        z = self.activation(self.first(x))
        return self.last(self.activation(self.second(z) + z).flatten(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 8, num_layers=2, dropout=0.5, batch_first=True)
        self.out = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, x):
        return self.out(self.lstm(x.transpose(1, 2))[0][:, -1])


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).double()


def inputs(dtype=torch.float64, batch=4):
    torch.manual_seed(1)
    return torch.randn(batch, 2, 6, dtype=dtype)


def made(cls, dtype=torch.float64):
    torch.manual_seed(2)
    return cls().to(dtype)


def close(a, b, rtol=1e-10):
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol * float(b.abs().max()))


# ------------------------------------------------------------------ axioms
@pytest.mark.parametrize("cls", EXACT)
@pytest.mark.parametrize("references", [1, 2])
def test_on_a_linear_network_every_method_gives_weight_times_difference(cls, references):
    net, x = linear(), inputs()
    baseline = torch.randn(references, 1, 2, 6, dtype=torch.float64)
    weight = net[1].weight.view(3, 2, 6)
    close(finest(cls)(net, x, baseline=baseline), (weight * (x - baseline.mean(0))[:, None]).detach())


@pytest.mark.parametrize("steps", [2, 32])
def test_integrated_gradients_of_a_polynomial_are_complete(steps):
    net, x, baseline = made(Polynomial), inputs(), torch.randn(1, 1, 2, 6, dtype=torch.float64)
    found = IntegratedGradients(steps=steps)(net, x, baseline=baseline)
    gap = found.flatten(2).sum(2) - (net(x) - net(baseline[0]))
    assert gap.abs().max() <= 1e-12 * net(x).abs().max()


def test_integrated_gradients_of_a_relu_network_are_complete_to_one_percent():
    net, x = made(Convolutional), inputs(batch=8)
    found = IntegratedGradients(steps=2, most_steps=2**14)(net, x)
    change = (net(x) - net(torch.zeros_like(x))).detach()
    assert ((found.flatten(2).sum(2) - change).abs() <= 0.0101 * change.abs() + 1e-5).all()


class Counted(nn.Module):
    """Counts the rows that pass."""

    def __init__(self, net):
        super().__init__()
        self.net, self.rows = net, []

    def forward(self, x):
        self.rows += x.detach().unbind()
        return self.net(x)


class Kinked(nn.Module):
    """Does not rise before a third of the way from 0 to 1, and rises evenly from there."""

    def forward(self, x):
        return (x.flatten(1).mean(1, keepdim=True) - 1 / 3).relu()


def test_only_the_part_of_a_line_on_which_the_score_bends_gets_more_nodes_and_none_is_visited_twice():
    net, x = Counted(Kinked()), torch.ones(2, 1, 6, dtype=torch.float64)
    x[1] *= -1  # on this line nothing bends
    found = IntegratedGradients(steps=4, tolerance=1e-4)(net, x, targets=torch.zeros(2, 1, dtype=torch.long))
    torch.testing.assert_close(
        found.flatten(1).sum(1), torch.tensor([2 / 3, 0], dtype=torch.float64), atol=1e-4, rtol=0
    )
    places = torch.stack(net.rows)[:, 0, 0]
    bent, straight = places[places > 0], places[places < 0]
    assert len(straight) == 4 and len(bent) == len(bent.unique()) < 4 + 2 * 14  # halving everything needs thousands
    assert ((bent[4:] - 1 / 3).abs() < 0.25).all()


@pytest.mark.parametrize("memory", [1, 5 * 12 * 8 * 6])  # of one gradient at each node, of six
def test_what_fits_into_memory_changes_nothing(memory, monkeypatch):
    net, x, method = made(Convolutional), inputs(batch=5), IntegratedGradients(steps=4, most_steps=4)
    whole = method(net, x)
    monkeypatch.setattr("dlkit.explain.lines.HOST_MEMORY", memory)
    close(method(net, x), whole)


def test_deep_lift_is_complete_though_an_activation_is_used_twice():
    net, x = made(Convolutional), inputs()
    close(DeepLift()(net, x).flatten(2).sum(2), (net(x) - net(torch.zeros_like(x))).detach())


@pytest.mark.parametrize("cls", EXACT)
def test_the_baseline_itself_has_no_relevance(cls):
    net, x = made(Convolutional), inputs()
    found = finest(cls)(net, x[:1], baseline=x[None, :1])
    assert found.abs().max() <= (1e-15 if cls in (Occlusion, FeatureAblation) else 0)  # batches of other sizes round


@pytest.mark.parametrize("cls", ATTRIBUTIONS)
def test_an_input_that_is_not_used_has_no_relevance(cls):
    net, x = linear(), inputs()
    with torch.no_grad():
        net[1].weight.view(3, 2, 6)[:, 1, 2:4] = 0
    found = finest(cls)(nn.Sequential(net, nn.Tanh()), x)
    assert torch.equal(found[:, :, 1, 2:4], torch.zeros(4, 3, 2, dtype=torch.float64))
    assert (found[:, :, 0] != 0).all()


@pytest.mark.parametrize("cls", ATTRIBUTIONS)
def test_inputs_that_are_used_alike_have_equal_relevance(cls):
    net, x = linear(), inputs()
    with torch.no_grad():
        net[1].weight.view(3, 2, 6)[:, 1] = net[1].weight.view(3, 2, 6)[:, 0]
    x[:, 1] = x[:, 0]
    method = SmoothGrad(draws=20000, noise=0.1) if cls is SmoothGrad else finest(cls)
    found = method(nn.Sequential(net, nn.Softplus()), x)
    close(found[:, :, 0], found[:, :, 1], 1e-2 if cls is SmoothGrad else 1e-10)


@pytest.mark.parametrize("cls", [IntegratedGradients, GradientShap, Occlusion, FeatureAblation])
def test_the_relevance_of_a_sum_is_the_sum_of_the_relevance(cls):
    a, b, x = made(Convolutional), linear(), inputs()

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = a, b

        def forward(self, x):
            return 2 * self.a(x) + self.b(x)

    method = IntegratedGradients(steps=64, most_steps=64) if cls is IntegratedGradients else cls()
    close(method(Sum(), x), 2 * method(a, x) + method(b, x))


def test_relevance_passes_through_a_linear_resampler_to_the_raw_clock():
    net = made(Convolutional)

    class Resample(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, raw):
            return self.net(nn.functional.interpolate(raw, 6, mode="linear"))

    raw = torch.randn(3, 2, 17, dtype=torch.float64)
    grid = nn.functional.interpolate(raw, 6, mode="linear")
    method = IntegratedGradients(steps=256, most_steps=256)
    on_raw, on_grid = method(Resample(), raw).flatten(2).sum(2), method(net, grid).flatten(2).sum(2)
    close(on_raw, on_grid)
    close(on_grid, (net(grid) - net(torch.zeros_like(grid))).detach(), 1e-2)


# ------------------------------------------------------------------ Captum
TARGETS = torch.tensor([[1], [0], [2], [1]])


def agrees(found, expected, rtol=1e-10):
    close(found[:, 0], expected.detach().to(found.dtype), rtol)


def test_saliency_and_smooth_grad_agree_with_captum():
    net, x = made(Convolutional), inputs()
    agrees(Saliency()(net, x, TARGETS), captum.attr.Saliency(net).attribute(x, target=TARGETS[:, 0]))
    exact = SmoothGrad(noise=0.0)(net, x, TARGETS)
    agrees(exact, captum.attr.Saliency(net).attribute(x, target=TARGETS[:, 0]))
    noisy = nn.Sequential(net, nn.Tanh())
    torch.manual_seed(0)
    expected = captum.attr.NoiseTunnel(captum.attr.Saliency(noisy)).attribute(
        x[:1], nt_samples=20000, nt_samples_batch_size=2000, stdevs=0.15 * float(x[0].max() - x[0].min()), target=1
    )
    agrees(SmoothGrad(draws=20000)(noisy, x[:1], TARGETS[:1]), expected, 2e-2)


@pytest.mark.parametrize("net", [Convolutional, Polynomial, Recurrent])
def test_integrated_gradients_agree_with_captum(net):
    net, x, baseline = made(net).eval(), inputs(), torch.randn(1, 2, 6, dtype=torch.float64)
    if isinstance(net, Recurrent):
        net.lstm.dropout = 0.0
    theirs = captum.attr.IntegratedGradients(net)

    def rule(name, nodes):
        return theirs.attribute(x, baseline.expand_as(x), target=TARGETS[:, 0], n_steps=nodes, method=f"riemann_{name}")

    simpson = (rule("trapezoid", 21) * 21 / 20 + 2 * rule("middle", 20)) / 3  # their trapezoids lack a step
    method = IntegratedGradients(steps=40, most_steps=40)
    agrees(method(net, x, TARGETS, baseline[None]), simpson, 1e-6)  # Captum's step weights are float32


def test_gradient_shap_agrees_with_captum():
    net, x = nn.Sequential(made(Convolutional), nn.Tanh()), inputs(batch=1)
    references = torch.randn(4, 1, 2, 6, dtype=torch.float64)
    torch.manual_seed(0)
    expected = captum.attr.GradientShap(net).attribute(x, references[:, 0], n_samples=20000, target=1)
    agrees(GradientShap(draws=20000)(net, x, TARGETS[:1], references), expected, 2e-2)


def test_deep_lift_is_complete_for_a_network_of_causal_convolutions():
    torch.manual_seed(0)
    spec = Spec(channels=("a", "b"), size=(40,), output=(3,), kind="class", classes=("x", "y", "z"))
    net, x = TCN(spec, hidden_size=8).double().eval(), torch.randn(3, 2, 40, dtype=torch.float64)
    close(DeepLift()(net, x).flatten(2).sum(2), (net(x) - net(torch.zeros_like(x))).detach())


def test_deep_lift_agrees_with_captum_where_no_module_is_used_twice():
    net, x = (
        nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3), nn.Sigmoid()).double(),
        inputs(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = captum.attr.DeepLift(net).attribute(x, torch.zeros_like(x), target=TARGETS[:, 0])
    agrees(DeepLift()(net, x, TARGETS), expected)
    assert not net[1]._forward_hooks and not net[1]._backward_hooks


@pytest.mark.parametrize("shape", [(2, 7), (2, 9, 6)])
def test_occlusion_and_ablation_agree_with_captum(shape):
    torch.manual_seed(0)
    x = torch.randn(4, *shape, dtype=torch.float64)
    net = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 8), nn.Tanh(), nn.Linear(8, 3)).double()
    window, stride = (3, 2)[: len(shape) - 1], (2, 1)[: len(shape) - 1]
    for each in (True, False):
        wide, step = (1 if each else 2, *window), (1 if each else 2, *stride)
        expected = captum.attr.Occlusion(net).attribute(x, wide, step, baselines=0, target=TARGETS[:, 0])
        agrees(Occlusion(window=window, stride=stride, each_channel=each)(net, x, TARGETS), expected, 1e-6)
    mask = (torch.arange(shape[1]) // 3).view(1, -1, *[1] * (len(shape) - 2)).expand(*shape)
    for axis, extent in enumerate(shape[2:]):
        mask = mask + 10 * (torch.arange(extent) // 2).view(1, 1, -1) if axis == 0 else mask
    expected = captum.attr.FeatureAblation(net).attribute(x, feature_mask=mask[None], target=TARGETS[:, 0])
    parts = 3
    agrees(FeatureAblation(parts=parts, each_channel=False)(net, x, TARGETS), expected, 1e-6)


# ------------------------------------------------------------------ one interface
@pytest.mark.parametrize("cls", ATTRIBUTIONS)
def test_a_batch_is_its_samples_and_all_scores_are_each_score(cls):
    net, x = made(Convolutional), inputs()
    fixed = {SmoothGrad: SmoothGrad(noise=0.0), IntegratedGradients: IntegratedGradients(steps=9, most_steps=9)}
    method = fixed.get(cls) or cls()
    every = method(net, x)
    assert every.shape == (4, 3, 2, 6) and every.dtype == x.dtype and not every.requires_grad
    close(method(net, x, TARGETS)[:, 0], every[torch.arange(4), TARGETS[:, 0]])
    if cls is not GradientShap:  # which draws at random
        close(torch.cat([method(net, one[None]) for one in x]), every)


@pytest.mark.parametrize("cls", ATTRIBUTIONS)
def test_changes_in_place_change_nothing(cls):
    careless = Convolutional(inplace=True).double()
    careless.load_state_dict(made(Convolutional).state_dict())
    close(cls()(careless, inputs()), cls()(made(Convolutional), inputs()))


@pytest.mark.parametrize("cls", ATTRIBUTIONS)
def test_a_recurrent_network_is_explained_without_dropout_and_left_as_it_was(cls):
    net, x = made(Recurrent, torch.float32).train(), inputs(torch.float32)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = cls()(net, x)
    close(found, cls()(net, x), 1e-6)
    assert net.training and net.lstm.training and net.lstm.dropout == 0.5 and net.out[0].training
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_only_recurrent_layers_train_while_a_network_is_held_still_and_an_error_gives_it_back():
    net = made(Recurrent).train()
    with pytest.raises(ZeroDivisionError), still(net):
        assert net.lstm.training and net.lstm.dropout == 0 and not net.training and not net.out[0].training
        raise ZeroDivisionError
    assert net.training and net.lstm.dropout == 0.5 and net.out[0].training


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_recurrent_network_on_cuda_has_the_relevance_it_has_without_cudnn():
    net, x = made(Recurrent, torch.float32).cuda(), inputs(torch.float32).cuda()
    with torch.backends.cudnn.flags(allow_tf32=False):  # which has three digits
        found = IntegratedGradients()(net, x)
    with torch.backends.cudnn.flags(enabled=False):
        close(found, IntegratedGradients()(net, x), 1e-5)


def test_a_copy_without_shared_modules_answers_alike():
    net, x = made(Convolutional), inputs()
    own = separate(net, x[:1])
    assert torch.equal(own(x), net(x)) and torch.equal(own(x), net(x))


def test_scores_may_be_what_a_user_reads():
    net, x = made(Convolutional), inputs()
    celsius = Scored(net, lambda answer: 273.15 + 20 * answer)
    close(IntegratedGradients()(celsius, x), 20 * IntegratedGradients()(net, x))


# ------------------------------------------------------------------ names
def test_methods_are_found_by_short_name_and_by_import_path():
    assert find_method("integrated_gradients") is find_method("IntegratedGradients") is IntegratedGradients
    assert find_method("dlkit.explain.cam.GradCAM") is find_method("grad-cam") is GradCAM
    assert short_name(find_method("Grad-CAM++")) == "gradcamplusplus" and short_name(DeepLift) == "deep_lift"
    method = make_method("occlusion:window=3,stride=2")
    assert isinstance(method, Occlusion) and (method.window, method.stride) == (3, 2)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("grad_cm", "did you mean 'gradcam'"),
        ("dlkit.explain.cam.GradCam", "no method 'dlkit.explain.cam.GradCam'"),
        ("torch.nn.ReLU", "is no method of explanation"),
        ("no.such.module", "no method 'no.such.module'"),
        ("occlusion:windw=3", "has no setting 'windw'; did you mean 'window'"),
        ("occlusion:window", "window.*=VALUE"),
        ("integrated_gradients:steps=0", "steps=0 must be"),
    ],
)
def test_a_method_that_is_not_there_is_one_sentence(name, sentence):
    with pytest.raises(InputError, match=sentence):
        make_method(name)


def test_a_window_larger_than_the_input_is_one_sentence():
    with pytest.raises(InputError, match=r"Occlusion window=9 does not fit an input of \(6,\)"):
        Occlusion(window=9)(made(Convolutional), inputs())
