"""What must be true of networks, layer by layer."""

import copy
import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.models.cnn import CNN
from dlkit.models.covariates import Covariates
from dlkit.models.dlinear import DLinear, moving_average_matrix
from dlkit.models.itransformer import ITransformer
from dlkit.models.linear import Linear
from dlkit.models.lstm import LSTM, onednn_off
from dlkit.models.mlp import MLP
from dlkit.models.nlinear import NLinear
from dlkit.models.patchtst import PatchTST
from dlkit.models.repeat_last import RepeatLast
from dlkit.models.resnet import ResNet
from dlkit.models.revin import RevIN, scale_softplus
from dlkit.models.seasonal_naive import SeasonalNaive
from dlkit.models.tcn import TCN

SMALL_PATCHES = partial(PatchTST, patch_size=8, stride=4, d_model=16, heads=4, d_ff=32)
SMALL_INVERTED = partial(ITransformer, d_model=16, heads=4, d_ff=32)


def spec(channels=3, time=40, horizon=6, parameters=1, **fields):
    names = tuple(f"c{i}" for i in range(channels))
    targets = fields.pop("targets", names)
    return Spec(channels=names, size=(time,), output=(horizon, len(targets), parameters), targets=targets, **fields)


def window(s, batch=4):
    return torch.randn(batch, *s.size, len(s.channels), dtype=torch.float64).transpose(1, 2)


def count(net):
    return sum(p.numel() for p in net.parameters())


def moving_average(x, width):
    """The authors' way: pad by the end values, then pool."""
    half = width // 2
    padded = torch.cat([x[..., :1].repeat(1, 1, half), x, x[..., -1:].repeat(1, 1, half)], dim=-1)
    return F.avg_pool1d(padded, width, stride=1)


def apply(part, x):
    return torch.einsum("gst,bgt->bgs", part.weight.expand(x.shape[1], -1, -1), x) + part.bias


# ---------------------------------------------------------------------------------------------------- baselines
def test_repeat_last_repeats_the_last_value():
    s = spec(channels=4, targets=("c3", "c0"), parameters=2, gap=3)
    x = window(s)
    expected = x[:, [3, 0], -1][:, None, :, None].expand(-1, 6, -1, 2)
    assert torch.equal(RepeatLast(s)(x), expected)


@pytest.mark.parametrize("gap", [0, 1, 7, 24])
def test_seasonal_naive_is_exact_on_a_periodic_series(gap):
    s = spec(channels=2, time=31, horizon=20, season=7, gap=gap)
    t = torch.arange(31 + gap + 20)
    series = torch.stack([t % 7, (3 * t) % 7]).double()
    x, future = series[None, :, :31], series[None, :, 31 + gap :]
    assert torch.equal(SeasonalNaive(s)(x)[..., 0], future.transpose(1, 2))


def test_seasonal_naive_with_season_one_repeats_the_last_value():
    s = spec(season=1, gap=2)
    x = window(s)
    assert torch.equal(SeasonalNaive(s)(x), RepeatLast(s)(x))


def test_baselines_have_nothing_to_train():
    assert count(RepeatLast(spec())) == count(SeasonalNaive(spec())) == 0


# ---------------------------------------------------------------------------------------------------- linear networks
@pytest.mark.parametrize(("time", "width"), [(40, 25), (40, 1), (10, 25)])
def test_moving_average_matrix_is_the_padded_pool(time, width):
    x = torch.randn(2, 3, time)
    torch.testing.assert_close(x @ moving_average_matrix(time, width).T, moving_average(x, width))


@pytest.mark.parametrize("individual", [False, True])
@pytest.mark.parametrize("parameters", [1, 3])
def test_folded_dlinear_is_the_paper_s(individual, parameters):
    s = spec(parameters=parameters)
    net, x = DLinear(s, individual=individual).double(), window(s)
    net.average = moving_average(torch.eye(40, dtype=torch.float64)[None], 25)[0].T  # in full precision
    trend = moving_average(x, 25)
    y = apply(net.seasonal, x - trend) + apply(net.trend, trend)
    expected = y.reshape(4, 3, 6, parameters).transpose(1, 2)
    torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("individual", [False, True])
