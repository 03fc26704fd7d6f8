"""Explanations over several sources keep their laws: shares add up, and sources that say nothing have none."""

import itertools

import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.core.discover import discover
from dlkit.core.packing import borders, pack, packed_size, unpack
from dlkit.core.specs import Part, Spec
from dlkit.explain.attribution import DeepLift, GradientShap, IntegratedGradients, SmoothGrad
from dlkit.explain.base import Explainer, Scored
from dlkit.explain.cam import GradCAM, HiResCAM, XGradCAM
from dlkit.explain.faithfulness import among_sources, judge
from dlkit.explain.packed import explained_values
from dlkit.explain.perturbation import FeatureAblation, Occlusion
from dlkit.explain.sources import best_lags, channel_shares, misplaced, shapley_sources, slope_at_zero, source_shares
from dlkit.models.base import Net

MAGNET = Part("magnet", ("h", "v", "h observed"), (6,), tuple(0.01 * (k - 5) for k in range(6)), helpers=1)
CAMERA = Part("camera", ("grey",), (4, 5), (-0.2, -0.1, 0.0), frames=True)
HEAT = Part("heat", ("t",), (1,), (0.0,))
PARTS = (MAGNET, CAMERA, HEAT)
METHODS = [cls for cls in discover("dlkit.explain", Explainer) if not cls.spatial]
EXACT = [IntegratedGradients, GradientShap, DeepLift, Occlusion, FeatureAblation]


def spec_of(parts=PARTS, scores=2):
    names = tuple(f"{part.name}.{channel}" for part in parts for channel in part.channels)
    targets = tuple("pqrs"[:scores])
    return Spec(
        names, (packed_size(parts),), (scores, 1), targets, parts=parts, kind="values", target_units=("m",) * scores
    )


class Linear(Net):
    """A weight for every packed value."""

    several = True

    def __init__(self, spec):
        super().__init__(spec)
        self.linear = nn.Linear(spec.size[0], spec.output[0])

    def features(self, x):
        return x

    def head(self, z):
        return self.linear(z)[..., None]


class Curved(Linear):
    """Sources that act together."""

    def __init__(self, spec):
        super().__init__(spec)
        self.linear, self.last = nn.Linear(spec.size[0], 16), nn.Linear(16, spec.output[0])
        self.bend = nn.Softplus()

    def head(self, z):
        return self.last(self.bend(self.linear(z)))[..., None]


def made(cls=Linear, parts=PARTS):
    torch.manual_seed(0)
    return cls(spec_of(parts)).double()


def inputs(parts=PARTS, batch=4, absent=()):
    torch.manual_seed(1)
    values = {part.name: torch.randn(batch, *part.shape, dtype=torch.float64) for part in PARTS}
    present = torch.ones(batch, len(parts), dtype=torch.float64)
    for sample, name in absent:
        values[name][sample] = 0
        present[sample, [part.name for part in parts].index(name)] = 0
    return pack(values, present, parts)


def start(parts=PARTS, references=1):
    torch.manual_seed(2)
    return torch.randn(references, 1, packed_size(PARTS), dtype=torch.float64)[..., : packed_size(parts)]


def finest(cls, parts=PARTS):
    one = {Occlusion: Occlusion(window=1), FeatureAblation: FeatureAblation(parts=6)}.get(cls) or cls()
    return one.of(spec_of(parts))


def close(a, b, rtol=1e-10):
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol * float(b.detach().abs().max()) + 1e-15)


# ------------------------------------------------------------------ methods on packed inputs
@pytest.mark.parametrize("cls", EXACT)
@pytest.mark.parametrize("references", [1, 2])
def test_on_a_linear_network_every_method_gives_weight_times_difference_and_the_shares_are_its_sums(cls, references):
    net, x, baseline = made(), inputs(absent=[(1, "camera")]), start(references=references)
    inside = explained_values(x, PARTS)
    expected = net.linear.weight * ((x - baseline.mean(0)) * inside)[:, None]
    found = finest(cls)(net, x, baseline=baseline)
    close(found, expected.detach())
    shares = source_shares(found, PARTS)
    for k, where in enumerate(borders(PARTS).values()):
        close(shares[..., k], expected[..., where].sum(-1).detach())
    channels = channel_shares(found, PARTS)
    close(channels["magnet"].sum(-1), shares[..., 0])
    close(channels["camera"][..., 0], shares[..., 1])


