"""Products with the Hessian, and the ends of its spectrum, are those of the dense Hessian."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlkit.explain.landscape.hessian import HessianProduct, lanczos


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense(net: nn.Module, data: list[tuple]) -> torch.Tensor:
    """Return the Hessian of the mean loss, whole, in float64."""
    frozen = copy.deepcopy(net).eval()
    names, held = zip(*((n, p.detach()) for n, p in frozen.named_parameters()), strict=True)
    x, y = (torch.cat(parts) for parts in zip(*data, strict=True))

    def loss(vector):
        parts = [p.view_as(h) for p, h in zip(vector.split([h.numel() for h in held]), held, strict=True)]
        return F.cross_entropy(torch.func.functional_call(frozen, dict(zip(names, parts, strict=True)), (x,)), y)

    return torch.autograd.functional.hessian(loss, torch.cat([h.flatten() for h in held]))


def small() -> tuple[nn.Sequential, list[tuple]]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3)).double()
    data = [(torch.randn(n, 2, 6, 6, dtype=torch.float64), torch.randint(3, (n,))) for n in (8, 8, 3)]
    return net, data


def product_of(net: nn.Module, data: list[tuple]) -> HessianProduct:
    counts = [len(batch[1]) for batch in data]
    return HessianProduct(net, lambda batch: F.cross_entropy(net(batch[0]), batch[1]), data, counts=counts)


def test_the_product_is_that_of_the_dense_hessian_and_leaves_the_network_alone():
    net, data = small()
    before = copy.deepcopy(net.state_dict())
    product = product_of(net, data)
    vector = torch.randn(product.size, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(product(vector), dense(net, data) @ vector, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(before[name], now) for name, now in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training


def test_the_ends_of_the_spectrum_are_those_of_the_dense_hessian():
    net, data = small()
    product = product_of(net, data)
    start = torch.randn(product.size, generator=seeded(), dtype=torch.float64)
    found = lanczos(product, start, 3, tolerance=1e-9)
    expected = torch.linalg.eigvalsh(dense(net, data))
    np.testing.assert_allclose(found.largest, expected.flip(0)[:3], rtol=1e-7)
    assert found.smallest == pytest.approx(float(expected[0]), abs=1e-8 * float(expected[-1]))
    assert found.converged
    assert found.products < product.size


@pytest.mark.parametrize("size", [1, 2, 5])
def test_small_matrices_are_solved_exactly(size):
    matrix = torch.diag(torch.arange(1.0, size + 1, dtype=torch.float64)) - 1.5 * torch.eye(size, dtype=torch.float64)
    found = lanczos(lambda v: matrix @ v, torch.ones(size, dtype=torch.float64), 2)
    np.testing.assert_allclose(found.largest, [size - 1.5, size - 2.5][: min(2, size)], atol=1e-10)
    assert found.smallest == pytest.approx(-0.5)
    assert found.converged


def test_the_error_is_below_its_bound():
    torch.manual_seed(0)
    values = torch.cat([torch.rand(200, dtype=torch.float64), torch.tensor([5.0, 9.0], dtype=torch.float64)])
    found = lanczos(lambda v: values * v, torch.ones(202, dtype=torch.float64), 2, tolerance=1e-2)
    assert math.isclose(found.largest[0], 9.0, abs_tol=found.errors[0] + 1e-12)
    assert math.isclose(found.largest[1], 5.0, abs_tol=found.errors[1] + 1e-12)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(3, 8)

    def forward(self, x):
        q = self.query(x)[:, None]
        return (F.scaled_dot_product_attention(q, q, q),)


@pytest.mark.parametrize("layer", [partial(nn.LSTM, 3, 4), partial(nn.GRU, 3, 4), Attention])
def test_recurrent_networks_and_attention_have_a_curvature(layer):
    torch.manual_seed(0)
    net, x = layer().double(), torch.randn(2, 6, 3, dtype=torch.float64)
    product = HessianProduct(net, lambda batch: net(batch)[0].square().mean(), [x])
    one, other = torch.randn(2, product.size, generator=seeded(), dtype=torch.float64)
    parameters = list(net.parameters())
    ahead, behind = (_gradient(net, x, parameters, sign * 1e-5 * one) for sign in (1, -1))
    torch.testing.assert_close(product(one), (ahead - behind) / 2e-5, rtol=1e-5, atol=1e-8)
    assert float(other @ product(one)) == pytest.approx(float(one @ product(other)), rel=1e-9)


def _gradient(net, x, parameters, step):
    moved = copy.deepcopy(net)
    torch.nn.utils.vector_to_parameters(torch.nn.utils.parameters_to_vector(parameters) + step, moved.parameters())
    moved(x)[0].square().mean().backward()
    return torch.cat([p.grad.flatten() for p in moved.parameters()])