def test_folded_nlinear_is_the_paper_s(individual):
    s = spec()
    net, x = NLinear(s, individual=individual).double(), window(s)
    last = x[..., -1:]
    expected = (apply(net.map, x - last) + last).transpose(1, 2)[..., None]
    torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-10)


def test_linear_networks_have_the_paper_s_number_of_parameters():
    s = spec(channels=7, time=96, horizon=720)
    assert count(DLinear(s)) == 2 * (96 * 720 + 720) == 139_680  # table 8 of the paper: 139.7 K
    assert count(NLinear(s)) == count(Linear(s)) == 96 * 720 + 720
    assert count(DLinear(s, individual=True)) == 7 * 139_680


def test_nlinear_follows_a_shift():
    s = spec()
    net, x = NLinear(s).double(), window(s)
    torch.testing.assert_close(net(x + 5), net(x) + 5)


@pytest.mark.parametrize("make", [Linear, DLinear, NLinear, SMALL_PATCHES], ids=str)
def test_channels_are_independent(make):
    s = spec()
    net, x = make(s).double().eval(), window(s)
    other = x.clone()
    other[:, 1] += torch.randn_like(other[:, 1])
    before, after = net(x), net(other)
    torch.testing.assert_close(after[:, :, [0, 2]], before[:, :, [0, 2]])
    assert not torch.allclose(after[:, :, 1], before[:, :, 1])


# ---------------------------------------------------------------------------------------------------- convolutions
def test_tcn_never_looks_ahead(t=20):
    s = spec()
    net, x = TCN(s).double().eval(), window(s)
    later = torch.cat([x[..., :t], x[..., t:] + 1], dim=-1)
    before, after = net.features(x), net.features(later)
    torch.testing.assert_close(after[..., :t], before[..., :t])
    assert not torch.allclose(after[..., t:], before[..., t:])


@pytest.mark.parametrize("time", [5, 30, 61, 62])
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_tcn_sees_its_whole_look_back_by_default(time, kernel_size):
    s = spec(channels=1, time=time)
    net, x = TCN(s, hidden_size=16, kernel_size=kernel_size).double().eval(), window(s).requires_grad_()
    net(x).sum().backward()
    assert x.grad[..., 0].abs().max() > 0


def test_resnet_20_has_the_paper_s_number_of_parameters():
    s = Spec(channels=("r", "g", "b"), size=(32, 32), output=(10,))
    plain = ResNet(s, width=16, blocks=(3, 3, 3), skip=False)
    assert count(plain) == 269_722  # 0.27 M in table 6 of the paper
    projections = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert count(ResNet(s, width=16, blocks=(3, 3, 3))) == 269_722 + projections


@pytest.mark.parametrize("size", [(9,), (9, 12)])
@pytest.mark.parametrize("pool", ["mean", "flatten"])
@pytest.mark.parametrize("make", [CNN, ResNet])
def test_convolutions_take_series_and_images(make, size, pool):
    s = Spec(channels=("a", "b"), size=size, output=(5,))
    net = make(s, pool=pool).eval()
    x = torch.randn(3, 2, *size)
    assert net.features(x).ndim == x.ndim
    assert net(x).shape == (3, 5)


def test_resnet_without_skip_is_a_plain_chain():
    s = spec()
    net, x = ResNet(s, skip=False).double().eval(), window(s)
    with torch.no_grad():
        for block in net.body[2:]:
            block.second[1].weight.zero_()
    assert net.features(x).abs().max() == 0


