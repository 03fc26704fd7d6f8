"""What several answers cost: five networks in turn and at once, dropout and Laplace, beside one forward pass.

    python scripts/benchmark_members.py [--device cuda] [--rounds 10]

Contestants take turns and the best time counts, so a busy machine changes ratios little. Everything from the batch to
answers in physical units with their uncertainty is timed.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch

from dlkit.core.batch import Batch
from dlkit.core.specs import Spec
from dlkit.losses.likelihood import Gaussian
from dlkit.models.dlinear import DLinear
from dlkit.models.fcn import FCN
from dlkit.models.lstm import LSTM
from dlkit.models.mlp import MLP
from dlkit.models.patchtst import PatchTST
from dlkit.models.resnet import ResNet
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.laplace import fit_laplace
from dlkit.tasks.members import Dropout, Ensemble

SERIES = Spec(channels=tuple("abcdefg"), size=(96,), output=(96, 7, 1), targets=tuple("abcdefg"))
CLASSES = {"output": (10,), "kind": "class", "classes": tuple("0123456789")}
TRACES, IMAGES = (Spec(channels=("r", "g", "b"), size=size, **CLASSES) for size in ((128,), (32, 32)))
SMALL_PATCHES = partial(PatchTST, d_model=16, heads=4, d_ff=64)
NETS = {
    "MLP": (Forecast, SERIES, MLP), "DLinear": (Forecast, SERIES, DLinear), "LSTM": (Forecast, SERIES, LSTM),
    "PatchTST small": (Forecast, SERIES, SMALL_PATCHES), "FCN": (Classify, TRACES, FCN),
    "ResNet 32x32": (Classify, IMAGES, ResNet),
}  # fmt: skip


def seconds(work: Callable[[], object], device: str) -> float:
    if device == "cpu":  # one thread: its own time, whatever else runs
        begun = time.process_time()
        work()
        return time.process_time() - begun
    begun = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def contest(name: str, size: int, device: str, rounds: int) -> None:
    kind, spec, net = NETS[name]
    options = {"loss": Gaussian()} if kind is Forecast else {}
    one, *others = (kind(spec=spec, net=net, **options).eval().to(device) for _ in range(5))
    x = torch.randn(size, len(spec.channels), *spec.size)
    y = torch.randn(size, 96, 7) if kind is Forecast else torch.randint(0, 10, (size,))
    batch = Batch(x.to(device), y.to(device), start=torch.arange(size, device=device))
    ways = {
        "one": None,
        "in turn": Ensemble(one, others, batched=False),
        "at once": Ensemble(one, others, batched=True),
    }
    if name in ("MLP", "PatchTST small", "LSTM"):
        ways["Laplace"] = fit_laplace(one, [batch], 1.0).to(device)
    if name in ("MLP", "PatchTST small"):
        ways["dropout, 20 draws"] = Dropout(one, draws=20)
    best = dict.fromkeys(ways, float("inf"))
    with torch.no_grad():
        for number in range(rounds + 1):  # the first warms up
            for way, members in ways.items():
                one.members = members
                took = seconds(lambda: one.predict_step(batch, 0), device)
                best[way] = min(best[way], took) if number else best[way]
    ratios = "  ".join(f"{way} {best[way] / best['one']:.2f}x" for way in ways if way != "one")
    note = "" if ways["at once"].batched else " (at once is not possible)"
    print(f"{name:<15} batch {size:>4}  one {1e3 * best['one']:8.2f} ms  {ratios}{note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--nets", nargs="+", default=list(NETS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.nets:
        for size in given.sizes:
            contest(name, size, given.device, given.rounds)


if __name__ == "__main__":
    main()
