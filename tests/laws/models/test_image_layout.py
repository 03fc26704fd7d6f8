"""The order of image filters in memory changes nothing but the speed."""

import copy

import pytest
import torch
from torch import nn

from dlkit.tasks.network import images_last, laid_out_alike

SGD, ADAM = {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"lr": 0.1}


def net_and_batch():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Flatten(), nn.LazyLinear(2))
    x = torch.randn(6, 3, 8, 8)
    net(x)
    return net, x


def step(net, optimizer, x):
    optimizer.zero_grad()
    net(x).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize(("kind", "settings"), [(torch.optim.SGD, SGD), (torch.optim.Adam, ADAM)])
@pytest.mark.parametrize("fused", [False, True])
def test_training_goes_on_alike_after_weights_and_memory_were_laid_out_anew(kind, settings, fused):
    net, x = net_and_batch()
    plain = kind(net.parameters(), fused=fused, **settings)
    step(net, plain, x)
    other = copy.deepcopy(net)
    images_last(other)
    resumed = kind(other.parameters(), fused=fused, **settings)
    resumed.load_state_dict(copy.deepcopy(plain.state_dict()))
    laid_out_alike(resumed)
    assert other[0].weight.is_contiguous(memory_format=torch.channels_last)
    for weight, kept in resumed.state.items():
        assert all(value.stride() == weight.stride() for value in kept.values() if value.shape == weight.shape)
    for _ in range(2):
        step(net, plain, x)
        step(other, resumed, x)
    for one, another in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(another, one, rtol=1e-4, atol=1e-5)
