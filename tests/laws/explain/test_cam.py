"""Class activation maps keep their laws, on series and images, and agree with pytorch-grad-cam."""

import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.explain.base import Scored, still
from dlkit.explain.cam import CAM, ActivationMap, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from dlkit.explain.cut import linear_head
from dlkit.explain.fold import folded

MAPS = discover("dlkit.explain", ActivationMap)
CONV = {1: nn.Conv1d, 2: nn.Conv2d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
SIZES = {1: (24,), 2: (12, 10)}


class MeanHead(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def forward(self, z):
        return self.linear(z.flatten(2).mean(2))


class Small(nn.Module):
    """Two convolutions, a mean and a linear map; ``dense`` has a head that is not linear."""

    def __init__(self, axes=2, classes=4, *, dense=False, stride=2, inplace=False, padding_mode="zeros", hidden=6):
        super().__init__()
        conv = CONV[axes]
        self.body = nn.Sequential(
            conv(3, 5, 3, padding=1, padding_mode=padding_mode),
            NORM[axes](5),
            nn.ReLU(inplace=inplace),
            conv(5, hidden, 3, padding=1, stride=stride, padding_mode=padding_mode),
            nn.ReLU(inplace=inplace),
        )
        mean = MeanHead(hidden, classes)
        self.out = (
            nn.Sequential(nn.ReLU(inplace=inplace), CONV[axes](hidden, hidden, 1), nn.Tanh(), mean) if dense else mean
        )

    def features(self, x):
        return self.body(x)

    def head(self, z):
        return self.out(z)

    def forward(self, x):
        return self.head(self.features(x))


def small(axes=2, dtype=torch.float64, seed=0, **fields):
    torch.manual_seed(seed)
    net = Small(axes, **fields).to(dtype).eval()
    return net, torch.randn(3, 3, *SIZES[axes], dtype=dtype)


def coarse(cls, net, x, targets=None, **fields):
    with still(net):
        return cls(**fields).coarse(net, x, targets)


def close(a, b, rtol=1e-12):
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol * float(b.abs().max()))


def test_all_seven_methods_are_found():
    assert {cls.__name__ for cls in MAPS} == {
        "CAM", "GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM", "XGradCAM", "ScoreCAM",
    }  # fmt: skip


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_behind_a_mean_and_a_linear_map_grad_cam_times_positions_is_cam_and_so_is_hirescam(axes, dtype, rtol):
    net, x = small(axes, dtype)
    raw = {cls: coarse(cls, net, x, signed=True) for cls in (CAM, GradCAM, HiResCAM, XGradCAM)}
    positions = raw[CAM][0, 0].numel()
    for cls in (GradCAM, HiResCAM, XGradCAM):
        close(raw[cls] * positions, raw[CAM], rtol)
    close(raw[CAM].flatten(2).mean(2) + net.out.linear.bias, net(x), rtol)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("cls", [GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM])
def test_the_closed_form_of_a_linear_head_is_what_differentiating_it_gives(axes, cls):
    net, x = small(axes)
    fast = cls(signed=True)(net, x)
    hidden = Small.head
    try:  # a head whose positions are counted cannot be recognized, so it is differentiated
        Small.head = lambda self, z: hidden(self, z.reshape(len(z), 6, *net.body(x).shape[2:]))
        assert linear_head(net, net.features(x)) is None
        close(cls(signed=True)(net, x), fast)
    finally:
        Small.head = hidden


# CAM is only defined for a linear head.
every_map_and_head = pytest.mark.parametrize(
    ("cls", "dense"), [(cls, dense) for cls in MAPS for dense in (False, True) if not (dense and cls is CAM)]
)


@every_map_and_head
def test_a_series_is_an_image_of_height_one(cls, dense):
    flat, x = small(1, dense=dense)
    tall = Small(2, dense=dense, stride=(1, 2)).double().eval()
    with torch.no_grad():
        for (name, to), source in zip(tall.named_parameters(), flat.parameters(), strict=True):
            one_row = source.unsqueeze(-2) if source.ndim == 3 else source
            to.zero_()
            row = to.shape[-2] // 2 if to.ndim == 4 else 0
            to[..., row : row + 1, :].copy_(one_row) if to.ndim == 4 else to.copy_(one_row), name
    close(cls()(tall, x[:, :, None])[..., 0, :], cls()(flat, x), 1e-10)


@every_map_and_head
@pytest.mark.parametrize("axes", [1, 2])
def test_a_batch_is_its_samples_and_all_classes_are_each_class(cls, axes, dense):
    net, x = small(axes, dense=dense)
    every = cls(signed=True)(net, x)
    assert every.shape == (3, 4, 1, *x.shape[2:])
    close(torch.cat([cls(signed=True)(net, one[None]) for one in x]), every, 1e-10)
    targets = torch.tensor([[1], [3], [0]])
    chosen = cls(signed=True)(net, x, targets)
    close(chosen[:, 0], every[torch.arange(3), targets[:, 0]], 1e-10)


@pytest.mark.parametrize("cls", MAPS)
def test_a_shift_of_the_input_shifts_the_map_when_borders_are_circular(cls):
    net, x = small(2, stride=1, padding_mode="circular")
    close(cls()(net, x.roll((3, -2), (2, 3))), cls()(net, x).roll((3, -2), (3, 4)), 1e-10)


@pytest.mark.parametrize("cls", MAPS)
def test_nothing_seen_is_a_map_of_zeros(cls):
    net, x = small()
    nn.init.constant_(net.body[3].weight, 0.0)
    nn.init.constant_(net.body[3].bias, -1.0)
    found = cls()(net, x)
    assert torch.equal(found, torch.zeros_like(found))


@pytest.mark.parametrize("cls", MAPS)
def test_only_signed_maps_show_what_speaks_against(cls):
    net, x = small(seed=1)
    signed = coarse(cls, net, x, signed=True)
    close(coarse(cls, net, x), signed.relu())
    if cls not in (LayerCAM, GradCAMPlusPlus, ScoreCAM):  # weights below zero do not occur there
        assert signed.min() < 0


@every_map_and_head
def test_changes_in_place_change_nothing(cls, dense):
    (net, x), (careless, _) = small(dense=dense), small(dense=dense, inplace=True)
    close(cls()(careless, x), cls()(net, x))


@pytest.mark.parametrize("cls", [CAM, GradCAM, LayerCAM])
def test_bfloat16_agrees_to_its_precision(cls):
    net, x = small(dtype=torch.float32)
    exact = cls()(net, x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = cls()(net, x)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.05 * exact.abs().max()


def test_compiled_networks_give_the_same_maps():
    net, x = small(dense=True)
    expected, layer = GradCAM()(net, x), GradCAM(layer="body.2")(net, x)
    compiled = torch.compile(net, backend="eager")
    compiled(x)
    close(GradCAM()(compiled, x), expected)
    net.compile(backend="eager")
    net(x)
    close(GradCAM()(net, x), expected)
    close(GradCAM(layer="body.2")(net, x), layer)


def test_the_network_is_left_as_it_was():
    net, x = small(dense=True)
    net.train()
    net.body[1].eval()
    net.body[0].requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    GradCAM(layer="body.2")(net, x)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training and not net.body[1].training
    assert not net.body[0].weight.requires_grad and net.body[3].weight.requires_grad
    assert not net.body[2]._forward_hooks and all(p.grad is None for p in net.parameters())


@every_map_and_head
def test_a_cut_at_the_last_layer_of_the_features_is_the_cut_of_the_network(cls, dense):
    net, x = small(dense=dense)
    close(cls(layer="body.4")(net, x), cls()(net, x))
    close(cls(layer="body.4")(Scored(net), x), cls()(net, x))


def test_other_layers_give_the_gradient_of_the_rest_of_the_network():
    net, x = small()
    z = net.body[:3](x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(net.head(net.body[3:](z))[:, 2].sum(), z)
    expected = (gradient.mean((2, 3), keepdim=True) * z).sum(1).relu()
    close(GradCAM(layer="body.2")(net, x)[:, 2, 0], expected.detach())


def test_score_cam_weighs_by_the_softmax_of_the_scores_of_masked_inputs():
    net, x = small()
    z = net.features(x)
    told = []
    for k in range(z.shape[1]):
        mask = nn.functional.interpolate(z[:, k : k + 1], x.shape[2:], mode="bilinear")
        low, high = mask.amin((2, 3), keepdim=True), mask.amax((2, 3), keepdim=True)
        told.append(net(x * (mask - low) / (high - low).clamp_min(1e-300))[:, 1])
    weights = torch.stack(told, 1).softmax(1)
    expected = torch.einsum("bf,bfhw->bhw", weights, z).relu()
    found = coarse(ScoreCAM, net, x, torch.full((3, 1), 1), rows=4)
    close(found[:, 0], expected.detach(), 1e-10)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("name", ["GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM", "XGradCAM", "ScoreCAM"])
def test_images_agree_with_pytorch_grad_cam(name, dense):
    theirs = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    # their Score-CAM upsamples corner on corner, which is the same where nothing is to be upsampled
    net, x = small(dtype=torch.float32, dense=dense, stride=1 if name == "ScoreCAM" else 2)
    with torch.no_grad():  # their divisors carry 1e-6; gradients of usual size make that visible, large ones do not
        last = net.out[-1] if dense else net.out
        last.linear.weight.mul_(1e5) if name != "ScoreCAM" else None
    targets = [1, 3, 0]
    with getattr(theirs, name)(model=net, target_layers=[net.body[4]]) as cam:
        expected = torch.from_numpy(cam(x.clone(), [ClassifierOutputTarget(t) for t in targets]))
    cls = next(cls for cls in MAPS if cls.__name__ == name)
    found = coarse(cls, net, x, torch.tensor(targets)[:, None])
    low, high = found.amin((2, 3), keepdim=True), found.amax((2, 3), keepdim=True)
    found = nn.functional.interpolate((found - low) / (high - low + 1e-20), x.shape[2:], mode="bilinear")[:, 0]
    scaled = (found - found.amin((1, 2), keepdim=True)) / (
        found.amax((1, 2), keepdim=True) - found.amin((1, 2), keepdim=True)
    ).clamp_min(1e-7)
    torch.testing.assert_close(scaled, expected, rtol=0, atol=1e-5)


def test_networks_and_scores_without_what_a_map_needs_are_refused_in_one_sentence():
    net, x = small(dense=True)
    with pytest.raises(InputError, match="CAM needs a head that is a mean"):
        CAM()(net, x)
    with pytest.raises(InputError, match=r"no layer 'body\.33'; did you mean 'body\.3'"):
        GradCAM(layer="body.33")(net, x)
    with pytest.raises(InputError, match="4, numbered from 0"):
        GradCAM()(net, x, torch.tensor([[4], [0], [0]]))

    class Flat(nn.Sequential):
        def features(self, x):
            return self[0](x.flatten(1))

        def head(self, z):
            return self[1](z)

    with pytest.raises(InputError, match="features of Flat have no positions"):
        GradCAM()(Flat(nn.Linear(360, 5), nn.Linear(5, 2)).double(), x)


@pytest.mark.parametrize("axes", [1, 2])
def test_folding_batch_norms_changes_no_answer_and_not_the_network(axes):
    net, x = small(axes)
    net.train()
    net(x), net(x + 1)  # so that the running statistics say something
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fast = folded(net, x)
    assert fast is not net and isinstance(fast.body[1], nn.Identity) and isinstance(net.body[1], NORM[axes])
    close(fast(x), net.eval()(x))
    close(GradCAM()(fast, x), GradCAM()(net, x))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_batch_norm_that_others_need_is_not_folded():
    class Shared(Small):
        def features(self, x):
            z = self.body[1](self.body[0](x))
            return self.body[1](z).relu()

        def head(self, z):
            return z.flatten(2).mean(2)

    net, x = Shared().double().eval(), torch.randn(3, 3, 6, 6, dtype=torch.float64)
    close(folded(net, x)(x), net(x))
