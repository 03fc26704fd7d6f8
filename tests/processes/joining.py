"""What processes tell each other, checked in three of them: `python joining.py RANK FOLDER`."""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from torch import distributed

from dlkit.core import processes
from dlkit.metrics.classification import ClassErrors, LabelErrors
from dlkit.metrics.costs import MeanCosts
from dlkit.metrics.forecast import ForecastErrors
from dlkit.metrics.joining import join
from dlkit.metrics.values import ValueErrors
from dlkit.tasks.combined_heads import HeadScores

WORLD, SIZES = 3, [5, 5, 5, 5, 5, 2, 4]


def batches(kind):
    draw = torch.Generator().manual_seed(0)
    for size in SIZES:
        if kind is ClassErrors:
            yield torch.rand(size, 4, generator=draw).softmax(-1), torch.randint(-1, 4, (size,), generator=draw)
        elif kind is LabelErrors:
            truth = (torch.rand(size, 4, generator=draw) > 0.5).float()
            yield (
                torch.rand(size, 4, generator=draw),
                truth.masked_fill(truth + torch.rand(size, 4, generator=draw) > 1.9, torch.nan),
            )
        else:
            shape = (size, 2) if kind is ValueErrors else (size, 6, 2)
            point, target = torch.randn(2, *shape, generator=draw)
            yield point, target, torch.rand(shape, generator=draw) > 0.2, point - 1, point + 1


def measured(metric, kind, rank, world):
    for number, batch in enumerate(batches(kind)):
        if number % world == rank:
            metric.update(*batch)
    return metric


def everything(metric):
    """Return all that is asked of a metric, its states among it."""
    more = [
        getattr(metric, name)()
        for name in ("per_class", "per_channel", "per_horizon", "per_target")
        if hasattr(metric, name)
    ]
    states = {name: getattr(metric, name) for name in metric._defaults}
    return [metric.compute(), *more, {name: torch.cat(s) if isinstance(s, list) else s for name, s in states.items()}]


def check_metrics(rank):
    makers = {
        ClassErrors: lambda: ClassErrors(4, ordinal=True), LabelErrors: lambda: LabelErrors(4),
        ForecastErrors: lambda: ForecastErrors(6, 2, interval=True), ValueErrors: lambda: ValueErrors(2, interval=True),
    }  # fmt: skip
    for kind, make in makers.items():
        alone, joined = measured(make(), kind, 0, 1), measured(make(), kind, rank, WORLD)
        join(torch.nn.ModuleList([joined]))
        for one, other in zip(everything(alone), everything(joined), strict=True):
            for name, value in one.items():
                torch.testing.assert_close(other[name], value, rtol=1e-12, atol=1e-12, equal_nan=True, msg=name)
    check_costs(rank)
    none = ClassErrors(4)
    if rank == 0:
        none.update(torch.eye(4)[:2], torch.tensor([0, 2]))
    join(torch.nn.ModuleList([none]))  # two processes without any batch
    assert none.matrix.sum() == 2
    assert len(torch.cat(none.scores)) == 2


def check_costs(rank):
    """Means of costs count what each batch knows; errors of heads are joined head by head."""
    draw = torch.Generator().manual_seed(0)
    costs, counts = torch.rand(7, 2, generator=draw), torch.randint(0, 5, (7, 2), generator=draw)
    joined, heads = MeanCosts(2), HeadScores({"a": ValueErrors(2), "b": LabelErrors(4)})
    for number in range(rank, 7, WORLD):
        joined.update(costs[number], counts[number].double())
    for name, kind in (("a", ValueErrors), ("b", LabelErrors)):
        for number, batch in enumerate(batches(kind)):
            if number % WORLD == rank:
                heads.heads[name].update(*batch[:3])
    join(joined)
    join(heads)
    expected = [np.average(costs[:, i], weights=counts[:, i]) for i in range(2)]
    assert np.allclose(joined.compute(), expected, rtol=1e-6)
    assert heads.heads["a"].observed.sum() == sum(int(batch[2].sum()) for batch in batches(ValueErrors))
    assert heads.heads["b"].whole[1] == sum(int((~batch[1].isnan()).all(1).sum()) for batch in batches(LabelErrors))


def check_words(rank):
    assert processes.gather_objects({"rank": rank}) == [{"rank": k} for k in range(WORLD)]
    assert processes.of_first([rank]) == [0]
    first = processes.gather_on_first(rank)
    assert first == ([0, 1, 2] if rank == 0 else None)
    assert processes.gather(torch.tensor([rank, 7])).tolist() == [[0, 7], [1, 7], [2, 7]]
    assert float(processes.own_share([4.0, 5.0, 6.0])) == 4.0 + rank
    assert float(processes.own_share([1.0, 3.0])) == 2.0


def check_patience(rank):
    """The common group gives up after 10 seconds; waiting for a process that works alone does not."""
    if rank == 0:
        time.sleep(13)
    processes.wait_for_all()


def meet(rank, folder):
    """Wait for those that come late: on a busy machine they do by more than what the common group waits."""
    (folder / f"{rank}.here").touch()
    while len(list(folder.glob("*.here"))) < WORLD:
        time.sleep(0.02)


if __name__ == "__main__":
    number, folder = int(sys.argv[1]), Path(sys.argv[2])
    os.environ["RANK"] = str(number)
    meet(number, folder)
    store = distributed.FileStore(str(folder / "store"), WORLD)
    distributed.init_process_group("gloo", store=store, rank=number, world_size=WORLD, timeout=timedelta(seconds=10))
    processes.wait_for_all()
    for check in (check_metrics, check_words, check_patience):
        check(number)
    distributed.destroy_process_group()