@pytest.mark.parametrize("cls", METHODS)
def test_presence_masks_and_a_source_that_is_not_there_have_no_relevance(cls):
    net, x = made(Curved), inputs(absent=[(1, "camera"), (2, "magnet"), (2, "heat")])
    found = finest(cls)(net, x, baseline=start())
    parts = unpack(found, PARTS)
    assert found[..., -3:].abs().max() == 0 and parts["magnet"][:, :, 2].abs().max() == 0
    assert parts["camera"][1].abs().max() == 0 and parts["camera"][0].abs().max() > 0
    assert parts["magnet"][2].abs().max() == 0 and parts["heat"][2].abs().max() == 0
    assert (found[:, :, explained_values(x, PARTS)[0]][0] != 0).all()


@pytest.mark.parametrize("cls", METHODS)
def test_the_order_of_the_sources_does_not_matter(cls):
    turned = (CAMERA, HEAT, MAGNET)
    net, other = made(Curved), made(Curved, turned)
    at = torch.arange(packed_size(PARTS), dtype=torch.float64)
    places = {name: own[0] for name, own in unpack(at[None], PARTS).items()}
    order = pack({name: own[None] for name, own in places.items()}, at[[-2, -1, -3]][None], turned)[0].long()
    with torch.no_grad():
        other.linear.weight.copy_(net.linear.weight[:, order])
    other.load_state_dict(net.state_dict() | {"linear.weight": other.linear.weight})
    x, baseline = inputs(), start()
    close(other(x[:, order]), net(x))
    method = SmoothGrad(noise=0.0) if cls is SmoothGrad else finest(cls)
    one, two = (method.of(spec_of(p)) for p in (PARTS, turned))
    # the draws of the noise fall on other values, so that it is left out
    close(two(other, x[:, order], baseline=baseline[..., order]), one(net, x, baseline=baseline)[..., order], 1e-9)


def test_noise_leaves_presence_alone_and_each_source_has_its_own():
    class Watched(Linear):
        def forward(self, x):
            self.seen = x.detach()
            return super().forward(x)

    torch.manual_seed(0)
    net, x = Watched(spec_of()).double(), inputs(batch=1)
    x[:, borders(PARTS)["camera"]] *= 1000
    SmoothGrad(draws=50, noise=0.1).of(spec_of(PARTS))(net, x)
    spread = {name: own.std(0).mean() for name, own in unpack(net.seen, PARTS).items()}
    assert (net.seen[:, -3:] == 1).all() and spread["heat"] < 1e-12
    assert spread["magnet"] < 1 and spread["camera"] > 100


def test_a_patch_covers_one_frame_and_a_stretch_one_channel():
    net, x = made(), inputs()
    weight = unpack(net.linear.weight.detach(), PARTS)
    found = unpack(Occlusion(window=2, stride=2).of(spec_of(PARTS))(net, x), PARTS)
    values = unpack(x, PARTS)
    patch = (weight["camera"][0, 1, 0] * values["camera"][0, 1, 0])[2:4, 2:4].sum()
    stretch = (weight["magnet"][1, 0] * values["magnet"][3, 0])[4:6].sum()
    close(found["camera"][0, 0, 1, 0, 2:4, 2:4], patch.expand(2, 2))
    close(found["magnet"][3, 1, 0, 4:6], stretch.expand(2))


# ------------------------------------------------------------------ class activation maps
class Branch(Net):
    """Feature maps, or a vector, then a mean and a linear map."""

    flat = False

    def __init__(self, spec):
        super().__init__(spec)
        conv = nn.Conv1d if len(spec.size) == 1 else nn.Conv2d
        self.conv, self.last = conv(len(spec.channels), 3, 1), nn.Linear(3, 2)

    def features(self, x):
        z = self.conv(x).tanh()
        return z.flatten(2).mean(2) if self.flat else z

    def head(self, z):
        return self.last(z if self.flat else z.flatten(2).mean(2))


class Fused(Net):
    """The sum of what the branches say, of a camera the mean over its frames."""

    several = True

    def __init__(self, spec):
        super().__init__(spec)
        nets = [Branch(Spec(part.channels, part.size, (2,))) for part in spec.parts]
        self.branches = nn.ModuleList([nn.ModuleDict({"net": net}) for net in nets])
        for branch in self.branches:
            branch.net = branch["net"]

    def features(self, x):
        found = []
        for branch, part, own in zip(self.branches, self.spec.parts, unpack(x, self.spec.parts).values(), strict=True):
            said = branch.net(own.flatten(0, 1) if part.frames else own)
            found.append(said.unflatten(0, (len(x), -1)).mean(1) if part.frames else said)
        return torch.stack(found, 2)

    def head(self, z):
        return z.sum(2)[..., None]