# ---------------------------------------------------------------------------------------------------- recurrence
def test_lstm_is_the_same_with_and_without_onednn():
    s = spec()
    x = window(s).float()
    fast = LSTM(s, hidden_size=16)
    plain = copy.deepcopy(fast)
    plain.onednn = False
    torch.testing.assert_close(plain(x), fast(x), rtol=1e-5, atol=1e-5)
    fast(x).square().sum().backward()
    plain(x).square().sum().backward()
    for one, other in zip(fast.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_onednn_comes_back_after_an_error():
    before = torch.backends.mkldnn.enabled
    with pytest.raises(KeyError), onednn_off():
        assert not torch.backends.mkldnn.enabled
        raise KeyError
    assert torch.backends.mkldnn.enabled == before


# ---------------------------------------------------------------------------------------------------- transformers
@pytest.mark.parametrize(("time", "patches"), [(336, 42), (512, 64), (16, 2)])
def test_patchtst_has_the_paper_s_number_of_patches(time, patches):
    s = spec(channels=1, time=time)
    net = PatchTST(s, d_model=16, heads=4, d_ff=128)
    assert net.eval().features(window(s).float()).shape == (4, 16, patches)


def test_itransformer_follows_a_permutation_of_channels():
    s, order = spec(channels=4), [2, 0, 3, 1]
    net, x = SMALL_INVERTED(s).double().eval(), window(s)
    torch.testing.assert_close(net(x[:, order]), net(x)[:, :, order])


def test_itransformer_lets_channels_see_each_other():
    s = spec()
    net, x = SMALL_INVERTED(s).double().eval(), window(s)
    other = torch.cat([x[:, :2], x[:, 2:] + torch.randn_like(x[:, 2:])], dim=1)
    assert not torch.allclose(net(x)[:, :, 0], net(other)[:, :, 0])


# ---------------------------------------------------------------------------------------------------- RevIN
@pytest.mark.parametrize("make", [Linear, SMALL_PATCHES, SMALL_INVERTED, LSTM], ids=str)
def test_revin_shifts_and_scales_with_its_input(make):
    s = spec(parameters=3)
    net, x = RevIN(s, make, affine=False, eps=1e-12).double().eval(), window(s)
    torch.testing.assert_close(net(7 * x - 30), 7 * net(x) - 30)


def test_revin_around_nothing_undoes_itself():
    s = spec(channels=4, targets=("c3", "c1"))
    net, x = RevIN(s, RepeatLast).double(), window(s)
    with torch.no_grad():
        net.weight.uniform_(0.5, 2)
        net.bias.uniform_(-1, 1)
    torch.testing.assert_close(net(x), RepeatLast(s)(x))


def test_revin_scales_a_scale_and_does_not_shift_it():
    s = spec(parameters=2)
    net, x = RevIN(s, affine=False, scales=(1,), eps=1e-12).double(), window(s)
    y, other = net(x), net(4 * x + 9)
    torch.testing.assert_close(other[..., 0], 4 * y[..., 0] + 9)
    torch.testing.assert_close(F.softplus(other[..., 1]), 4 * F.softplus(y[..., 1]))


def test_scale_softplus_is_finite_for_small_and_large_scales():
    raw = torch.tensor([-20.0, 0.0, 50.0])
    for scale in (1e-2, 1.0, 1e3):
        torch.testing.assert_close(F.softplus(scale_softplus(raw, torch.tensor(scale))), scale * F.softplus(raw))


def test_revin_looks_only_at_what_was_observed():
    s = replace(spec(), channels=("c0", "c1", "c2", "m0", "m1", "m2"), masks=3)
    x = window(spec()) + 4
    mask = (torch.rand_like(x) > 0.3).double()
    net = RevIN(s, LSTM).double()
    filled = [torch.cat([x.where(mask > 0, torch.tensor(fill).double()), mask], dim=1) for fill in (0.0, 100.0)]
    torch.testing.assert_close(net(filled[0]), net(filled[1]))
    normalized = net.normalize(filled[0], net.scaling(filled[0]))
    assert torch.equal(normalized[:, 3:], mask)
    torch.testing.assert_close(normalized[:, :3].sum(-1), torch.zeros(4, 3).double())


def test_revin_survives_a_constant_window():
    s = spec()
    y = RevIN(s)(torch.full((1, 3, 40), 3.0))
    assert y.isfinite().all()


# ---------------------------------------------------------------------------------------------------- covariates
def test_covariates_start_at_zero_and_learn():
    s = spec(parameters=3, future=("hour", "day"), static=("site",))
    net, future, static = Covariates(s), torch.randn(4, 2, 6), torch.randn(4, 1)
    y = net(future, static)
    assert y.shape == (4, *s.output)
    assert torch.equal(y, torch.zeros_like(y))
    (y - 1).square().mean().backward()
    assert net.body[2].weight.grad.abs().max() > 0


def test_covariates_at_one_step_correct_that_step_alone():
    s = spec(future=("hour",))
    net, future = Covariates(s), torch.randn(4, 1, 6)
    torch.nn.init.normal_(net.body[2].weight)
    other = future.clone()
    other[..., 2] += 1
    changed = (net(other, None) != net(future, None)).flatten(2).any(2)
    assert changed[:, 2].all()
    assert not changed[:, [0, 1, 3, 4, 5]].any()


# ---------------------------------------------------------------------------------------------------- bad settings
@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (partial(DLinear, kernel_size=24), "kernel_size"),
        (partial(CNN, kernel_size=4), "kernel_size"),
        (partial(CNN, dropout=1.0), "dropout"),
        (partial(ResNet, kernel_size=0), "kernel_size"),
        (partial(ResNet, blocks=()), "blocks"),
        (partial(MLP, hidden_size=0), "hidden_size"),
        (partial(LSTM, layers=0), "layers"),
        (partial(TCN, kernel_size=1), "kernel_size"),
        (partial(TCN, layers=0), "layers"),
        (partial(PatchTST, patch_size=41), "patch_size"),
        (partial(PatchTST, d_model=100), "d_model"),
        (partial(ITransformer, heads=0), "heads"),
        (partial(RevIN, eps=0.0), "eps"),
        (partial(RevIN, scales=(1,)), "scales"),
        (Covariates, "future"),
    ],
    ids=str,
)
def test_a_bad_setting_is_refused_by_name(make, setting):
    with pytest.raises(InputError, match=f"`{setting}`"):
        make(spec())


