"""What must be true of networks that give back their input, and of encoders that go on."""

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from dlkit.core.checks import InputError
from dlkit.core.packing import borders, packed_size
from dlkit.core.specs import Part, Spec
from dlkit.losses.likelihood import Gaussian
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import weights_come_later
from dlkit.models.bottleneck import measured_values
from dlkit.models.cnn import CNN
from dlkit.models.decoder import Grow
from dlkit.models.fusion_autoencoder import FusionAutoencoder
from dlkit.models.lstm import LSTM
from dlkit.models.lstm_autoencoder import LSTMAutoencoder
from dlkit.models.masked_autoencoder import MaskedAutoencoder
from dlkit.models.mlp import MLP
from dlkit.models.patches import Patches
from dlkit.models.pretrained import Pretrained
from dlkit.models.variational import VariationalAutoencoder, kl_to_standard
from dlkit.tasks.reconstruct import Reconstruct, measured_inputs

BOTTLENECKS = {
    "convolutions": partial(ConvAutoencoder, width=4, depth=2, bottleneck=3),
    "convolutions without shortcuts": partial(ConvAutoencoder, width=4, depth=2, bottleneck=3, skip=False),
    "LSTM": partial(LSTMAutoencoder, width=8, bottleneck=3),
    "variational": partial(VariationalAutoencoder, net=partial(ConvAutoencoder, width=4, depth=2, bottleneck=3)),
}
NETS = {**BOTTLENECKS, "masked": partial(MaskedAutoencoder, patch_size=4, width=16)}
PARTS = (
    Part("u", ("x", "y", "x observed"), (9,), tuple(0.1 * i for i in range(-8, 1)), helpers=1),
    Part("film", ("grey", "age"), (6, 5), (-0.1, 0.0), frames=True, helpers=1),
)
every_net = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


def spec_of(*size, channels=2, parameters=1, **fields):
    names = tuple(f"c{number}" for number in range(channels))
    return Spec(names, size, (channels, *size, parameters), kind="reconstruct", **fields)


def several():
    channels = tuple(f"{part.name}.{name}" for part in PARTS for name in part.channels)
    values = packed_size(PARTS)
    return Spec(channels, (values,), (values, 1), kind="reconstruct", parts=PARTS)


def scramble(net):
    """Give every parameter and statistic a value that no layer starts with."""
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) / 8)
    return net


def waves(count, time=32):
    """Return two sines in step, of any phase."""
    phase = torch.rand(count, 1) * 6.28
    at = torch.arange(time) * 6.28 / 16 + phase
    return torch.stack([at.sin(), 0.5 * at.cos()], 1)


def fitted(net, x, steps=80):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        z = net.features(x)
        ((net.head(z)[..., 0] - x).square().mean() + net.cost(z)).backward()
        optimizer.step()
    return net.eval()


# ---------------------------------------------------------------------------------------------------- reconstruction
@pytest.mark.parametrize("name", ["convolutions", "LSTM", "masked"])
@torch.no_grad()
def test_what_was_learned_is_given_back_better_than_the_same_values_in_another_order(name):
    with torch.enable_grad():
        net = fitted(NETS[name](spec_of(32)), x := waves(32))
    shuffled = x[:, :, torch.randperm(32)]
    error, strange = ((net(one)[..., 0] - one).square().mean() for one in (x, shuffled))
    assert error < 0.5 * x.square().mean() and error < 0.5 * strange


@pytest.mark.parametrize("make", BOTTLENECKS.values(), ids=BOTTLENECKS)
def test_the_decoder_knows_as_many_numbers_as_the_bottleneck_has(make):
    net, x = scramble(make(spec_of(21)).double()).eval(), torch.randn(1, 2, 21, dtype=torch.float64)
    assert net.embedding(x).shape == (1, 3)
    change = torch.func.jacrev(lambda one: net(one).flatten())(x).flatten(1)
    assert torch.linalg.matrix_rank(change, rtol=1e-9) <= 3


@pytest.mark.parametrize("size", [(1,), (2,), (7,), (32,), (33,), (100,), (1, 9), (12, 12), (17, 6)])
def test_any_size_is_given_back(size):
    spec, x = spec_of(*size), torch.randn(2, 2, *size)
    assert ConvAutoencoder(spec, width=2, depth=1).eval()(x).shape == (2, *spec.output)
    if max(size) > 8:
        assert ConvAutoencoder(spec, width=2, depth=4).eval()(x).shape == (2, *spec.output)
        assert MaskedAutoencoder(spec, patch_size=4, width=8).eval()(x).shape == (2, *spec.output)


