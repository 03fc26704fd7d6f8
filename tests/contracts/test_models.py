"""Every network that can be discovered keeps the contract between a spec and a network."""

import copy
import io
from dataclasses import replace
from functools import partial

import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.packing import packed_size
from dlkit.core.specs import Part, Spec
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import Net
from dlkit.models.bottleneck import Autoencoder
from dlkit.models.cnn import CNN
from dlkit.models.dlinear import DLinear
from dlkit.models.fusion import Fusion
from dlkit.models.fusion_autoencoder import FusionAutoencoder
from dlkit.models.gru import GRU
from dlkit.models.imagenet_resnet import ImageNetResNet
from dlkit.models.inception_time import InceptionTime
from dlkit.models.itransformer import ITransformer
from dlkit.models.linear import Linear
from dlkit.models.lstm import LSTM
from dlkit.models.lstm_autoencoder import LSTMAutoencoder
from dlkit.models.masked_autoencoder import MaskedAutoencoder
from dlkit.models.nlinear import NLinear
from dlkit.models.patchtst import PatchTST
from dlkit.models.repeat_last import RepeatLast
from dlkit.models.resnet9 import ResNet9
from dlkit.models.revin import RevIN
from dlkit.models.seasonal_naive import SeasonalNaive
from dlkit.models.tcn import TCN
from dlkit.models.torchvision_net import TorchvisionNet
from dlkit.models.variational import VariationalAutoencoder
from dlkit.tasks.network import images_last

NETS = discover("dlkit.models", Net)
TRAINED = [net for net in NETS if net not in (RepeatLast, SeasonalNaive)]
NEED_KNOWN_TARGETS = (RepeatLast, SeasonalNaive, RevIN)
SEVERAL = [net for net in NETS if net.several]
AUTOENCODERS = [net for net in NETS if issubclass(net, Autoencoder)]
REFUSE_SAMPLES = (
    *SEVERAL,
    *AUTOENCODERS,
    *NEED_KNOWN_TARGETS,
    Linear,
    DLinear,
    NLinear,
    PatchTST,
    ITransformer,
)  # forecast channel by channel
TAKES = {VariationalAutoencoder: (False, True)}  # whatever the network inside takes
SERIES_ONLY = (LSTM, GRU, TCN, LSTMAutoencoder)
PICTURES_ONLY = (TorchvisionNet,)
NOT_SERIES = (*PICTURES_ONLY, *SEVERAL, *AUTOENCODERS)  # no series whose future is asked for
SMALL = {
    TorchvisionNet: {"name": "shufflenet_v2_x0_5"},
    ImageNetResNet: {"width": 8},
    ResNet9: {"width": 8},
    InceptionTime: {"width": 8, "kernel_size": 12},
    Fusion: {"branches": {"magnets": LSTM, "camera": CNN}, "width": 16},
    FusionAutoencoder: {"branches": {"magnets": LSTM, "camera": CNN}, "width": 16},
    ConvAutoencoder: {"width": 8, "depth": 2},
    MaskedAutoencoder: {"width": 16},
}
PARTS = (
    Part("magnets", ("x", "y", "x observed"), (9,), tuple(0.1 * i for i in range(-8, 1)), helpers=1),
    Part("camera", ("grey", "age"), (12, 10), (-0.2, -0.1, 0.0), frames=True, helpers=1),
)


def forecast(channels=3, time=33, horizon=5, targets=("c0", "c1", "c2"), parameters=1, **fields):
    names = tuple(f"c{i}" for i in range(channels))
    output = (horizon, len(targets), parameters)
    return Spec(channels=names, size=(time,), output=output, targets=targets, season=4, **fields)


SPECS = {
    "all channels": forecast(),
    "one channel": forecast(channels=1, targets=("c0",)),
    "some targets, in another order": forecast(channels=4, targets=("c3", "c1")),
    "quantiles": forecast(parameters=3),
    "one step": forecast(horizon=1),
    "even look-back": forecast(time=32, gap=2),
}
MASKED = replace(
    SPECS["all channels"], channels=("c0", "c1", "c2", "c0 observed", "c1 observed", "c2 observed"), masks=3
)
SPECS["mask channels"] = MASKED
UNKNOWN = forecast(targets=("y", "c1"), parameters=3)


