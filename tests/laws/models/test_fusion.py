"""Laws of fusion: order of sources does not matter, what is not there says nothing, times count from the answer."""

import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.packing import borders, pack, packed_size, presence, unpack
from dlkit.core.specs import Part
from dlkit.models.base import Net
from dlkit.models.bottleneck import Autoencoder
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.fusion_branches import spec_of_part
from dlkit.models.fusion_joins import Concatenate, CrossAttention, Gated, open_gates, periods_of
from dlkit.models.imagenet_resnet import ImageNetResNet
from dlkit.models.inception_time import InceptionTime
from dlkit.models.lstm import LSTM
from dlkit.models.mlp import MLP
from dlkit.models.tokens import Tokens, times_of_positions
from dlkit.models.torchvision_net import TorchvisionNet
from tests.made_sources import BRANCHES, CAMERA, MAGNETS, PARTS, fusion, inputs, spec_of

JOINS = [
    partial(Concatenate, hidden_size=16),
    Gated,
    partial(Gated, gate="sigmoid"),
    partial(CrossAttention, queries=2, heads=2),
]
SMALL = {
    TorchvisionNet: {"name": "shufflenet_v2_x0_5"},
    ImageNetResNet: {"width": 8},
    InceptionTime: {"width": 8, "kernel_size": 12},
}
LONG = Part("sensor", ("a", "b", "a observed"), (33,), tuple(0.01 * i for i in range(-32, 1)), helpers=1)
WIDE = Part("screen", ("r", "g"), (33, 34), (-0.1, 0.0), frames=True)
BRANCH_NETS = [net for net in discover("dlkit.models", Net) if not (net.several or issubclass(net, Autoencoder))]
every_join = pytest.mark.parametrize("join", JOINS, ids=["concatenate", "softmax", "sigmoid", "attention"])


@every_join
@pytest.mark.parametrize("cls", BRANCH_NETS)
def test_every_network_can_be_a_branch_and_all_that_is_trained_gets_a_gradient(cls, join):
    spec = spec_of((LONG, WIDE), output=(3, 2, 2), kind="forecast", targets=("sensor.a", "sensor.b"), classes=())
    own = partial(cls, **SMALL.get(cls, {}))
    picture = cls is TorchvisionNet
    other = partial(CNN, width=4)
    net = fusion(spec, branches={"sensor": other if picture else own, "screen": own if picture else other}, join=join)
    y = net(inputs((LONG, WIDE)))
    assert y.shape == (6, 3, 2, 2)
    y.square().mean().backward()
    trained = {name: p for name, p in net.named_parameters() if p.requires_grad and name != "stand_in"}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained.values())
    assert all(p.grad.abs().max() > 0 for name, p in trained.items() if name.endswith("weight"))


@every_join
@pytest.mark.parametrize("missing", ["token", "zero"])
def test_forward_is_the_head_of_the_features(join, missing):
    net, x = fusion(join=join, missing=missing).eval(), inputs(present=[1, 0])
    assert torch.equal(net(x), net.head(net.features(x)))


@every_join
@pytest.mark.parametrize("missing", ["token", "zero"])
@pytest.mark.parametrize("absent", [0, 1])
def test_a_source_that_is_not_there_says_nothing_whatever_its_values(join, missing, absent):
    net = fusion(join=join, missing=missing)  # in training mode too
    x = inputs(present=[absent != 0, absent != 1])
    other = x.clone()
    other[:, list(borders(PARTS).values())[absent]] = 1e6
    torch.manual_seed(0)
    one = net(x)
    torch.manual_seed(0)
    assert torch.equal(net(other), one)
    poisoned = x.clone()
    poisoned[:, list(borders(PARTS).values())[absent]] = torch.nan
    assert net.eval()(poisoned).isfinite().all()


@every_join
@pytest.mark.parametrize("missing", ["token", "zero"])
def test_a_source_that_is_there_counts_and_nothing_at_all_is_still_an_answer(join, missing):
    net = fusion(join=join, missing=missing).eval()
    both = net(inputs())
    for there in ([1, 0], [0, 1]):
        assert not torch.allclose(net(inputs(present=there)), both)
    nothing = net(inputs(present=[0, 0]))
    assert nothing.isfinite().all()
    torch.testing.assert_close(nothing, nothing[:1].expand_as(nothing))


