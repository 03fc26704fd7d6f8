"""Laws of networks as CUDA graphs where there is no GPU: nothing changes, and what cannot be done is refused."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dlkit.core.checks import InputError
from dlkit.tasks.graphed import Graphed, graphed


def trainer(*, world_size: int = 1, accumulate: int = 1) -> SimpleNamespace:
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    return SimpleNamespace(world_size=world_size, accumulate_grad_batches=accumulate, strategy=strategy)


def test_a_cpu_trains_without_a_graph_and_says_so() -> None:
    with pytest.warns(UserWarning, match="changes nothing here"):
        assert graphed(nn.Linear(2, 2), parts=False, compiled=False, trainer=trainer()) is None


@pytest.mark.parametrize(
    ("setting", "parts", "compiled", "how"),
    [
        ("several sources", True, False, {}),
        ("compile: true", False, True, {}),
        ("several processes", False, False, {"world_size": 2}),
        ("accumulate_grad_batches", False, False, {"accumulate": 2}),
    ],
)
def test_what_does_not_go_with_a_graph_is_refused(setting: str, parts: bool, compiled: bool, how: dict) -> None:
    with pytest.raises(InputError, match=setting):
        graphed(nn.Linear(2, 2), parts=parts, compiled=compiled, trainer=trainer(**how))


def test_on_a_cpu_the_network_itself_answers_and_a_copy_has_weights_of_its_own() -> None:
    net, x = nn.Linear(3, 2), torch.randn(4, 3)
    own = Graphed(net)
    assert torch.equal(own(x), net(x))
    other = copy.deepcopy(own)
    with torch.no_grad():
        net.weight.zero_()
    assert torch.equal(own(x), net(x))
    assert not torch.equal(other(x), own(x))