def test_a_season_longer_than_the_look_back_is_refused():
    with pytest.raises(InputError, match="`look_back`"):
        SeasonalNaive(spec(time=20, season=24))


def test_revin_asks_what_two_parameters_mean():
    with pytest.raises(InputError, match="`scales`"):
        RevIN(spec(parameters=2))


def test_a_forecasting_network_refuses_an_image():
    with pytest.raises(InputError, match="horizon"):
        DLinear(Spec(channels=("r",), size=(8, 8), output=(10,)))


def test_the_embedding_of_a_normalized_window_ends_with_its_level_and_log_scale():
    s = spec()
    net, x = RevIN(s, partial(LSTM, hidden_size=5)).double().eval(), window(s)
    z, moved = net.embedding(x), net.embedding(3 * x + 40)
    torch.testing.assert_close(z[:, -6:-3], x.mean(-1))
    torch.testing.assert_close(z[:, -3:], x.std(-1, correction=0).log(), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        moved[:, -6:], torch.cat([3 * x.mean(-1) + 40, z[:, -3:] + math.log(3)], 1), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(moved[:, :-6], z[:, :-6], atol=1e-4, rtol=0)  # all that the network inside sees
    assert torch.isfinite(net.embedding(torch.ones_like(x))).all()


@pytest.mark.parametrize(
    "make", [Linear, DLinear, NLinear, MLP, CNN, TCN, ResNet, LSTM, SMALL_PATCHES, SMALL_INVERTED, RevIN,
             partial(RevIN, net=SMALL_PATCHES), partial(RevIN, net=SMALL_INVERTED, affine=False)],
)  # fmt: skip
def test_shifting_the_inputs_moves_every_embedding(make):
    s = spec()
    net, x = make(s).double().eval(), window(s)
    assert ((net.embedding(x + 4) - net.embedding(x)).norm(dim=1) > 0.1).all()
