"""The loss around the weights: what is drawn is the loss of the network, and the network is left as it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlkit.core.checks import InputError
from dlkit.explain.landscape.directions import (
    cosine,
    filter_norms,
    movable,
    normalized,
    random_directions,
)
from dlkit.explain.landscape.grid import axis, lines, plane, rows_of
from dlkit.explain.landscape.surface import Surface


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cnn(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Convolutions with batch norm and dropout; the norm has seen data, and everything is left in training mode."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5), nn.ReLU(inplace=True), nn.Dropout(0.5),
        nn.Conv2d(5, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    ).to(dtype)  # fmt: skip
    net(torch.randn(16, 2, 6, 6, dtype=dtype))
    return net


def batches(dtype: torch.dtype = torch.float32, sizes: tuple[int, ...] = (8, 8, 3)) -> list[tuple]:
    torch.manual_seed(1)
    return [(torch.randn(n, 2, 6, 6, dtype=dtype), torch.randint(3, (n,))) for n in sizes]


def cost_of(net: nn.Module):
    return lambda batch: F.cross_entropy(net(batch[0]), batch[1])


def surface_of(net: nn.Module, data: list[tuple], directions, **settings) -> Surface:
    return Surface(net, cost_of(net), data, directions, counts=[len(batch[1]) for batch in data], **settings)


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@torch.no_grad()
def loss_at(net: nn.Module, data: list[tuple], step: dict[str, torch.Tensor]) -> float:
    """Return the loss with the naive method: copy, load, evaluate sample by sample."""
    moved = copy.deepcopy(net).eval()
    weights = moved.state_dict()
    moved.load_state_dict({name: w + step[name] if name in step else w for name, w in weights.items()})
    x, y = (torch.cat(parts) for parts in zip(*data, strict=True))
    losses = [F.cross_entropy(moved(x[i : i + 1]), y[i : i + 1]).double() for i in range(len(y))]
    return float(torch.stack(losses).mean())


# ---------------------------------------------------------------------------------------------------- directions
def test_each_filter_of_a_direction_is_as_long_as_that_of_the_weights():
    net = cnn(torch.float64)
    for direction in random_directions(net, seeded()):
        for name, parameter in movable(net).items():
            torch.testing.assert_close(filter_norms(direction[name]), filter_norms(parameter.detach()))


def test_biases_and_norms_do_not_move():
    assert [name for name, _ in movable(cnn()).items()] == ["0.weight", "4.weight", "8.weight"]


def test_frozen_weights_do_not_move():
    net = cnn()
    net[0].requires_grad_(False)
    assert set(random_directions(net, seeded())[0]) == {"4.weight", "8.weight"}


def test_the_directions_are_at_right_angles_in_every_filter():
    net = cnn(torch.float64)
    first, second = random_directions(net, seeded())
    assert abs(cosine(first, second)) < 1e-12
    for name in first:
        inner = (first[name] * second[name]).flatten(1).sum(1)
        assert float(inner.abs().max()) < 1e-12


def test_filters_of_one_weight_move_by_their_own_size():
    net = nn.Conv1d(1, 3, 1)
    for direction in random_directions(net, seeded()):
        torch.testing.assert_close(direction["weight"].abs(), net.weight.detach().abs())


def test_a_filter_of_zeros_stays():
    weight = torch.zeros(2, 3)
    assert torch.equal(normalized(torch.randn(2, 3), weight), weight)


def test_the_seed_alone_decides_on_the_directions():
    net = cnn()
    one, again, other = (random_directions(net, seeded(seed)) for seed in (3, 3, 4))
    torch.rand(7)
    assert same(one[0], again[0])
    assert same(one[1], again[1])
    assert not same(one[0], other[0])


def test_a_network_without_weights_is_refused():
    with pytest.raises(InputError, match="no trained weight"):
        movable(nn.BatchNorm1d(3))


# ---------------------------------------------------------------------------------------------------- the surface
@pytest.mark.parametrize("channels_last", [False, True])
def test_the_centre_is_the_loss_of_the_model(channels_last):
    net, data = cnn(), batches()
    with surface_of(net, data, random_directions(net, seeded()), channels_last=channels_last) as surface:
        found = surface.row(torch.zeros(1, 2))
    assert float(found[0]) == pytest.approx(loss_at(net, data, {}), rel=1e-6)


def test_the_loop_gives_what_copying_loading_and_evaluating_gives():
    net, data = cnn(torch.float64), batches(torch.float64)
    first, second = random_directions(net, seeded())
    places = plane(axis(-1.0, 1.0, 3), axis(-0.5, 0.5, 3))
    with surface_of(net, data, (first, second)) as surface:
        found = torch.stack([surface.row(row) for row in places])
    for (a, b), value in zip(places.flatten(0, 1).tolist(), found.flatten().tolist(), strict=True):
        step = {name: a * first[name] + b * second[name] for name in first}
        assert value == pytest.approx(loss_at(net, data, step), rel=1e-12)
    assert len(set(found.flatten().tolist())) == 9


def test_the_loop_gives_what_vmap_gives():
    net, data = cnn(torch.float64), batches(torch.float64, sizes=(8,))
    direction = random_directions(net, seeded())[0]
    places = axis(-1.0, 1.0, 5)
    with surface_of(net, data, [direction]) as surface:
        found = surface.row(places[:, None])
    still = {name: tensor.detach() for name, tensor in (*net.named_parameters(), *net.named_buffers())}

    def loss(far):
        moved = still | {name: still[name] + far * direction[name] for name in direction}
        return F.cross_entropy(torch.func.functional_call(frozen, moved, (data[0][0],)), data[0][1])

    frozen = copy.deepcopy(net).eval()
    frozen[2] = nn.ReLU()  # vmap has no place to write to
    torch.testing.assert_close(found, torch.func.vmap(loss)(places), rtol=1e-12, atol=0)


def test_a_quadratic_loss_gives_the_exact_paraboloid():
    net = nn.Linear(7, 4, bias=False, dtype=torch.float64)
    first, second = random_directions(net, seeded())
    places = plane(axis(-2.0, 2.0, 5), axis(-1.0, 1.0, 3))
    with Surface(
        net, lambda batch: (net.weight - batch).square().sum(), [torch.zeros(4, 7)], (first, second)
    ) as surface:
        found = torch.stack([surface.row(row) for row in places])
    square = float(
        net.weight.detach().square().sum()
    )  # of the weights and of both directions, which are at right angles
    a, b = places.unbind(-1)
    inner = [float((net.weight.detach() * step["weight"]).sum()) for step in (first, second)]
    expected = square * (1 + a**2 + b**2) + 2 * a * inner[0] + 2 * b * inner[1]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def rescaled(net: nn.Sequential) -> nn.Sequential:
    """Return the same function with other weights: filters scaled before a batch norm, and before and after a ReLU."""
    other = copy.deepcopy(net)
    with torch.no_grad():
        scale = torch.tensor([0.1, 3.0, 7.0, 0.5, 2.0], dtype=torch.float64)
        other[0].weight *= scale[:, None, None, None]
        other[1].running_mean *= scale
        other[1].running_var *= scale**2
        other[4].weight *= 5
        other[4].bias *= 5
        other[8].weight /= 5
    return other


def test_scaling_that_a_relu_or_a_batch_norm_undoes_changes_nothing():
    net, data = cnn(torch.float64), batches(torch.float64)
    net[1].eps = 0.0
    other, row = rescaled(net), plane(axis(-1.0, 1.0, 5), axis(-1.0, 1.0, 3))[0]
    assert loss_at(other, data, {}) == pytest.approx(loss_at(net, data, {}), rel=1e-12)
    found = []
    for one in (net, other):
        with surface_of(one, data, random_directions(one, seeded())) as surface:
            found.append(surface.row(row))
    torch.testing.assert_close(found[0], found[1], rtol=1e-10, atol=0)


def test_without_filter_normalization_the_same_scaling_would_change_the_surface():
    net, data = cnn(torch.float64), batches(torch.float64)
    net[1].eps = 0.0
    step = {name: 0.1 * torch.randn_like(weight) for name, weight in movable(net).items()}
    assert loss_at(rescaled(net), data, step) != pytest.approx(loss_at(net, data, step), rel=1e-3)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_parameters_buffers_and_modes_are_afterwards_what_they_were(fails, channels_last):
    net, data = cnn(), batches()
    net[4].eval()
    modes = [part.training for part in net.modules()]
    before, held = state(net), [(p, p.data_ptr(), p.stride()) for p in (*net.parameters(), *net.buffers())]

    def cost(batch):
        if fails and batch is data[1]:
            raise RuntimeError("in the middle")
        net[1].running_mean += 1  # a module that changes its buffers while it is evaluated
        net[1].running_var = net[1].running_var * 2
        return cost_of(net)(batch)

    try:
        with Surface(net, cost, data, random_directions(net, seeded()), channels_last=channels_last) as surface:
            surface.row(torch.ones(3, 2))
    except RuntimeError:
        assert fails
    assert same(before, state(net))
    assert [part.training for part in net.modules()] == modes
    now = [*net.parameters(), *net.buffers()]
    assert all(
        a is b and b.data_ptr() == at and b.stride() == stride for (a, at, stride), b in zip(held, now, strict=True)
    )
    assert torch.is_grad_enabled()


def test_batch_norm_and_dropout_are_evaluated():
    net, data = cnn(), batches()
    with surface_of(net, data, random_directions(net, seeded())) as surface:
        one, again = surface.row(torch.ones(1, 2)), surface.row(torch.ones(1, 2))
    assert torch.equal(one, again)


def test_bfloat16_is_close_and_is_not_the_same():
    net, data = cnn(), batches()
    found = []
    for precision in ("32", "bf16"):
        with surface_of(net, data, random_directions(net, seeded()), precision=precision) as surface:
            found.append(surface.row(plane(axis(-1.0, 1.0, 5), axis(-1.0, 1.0, 5))[1]))
    difference = float((found[0] - found[1]).abs().max())
    assert 0 < difference < 0.02 * float(found[0].max())


def test_batches_count_by_their_samples():
    net, data = cnn(torch.float64), batches(torch.float64, sizes=(5, 1))
    whole = [tuple(torch.cat(parts) for parts in zip(*data, strict=True))]
    rows = []
    for some in (data, whole):
        with surface_of(net, some, random_directions(net, seeded())) as surface:
            rows.append(surface.row(torch.ones(1, 2)))
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-12, atol=0)


def test_recurrent_networks_are_moved_too():
    torch.manual_seed(0)
    net = nn.LSTM(3, 4, batch_first=True)
    x, before = torch.randn(2, 6, 3), state(net)
    with Surface(net, lambda batch: net(batch)[0].square().mean(), [x], random_directions(net, seeded())) as surface:
        found = surface.row(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    assert found[0] == pytest.approx(float(net(x)[0].detach().square().mean()), rel=1e-6)
    assert found[1] != found[0]
    assert same(before, state(net))


# ---------------------------------------------------------------------------------------------------- the grid
@pytest.mark.parametrize(
    ("low", "high", "points"), [(-1.0, 1.0, 25), (-1.0, 1.0, 4), (-0.3, 2.1, 11), (-2.0, 0.001, 7)]
)
def test_the_network_itself_is_on_every_axis(low, high, points):
    places = axis(low, high, points)
    step = (high - low) / (points - 1)
    assert int((places == 0).sum()) == 1
    np.testing.assert_allclose(np.diff(places), step)
    assert abs(float(places[0]) - low) <= step / 2 + 1e-12


def test_a_plane_has_the_first_direction_along_its_rows_and_lines_cross_in_the_centre():
    first, second = axis(-1.0, 1.0, 3), axis(-2.0, 2.0, 5)
    places = plane(first, second)
    assert places.shape == (5, 3, 2)
    assert torch.equal(places[4, :, 0], first)
    assert torch.equal(places[:, 2, 1], second)
    both = lines(first, 3 * first)
    assert both.tolist() == [[[-1, 0], [0, 0], [1, 0]], [[0, -3], [0, 0], [0, 3]]]


@pytest.mark.parametrize(("rows", "shards"), [(25, 1), (25, 8), (3, 5)])
def test_shards_take_every_row_once(rows, shards):
    taken = [row for shard in range(1, shards + 1) for row in rows_of(shard, shards, rows)]
    assert sorted(taken) == list(range(rows))
