"""What integrated gradients cost that add up to within 1 %, beside Captum.

    OMP_NUM_THREADS=1 python scripts/benchmark_completeness.py --photographs cifar10_train.parquet
    OMP_NUM_THREADS=1 python scripts/benchmark_completeness.py

A small ResNet learns 6,000 pictures of a table (columns `jpeg` and `label`; without it the digits of scikit-learn)
for two epochs, and its answers to other pictures are explained. dlkit promises that the relevance of each picture
misses at most 1 % of the change of its score; Captum takes the fewest of 16, 32, 64, ... steps that keep this for all
of them. An error of the map is its distance from that of 512 midpoints, as a part of its length, the mean over
pictures. One thread, processor time, medians of rounds in which each takes its turn.
"""

import argparse
import os
import platform
import warnings
from pathlib import Path

import captum.attr
import pandas as pd
import torch
from benchmark_explain import rounds, show
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torchvision.io import decode_jpeg

from dlkit.core.specs import Spec
from dlkit.explain.attribution import IntegratedGradients
from dlkit.explain.fold import folded
from dlkit.models.resnet import ResNet


def trained(table: Path | None, count: int) -> tuple[nn.Module, Tensor]:
    """Return a trained network and pictures that it was not trained on."""
    if table is None:
        digits = load_digits()
        x, y = torch.tensor(digits.images[:, None] / 8 - 1).float(), torch.tensor(digits.target)
    else:
        rows = pd.read_parquet(table, columns=["jpeg", "label"]).sample(6_000 + count, random_state=0)
        x = torch.stack([decode_jpeg(torch.frombuffer(bytearray(file), dtype=torch.uint8)) for file in rows["jpeg"]])
        x, y = (x - 120.0) / 64, torch.tensor(rows["label"].to_numpy(), dtype=torch.long)
    torch.manual_seed(0)
    channels = tuple(str(channel) for channel in range(x.shape[1]))
    net = ResNet(Spec(channels=channels, size=tuple(x.shape[2:]), output=(10,), targets=("class",)), blocks=(2, 2, 2))
    net = net.to(memory_format=torch.channels_last)
    batches = [part for _ in range(2) for part in torch.randperm(len(x) - count).split(100)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=len(batches))
    for part in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
        schedule.step()
    net, x, y = net.eval().requires_grad_(False).to(memory_format=torch.contiguous_format), x[-count:], y[-count:]
    print(f"{float((net(x).argmax(1) == y).float().mean()):.0%} of the pictures are recognized")
    return net, x


def benchmark(table: Path | None, batch: int, count: int) -> None:
    net, x = trained(table, batch)
    targets = net(x).argmax(1)
    change = (net(x) - net(torch.zeros_like(x))).gather(1, targets[:, None])[:, 0]
    captums, fast = captum.attr.IntegratedGradients(net), folded(net, x[:1])
    last = x.to(memory_format=torch.channels_last)

    def theirs(steps: int, method: str = "gausslegendre") -> Tensor:
        return captums.attribute(x, target=targets, n_steps=steps, internal_batch_size=128, method=method)

    def gaps(maps: Tensor) -> Tensor:
        return ((maps.flatten(1).sum(1) - change) / change).abs()

    enough = next(steps for steps in (16, 32, 64, 128, 256, 512, 1024) if gaps(theirs(steps)).max() <= 0.0101)
    names = {f"Captum, {steps} steps": lambda steps=steps: theirs(steps) for steps in sorted({16, 32, 64, enough})}
    for steps in (16, 32):
        own = IntegratedGradients(steps=steps)
        names[f"dlkit, from {steps} steps"] = lambda own=own: own(net, x, targets[:, None])[:, 0]
        names[f"dlkit, from {steps}, folded, last"] = lambda own=own: own(fast, last, targets[:, None])[:, 0]
    fine, notes = theirs(512, "riemann_middle").flatten(1), {}
    for name, run in names.items():
        maps = run()
        error = (maps.flatten(1) - fine).norm(dim=1) / fine.norm(dim=1)
        notes[name] = f"largest error of a sum {gaps(maps).max():.2%}, of the map {error.mean():.2%}"
    show(rounds(names, count), f"Captum, {enough} steps", notes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, help="a Parquet table of JPEG bytes and labels")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    where = platform.processor() or platform.machine()
    print(f"{where}, torch {torch.__version__}, one thread, load {os.getloadavg()[0]:.1f}")
    benchmark(given.photographs, given.batch, given.rounds)
