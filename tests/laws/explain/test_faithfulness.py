"""Maps are judged by laws: curves on planted features, randomized weights, known truth."""

import math
import warnings

import captum.attr
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import sklearn.metrics
import torch
from torch import nn
from torch.nn import functional as F

from dlkit.explain.attribution import IntegratedGradients, Saliency, SmoothGrad
from dlkit.explain.cam import GradCAM
from dlkit.explain.decided import reach_of
from dlkit.explain.faithfulness import at_random_places, curves, judge, order_of
from dlkit.explain.perturbation import Occlusion
from dlkit.explain.sanity import cascade, sanity_check, spearman
from dlkit.explain.truth import average_precision, box_overlap, boxes, components, mass_inside, overlap, pointing

TIME = 40


class Planted(nn.Module):
    """The score is what lies in a window, after a nonlinearity; nothing else counts."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, TIME))
        with torch.no_grad():
            self.weight[1, 10:18] = torch.linspace(1, 2, 8)

    def forward(self, x):
        return torch.tanh((x * self.weight).flatten(1).sum(1, keepdim=True) / 10)


def planted(batch=12):
    torch.manual_seed(0)
    x = torch.rand(batch, 2, TIME) + 0.2
    net = Planted()
    return net, x, torch.zeros(batch, 1, dtype=torch.int64), torch.zeros(1, 2, TIME), (x * net.weight).detach()


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------ deletion and insertion
def test_curves_begin_and_end_at_the_scores_of_input_and_baseline():
    net, x, targets, baseline, oracle = planted()
    found = curves(net, x, targets, oracle, baseline, generator=drawn(), steps=10)
    full, none = net(x)[:, 0].detach(), net(baseline)[:, 0].detach().expand(len(x))
    for ends, first, last in ((found.deletion, full, none), (found.insertion, none, full)):
        torch.testing.assert_close(ends[:, 0], first)
        torch.testing.assert_close(ends[:, -1], last)


@pytest.mark.parametrize("method", [Saliency(), SmoothGrad(), IntegratedGradients(), Occlusion(window=1)])
def test_on_planted_features_no_map_beats_the_oracle_and_none_is_worse_than_chance(method):
    net, x, targets, baseline, oracle = planted()
    found = method(net, x, targets)[:, 0]
    chance = torch.rand(x.shape, generator=drawn(1))
    areas = [
        [float(area.mean()) for area in curves(net, x, targets, maps, baseline, generator=drawn()).areas()]
        for maps in (oracle, found, chance)
    ]
    (best_deletion, best_insertion), (deletion, insertion), (random_deletion, random_insertion) = areas
    assert best_deletion <= deletion + 1e-6 and deletion < random_deletion
    assert best_insertion >= insertion - 1e-6 and insertion > random_insertion


def test_the_truth_passes_and_maps_that_know_nothing_do_not():
    net, x, targets, baseline, oracle = planted()
    assert judge(net, x, targets, oracle, baseline).decision == "holds"
    blind = [torch.rand(x.shape, generator=drawn(seed)) for seed in range(20)]
    said = [judge(net, x, targets, maps, baseline, seed=1).decision for maps in blind]
    assert said.count("holds") <= 2  # 1 in 40 by chance
    assert judge(net, x, targets, -oracle, baseline).decision == "fails"


def test_many_samples_decide_that_a_map_knows_nothing_and_one_decides_nothing():
    net, x, targets, baseline, oracle = planted(400)
    assert judge(net, x, targets, torch.rand(x.shape, generator=drawn(3)), baseline).decision == "fails"
    one = judge(net, x[:1], targets[:1], oracle[:1], baseline)
    assert one.decision == "not decided" and one.margin > 0.1 and one.samples == 1


def test_several_maps_of_a_sample_are_no_more_samples():
    net, x, targets, baseline, oracle = planted()
    thrice = [part.repeat_interleave(3, dim=0) for part in (x, targets, oracle)]
    found, alone = judge(net, *thrice, baseline, each=3, draws=40), judge(net, x, targets, oracle, baseline, draws=120)
    assert found.samples == len(x) and found.reach == pytest.approx(alone.reach, rel=0.3)


def test_a_score_that_may_fall_is_judged_by_its_distance():
    net, x, targets, baseline, oracle = planted()

    class Falls(nn.Module):
        def forward(self, x):
            return -net(x)

    with torch.no_grad():
        closeness = (net(x) - net(baseline)).abs().mean().expand(len(x))
    up = curves(net, x, targets, oracle, baseline, generator=drawn(), closeness=closeness)
    down = curves(Falls(), x, targets, oracle, baseline, generator=drawn(), closeness=closeness)
    torch.testing.assert_close(up, down)
    assert (up.deletion[:, 0] == 1).all() and (up.insertion[:, -1] == 1).all()
    assert judge(Falls(), x, targets, oracle, baseline, closeness=closeness).decision == "holds"


def test_samples_do_not_depend_on_their_batch_and_padding_is_never_replaced():
    net, x, targets, baseline, oracle = planted(4)
    valid = torch.arange(TIME).expand(4, 1, -1) < torch.tensor([20, 25, 30, 40]).view(4, 1, 1)
    seen = []

    class Watched(nn.Module):
        def forward(self, given):
            seen.append(given.reshape(-1, 4, *given.shape[1:]) if len(given) % 4 == 0 else given)
            return net(given)

    noisy = oracle + 1e-3 * torch.rand(oracle.shape, generator=drawn())
    every = curves(Watched(), x, targets, noisy, baseline, valid=valid, generator=drawn())
    outside = ~valid.expand_as(x)
    assert all(bool((given == torch.where(outside, x, given)).all()) for given in seen[:1])
    for i in range(4):
        one = curves(
            net, x[i : i + 1], targets[:1], noisy[i : i + 1], baseline, valid=valid[i : i + 1], generator=drawn()
        )
        torch.testing.assert_close(one.deletion[0], every.deletion[i])


def test_random_places_keep_the_values_inside_each_sample():
    maps = torch.rand(3, 2, 7, 5, generator=drawn())
    moved = at_random_places(maps, None, drawn(1))
    torch.testing.assert_close(moved.flatten(1).sort(1).values, maps.flatten(1).sort(1).values)
    assert not torch.equal(moved, maps)
    valid = torch.arange(9).expand(3, 1, -1) < torch.tensor([3, 6, 9]).view(3, 1, 1)
    maps = torch.rand(3, 2, 9, generator=drawn()) * valid
    moved = at_random_places(maps, valid, drawn(1))
    assert (moved[~valid.expand_as(moved)] == 0).all()
    torch.testing.assert_close(moved.flatten(1).sort(1).values, maps.flatten(1).sort(1).values)


def test_equal_relevance_is_ordered_at_random_and_the_rest_by_value():
    values = torch.tensor([[0.0, 3.0, 0.0, 1.0, 0.0, 0.0]]).repeat(400, 1)
    rank = order_of(values, drawn())
    assert (rank[:, 1] == 0).all() and (rank[:, 3] == 1).all()
    assert ((rank[:, [0, 2, 4, 5]].double().mean(0) - 3.5).abs() < 0.3).all()


# ------------------------------------------------------------------ randomized weights
class Looks(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
            nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.out = nn.Linear(12, 3)

    def features(self, x):
        return self.body(x)

    def head(self, z):
        return self.out(z.flatten(2).mean(2))

    def forward(self, x):
        return self.head(self.features(x))


def bars(count, seed=0):
    """Images with one horizontal bar, one vertical bar or a square at random places."""
    random, x = np.random.default_rng(seed), torch.zeros(count, 1, 16, 16)
    y = torch.from_numpy(random.integers(0, 3, count))
    for i, (row, column) in enumerate(random.integers(1, 8, (count, 2))):
        high, wide = [(2, 7), (7, 2), (5, 5)][int(y[i])]
        x[i, 0, row : row + high, column : column + wide] = 1
    return x, y


@pytest.fixture(scope="module")
def learned():
    torch.manual_seed(0)
    net, (x, y) = Looks(), bars(256)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net(x).argmax(1) == y).float().mean() > 0.95
    return net.eval()


def guided_backprop(net, x, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            captum.attr.GuidedBackprop(net).attribute(x.clone().requires_grad_(), target=targets[:, 0]).abs().detach()
        )


def test_guided_backprop_fails_the_sanity_check_that_grad_cam_and_gradients_pass(learned):
    x, y = bars(24, seed=1)
    targets = y[:, None]
    guided = sanity_check(lambda net: guided_backprop(net, x, targets), learned, draws=6)
    assert guided.decision == "fails" and guided.final > 0.3
    for method in (GradCAM(signed=True), IntegratedGradients(steps=8, most_steps=8)):
        found = sanity_check(lambda net, method=method: method(net, x, targets), learned, draws=6)
        assert found.decision == "holds" and abs(found.final) < 0.2


def test_a_correlation_at_the_limit_is_not_decided_by_few_samples(learned):
    maps, noise = torch.rand(8, 1, 16, 16, generator=drawn()), drawn(5)

    def judged(*kept):
        """Maps of random networks that keep some of each sample, so that the rank correlation is about that."""
        own, part = maps[: len(kept)], torch.tensor(kept).view(-1, 1, 1, 1)
        mixed = lambda: part * own + torch.rand(own.shape, generator=noise)  # noqa: E731 - drawn anew for each network
        return sanity_check(lambda net: own if net is learned else mixed(), learned)

    assert judged(*[0.05] * 8).decision == "holds" and judged(*[1.0] * 8).decision == "fails"
    edge, alone = judged(*np.linspace(0, 0.4, 8)), judged(1.0)
    assert edge.decision == "not decided" and abs(edge.final) == pytest.approx(0.2, abs=edge.reach)
    assert alone.decision == "not decided" and math.isinf(alone.reach) and alone.samples == 1


@pytest.mark.parametrize(("samples", "networks"), [(8, 5), (16, 20)])
def test_the_interval_of_a_mean_over_samples_and_networks_holds_it(samples, networks):
    random, inside = np.random.default_rng(0), 0
    for _ in range(400):
        of_sample, of_network = random.normal(0, 0.2, samples), random.normal(0, 0.3, (networks, 1))
        seen = torch.from_numpy(of_sample + of_network + random.normal(0, 0.1, (networks, samples)))
        inside += abs(float(seen.mean())) < reach_of([seen.mean(0), seen.mean(1)])
    assert 0.93 <= inside / 400 <= 0.99


def test_the_cascade_randomizes_from_the_answer_to_the_input_and_leaves_the_network_alone(learned):
    before = {name: value.clone() for name, value in learned.state_dict().items()}
    changed = []
    for name, other in cascade(learned, drawn(), stages=4):
        differs = {key.rpartition(".")[0] for key, value in other.state_dict().items() if not value.equal(before[key])}
        changed.append((name, differs))
        for key, value in other.state_dict().items():
            torch.testing.assert_close(value.flatten().sort().values, before[key].flatten().sort().values)
    assert [name for name, _ in changed] == ["out", "body.4", "body.2", "body.0"]
    assert [len(differs) for _, differs in changed] == [1, 2, 3, 4]
    assert all(torch.equal(value, before[name]) for name, value in learned.state_dict().items())


def test_the_map_of_the_network_itself_is_similar_to_itself():
    x, _ = bars(6)
    edges = sanity_check(lambda _net: x, Looks(), stages=2, draws=2)
    assert edges.similarity == pytest.approx((1, 1)) and edges.final == pytest.approx(1) and edges.decision == "fails"


def test_rank_correlation_is_scipys_and_zero_for_constant_maps():
    a, b = (
        torch.randn(5, 30, generator=drawn()).round(decimals=1),
        torch.randn(5, 30, generator=drawn(1)).round(decimals=0),
    )
    expected = [scipy.stats.spearmanr(u, v).statistic for u, v in zip(a.numpy(), b.numpy(), strict=True)]
    torch.testing.assert_close(spearman(a, b), torch.tensor(expected, dtype=torch.float64))
    assert spearman(a, torch.zeros_like(a)).abs().max() == 0


# ------------------------------------------------------------------ known truth
def test_scores_against_the_truth_are_known_for_known_maps():
    truth = torch.zeros(2, 6, 6, dtype=torch.bool)
    truth[:, 2:4, 1:5] = True
    perfect, wrong = truth.float(), (~truth).float()
    assert pointing(perfect, truth).all() and not pointing(wrong, truth).any()
    for score in (mass_inside, average_precision, overlap):
        assert (score(perfect, truth) == 1).all()
    assert (mass_inside(wrong, truth) == 0).all() and (overlap(wrong, truth) == 0).all()
    assert (mass_inside(torch.zeros(2, 6, 6), truth) == 0).all()
    assert boxes(perfect).tolist() == [[[2, 4], [1, 5]]] * 2
    assert boxes(torch.zeros(1, 6, 6)).tolist() == [[[0, 0], [0, 0]]]


def test_average_precision_is_sklearns_also_for_equal_values():
    maps, truth = torch.rand(6, 50, generator=drawn()).round(decimals=1), torch.rand(6, 50, generator=drawn(1)) > 0.7
    expected = [sklearn.metrics.average_precision_score(t, m) for m, t in zip(maps.numpy(), truth.numpy(), strict=True)]
    torch.testing.assert_close(average_precision(maps, truth), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("size", [(40,), (14, 11)])
def test_components_are_scipys_and_the_box_is_around_the_largest(size):
    maps = torch.rand(8, *size, generator=drawn())
    maps = F.avg_pool1d(maps[:, None], 3, 1, 1)[:, 0] if len(size) == 1 else F.avg_pool2d(maps[:, None], 3, 1, 1)[:, 0]
    share = 0.8
    found = boxes(maps, share)
    for i, one in enumerate(maps.numpy()):
        mask = one > share * one.max()
        parts, count = scipy.ndimage.label(mask, structure=np.ones((3,) * len(size)))
        ours = components(torch.from_numpy(mask)[None])[0].numpy()
        pairs = np.unique(np.stack([ours[mask], parts[mask]]), axis=1)  # one for each part: the same division
        assert len(np.unique(ours[mask])) == count == pairs.shape[1]
        extents = [(parts == k + 1).sum() for k in range(count)]
        around = {tuple((s.start, s.stop) for s in scipy.ndimage.find_objects((parts == k + 1).astype(int))[0])
                  for k, extent in enumerate(extents) if extent == max(extents)}  # fmt: skip
        assert tuple(map(tuple, found[i].tolist())) in around
    assert (box_overlap(found, found) == 1).all()