@pytest.mark.parametrize("cls", [GradCAM, HiResCAM, XGradCAM])
@pytest.mark.parametrize("flat", [(), (0,), (1,)])
def test_maps_of_every_branch_add_up_to_what_its_source_says(cls, flat):
    net, x, said = made(Fused), inputs(absent=[(2, "heat")]), []
    for number in flat:
        net.branches[number].net.flat = True
    found = cls(signed=True).of(spec_of(PARTS))(net, x)
    shares, z = source_shares(found, PARTS), net.features(x).detach()
    said = z - torch.stack([branch.net.last.bias for branch in net.branches], 1).detach()
    expected = said.clone()
    expected[2, :, 2] = 0
    close(shares, expected)
    assert "features" not in vars(net.branches[1].net) and found[..., -3:].abs().max() == 0


def test_maps_of_a_branch_are_those_of_its_network_alone():
    net, x = made(Fused), inputs()
    own = unpack(x, PARTS)
    found = unpack(GradCAM().of(spec_of(PARTS))(net, x), PARTS)
    alone = GradCAM()(net.branches[0].net, own["magnet"])
    close(found["magnet"][:, :, :2] * 2, alone.expand(-1, -1, 2, -1))
    frame = GradCAM()(net.branches[1].net, own["camera"][:, 1])
    close(found["camera"][:, :, 1] * 3, frame)


def test_networks_without_branches_or_positions_are_told_so():
    with pytest.raises(InputError, match="need a network with a branch for each"):
        GradCAM().of(spec_of(PARTS))(made(), inputs())
    series = (MAGNET, HEAT)
    small = Fused(spec_of(series)).double()
    for branch in small.branches:
        branch.net.flat = True
    with pytest.raises(InputError, match="no branch has features with positions"):
        GradCAM().of(spec_of(series))(small, torch.ones(2, packed_size(series), dtype=torch.float64))


# ------------------------------------------------------------------ shares
@pytest.mark.parametrize("absent", [(), [(0, "camera"), (3, "heat")]])
def test_the_shares_add_up_to_the_change_of_the_score(absent):
    net, x, baseline = made(Curved), inputs(absent=absent), start(references=2)
    change = net(x).flatten(1) - torch.stack(
        [net(torch.where(explained_values(x, PARTS), one, x)).flatten(1) for one in baseline]
    ).mean(0)
    shares = source_shares(IntegratedGradients().of(spec_of(PARTS))(net, x, baseline=baseline), PARTS)
    close(shares.sum(-1), change.detach(), 1e-6)
    exact = shapley_sources(net, x, None, baseline, PARTS)
    close(exact.sum(-1), change.detach())


def by_orders(net, x, baseline, parts):
    """Shapley's own words: the mean gain over all orders, one network pass at a time."""
    places, inside = list(borders(parts).values()), explained_values(x, parts)
    total = torch.zeros(len(x), 2, len(parts), dtype=torch.float64)
    orders = list(itertools.permutations(range(len(parts))))
    for order in orders:
        now = torch.where(inside, baseline[0], x)
        for one in order:
            then = now.clone()
            then[:, places[one]] = x[:, places[one]]
            total[:, :, one] += (net(then) - net(now))[..., 0].detach() / len(orders)
            now = then
    return total


def test_shapley_values_are_the_mean_gain_over_all_orders():
    net, x, baseline = made(Curved), inputs(absent=[(1, "camera")]), start()
    close(shapley_sources(net, x, None, baseline, PARTS), by_orders(net, x, baseline, PARTS))


def test_on_a_linear_network_shapley_values_are_the_shares_of_every_complete_method():
    net, x, baseline = made(), inputs(), start()
    exact = shapley_sources(net, x, None, baseline, PARTS)
    for cls in EXACT:
        close(source_shares(finest(cls)(net, x, baseline=baseline), PARTS), exact)


def test_equal_sources_have_equal_shapley_values_and_one_that_is_not_used_has_none():
    twins = (HEAT, Part("again", ("t",), (1,), (0.0,)), Part("idle", ("t",), (1,), (0.0,)))
    torch.manual_seed(0)
    net = Curved(spec_of(twins)).double()
    with torch.no_grad():
        net.linear.weight[:, 1], net.linear.weight[:, 2] = net.linear.weight[:, 0], 0
    x = torch.tensor([[0.7, 0.7, 5.0, 1, 1, 1]], dtype=torch.float64)
    found = shapley_sources(net, x, None, torch.zeros(1, 1, 6, dtype=torch.float64), twins)
    close(found[..., 0], found[..., 1])
    assert found[..., 2].abs().max() == 0 and found[..., 0].abs().min() > 0


