"""Labelled images: dlkit's loader beside torchvision's, and decoding beside PIL.

    OMP_NUM_THREADS=1 python scripts/benchmark_images.py --rounds 5 --photographs cifar10_test.parquet
    python scripts/benchmark_images.py augment --device cuda

`augment`: 50,000 random images of CIFAR's shape, cropped with a border of 4, flipped and normalized, in batches of
512: dlkit's ImageDataModule beside torchvision's CIFAR10 with RandomCrop, RandomHorizontalFlip, ToTensor and
Normalize in a DataLoader without workers. `decode`: folders of JPEG files of 32 and of 224 pixels, read by dlkit's
ImageFolder and by PIL, one thread each; the small ones are the bytes in the column `jpeg` of `--photographs` (without
that smooth noise), the large ones cut from the two photographs of scikit-learn, and smooth noise. `batches`: those
photographs from their files to normalized float32 batches of 32, by dlkit and by PIL, ToTensor and Normalize. Each
round takes every contestant in turn; times are those of the processor, of the thread that works, so that other users
of the machine count little; ratios are medians over the rounds. On a GPU dlkit's images lie there and are changed
there, and all times are wall times that wait for it.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR10
from torchvision.datasets import ImageFolder as Folder

from dlkit.data.augment import Flip, PadCrop
from dlkit.data.records import Pictures
from dlkit.data.sample_modules import ImageDataModule
from dlkit.data.sample_splits import Stratified
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.sample_arrays import SampleArrays

BATCH, MEAN, STD = 512, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
Contestant = Callable[[], Iterator[int]]


def dlkit_loader(images: np.ndarray, labels: np.ndarray, device: str) -> Contestant:
    """Return dlkit's training epochs."""
    data = ImageDataModule(
        source=SampleArrays.of({"X": images.transpose(0, 3, 1, 2), "y": labels}), augment=[PadCrop(4), Flip()],
        split=Stratified(train=1.0, val=0.0, test=0.0), batch_size=BATCH, batches_per_step=1,
        placement="host" if device == "cpu" else "device",
    )  # fmt: skip
    begin = clock()
    loader = data.train_dataloader()
    print(f"dlkit gets ready in {clock() - begin:.2f} s")
    if device == "cpu":
        return lambda: (len(batch.y) for batch in loader)
    make = data.maker("train")  # as Lightning's hook does
    return lambda: (len(make(places).y) for places in loader)


def torchvision_loader(images: np.ndarray, labels: np.ndarray) -> Contestant:
    """Return the epochs of torchvision's data set, filled without a download."""
    data = CIFAR10.__new__(CIFAR10)
    data.data, data.targets, data.target_transform = images, labels.tolist(), None
    data.transform = transforms.Compose(
        [transforms.RandomCrop(32, 4), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
         transforms.Normalize(MEAN, STD)]
    )  # fmt: skip
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    return lambda: (len(labels) for _, labels in loader)


def dlkit_decoder(folder: Path) -> Contestant:
    """Return the images of a folder, as dlkit reads them."""
    pictures = ImageFolder(path=folder, check="some").read().values
    assert isinstance(pictures, Pictures)
    return lambda: (len(pictures.decode(number)) > 0 for number in range(len(pictures)))


def pil_decoder(folder: Path) -> Contestant:
    """Return the images of a folder, as PIL reads them into an array."""
    files = sorted(folder.rglob("*.jpg"))
    return lambda: (len(np.asarray(Image.open(file).convert("RGB"))) > 0 for file in files)


