"""What an explanation costs beside pytorch-grad-cam and Captum, for the same map.

    python scripts/benchmark_explain.py cam ig
    python scripts/benchmark_explain.py cam ig --device cuda --batch 64

A ResNet-18 of torchvision on images of 224 x 224, one thread, processor time of the process (on a GPU wall time, which
waits for it), every round takes each contestant in turn. cam: Grad-CAM from images to maps in [0, 1] of the images'
extent, beside pytorch-grad-cam. ig: integrated gradients with the same nodes beside Captum; the error is what the sums
miss of the change of the score. Folding the batch norms is done once a network and is not in the times of the maps; it
is given by itself. On a GPU float32 is float32 for all: TensorFloat-32, which convolutions would take, is off.
"""

import argparse
import copy
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import captum.attr
import torch
import torchvision
from pytorch_grad_cam import GradCAM as TheirGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from dlkit.explain.attribution import IntegratedGradients
from dlkit.explain.base import still
from dlkit.explain.cam import GradCAM, resize, unit_range
from dlkit.explain.fold import folded

DEVICE = "cpu"


class Cut(nn.Module):
    """torchvision's network, cut before the pooling."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*list(net.children())[:-2])
        self.tail = nn.Sequential(net.avgpool, nn.Flatten(1), net.fc)

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)

    def head(self, z: Tensor) -> Tensor:
        return self.tail(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def trained_like() -> nn.Module:
    """A network whose batch norms have seen something; no weights are downloaded."""
    torch.manual_seed(0)
    net = torchvision.models.resnet18(weights=None).to(DEVICE)
    with torch.no_grad():
        for _ in range(20):
            net(images(4))
    return net.eval()


def images(count: int) -> Tensor:
    """Smooth pictures with bright and dark places, standardized."""
    coarse = torch.randn(count, 3, 7, 7)
    fine = nn.functional.interpolate(coarse, (224, 224), mode="bicubic")
    return (fine + 0.3 * torch.randn(count, 3, 224, 224)).to(DEVICE)


def clock() -> float:
    """Return processor time, or wall time once the GPU has done what it was asked for."""
    if DEVICE == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def rounds(contestants: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Return the median time of each contestant in seconds."""
    for run in contestants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count):
        for name, run in contestants.items():
            began = clock()
            run()
            times[name].append(clock() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def show(times: dict[str, float], base: str, notes: dict[str, str]) -> None:
    print(f"{'':<34}{'seconds':>10}{'ratio':>8}")
    for name, seconds in times.items():
        print(f"{name:<34}{seconds:>10.4f}{times[base] / seconds:>7.2f}x  {notes.get(name, '')}")


def benchmark_cam(batch: int, count: int) -> None:
    net = trained_like()
    x, targets = images(batch), torch.randint(0, 1000, (batch, 1)).to(DEVICE)
    theirs = TheirGradCAM(model=net, target_layers=[net.layer4[-1]])
    wanted = [ClassifierOutputTarget(int(target)) for target in targets]
    plain, last = Cut(net), x.to(memory_format=torch.channels_last)
    turned = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    began = clock()
    fast = folded(plain, x[:1])
    print(f"folding {clock() - began:.2f} s, once a network")

    def own(cut: nn.Module, images: Tensor) -> Tensor:
        with still(cut):
            maps = GradCAM().coarse(cut, images, targets)
        return unit_range(resize(unit_range(maps), images.shape[2:]))[:, 0]

    half = copy.deepcopy(fast)
    half.body.bfloat16()  # the head keeps its precision

    names = {
        "pytorch-grad-cam": lambda: torch.from_numpy(theirs(x, wanted)).to(DEVICE),
        "dlkit": lambda: own(plain, x),
        "dlkit, channels last": lambda: own(turned, last),
        "dlkit, folded, channels last": lambda: own(fast, last),
        "dlkit, folded, bfloat16": lambda: own(half, last.bfloat16()),
    }
    exact = own(copy.deepcopy(plain).double(), x.double())
    truth, notes = names["pytorch-grad-cam"](), {}
    for name, run in names.items():
        beside, error = (float((run() - other).abs().max()) for other in (truth, exact))
        notes[name] = f"largest difference {beside:.1e}, from float64 {error:.1e}"
    show(rounds(names, count), "pytorch-grad-cam", notes)


def quickest(captums: captum.attr.IntegratedGradients, x: Tensor, targets: Tensor, steps: int) -> int:
    """Return the rows at once with which Captum is quickest."""
    seconds = rounds(
        {
            str(rows): lambda rows=rows: captums.attribute(x, target=targets, n_steps=steps, internal_batch_size=rows)
            for rows in (32, 64, 128, 256, 512)
        },
        2,
    )
    print("Captum, seconds by rows at once:", {rows: round(value, 4) for rows, value in seconds.items()})
    return int(min(seconds, key=lambda rows: seconds[rows]))


def benchmark_ig(batch: int, steps: int, count: int) -> None:
    net = trained_like()
    x, targets = images(batch), torch.randint(0, 1000, (batch,)).to(DEVICE)
    fast, last = folded(net, x[:1]), x.to(memory_format=torch.channels_last)
    captums = captum.attr.IntegratedGradients(net)
    own = IntegratedGradients(steps=steps, most_steps=steps)
    rows = 8 if DEVICE == "cpu" else quickest(captums, x, targets, steps)  # on a CPU of 1, 2, 4, 8, 16

    def rough() -> Tensor:
        with torch.autocast(DEVICE, torch.bfloat16):
            return own(fast, last, targets[:, None])[:, 0]

    names = {
        "Captum": lambda: captums.attribute(x, target=targets, n_steps=steps, internal_batch_size=rows),
        "dlkit": lambda: own(net, x, targets[:, None])[:, 0],
        "dlkit, folded, channels last": lambda: own(fast, last, targets[:, None])[:, 0],
        "dlkit, folded, bfloat16": rough,
    }
    with torch.no_grad():
        change = (net(x) - net(torch.zeros_like(x))).gather(1, targets[:, None])[:, 0]
    notes = {}
    truth = names["Captum"]()
    for name, run in names.items():
        found = run()
        gap = float((found.flatten(1).sum(1) - change).abs().max() / change.abs().max())
        difference = float((found - truth).abs().max() / truth.abs().max())
        notes[name] = f"error of the sum {100 * gap:.2g} %, largest difference {100 * difference:.2g} %"
    show(rounds(names, count), "Captum", notes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["cam", "ig"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    given = parser.parse_args()
    DEVICE = given.device
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
    where = platform.processor() or platform.machine()
    where = where if DEVICE == "cpu" else f"{torch.cuda.get_device_name()}, {given.batch} images"
    print(f"{where}, torch {torch.__version__}, one thread, load {os.getloadavg()[0]:.1f}")
    if "cam" in given.parts:
        benchmark_cam(given.batch, given.rounds)
    if "ig" in given.parts:
        benchmark_ig(2 if DEVICE == "cpu" else given.batch, given.steps, given.rounds)