@pytest.mark.parametrize("join", JOINS[1:], ids=["softmax", "sigmoid", "attention"])
def test_a_learned_token_stands_for_what_is_missing_and_nothing_else(join):
    net = fusion(join=join, missing="token").eval()
    here, gone = inputs(), inputs(present=[1, 0])
    before = net(here), net(gone)
    with torch.no_grad():
        net.stand_in.copy_(net.stand_in.flip(1))
    torch.testing.assert_close(net(here), before[0], rtol=0, atol=0)
    assert not torch.allclose(net(gone), before[1])


def swapped(name):
    """Return the name of the same weight when the two sources change places."""
    swap = {"0": "1", "1": "0"}
    return re.sub(r"^(branches|join\.maps)\.([01])\.", lambda found: f"{found[1]}.{swap[found[2]]}.", name)


def turned(net, other):
    """Give ``other``, whose sources come in the opposite order, the weights of ``net``."""
    state = {swapped(name): value for name, value in net.state_dict().items()}
    by_input = {"Concatenate": ["join.body.0.weight"], "Gated": ["join.scores.weight"]}
    for name in by_input.get(type(net.join).__name__, []):
        state[name] = state[name].roll(net.join.width, 1)  # the inputs of the second source come first
    for name in {"join.scores.weight", "join.scores.bias", "stand_in"} & set(state):
        state[name] = state[name].flip(0)
    other.load_state_dict(state)
    return other


@every_join
@pytest.mark.parametrize("missing", ["token", "zero"])
@pytest.mark.parametrize("there", [[1, 1], [1, 0], [0, 1]])
def test_the_order_of_the_sources_does_not_matter(join, missing, there):
    back = PARTS[::-1]
    net, x = fusion(join=join, missing=missing).eval(), inputs(present=there)
    other = turned(net, fusion(spec_of(back), seed=1, join=join, missing=missing).eval())
    turned_x = pack(unpack(x, PARTS), presence(x, PARTS).flip(1), back)
    torch.testing.assert_close(other(turned_x), net(x), rtol=1e-4, atol=1e-5)
    weights = net.source_weights(x)
    if weights is not None:
        torch.testing.assert_close(other.source_weights(turned_x), weights.flip(1), rtol=1e-4, atol=1e-5)


def test_softmax_gates_sum_to_one_over_the_sources_that_are_there():
    scores = 50 * torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    counts = (torch.arange(9)[:, None] % (torch.arange(4) + 2) > 0).float()
    gates = open_gates(scores, counts, "softmax")
    torch.testing.assert_close(gates.sum(1), (counts.sum(1) > 0).float())
    assert (gates[counts == 0] == 0).all()
    sigmoid = open_gates(scores, counts, "sigmoid")
    assert (sigmoid[counts == 0] == 0).all()
    torch.testing.assert_close(sigmoid[counts > 0], scores.sigmoid()[counts > 0])


def test_gates_can_be_read_and_are_what_the_sum_is_made_with():
    net, x = fusion(join=Gated, missing="zero").eval(), inputs(present=[0, 1])
    torch.testing.assert_close(net.source_weights(x), torch.tensor([[0.0, 1.0]]).expand(6, -1))
    alone = Tokens.of(net.features(x)).values[:, :, 1]
    torch.testing.assert_close(net.head(net.features(x)), net.output(net.join.body(net.join.maps[1](alone).tanh())))
    assert fusion(join=Concatenate).source_weights(x) is None


def some_tokens(tokens=7, width=8, batch=3):
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(batch, width, tokens, generator=generator)
    counts = (torch.rand(batch, tokens, generator=generator) > 0.3).float()
    return Tokens(values, counts, torch.rand(batch, tokens, generator=generator))


