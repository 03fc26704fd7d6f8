"""How fast a loss surface is beside the plain loop that copies the network, loads moved weights and evaluates.

    OMP_NUM_THREADS=1 python scripts/benchmark_landscape.py --points 7 --rounds 3

A small CNN on images of CIFAR's shape; a few points of the plane stand for 25 x 25 of the same cost. Contestants take
turns row by row within one run; processor time of the process, so that other users of the machine do not count (on a
GPU: wall time). The plain loop does deepcopy, load_state_dict, a DataLoader, a sum of `.item()`; it comes in three
forms: over torchvision's pictures with ToTensor and Normalize, as in the code of arXiv:1712.09913 (batch 128), and over
tensors that were made once, in batches of 1024 and of 128.
"""

import argparse
import copy
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms

from dlkit.core.specs import Spec
from dlkit.explain.landscape.directions import Direction, random_directions
from dlkit.explain.landscape.grid import axis, plane
from dlkit.explain.landscape.surface import Surface
from dlkit.models.cnn import CNN
from dlkit.models.resnet import ResNet
from dlkit.train.landscape.data import CPU_BATCH

NETS = {"cnn": CNN, "resnet": ResNet}
Row = Callable[[Tensor], Tensor]


def network(name: str, device: torch.device) -> nn.Module:
    """Return a network whose batch norms have seen images."""
    torch.manual_seed(0)
    spec = Spec(channels=("r", "g", "b"), size=(32, 32), output=(10,), kind="class", classes=tuple("0123456789"))
    net = NETS[name](spec)
    for _ in range(20):
        net(torch.randn(64, 3, 32, 32))
    return net.to(device).eval()


@torch.no_grad()
def plain_loss(net: nn.Module, loader: DataLoader, step: Direction, device: torch.device) -> float:
    moved = copy.deepcopy(net)
    weights = moved.state_dict()
    moved.load_state_dict({name: w + step[name] if name in step else w for name, w in weights.items()})
    moved.eval()
    total, count = 0.0, 0
    for images, labels in loader:
        total += F.cross_entropy(moved(images.to(device)), labels.to(device), reduction="sum").item()
        count += len(labels)
    return total / count


class Pictures(Dataset):
    """What torchvision's CIFAR10 does for each image."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        self.pixels, self.labels = pixels.permute(0, 2, 3, 1).numpy(), labels.tolist()
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[number])), self.labels[number]

    def __len__(self) -> int:
        return len(self.labels)


def plain(net: nn.Module, data: Dataset, batch: int, directions: tuple[Direction, Direction]) -> Row:
    loader = DataLoader(data, batch_size=batch)
    device = next(net.parameters()).device
    first, second = ({name: part.to(device) for name, part in step.items()} for step in directions)

    def row(places: Tensor) -> Tensor:
        losses = []
        for a, b in places.tolist():
            step = {name: a * first[name] + b * second[name] for name in first}
            losses.append(plain_loss(net, loader, step, device))
        return torch.tensor(losses, dtype=torch.float64)

    return row


def ours(net: nn.Module, images: Tensor, labels: Tensor, directions, stack: ExitStack, precision: str) -> Row:
    device = next(net.parameters()).device
    size, last = (CPU_BATCH[precision] if device.type == "cpu" else 1024), device.type == "cpu" or precision == "bf16"
    layout = torch.channels_last if last else torch.contiguous_format
    images = images.bfloat16() if precision == "bf16" else images  # as dlkit.train.landscape.data does
    parts = [part.to(device).contiguous(memory_format=layout) for part in images.split(size)]
    batches = list(zip(parts, labels.to(device).split(size), strict=True))
    own = copy.deepcopy(net)
    surface = Surface(
        own, lambda batch: F.cross_entropy(own(batch[0]), batch[1]), batches, directions,
        counts=[len(batch[1]) for batch in batches], precision=precision, channels_last=last,
    )  # fmt: skip
    stack.enter_context(surface)
    return surface.row


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def measure(contestants: dict[str, Row], places: Tensor, rounds: int, device: torch.device) -> tuple[dict, dict]:
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    losses: dict[str, Tensor] = {}
    for row in contestants.values():
        row(places[0, :1])
    for _ in range(rounds):
        spent, found = dict.fromkeys(contestants, 0.0), {name: [] for name in contestants}
        for line in places:
            for name, row in contestants.items():
                began = clock(device)
                found[name].append(row(line))
                spent[name] += clock(device) - began
        for name in contestants:
            seconds[name].append(spent[name])
            losses[name] = torch.stack(found[name])
    return seconds, losses


def table(seconds: dict[str, list[float]], losses: dict[str, Tensor], points: int) -> Iterator[str]:
    base = next(iter(seconds))
    yield "| | ms a point | 25 x 25, s | times as fast as the first | largest difference | relative |"
    yield "|-|-:|-:|-:|-:|-:|"
    for name, spent in seconds.items():
        each = statistics.median(spent) / points**2
        ratio = statistics.median(b / s for b, s in zip(seconds[base], spent, strict=True))
        away = (losses[name] - losses[base]).abs()
        relative = float((away / losses[base].abs()).max())
        numbers = f"{1e3 * each:.0f} | {625 * each:.0f} | {ratio:.2f} | {float(away.max()):.2g} | {relative:.2g}"
        yield f"| {name} | {numbers} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--net", choices=NETS, default="cnn")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = network(args.net, device)
    pixels = torch.randint(256, (args.images, 3, 32, 32), dtype=torch.uint8)
    images, labels = pixels.float().div(255).sub(0.5).div(0.5), torch.randint(10, (args.images,))
    tensors = TensorDataset(images, labels)
    directions = random_directions(net, torch.Generator().manual_seed(0))
    places = plane(axis(-1.0, 1.0, args.points), axis(-1.0, 1.0, args.points))
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, one process"
    print(f"{args.net}, {sum(p.numel() for p in net.parameters())} weights, {args.images} images, {args.points} x "
          f"{args.points} points, {args.rounds} rounds, {torch.get_num_threads()} threads, {where}")  # fmt: skip
    with ExitStack() as stack:
        contestants = {
            "plain loop, torchvision, batch 128": plain(net, Pictures(pixels, labels), 128, directions),
            "plain loop, tensors, batch 1024": plain(net, tensors, 1024, directions),
            "plain loop, tensors, batch 128": plain(net, tensors, 128, directions),
        }
        for precision in ("32", "bf16"):
            contestants[f"dlkit, {precision}"] = ours(net, images, labels, directions, stack, precision)
        print(*table(*measure(contestants, places, args.rounds, device), args.points), sep="\n")


if __name__ == "__main__":
    main()