def write_images(folder: Path, side: int, count: int) -> Path:
    """Write smooth random images, about as hard to compress as photographs."""
    random = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(random.integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8))
        path = folder / str(side) / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        small.resize((side, side), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder / str(side)


def write_cuttings(folder: Path, side: int, count: int) -> Path:
    """Write parts of two photographs."""
    random, large = np.random.default_rng(0), load_sample_images().images
    for number in range(count):
        whole = large[number % 2]
        top, left = (int(random.integers(0, extent - side + 1)) for extent in whole.shape[:2])
        path = folder / "cuttings" / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(whole[top : top + side, left : left + side]).save(path, quality=90)
    return folder / "cuttings"


def dlkit_batches(folder: Path) -> Contestant:
    """Return batches of the images of a folder, decoded again for each."""
    data = ImageDataModule(
        source=ImageFolder(path=folder), split=Stratified(train=1.0, val=0.0, test=0.0), batch_size=32,
        placement="files", batches_per_step=1,
    )  # fmt: skip
    loader = data.train_dataloader()
    return lambda: (len(batch.y) for batch in loader)


def pil_batches(folder: Path) -> Contestant:
    """Return the same with PIL and torchvision's transforms."""
    data = Folder(folder, transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)]))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return lambda: (len(labels) for _, labels in loader)


def write_photographs(folder: Path, table: Path, count: int) -> Path:
    """Write the encoded images of a table."""
    import pandas as pd

    for number, content in enumerate(pd.read_parquet(table, columns=["jpeg"])["jpeg"].iloc[:count]):
        path = folder / "photographs" / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "photographs"


def clock() -> float:
    """Return this thread's time, or wall time once a GPU that is used has done what it was asked for."""
    if not torch.cuda.is_initialized():
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def speed(contestant: Contestant, seconds: float) -> float:
    """Return images/s, over at least some seconds."""
    done, begin, every = 0, clock(), 10 if torch.cuda.is_initialized() else 1  # asking the time waits for a GPU
    while clock() - begin < seconds:
        for number, images in enumerate(contestant()):
            done += images
            if number % every == 0 and clock() - begin >= seconds:
                break
    return done / (clock() - begin)


def compare(title: str, contestants: dict[str, Contestant], *, rounds: int, seconds: float) -> None:
    """Print images/s of each contestant, and how many times as fast the first is."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for each in contestants.values():
        next(iter(each()))
    for _ in range(rounds):
        for name, contestant in contestants.items():
            found[name].append(speed(contestant, seconds))
    ours, *others = found
    for other in others:
        ratios = [a / b for a, b in zip(found[ours], found[other], strict=True)]
        print(
            f"{title}: {ours} {statistics.median(found[ours]):,.0f}, {other} {statistics.median(found[other]):,.0f} "
            f"images/s; {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["augment", "decode", "batches"], help="augment, decode, batches")
    parser.add_argument("--photographs", type=Path, help="a Parquet table of JPEG bytes, 32 x 32 pixels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    args = parser.parse_args()
    where = platform.processor() or platform.machine()
    if args.device == "cuda":
        torch.cuda.init()
        where = torch.cuda.get_device_name()
    print(f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    measure = {"rounds": args.rounds, "seconds": args.seconds}
    if "augment" in args.what:
        random = np.random.default_rng(0)
        images, labels = random.integers(0, 256, (50_000, 32, 32, 3), dtype=np.uint8), random.integers(0, 10, 50_000)
        loaders = {
            "dlkit": dlkit_loader(images, labels, args.device),
            "torchvision": torchvision_loader(images, labels),
        }
        compare("crop, flip, normalize", loaders, **measure)
    if "decode" in args.what:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            small = write_photographs(folder, args.photographs, 4_000) if args.photographs else None
            folders = {
                "32 pixels": small or write_images(folder, 32, 4_000),
                "224 pixels, photographs": write_cuttings(folder, 224, 400),
                "224 pixels, smooth noise": write_images(folder, 224, 400),
            }
            for title, path in folders.items():
                decoders = {"dlkit": dlkit_decoder(path), "PIL": pil_decoder(path)}
                compare(f"JPEG of {title}", decoders, **measure)
    if "batches" in args.what:
        with tempfile.TemporaryDirectory() as name:
            path = write_cuttings(Path(name), 224, 400)
            loaders = {"dlkit": dlkit_batches(path), "PIL": pil_batches(path)}
            compare("JPEG of 224 pixels to batches", loaders, **measure)


if __name__ == "__main__":
    main()
