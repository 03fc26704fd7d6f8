"""What must be true of networks for images and labelled traces."""

import copy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torchvision

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.models.blocks import MapHead
from dlkit.models.cifar_resnet import CifarResNet
from dlkit.models.cnn import CNN
from dlkit.models.fcn import FCN
from dlkit.models.gru import GRU
from dlkit.models.imagenet_resnet import ImageNetResNet
from dlkit.models.inception_time import InceptionTime
from dlkit.models.lstm import LSTM
from dlkit.models.resnet import ResNet
from dlkit.models.series_resnet import SeriesResNet
from dlkit.models.tcn import TCN

NETS = {
    "CNN": partial(CNN, width=6, dropout=0.0),
    "ResNet": partial(ResNet, width=4, blocks=(1, 2)),
    "CifarResNet": partial(CifarResNet, depth=8, width=4),
    "ImageNetResNet": partial(ImageNetResNet, width=4),
    "bottlenecks": partial(ImageNetResNet, width=4, depth=50),
    "FCN": partial(FCN, widths=(6, 4), kernel_sizes=(8, 3)),
    "SeriesResNet": partial(SeriesResNet, width=4),
    "InceptionTime": partial(InceptionTime, width=2, depth=4, bottleneck=3, kernel_size=10),
    "mean LSTM": partial(LSTM, hidden_size=6, pool="mean"),
    "attentive LSTM": partial(LSTM, hidden_size=6, pool="attention"),
    "GRU": partial(GRU, hidden_size=6, layers=2),
    "TCN": partial(TCN, hidden_size=4, layers=3, dropout=0.0),
}
MAPS = [name for name in NETS if name not in ("GRU", "TCN")]
BOTH = [name for name in NETS if "LSTM" not in name and name not in ("GRU", "TCN")]
ROOT = Path(__file__).parents[3]
LENGTHS = (40, 23, 9, 32)


def traces(time=40):
    return Spec(("a", "b", "valid"), (time,), (3,), kind="class", classes=("u", "v", "w"), padded=True)


def pictures(side=32, classes=10, channels=3):
    return Spec(
        tuple("rgbn"[:channels]), (side, side), (classes,), kind="class", classes=tuple(map(str, range(classes)))
    )


def padded_batch(lengths=LENGTHS, time=40):
    valid = (torch.arange(time) < torch.tensor(lengths)[:, None])[:, None].double()
    return torch.cat([torch.randn(len(lengths), 2, time, dtype=torch.float64) * valid, valid], dim=1)


def appended(x, extra=13):
    return torch.nn.functional.pad(x, (0, extra))


def count(net):
    return sum(p.numel() for p in net.parameters())


def scramble(net):
    """Give every parameter and buffer a value that no layer starts with."""
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.is_floating_point():
                tensor.mul_(1 + torch.rand_like(tensor) / 4)
                tensor.add_(torch.rand_like(tensor) / 8 if tensor.ndim == 1 else 0)
    return net


every_net = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


# ---------------------------------------------------------------------------------------------------- padding
@every_net
@pytest.mark.parametrize("training", [True, False])
def test_appending_padding_changes_no_answer_no_gradient_and_no_statistics(make, training):
    net = scramble(make(traces()).double()).train(training)
    other, x = copy.deepcopy(net), padded_batch()
    one, two = net(x), other(appended(x))
    torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
    for y in (one, two):
        y.square().sum().backward()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-7, atol=1e-9)
    for p, q in zip(net.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)


@every_net
def test_a_batch_of_unequal_lengths_is_its_traces_one_by_one(make):
    net, x = scramble(make(traces()).double()).eval(), padded_batch()
    alone = torch.cat([net(x[i : i + 1, :, :length]) for i, length in enumerate(LENGTHS)])
    torch.testing.assert_close(net(x), alone, rtol=1e-9, atol=1e-11)


@every_net
@pytest.mark.parametrize("training", [True, False])
def test_without_padding_the_network_is_the_plain_one(make, training):
    spec = traces()
    plain_spec = Spec(("a", "b"), spec.size, spec.output, kind="class", classes=spec.classes)
    net, plain = make(spec).double().train(training), make(plain_spec).double().train(training)
    plain.load_state_dict(net.state_dict())
    x = padded_batch(lengths=(40, 40, 40))
    torch.testing.assert_close(net(x), plain(x[:, :2]), rtol=1e-9, atol=1e-11)
    for p, q in zip(net.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)