def test_by_absence_the_shares_add_up_to_the_change_from_no_source_at_all():
    net, x = made(Curved), inputs()
    found = shapley_sources(net, x, None, start(), PARTS, absent=True)
    close(found.sum(-1), (net(x) - net(torch.zeros_like(x))).flatten(1).detach())


def test_a_chosen_score_has_the_shares_of_that_score():
    net, x, targets = made(Curved), inputs(), torch.tensor([[1], [0], [1], [0]])
    every, one = (shapley_sources(net, x, which, start(), PARTS) for which in (None, targets))
    close(one[:, 0], every[torch.arange(4), targets[:, 0]])


def test_the_best_lag_is_the_time_of_the_largest_weight_in_seconds():
    net, x = made(), inputs(batch=64)
    with torch.no_grad():
        net.linear.weight.mul_(0.01)
        weight = unpack(net.linear.weight, PARTS)
        weight["magnet"][0, 0, 3], weight["magnet"][0, 1, 1], weight["camera"][0, 0] = 1, -1, 1
        weight["heat"][0] = 0
    found = IntegratedGradients().of(spec_of(PARTS))(net, x)[:, 0]
    lags = [best_lags(found, part, PARTS) for part in PARTS]
    assert lags[0][:2] == pytest.approx([0.02, 0.04]) and lags[0][2] is None
    assert lags[1] == pytest.approx([0.2]) and lags[2] == [None]


# ------------------------------------------------------------------ faithfulness
def test_chance_moves_relevance_inside_sources_and_deals_their_sizes_out():
    torch.manual_seed(0)
    maps = torch.rand(200, packed_size(PARTS)) * explained_values(inputs(batch=200), PARTS)
    maps[:, borders(PARTS)["camera"]] *= 100
    found = among_sources(maps, PARTS, torch.Generator().manual_seed(0))
    own, other = unpack(maps, PARTS), unpack(found, PARTS)
    assert other["magnet"][:, 2].abs().max() == 0 and found[:, -3:].abs().max() == 0
    sizes = [torch.stack([v.flatten(1).mean(1) for v in one.values()], 1).sort(1).values for one in (own, other)]
    close(sizes[1], sizes[0], 1e-5)
    moved = other["camera"].flatten(1).mean(1) < 10
    assert 0.5 < moved.double().mean() < 0.8  # two of three orders give it the size of another
    still = ~moved
    before, after = (v["camera"][still].flatten(1).sort(1).values for v in (own, other))
    close(before / before.mean(1, keepdim=True), after / after.mean(1, keepdim=True), 1e-4)
    assert (own["camera"] != other["camera"]).any()


def test_the_true_map_of_a_packed_input_is_faithful_and_a_blind_one_is_not():
    net, x, baseline = made(Curved), inputs(batch=24), torch.zeros(1, 1, packed_size(PARTS), dtype=torch.float64)
    with torch.no_grad():
        net.linear.weight.zero_()
        net.linear.weight[:, borders(PARTS)["magnet"]][:, 2:5] = 1.0
    x[:, borders(PARTS)["magnet"]] = x[:, borders(PARTS)["magnet"]].abs()
    targets, valid = torch.zeros(24, 1, dtype=torch.int64), explained_values(x, PARTS)
    closeness = (net(x) - net(baseline[0]))[:, 0, 0].abs().detach()
    said = {}
    for name, maps in {
        "true": IntegratedGradients().of(spec_of(PARTS))(net, x, targets, baseline)[:, 0].abs(),
        "blind": torch.rand(24, packed_size(PARTS), dtype=torch.float64),
    }.items():
        found = judge(Scored(net), x, targets, maps, baseline[0], valid=valid, closeness=closeness, parts=PARTS)
        said[name] = found.decision == "holds"
    assert said == {"true": True, "blind": False}


# ------------------------------------------------------------------ misalignment
def test_one_source_alone_is_misplaced_with_its_presence():
    x, other = inputs(), inputs(absent=[(k, "camera") for k in range(4)]) + 1.0
    found = misplaced(x, other, PARTS, 1)
    for k, (name, own) in enumerate(unpack(found, PARTS).items()):
        assert torch.equal(own, unpack(other if k == 1 else x, PARTS)[name])
        assert torch.equal(found[:, k - 3], (other if k == 1 else x)[:, k - 3])


def test_the_slope_is_that_of_the_smallest_shifts():
    assert slope_at_zero([-4.0, -2.0, 0.0, 2.0, 4.0], [9.0, 3.0, 0.0, 1.0, 9.0]) == pytest.approx(1.0)
    assert slope_at_zero([0.0], [0.0]) is None