def test_growing_undoes_taking_every_second_position_whatever_the_size():
    for size in ((9,), (8,), (5, 6)):
        small = torch.randn(2, 3, *(-(-extent // 2) for extent in size))
        large = Grow(size)(small)
        assert large.shape == (2, 3, *size)
        assert torch.equal(large[(..., *[slice(None, None, 2)] * len(size))], small)


@every_net
def test_what_lies_in_the_padding_is_not_looked_at(make):
    spec = replace(spec_of(24, channels=3), channels=("a", "b", "valid"), padded=True)
    net, valid = scramble(make(spec).double()).eval(), (torch.arange(24) < 15).double()
    x = torch.cat([torch.randn(2, 2, 24).double() * valid, valid.expand(2, 1, 24)], 1)
    other = x.clone()
    other[:, :2, 15:] = 7
    assert torch.equal(net(x), net(other))


def test_the_task_trains_each_network_on_what_was_measured():
    for make in NETS.values():
        spec = replace(spec_of(16, channels=3), channels=("a", "b", "a observed"), masks=1)
        task = Reconstruct(spec=spec, net=make)
        assert measured_values(task.spec) == int(measured_inputs(task.spec).sum()) == 2 * 16
    assert measured_values(several()) == int(measured_inputs(several()).sum())


# ---------------------------------------------------------------------------------------------------- variational
def test_the_divergence_is_that_of_normal_distributions():
    mean, log_variance = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard(mean, log_variance), expected)
    assert kl_to_standard(torch.zeros(1, 3), torch.zeros(1, 3)) == 0


def test_features_cost_the_divergence_over_the_values_times_beta():
    spec, x = spec_of(16), torch.randn(4, 2, 16)
    net = VariationalAutoencoder(spec, BOTTLENECKS["convolutions"], beta=3.0).eval()
    z = net.features(x)
    torch.testing.assert_close(net.cost(z), 3.0 * kl_to_standard(*z.chunk(2, 1)).mean() / 32)
    assert ConvAutoencoder(spec, depth=2).cost(z) == 0


def test_a_draw_has_the_mean_and_variance_of_the_features():
    net = VariationalAutoencoder(spec_of(16), BOTTLENECKS["convolutions"])
    net.net.head = lambda code: code  # what the decoder gets
    z = torch.tensor([[1.0, -2.0, 0.0, 0.0, 1.0, -3.0]]).repeat(20_000, 1)
    drawn = net.head(z)
    torch.testing.assert_close(drawn.mean(0), z[0, :3], atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.var(0), z[0, 3:].exp(), atol=0, rtol=0.05)
    assert torch.equal(net.eval().head(z), z[:, :3])


# ---------------------------------------------------------------------------------------------------- masked
@pytest.mark.parametrize("size", [(18,), (9, 7)])
@pytest.mark.parametrize("hidden", [0.5, 0.75, 0.25])
@pytest.mark.parametrize("training", [True, False])
def test_no_patch_is_told_by_one_who_saw_it(size, hidden, training):
    net = MaskedAutoencoder(spec_of(*size), patch_size=3, hidden=hidden, width=8, heads=2).double().train(training)
    count, values = net.patches.count, 2 * net.patches.values
    where = net.patches.inverse(torch.arange(float(count))[None, :, None].expand(1, count, values), 1)[..., 0]
    x = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    answer = net(x)[..., 0]
    for patch in range(count):
        own = where == patch
        (influence,) = torch.autograd.grad(answer[own].sum(), x, retain_graph=True)
        assert influence[own].abs().max() == 0
        assert influence[~own].abs().max() > 0


def test_a_share_of_the_patches_is_hidden_at_a_time_and_each_is_dealt_once():
    for hidden, groups in ((0.5, 2), (0.75, 4), (0.25, 4), (2 / 3, 3)):
        net = MaskedAutoencoder(spec_of(60), patch_size=5, hidden=hidden, width=8, heads=2)
        dealt = net.deal(torch.zeros(3, 12, 8))
        assert net.groups == groups == len(dealt)
        assert torch.equal(torch.cat(dealt, 1).sort(1).values, torch.arange(12).expand(3, -1))
        seen = [len(one[0]) for one in dealt] if net.sees_one else [12 - len(one[0]) for one in dealt]
        assert all(count / 12 == pytest.approx(1 - hidden) for count in seen)


@pytest.mark.parametrize("size", [(12,), (13,), (8, 8), (9, 14)])
def test_patches_put_together_are_the_input(size):
    patches, x = Patches(size, 4), torch.randn(2, 3, *size)
    cut = patches(x)
    assert torch.equal(patches.inverse(cut, 1)[..., 0], x)
    two = torch.stack([cut, -cut], -1).flatten(2)
    assert torch.equal(patches.inverse(two, 2)[..., 1], -x)
    first = x[(slice(None), slice(None), *[slice(4)] * len(size))]
    assert torch.equal(cut[:, 0], first.flatten(1))


# ---------------------------------------------------------------------------------------------------- several sources
def test_each_source_is_told_in_its_place_also_when_it_is_not_there():
    make = partial(FusionAutoencoder, branches={"u": LSTM, "film": partial(CNN, width=4)}, width=16, bottleneck=3)
    net, x = scramble(make(several())).eval(), torch.randn(3, packed_size(PARTS))
    x[:, -2:] = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    other = x.clone()
    other[1, borders(PARTS)["film"]] = 5.0
    answer, again = net(x), net(other)
    assert torch.equal(answer, again)
    assert answer[:, -2:].abs().max() == 0 and answer[:, borders(PARTS)["film"]].abs().min() > 0
    assert net.embedding(x).shape == (3, 3)


# ---------------------------------------------------------------------------------------------------- going on
def saved(folder, make, spec):
    """Write what a run of an autoencoder leaves, and return its network."""
    task = Reconstruct(spec=spec, net=make, loss=Gaussian())
    scramble(task.net)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("name: a\n")
    content = {"state_dict": task.state_dict()}
    task.on_save_checkpoint(content)
    torch.save(content, folder / "checkpoints" / "best.ckpt")
    return task.net.eval()


def classes(*size, channels=2):
    return Spec(spec_of(*size, channels=channels).channels, size, (3,), kind="class", classes=("u", "v", "w"))


@every_net
def test_an_encoder_goes_on_where_its_run_ended(make, tmp_path):
    trained, x = saved(tmp_path / "run", make, spec_of(24)), torch.randn(4, 2, 24)
    for run in (tmp_path / "run", tmp_path / "run" / "checkpoints" / "best.ckpt"):
        net = Pretrained(classes(24), make, run=str(run)).eval()
        torch.testing.assert_close(net.features(x), trained.embedding(x))
    assert net(x).shape == (4, 3)
    assert not any("decoder" in name for name, _ in net.named_parameters())


def test_a_frozen_encoder_stays_as_it_is_and_its_statistics_too(tmp_path):
    make = BOTTLENECKS["convolutions"]
    saved(tmp_path / "run", make, spec_of(24))
    net = Pretrained(classes(24), make, run=str(tmp_path / "run"), freeze=True).train()
    before = copy.deepcopy(net.encoder.state_dict())
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    net(torch.randn(8, 2, 24)).square().sum().backward()
    optimizer.step()
    assert all(torch.equal(before[name], value) for name, value in net.encoder.state_dict().items())
    assert {name for name, p in net.named_parameters() if p.requires_grad} == {
        "output.linear.weight",
        "output.linear.bias",
    }


def test_a_run_is_not_needed_where_a_checkpoint_follows():
    with weights_come_later():
        net = Pretrained(classes(24), BOTTLENECKS["convolutions"], run="gone", freeze=True)
    assert net(torch.randn(2, 2, 24)).shape == (2, 3)


WRONG = {
    "no run": (lambda run: Pretrained(classes(24), BOTTLENECKS["LSTM"], run=f"{run}-gone"), "no run folder"),
    "another network": (lambda run: Pretrained(classes(24), NETS["masked"], run=run), "ConvAutoencoder.*`net`"),
    "other settings": (lambda run: Pretrained(classes(24), ConvAutoencoder, run=run), "does not fit.*`net`"),
    "other channels": (
        lambda run: Pretrained(classes(24, channels=5), BOTTLENECKS["convolutions"], run=run),
        "does not fit.*`inputs`",
    ),
    "no autoencoder": (lambda _: Pretrained(classes(24), CNN), "CNN is none.*`net`"),
    "frozen from nothing": (lambda _: Pretrained(classes(24), freeze=True), "without `run`"),
    "no bottleneck": (lambda _: ConvAutoencoder(spec_of(24), bottleneck=0), "bottleneck=0.*`bottleneck`"),
    "too deep": (lambda _: ConvAutoencoder(spec_of(24), depth=6), "depth=6.*`depth` to 5"),
    "images for an LSTM": (lambda _: LSTMAutoencoder(spec_of(8, 8)), "takes .time.*ConvAutoencoder"),
    "a class of an autoencoder": (lambda _: ConvAutoencoder(classes(24)), "ask for 'class'.*Pretrained"),
    "nothing to draw": (lambda _: VariationalAutoencoder(spec_of(24), MaskedAutoencoder), "has none.*`net`"),
    "no autoencoder inside": (lambda _: VariationalAutoencoder(spec_of(24), MLP), "MLP has none"),
    "negative beta": (lambda _: VariationalAutoencoder(spec_of(24), beta=-1.0), "beta=-1.0.*`beta`"),
    "patch as large as the window": (lambda _: MaskedAutoencoder(spec_of(24), patch_size=24), "into 1.*`patch_size`"),
    "nothing hidden": (lambda _: MaskedAutoencoder(spec_of(24), hidden=0.0), "hidden=0.0.*`hidden`"),
    "heads": (lambda _: MaskedAutoencoder(spec_of(24), width=10), "multiple of heads=4"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_says_what_to_change(name, tmp_path):
    saved(tmp_path / "run", BOTTLENECKS["convolutions"], spec_of(24))
    make, words = WRONG[name]
    with pytest.raises(InputError, match=words) as caught:
        make(str(tmp_path / "run"))
    assert "\n" not in str(caught.value)
