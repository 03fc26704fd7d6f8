"""How problems of traces are trained in the published protocol: data, network, batches, learning rate, and answers."""

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.lr_scheduler import ReduceLROnPlateau
from traces_published import PROBLEMS, UCR_ARCHIVE

from dlkit.core.batch import Batch
from dlkit.data.records import Samples
from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sample_splits import Official
from dlkit.data.sources.ucr import UCR
from dlkit.models.inception_time import InceptionTime
from dlkit.models.series_resnet import SeriesResNet
from dlkit.tasks.classify import Classify
from dlkit.tasks.regress import Regress

NETWORKS = {"resnet": SeriesResNet, "inception": InceptionTime}
EPOCHS, RATE, LEAST_RATE = 1500, 1e-3, 1e-4


def long_last(orders: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, list[int]]:
    """Move the batches that have one of the 1 % longest traces to the end of their epoch, to compute less padding.

    Args:
        orders: Numbers of the traces, (epochs, runs, traces).
        lengths: Of the traces.
        size: Traces a batch.

    Returns:
        The orders, and for each batch of an epoch the longest trace that it ever has.
    """
    whole = orders.shape[-1] // size * size
    batches = orders[..., :whole].unflatten(-1, (-1, size))
    longest = lengths[batches].amax(-1)
    place = (longest > lengths.float().quantile(0.99)).int().sort(dim=-1, stable=True).indices
    moved = batches.gather(-2, place[..., None].expand_as(batches)).flatten(-2)
    ends = longest.gather(-1, place).amax((0, 1)).tolist()
    rest = [int(lengths[orders[..., whole:]].max())] if whole < orders.shape[-1] else []
    return torch.cat([moved, orders[..., whole:]], -1), ends + rest


class Plateau:
    """Halves the learning rate of each run when its loss has not fallen by 1e-4 for ``patience`` epochs, as Keras does.

    Args:
        runs: Number of runs.
        patience: Epochs.
        device: Where the losses are; nothing is copied from there.
    """

    def __init__(self, runs: int, patience: int, device: torch.device) -> None:
        self.patience = patience
        self.rate = torch.full((runs,), RATE, device=device)
        self.best = torch.full((runs,), torch.inf, device=device)
        self.wait = torch.zeros(runs, dtype=torch.int64, device=device)

    def step(self, loss: Tensor) -> None:
        better = loss < self.best - 1e-4
        self.best.copy_(torch.where(better, loss, self.best))
        self.wait.add_(1).mul_(~better)
        stalled = self.wait >= self.patience
        self.rate.copy_(torch.where(stalled, (self.rate / 2).clamp_min(LEAST_RATE), self.rate))
        self.wait.mul_(~stalled)


class EachNormalized(UCR):
    """Traces of mean 0 and deviation 1 each, which the authors made of every problem of the UCR archive."""

    def read(self) -> Samples:
        samples = super().read()
        mean, deviation = (f(samples.values, axis=-1, keepdims=True) for f in (np.nanmean, np.nanstd))
        return replace(samples, values=(samples.values - mean) / np.where(deviation > 0, deviation, 1))


class ByTrainingLoss(pl.Callback):
    """Halves the learning rate when the training loss stalls, and ends with the weights of the least training loss."""

    def __init__(self, epochs: int) -> None:
        self.patience, self.least, self.best, self.schedule = patience(epochs), float("inf"), {}, None

    def on_train_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        if self.schedule is None:
            self.schedule = ReduceLROnPlateau(
                trainer.optimizers[0], factor=0.5, patience=self.patience - 1, threshold=1e-4, threshold_mode="abs",
                min_lr=LEAST_RATE,
            )  # fmt: skip
        else:
            self.look(trainer, task)

    def on_train_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.look(trainer, task)
        task.load_state_dict(self.best)

    def look(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        loss = float(trainer.callback_metrics["train/loss"])  # of the epoch that has just ended
        self.schedule.step(loss)
        if loss < self.least:
            self.least, self.best = loss, copy.deepcopy(task.state_dict())


def patience(epochs: int) -> int:
    """Return the published 50 of 1,500 epochs, or the same share of fewer."""
    return max(epochs // 30, 1)


def batch_size(problem: str, network: str) -> int:
    """Return the traces a batch in the authors' code of the network."""
    return 64 if network == "inception" else max(int(min(PROBLEMS[problem] / 10, 16)), 2)


def read(problem: str, network: str, seed: int) -> TraceDataModule:
    source = (EachNormalized if problem in UCR_ARCHIVE else UCR)(path=f"$DLKIT_BENCH_DATA/traces/{problem}.npz")
    size = batch_size(problem, network)
    return TraceDataModule(source=source, split=Official(val=0), batch_size=size, eval_batch_size=64, seed=seed)


def make(problem: str, network: str, seed: int, epochs: int, data: TraceDataModule) -> Classify | Regress:
    """Return a new network that averages over batches as slowly as Keras does, 0.99, or the same share of few steps."""
    pl.seed_everything(seed, verbose=False)
    kind = Regress if data.spec.kind == "values" else Classify
    task = kind(spec=data.spec, net=NETWORKS[network], optimizer=partial(torch.optim.Adam, lr=RATE, fused=True))
    steps = epochs * -(-PROBLEMS[problem] // batch_size(problem, network))
    for norm in task.modules():
        if isinstance(norm, _BatchNorm):
            norm.momentum, norm.eps = min(max(15 / steps, 0.01), 0.1), 1e-3
    task.take_scaling(data)
    return task


def whole(data: TraceDataModule, role: str) -> Batch:
    places = data.places(role)
    return data.make_batch(places.starts(torch.arange(len(places))), role)


@torch.no_grad()
def answers(task: Classify | Regress, data: TraceDataModule) -> dict[str, np.ndarray]:
    """Return answers and truth of the test traces."""
    batch, device = whole(data, "test"), next(task.parameters()).device
    found = []
    for chosen in torch.arange(len(batch.x)).split(64):
        part = Batch._make(None if values is None else values[chosen].to(device) for values in batch)
        found.append(task.eval().predict_step(part, 0))
    name = found[0]._fields[1]
    return {
        to: torch.cat([getattr(a, of) for a in found]).cpu().numpy() for to, of in (("answer", name), ("truth",) * 2)
    }