def sample(size, output, kind, **fields):
    return Spec(channels=("c0", "c1"), size=size, output=output, kind=kind, **fields)


QUESTIONS = {
    "class": {"kind": "class", "output": (4,), "classes": ("a", "b", "c", "d")},
    "two classes": {"kind": "class", "output": (2,), "classes": ("a", "b")},
    "ordinal": {"kind": "ordinal", "output": (3,), "classes": ("a", "b", "c", "d")},
    "labels": {"kind": "labels", "output": (4,), "classes": ("a", "b", "c", "d")},
    "values": {"kind": "values", "output": (3, 2), "targets": ("u", "v", "w"), "target_units": ("m", "s", "")},
}
SIZES = {"series": (33,), "picture": (33, 18)}
PADDED = Spec(("c0", "c1", "valid"), (33,), **QUESTIONS["class"], padded=True)
SAMPLES = {f"{ask} of {size}": sample(SIZES[size], **QUESTIONS[ask]) for ask in QUESTIONS for size in SIZES}
SAMPLES["class of padded series"] = PADDED
CHANNELS = tuple(f"{part.name}.{channel}" for part in PARTS for channel in part.channels)
PACKED = {
    ask: Spec(CHANNELS, (packed_size(PARTS),), **fields, parts=PARTS)
    for ask, fields in {**QUESTIONS, "forecast": {"output": (5, 2, 3), "targets": ("magnets.x", "magnets.y")}}.items()
}

RECONSTRUCTIONS = {
    "series": sample((33,), (2, 33, 1), "reconstruct"),
    "series of one channel": Spec(("c0",), (32,), (1, 32, 1), kind="reconstruct"),
    "short series": sample((9,), (2, 9, 1), "reconstruct"),
    "two numbers a value": sample((33,), (2, 33, 2), "reconstruct"),
    "mask channels": Spec(("c0", "c0 observed"), (33,), (2, 33, 1), kind="reconstruct", masks=1),
    "padded series": Spec(("c0", "c1", "valid"), (33,), (3, 33, 1), kind="reconstruct", padded=True),
    "picture": sample((33, 18), (2, 33, 18, 1), "reconstruct"),
    "two numbers a pixel": sample((16, 17), (2, 16, 17, 2), "reconstruct"),
    "several sources": Spec(CHANNELS, (packed_size(PARTS),), (packed_size(PARTS), 2), kind="reconstruct", parts=PARTS),
}
PACKED["reconstruct"] = RECONSTRUCTIONS["several sources"]

