"""A network as a CUDA graph learns what it learns without one."""

from functools import partial

import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.models.cifar_resnet import CifarResNet
from dlkit.models.cnn import CNN
from dlkit.tasks.graphed import Graphed
from dlkit.train import stages
from tests.gpu.test_runs import DIGITS, ON, QUIET, last_weights
from tests.gpu.test_steps import SPEC

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
NETS = [partial(CifarResNet, depth=8, width=8), partial(CNN, width=8, layers=2, dropout=0.3)]


def trained(make, *, graph, steps, autocast):
    """Return losses and state of a network after steps on batches of which every fifth is smaller."""
    torch.manual_seed(0)
    net = make(SPEC).cuda()
    call = Graphed(net) if graph else net
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, fused=True)
    random, losses = torch.Generator().manual_seed(1), []
    for step in range(steps):
        x = torch.randn(10 if step % 5 == 4 else 32, 3, 16, 16, generator=random).cuda()
        y = torch.randint(4, (len(x),), generator=random).cuda()
        sgd.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            loss = torch.nn.functional.cross_entropy(call(x).float(), y)
        loss.backward()
        sgd.step()
        losses.append(loss.detach())
    return torch.stack(losses), net.state_dict()


@pytest.mark.parametrize("make", NETS)
@pytest.mark.parametrize("autocast", [False, True])
def test_a_graph_learns_what_the_network_learns(make, autocast, monkeypatch):
    """Dropout included: a replay draws what the kernels would have drawn, when the random state begins alike."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    steps = 20 if make is NETS[0] else 1  # where the numbers of dropout lie differs after the first replay
    plain, one = trained(make, graph=False, steps=steps, autocast=autocast)
    replayed, other = trained(make, graph=True, steps=steps, autocast=autocast)
    tolerance = 0.02 if autocast or make is not NETS[0] else 1e-4
    torch.testing.assert_close(replayed[:10], plain[:10], rtol=tolerance, atol=tolerance)
    for name, kept in one.items():
        assert name in other
        torch.testing.assert_close(other[name], kept, rtol=10 * tolerance, atol=10 * tolerance)


def test_a_run_with_a_graph_ends_like_one_without_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["dlkit"])
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)

    def fit(name, epochs, graph):
        where = ["--trainer.max_epochs", str(epochs), "--runs", str(tmp_path / name)]
        settings = ["--data.init_args.batch_size", "128", "--model.init_args.graph", graph]
        return stages.fit([DIGITS, *ON, *QUIET, *settings, *where]).run_folder.path

    plain, whole, part = fit("plain", 2, "false"), fit("whole", 2, "true"), fit("part", 1, "true")
    stages.fit(["--resume", str(part), "--trainer.max_epochs", "2"])
    for other in (plain, part):
        for one, two in zip(last_weights(whole).values(), last_weights(other).values(), strict=True):
            torch.testing.assert_close(one, two, rtol=0.05, atol=0.02)


class Waits(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        return x * self.weight * float(x.sum())


def test_a_network_that_waits_for_the_device_is_refused():
    """Last in this file: a capture that failed leaves the device as it was."""
    with pytest.raises(InputError, match="cannot be run as a CUDA graph"):
        Graphed(Waits().cuda())(torch.ones(2, 2, device="cuda"))
    assert float(torch.ones(2, device="cuda").sum()) == 2