@every_net
def test_what_lies_in_the_padding_is_not_looked_at(make):
    net, x = scramble(make(traces()).double()).eval(), padded_batch()
    other = x.clone()
    other[:, :2] += 7 * (1 - x[:, 2:])
    assert torch.equal(net(x), net(other))


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_zero_in_the_padding_and_average_to_the_answer(name):
    net, x = scramble(NETS[name](traces()).double()).eval(), padded_batch()
    z = net.features(x)
    stride = -(-40 // z.shape[2])
    for maps, length in zip(z, LENGTHS, strict=True):
        assert maps[:, -(-length // stride) :].abs().sum() == 0
    assert isinstance(net.output, MapHead) and net.output.pool == "mean"
    torch.testing.assert_close(net.output.linear.linear(z.mean(2)), net(x))


def test_flattening_padded_traces_is_refused():
    with pytest.raises(InputError, match="`pool`"):
        CNN(traces(), pool="flatten")


def test_the_last_state_is_that_of_the_last_valid_sample():
    net, x = LSTM(traces(), hidden_size=5).double().eval(), padded_batch()
    states = net.recurrence(x[:, :2].transpose(1, 2))[0]
    expected = torch.stack([states[i, length - 1] for i, length in enumerate(LENGTHS)])
    torch.testing.assert_close(net.features(x), expected)


def test_attention_is_a_weighted_mean_of_the_states():
    spec = Spec(("a", "b"), (30,), (4,), kind="class", classes=tuple("uvwx"))
    net, x = LSTM(spec, hidden_size=5, pool="attention").double().eval(), torch.randn(3, 2, 30, dtype=torch.float64)
    states = net.recurrence(x.transpose(1, 2))[0]
    weights = net.attention(states, None)
    torch.testing.assert_close(weights.sum(1), torch.ones(3, 1, dtype=torch.float64))
    torch.testing.assert_close(net(x), net.output.linear.linear((states * weights).sum(1)))


@pytest.mark.parametrize("name", [name for name in NETS if name != "bottlenecks"])  # 50 layers of few samples amplify
@pytest.mark.parametrize("training", [True, False])
def test_padded_traces_in_half_precision_agree_with_single(name, training):
    net, x = scramble(NETS[name](traces())).train(training), padded_batch().float()
    y = copy.deepcopy(net)(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = net(x)
    torch.testing.assert_close(half.float(), y, rtol=0.1, atol=0.1 * float(y.detach().abs().max()))


COMPILE = """
import torch
from tests.laws.models.test_image_models import NETS, padded_batch, traces
for name in ("CNN", "CifarResNet", "InceptionTime"):
    net, x = NETS[name](traces()), padded_batch().float()
    features = torch.compile(net.features, backend="eager", fullgraph=True)
    head = torch.compile(net.head, backend="eager", fullgraph=True)
    torch.testing.assert_close(head(features(x)), net(x), rtol=1e-5, atol=1e-6)
"""


def test_features_and_head_compile_as_whole_graphs():
    """In a process of its own: the checks of shapes at every call, which tests switch on, cannot be compiled."""
    done = subprocess.run([sys.executable, "-c", COMPILE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------------- published layouts
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_resnet_has_the_paper_s_number_of_parameters(depth, millions):
    net = CifarResNet(pictures(), depth=depth)
    assert round(count(net) / 1e6, 1 if depth == 110 else 2) == millions  # table 6 of the paper
    assert count(net) == count(CifarResNet(pictures(), depth=depth, skip=False))
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) + 1 == depth
    assert net.features(torch.zeros(1, 3, 32, 32)).shape == (1, 64, 8, 8)


def test_resnet_20_has_269_722_parameters():
    assert count(CifarResNet(pictures())) == 269_722


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_imagenet_resnet_is_torchvision_s(depth):
    net = ImageNetResNet(pictures(64, classes=1000), depth=depth)
    reference = scramble(getattr(torchvision.models, f"resnet{depth}")())
    assert count(net) == count(reference) == {18: 11_689_512, 34: 21_797_672, 50: 25_557_032}[depth]
    theirs = reference.state_dict().values()  # in the same order
    net.load_state_dict(dict(zip(net.state_dict(), theirs, strict=True)))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(net.eval()(x), reference.eval()(x), rtol=1e-4, atol=1e-4)


def test_series_networks_have_the_published_numbers_of_parameters():
    """Without the last layer, as in Ismail-Fawaz et al. (LITE, arXiv:2409.02869), whose convolutions have biases."""
    spec = Spec(("a",), (50,), (2,), kind="class", classes=("u", "v"))
    last = 128 * 2 + 2
    biases = {FCN: 128 + 256 + 128, SeriesResNet: 4 * 64 + 4 * 128 + 3 * 128, InceptionTime: 0}
    published = {FCN: 264_704, SeriesResNet: 504_000, InceptionTime: 420_192}
    for net, number in published.items():
        assert count(net(spec)) - last + biases[net] == number


@pytest.mark.parametrize("kernel_size", [1, 2, 5, 8, 40])
def test_a_kernel_sees_as_far_back_as_ahead_or_one_less(kernel_size):
    spec = Spec(("a",), (99,), (2,), kind="class", classes=("u", "v"))
    net = FCN(spec, widths=(3,), kernel_sizes=(kernel_size,)).eval()
    impulse = torch.zeros(1, 1, 99)
    impulse[..., 49] = 1
    seen = (net.body[0](impulse) - net.body[0](0 * impulse)).abs().sum(1)[0].nonzero().flatten()
    assert seen.min() == 49 - kernel_size // 2
    assert seen.max() == 49 + (kernel_size - 1) // 2


# ---------------------------------------------------------------------------------------------------- shortcuts
def test_the_parameter_free_shortcut_is_the_paper_s():
    net = CifarResNet(pictures(), depth=8).eval()
    block, x = net.body[3], torch.randn(2, 16, 32, 32)
    with torch.no_grad():
        block.second[1].weight.zero_()
    expected = torch.cat([torch.zeros(2, 8, 16, 16), x[:, :, ::2, ::2], torch.zeros(2, 8, 16, 16)], dim=1)
    assert torch.equal(block(x), expected.relu())


@pytest.mark.parametrize("make", [CifarResNet, partial(ImageNetResNet, width=8), SeriesResNet, InceptionTime])
def test_without_skips_nothing_goes_around_a_block(make):
    spec = Spec(("a",), (64,), (2,), kind="class", classes=("u", "v"))
    for skip in (True, False):
        net, x = make(spec, skip=skip).eval(), torch.randn(2, 1, 64)
        norms = [
            m for name, m in net.body.named_modules() if name.endswith(("second.1", "norm")) and "short" not in name
        ]
        with torch.no_grad():
            for norm in norms:
                norm.weight.zero_()
                norm.bias.zero_()
            if make is SeriesResNet:
                for block in net.body:
                    block.third[1].weight.zero_()
        assert (net.features(x).abs().max() > 0) == skip


@pytest.mark.parametrize("name", BOTH)
def test_a_series_is_a_picture_of_height_one(name):
    """With a kernel that is 1 high the functions would agree; here the middle row of the kernel does."""
    series = Spec(("a", "b"), (40,), (3,), kind="class", classes=("u", "v", "w"))
    picture = Spec(("a", "b"), (1, 40), (3,), kind="class", classes=("u", "v", "w"))
    one, two = scramble(NETS[name](series)).eval(), NETS[name](picture).eval()
    state = {key: value.clone() for key, value in one.state_dict().items()}
    for key, value in two.state_dict().items():
        if value.ndim == 4:
            middle, flat = (value.shape[2] - 1) // 2, state[key]
            state[key] = torch.zeros_like(value)
            state[key][:, :, middle] = flat
    two.load_state_dict(state)
    x = torch.randn(2, 2, 40)
    torch.testing.assert_close(one(x), two(x[:, :, None]), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------------------- bad settings
@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (partial(CifarResNet, depth=18), "depth"),
        (partial(CifarResNet, width=0), "width"),
        (partial(ImageNetResNet, depth=20), "depth"),
        (partial(FCN, widths=(3, 4)), "kernel_sizes"),
        (partial(FCN, widths=()), "kernel_sizes"),
        (partial(SeriesResNet, width=0), "width"),
        (partial(InceptionTime, kernel_size=3), "kernel_size"),
        (partial(InceptionTime, depth=0), "depth"),
    ],
    ids=str,
)
def test_a_bad_setting_is_refused_by_name(make, setting):
    with pytest.raises(InputError, match=f"`{setting}`"):
        make(pictures())