every_net = pytest.mark.parametrize("cls", NETS, ids=lambda cls: cls.__name__)
every_trained_net = pytest.mark.parametrize("cls", TRAINED, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny tensors on many threads are slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def packed(spec, batch, dtype, generator):
    x = torch.randn(batch, *spec.size, generator=generator, dtype=dtype)
    x[:, -len(spec.parts) :] = (torch.arange(batch)[:, None] != torch.arange(len(spec.parts))).to(dtype)
    return x


def window(spec, batch=4, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if spec.parts:
        return packed(spec, batch, dtype, generator)
    rows = torch.randn(batch, *spec.size, len(spec.channels), generator=generator, dtype=dtype)
    if spec.masks:
        rows[..., -spec.masks :] = (rows[..., -spec.masks :] > -1).to(dtype)
        rows[..., : -spec.masks] *= rows[..., -spec.masks :]
    return rows.movedim(-1, 1)


def usual(cls):
    """Return the spec that most tests take: a forecast, or what a network that refuses one source or series takes."""
    if issubclass(cls, Autoencoder):
        return RECONSTRUCTIONS["several sources" if cls is FusionAutoencoder else "two numbers a value"]
    if cls.several:
        return PACKED["forecast"]
    return SAMPLES["class of picture"] if cls in PICTURES_ONLY else SPECS["all channels"]


def build(cls, spec=None, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        spec = usual(cls) if spec is None else spec
        inside = {"net": partial(FusionAutoencoder, **SMALL[FusionAutoencoder])}
        return cls(spec, **(inside if cls is VariationalAutoencoder and spec.parts else SMALL.get(cls, {})))


@every_net
@pytest.mark.parametrize("spec", PACKED.values(), ids=PACKED)
def test_several_sources_are_taken_or_refused_by_naming_the_network_that_takes_them(cls, spec):
    if cls.several and (spec.kind == "reconstruct" or not issubclass(cls, Autoencoder)):
        assert build(cls, spec).eval()(window(spec)).shape == (4, *spec.output)
        return
    which = "fusion_autoencoder.FusionAutoencoder" if issubclass(cls, Autoencoder) else "fusion.Fusion"
    refusal = "gives back its input" if cls.several else f"takes one source.*`net` to dlkit.models.{which}"
    with pytest.raises(InputError, match=f"{cls.__name__} {refusal}"):
        build(cls, spec)


@every_net
@pytest.mark.parametrize("spec", RECONSTRUCTIONS.values(), ids=RECONSTRUCTIONS)
def test_a_reconstruction_has_the_shape_of_the_input_or_is_refused_in_a_sentence(cls, spec):
    try:
        net = build(cls, spec)
    except InputError as error:
        fits = bool(spec.parts) in TAKES.get(cls, (cls.several,)) and not (cls in SERIES_ONLY and len(spec.size) == 2)
        assert not (issubclass(cls, Autoencoder) and fits), error
        assert "`" in str(error) and "\n" not in str(error)
        return
    assert net.eval()(window(spec)).shape == (4, *spec.output)


@every_net
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_output_has_the_shape_of_the_spec(cls, spec):
    if cls in NOT_SERIES:
        with pytest.raises(InputError, match="`net`"):
            build(cls, spec)
        return
    assert build(cls, spec).eval()(window(spec)).shape == (4, *spec.output)


@every_net
@pytest.mark.parametrize("spec", SAMPLES.values(), ids=SAMPLES)
def test_a_question_about_samples_is_answered_in_its_shape_or_refused_in_a_sentence(cls, spec):
    try:
        net = build(cls, spec)
    except InputError as error:
        assert cls in REFUSE_SAMPLES or cls in (SERIES_ONLY if len(spec.size) == 2 else PICTURES_ONLY)
        assert "`" in str(error) and "\n" not in str(error) and cls.__name__ in str(error)
        return
    assert net.eval()(window(spec)).shape == (4, *spec.output)


@every_net
def test_targets_that_are_no_inputs_are_predicted_or_refused(cls):
    if cls in (*NEED_KNOWN_TARGETS, *NOT_SERIES):
        with pytest.raises(InputError, match=r"takes|input"):
            build(cls, UNKNOWN)
    else:
        assert build(cls, UNKNOWN)(window(UNKNOWN)).shape == (4, *UNKNOWN.output)


@every_net
def test_forward_is_the_head_of_the_features(cls):
    net, x = build(cls).eval(), window(usual(cls))
    y = net.head(net.features(x))
    if cls is RevIN:
        y = net.denormalize(y, net.scaling(x.contiguous()))
    assert torch.equal(net(x), y)


def wider(spec):
    """The same with one more channel."""
    channels = (*spec.channels[:1], "more", *spec.channels[1:])
    output = (spec.output[0] + 1, *spec.output[1:]) if spec.kind == "reconstruct" else spec.output
    return replace(spec, channels=channels, output=output)


@every_net
def test_positions_of_features_are_as_many_for_any_channels_or_the_network_says_that_they_are_no_places(cls):
    if cls.several:
        return  # its branches are networks of this list
    specs = [usual(cls), wider(usual(cls))]
    few, many = (build(cls, spec).eval().features(window(spec)).shape[2:] for spec in specs)
    assert (few == many) == build(cls).places_of_input


@every_net
def test_an_embedding_is_one_vector_of_each_sample_and_features_cost_a_number(cls):
    net, x = build(cls).eval(), window(usual(cls))
    vectors = net.embedding(x)
    assert vectors.ndim == 2 and len(vectors) == len(x) and vectors.isfinite().all()
    assert net.cost(net.features(x)).shape == ()
    torch.testing.assert_close(vectors, torch.cat([net.embedding(one) for one in x.split(1)]), rtol=1e-4, atol=1e-5)


@every_net
def test_one_sample_at_a_time_gives_the_same_as_a_batch(cls):
    net, x = build(cls).eval(), window(usual(cls))
    torch.testing.assert_close(net(x), torch.cat([net(one) for one in x.split(1)]), rtol=1e-4, atol=1e-5)


@every_net
def test_memory_layout_does_not_matter(cls):
    net, x = build(cls).eval(), window(usual(cls))
    torch.testing.assert_close(net(x), net(x.contiguous()), rtol=1e-4, atol=1e-5)


@every_net
@pytest.mark.parametrize("spec", [SAMPLES["class of picture"], PACKED["class"]], ids=["picture", "several"])
def test_filters_with_the_channels_last_give_the_same_answer_and_gradients(cls, spec):
    try:
        net, other = build(cls, spec).eval(), build(cls, spec).eval()
    except InputError:
        return  # takes no pictures, as another test says
    images_last(other)
    x, other_x = (window(spec).requires_grad_() for _ in range(2))
    y, other_y = net(x), other(other_x)
    torch.testing.assert_close(other_y, y, rtol=1e-4, atol=1e-5)
    y.square().mean().backward()
    other_y.square().mean().backward()
    torch.testing.assert_close(other_x.grad, x.grad, rtol=1e-3, atol=1e-6)


@every_net
def test_input_stays_as_it_was(cls):
    x = window(usual(cls))
    before = x.clone()
    build(cls)(x)
    assert torch.equal(x, before)


# Those that need known targets refuse others, which has a test of its own.
TRAINED_ON = [
    pytest.param(cls, spec, id=f"{cls.__name__}-{name}")
    for name, spec in {**SPECS, "unknown targets": UNKNOWN}.items()
    for cls in TRAINED
    if not (spec is UNKNOWN and cls in NEED_KNOWN_TARGETS)
]


@pytest.mark.parametrize(("cls", "spec"), TRAINED_ON)
def test_gradients_reach_every_parameter(cls, spec):
    if cls in NOT_SERIES:
        spec = usual(cls)
    net = build(cls, spec)
    net(window(spec)).square().mean().backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    assert gradients
    assert all(g is not None and g.isfinite().all() for g in gradients.values())
    weights = {name: g for name, g in gradients.items() if name.endswith("weight")}
    assert all(g.abs().max() > 0 for g in weights.values())


@every_net
def test_evaluation_is_deterministic(cls):
    net, x = build(cls).eval(), window(usual(cls))
    assert torch.equal(net(x), net(x))


@every_net
def test_same_seed_makes_the_same_network(cls):
    one, other = build(cls, seed=3).state_dict(), build(cls, seed=3).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


@every_net
def test_state_survives_a_file(cls):
    net, other, x, file = build(cls), build(cls, seed=1).eval(), window(usual(cls)), io.BytesIO()
    net(x)  # running statistics move
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(net.eval()(x), other(x))


@every_net
def test_a_copy_is_independent(cls):
    net, x = build(cls).eval(), window(usual(cls))
    before = net(x)
    other = copy.deepcopy(net)
    assert torch.equal(other(x), before)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1)
    assert torch.equal(net(x), before)


@every_net
def test_double_precision_agrees_with_single(cls):
    net, x = build(cls).eval(), window(usual(cls))
    double = copy.deepcopy(net).double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(net(x).double(), double, rtol=1e-3, atol=1e-4)


@every_net
def test_bfloat16_autocast_agrees_with_single(cls):
    net, x = build(cls).eval(), window(usual(cls))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = net(x)
    torch.testing.assert_close(y.float(), net(x), rtol=0.1, atol=0.1)


@every_trained_net
def test_bfloat16_autocast_trains(cls):
    net = build(cls)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = net(window(usual(cls)))
    y.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
