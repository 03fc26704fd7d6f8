"""Runs that are trained together are what each would be alone."""

import copy
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ReduceLROnPlateau

from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.models.inception_time import InceptionTime
from dlkit.models.series_resnet import SeriesResNet
from dlkit.tasks.classify import Classify

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
from traces_protocol import long_last
from traces_together import Together

EPOCHS, SIZE, SEEDS = 4, 4, [3, 8]
NETS = {"resnet": partial(SeriesResNet, width=4), "inception": partial(InceptionTime, width=4, depth=3, bottleneck=4)}


def traces(padded):
    random = torch.Generator().manual_seed(0)
    x, y = torch.randn(10, 2, 24, generator=random), torch.arange(10) % 3
    if padded:
        inside = torch.arange(24) < torch.randint(9, 24, (10, 1), generator=random)
        x = torch.cat([x[:, :1] * inside[:, None], inside[:, None].float()], 1)
    return Batch(x.double(), y)


def tasks(net, padded):
    spec = Spec(("a", "b"), (24,), (3,), kind="class", classes=("u", "v", "w"), padded=padded)
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        found.append(Classify(spec=spec, net=NETS[net]).double())
    return found


def trained(given_tasks, data, device="cpu", **ways):
    runs = Together(given_tasks, data, seeds=SEEDS, size=SIZE, epochs=EPOCHS, patience=1, **ways)
    for _ in runs.train(graph=device == "cuda"):
        pass
    return runs


def trained_alone(task, data, orders):
    """Return losses, the last learning rate and the weights of the least loss, with PyTorch's own parts."""
    adam, losses, kept = torch.optim.Adam(task.net.parameters(), lr=1e-3), [], None
    plateau = ReduceLROnPlateau(adam, factor=0.5, patience=0, threshold=1e-4, threshold_mode="abs", min_lr=1e-4)
    for order in orders:
        total = 0.0
        for chosen in order.split(SIZE):
            adam.zero_grad()
            loss = task.judge(task.net(data.x[chosen]), Batch(data.x[chosen], data.y[chosen])).loss
            loss.backward()
            adam.step()
            total += loss.item() * len(chosen) / len(order)
        plateau.step(total)
        kept = copy.deepcopy(task.net.state_dict()) if total < min(losses, default=1e9) else kept
        losses.append(total)
    return losses, adam.param_groups[0]["lr"], kept


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("stacked", [True, False])
def test_runs_trained_together_are_what_each_is_alone(net, padded, stacked):
    data, runs = traces(padded), tasks(net, padded)
    together = trained(runs, data, stacked=stacked)
    for run, task in enumerate(tasks(net, padded)):
        losses, rate, kept = trained_alone(task, data, together.orders[:, run])
        torch.testing.assert_close(together.losses[:, run].tolist(), losses, rtol=1e-5, atol=1e-6)
        assert float(together.plateau.rate[run]) == pytest.approx(rate)
        for name, value in runs[run].net.state_dict().items():
            if value.is_floating_point():
                torch.testing.assert_close(value, kept[name], rtol=1e-4, atol=1e-6)


@given(st.lists(st.integers(1, 50), min_size=3, max_size=40), st.integers(1, 9))
def test_every_trace_still_comes_once_and_fits(lengths, size):
    lengths = torch.tensor(lengths)
    orders = torch.stack([torch.stack([torch.randperm(len(lengths)) for _ in range(2)]) for _ in range(3)])
    moved, ends = long_last(orders, lengths, size)
    torch.testing.assert_close(moved.sort(-1).values, orders.sort(-1).values)
    batches = moved.split(size, -1)
    assert [int(lengths[batch].max()) for batch in batches] == ends
    assert max(ends) == lengths.max()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("stacked", [True, False])
def test_a_graph_trains_as_plain_steps_do(net, stacked, capsys):
    data = Batch(*(part.cuda() for part in traces(padded=False)[:2]))
    plain = trained([task.cuda() for task in tasks(net, padded=False)], data, stacked=stacked)
    graph = trained([task.cuda() for task in tasks(net, padded=False)], data, "cuda", stacked=stacked)
    assert "CUDA graph: losses" in capsys.readouterr().out
    torch.testing.assert_close(graph.losses, plain.losses, rtol=1e-4, atol=1e-5)