def test_attention_does_not_ask_for_the_order_of_the_tokens():
    join, tokens = CrossAttention(spec_of(), 8, queries=2, heads=2), some_tokens()
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    other = Tokens(*(part[..., order] for part in tokens))
    torch.testing.assert_close(join(other), join(tokens), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(join.weights(other), join.weights(tokens)[:, order], rtol=1e-4, atol=1e-5)


def test_a_common_shift_of_all_clocks_changes_nothing_and_a_shift_of_one_source_does():
    shifted = [Part(p.name, p.channels, p.size, p.times, p.frames, p.units) for p in PARTS]
    later = [Part(p.name, p.channels, p.size, tuple(t - 0.05 * (i == 0) for t in p.times), p.frames, p.units)
             for i, p in enumerate(PARTS)]  # fmt: skip
    x, join = inputs(), JOINS[3]
    net = fusion(join=join).eval()
    torch.testing.assert_close(fusion(spec_of(tuple(shifted)), join=join).eval()(x), net(x))
    other = fusion(spec_of(tuple(later)), join=join).eval()
    other.load_state_dict(net.state_dict())
    other.join.when.rates = net.join.when.rates
    assert not torch.allclose(other(x), net(x), atol=1e-4)
    # Only the time between a token and the answer goes in: moving both moves nothing.
    tokens, now, then = some_tokens(), 100.0, 12_345.0
    stamps = {moment: moment - tokens.delays.double() for moment in (now, then)}
    answers = [net.join(tokens._replace(delays=(moment - stamps[moment]).float())) for moment in (now, then)]
    torch.testing.assert_close(answers[0], answers[1], rtol=1e-4, atol=1e-5)


def test_attention_gives_no_weight_to_what_does_not_count():
    join, tokens = CrossAttention(spec_of(), 8, queries=2, heads=2), some_tokens()
    weights = join.weights(tokens)
    assert (weights[tokens.counts == 0] == 0).all()
    assert (weights.sum(1) < 1).all() and (weights[tokens.counts > 0] > 0).all()
    poisoned = tokens._replace(values=tokens.values.where(tokens.counts[:, None] > 0, torch.tensor(1e6)))
    torch.testing.assert_close(join(poisoned), join(tokens))


def test_attention_equals_torchs_on_the_same_weights():
    join, tokens = CrossAttention(spec_of(), 8, queries=2, heads=2, layers=1), some_tokens()
    layer, reference = join.layers[0], nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([layer.query.weight, layer.key_value.weight]))
        reference.in_proj_bias.copy_(torch.cat([layer.query.bias, layer.key_value.bias]))
        reference.out_proj.load_state_dict(layer.output[0].state_dict())
    asking, known = torch.randn(3, 2, 8), tokens.values.transpose(1, 2)
    mask = tokens.counts == 0
    expected, expected_weights = reference(
        layer.query_norm(asking), known, known, key_padding_mask=mask, average_attn_weights=False
    )
    found, weights = layer(asking, known, tokens.counts)
    expected = asking + expected
    torch.testing.assert_close(found, expected + layer.feed(layer.feed_norm(expected)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", [1, 2, 4, 8, 3, 16])
def test_positions_share_the_window_evenly(positions):
    times = tuple(float(t) for t in range(-7, 1))
    found = times_of_positions(times, positions)
    if positions == 1:
        assert found.tolist() == [0.0]
        return
    pieces = torch.tensor(times).repeat_interleave(positions)  # each sample as many equal pieces
    torch.testing.assert_close(found, pieces.view(positions, 8).mean(1))
    assert (found.diff() >= 0).all() and found[0] >= -7 and found[-1] <= 0


def test_tokens_of_frames_have_the_age_of_their_frame_where_it_is_known():
    aged = Part("camera", ("grey", "age"), (10, 12), (-0.2, -0.1, 0.0), frames=True, helpers=1)
    spec = spec_of((MAGNETS, aged))
    net, x = fusion(spec, join=JOINS[3]).eval(), inputs((MAGNETS, aged))
    age = unpack(x, spec.parts)["camera"][:, :, 1]
    age.copy_(torch.tensor([0.23, 0.11, 0.04]).view(1, 3, 1, 1).expand_as(age))
    tokens = Tokens.of(net.features(x).detach())
    own = tokens.delays[:, net.owner == 1]
    assert own.unique().tolist() == pytest.approx([0.04, 0.11, 0.23])
    assert own[0, 0] == pytest.approx(0.23)
    nominal = Tokens.of(fusion(join=JOINS[3]).eval().features(inputs()).detach()).delays
    assert nominal[0, -1] == 0 and nominal.max() == pytest.approx(0.2)
    assert tokens.values.shape[2] == len(net.owner) == 1 + 3 * 3 * 3


def test_periods_reach_from_the_closest_samples_to_beyond_the_oldest():
    shortest, longest = periods_of(PARTS)
    assert shortest == pytest.approx(0.2) and longest == pytest.approx(2.8)
    alone = Part("one", ("a",), (1,), (0.0,))
    assert 0 < periods_of((alone,))[0] < periods_of((alone,))[1]


def test_a_network_sees_one_frame_at_a_time():
    net, x = fusion().eval(), inputs()
    frames = unpack(x, PARTS)["camera"]
    branch = net.branches[1]
    each = torch.stack([branch.net(frames[:, i]) for i in range(3)], 1)
    torch.testing.assert_close(branch(frames)[..., 0], branch.map(each.flatten(1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"branches": {"magnets": LSTM}}, "no branch for the source 'camera'.*for all frames, in `branches`"),
        ({"branches": {**BRANCHES, "camra": CNN}}, "branch for 'camra', which is no source; did you mean 'camera'"),
        ({"width": 0}, "width=0 must be at least 1"),
        ({"join": partial(CrossAttention, heads=3)}, "heads=3"),
        (
            {"branches": {"series": LSTM, "frames": LSTM}},
            r"branch of .camera.: LSTM takes \(time,\), but size=\(10, 12\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(options, says):
    with pytest.raises(InputError, match=says) as refused:
        fusion(**options)
    assert "\n" not in str(refused.value)


def test_a_branch_for_a_kind_makes_the_networks_of_sources_without_a_name():
    net = fusion(branches={"series": partial(LSTM, hidden_size=4), "frames": partial(CNN, width=4)})
    assert [type(branch.net) for branch in net.branches] == [LSTM, CNN]
    net = fusion(branches={"series": LSTM, "frames": partial(CNN, width=4), "magnets": partial(MLP, hidden_size=4)})
    assert [type(branch.net) for branch in net.branches] == [MLP, CNN]


def test_the_spec_of_a_part_is_that_of_a_network_for_it_alone():
    series, frames = spec_of_part(MAGNETS, 9), spec_of_part(CAMERA, 9)
    assert (series.channels, series.size, series.parts) == (("x", "y"), (8,), ())
    assert series.output == (5, 2, 1)
    assert (frames.size, frames.output, frames.kind) == ((10, 12), (9, 1), "values")


FLAT = (Part("left", ("a",), (4,), (-0.3, -0.2, -0.1, 0.0)), Part("right", ("b",), (4,), (-0.3, -0.2, -0.1, 0.0)))


def exclusive_or(there):
    """Return inputs whose class is whether the signs of the two sources differ."""
    bits = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(16, 1)
    noise = 0.2 * torch.randn(64, 2, 4, generator=torch.Generator().manual_seed(0))
    values = (2.0 * bits[..., None] - 1 + noise) * torch.tensor(there).view(1, 2, 1)
    x = pack({"left": values[:, :1], "right": values[:, 1:]}, torch.tensor(there).expand(64, -1), FLAT)
    return x, bits[:, 0] ^ bits[:, 1]


@every_join
def test_what_only_both_sources_tell_is_learned_from_both_and_from_none_alone(join):
    accuracy = []
    for there in ([1.0, 1.0], [1.0, 0.0], [0.0, 1.0]):
        x, y = exclusive_or(there)
        net = fusion(spec_of(FLAT), branches={"series": partial(MLP, hidden_size=8, layers=1, dropout=0.0)}, join=join)
        optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=0.01)
        for _ in range(100 if min(there) > 0 else 20):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
        truth = exclusive_or(there)[1]
        signs = torch.sign(torch.stack([part[:, 0].mean(1) for part in unpack(x, FLAT).values()], 1))
        clean = pack({"left": signs[:, :1, None].expand(-1, 1, 4), "right": signs[:, 1:, None].expand(-1, 1, 4)},
                     presence(x, FLAT), FLAT)  # fmt: skip
        accuracy.append(float((net.eval()(clean).argmax(1) == truth).float().mean()))
    assert accuracy[0] == 1.0
    assert max(accuracy[1:]) <= 0.6


def test_the_network_that_takes_one_source_is_not_fusion():
    with pytest.raises(InputError, match=r"Fusion takes several sources.*`net`"):
        Fusion(spec_of_part(MAGNETS, 4), branches={"series": LSTM})
    assert packed_size(PARTS) == 2 * 8 + 3 * 120 + 2
