"""The loss surface of a deep residual network with and without its skip connections, as Figure 1 of arXiv:1712.09913.

    export DLKIT_BENCH_DATA=...   # the folder that holds images/cifar10_train.parquet and cifar10_test.parquet
    python scripts/reproduce_skip_connections.py
    python scripts/reproduce_skip_connections.py --runs PLAIN SKIP      # the pair of two runs that were trained before

On a GPU: ResNet-56 on CIFAR-10 with the paper's settings (300 epochs, Nesterov SGD, batch 128, weight decay 5e-4,
learning rate 0.1, and 0.01 without skips; published test errors 5.89 and 13.31 %). Without one: a narrow, shorter
network on a few thousand images for a few epochs, which shows the difference in kind, not in size. Both runs and the
figure stay in --out; started again, it goes on with what is there. In minutes on a GPU, at larger batches and learning
rates: --epochs 100 --batch 500 --schedule onecycle --points 51 --samples 2000; --only plain and --only skip may run
side by side, and a last call without them draws the pair.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from dlkit.core.runfolder import RunFolder, read_json
from dlkit.report.canvas import save_figure
from dlkit.report.landscape_figures import pair_figure
from dlkit.report.landscape_view import LossView
from dlkit.train import stages
from dlkit.train.landscape.data import Wish
from dlkit.train.landscape.surfaces import landscape

GPU = torch.cuda.is_available()
DATA = Path(os.environ.get("DLKIT_BENCH_DATA", "../shared/data")).resolve() / "images"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/skip_connections"))
    parser.add_argument("--depth", type=int, default=56 if GPU else 20)
    parser.add_argument("--width", type=int, default=16 if GPU else 8)
    parser.add_argument("--images", type=int, default=50_000 if GPU else 4_000)
    parser.add_argument("--epochs", type=int, default=300 if GPU else 8)
    parser.add_argument("--batch", type=int, default=128 if GPU else 64)
    parser.add_argument("--schedule", choices=["steps", "onecycle"], default="steps")
    parser.add_argument("--only", choices=["plain", "skip"], help="train and measure one of the two, and draw nothing")
    parser.add_argument("--runs", type=Path, nargs=2, metavar=("PLAIN", "SKIP"))
    parser.add_argument("--points", type=int, default=51 if GPU else 15)
    parser.add_argument("--samples", type=int, default=10_000 if GPU else 256)
    return parser.parse_args()


def subset(name: str, images: int, out: Path) -> str:
    """Write as many images of each class as asked for; return the file."""
    whole = DATA / f"cifar10_{name}.parquet"
    path = out / f"{name}_{images}.parquet"
    if not path.exists():
        table = pd.read_parquet(whole)
        path.parent.mkdir(parents=True, exist_ok=True)
        table.groupby("label").sample(images // 10, random_state=0).to_parquet(path)
    return str(path)


def config(args: argparse.Namespace, *, skip: bool) -> dict[str, Any]:
    source = {"image": "jpeg", "label": "class", "color": "rgb"}
    source["path"] = {
        role: subset(role, n, args.out) for role, n in (("train", args.images), ("test", args.images // 5))
    }
    augment = [{"class_path": "dlkit.data.augment.PadCrop", "init_args": {"padding": 4}}, "dlkit.data.augment.Flip"]
    data = {
        "source": {"class_path": "dlkit.data.sources.manifest.Manifest", "init_args": source},
        "split": {"class_path": "dlkit.data.sample_splits.Official", "init_args": {"val": 0.1}},
        "augment": [{"class_path": one} if isinstance(one, str) else one for one in augment],
        "batch_size": args.batch,
        "eval_batch_size": 1000,
    }
    rate = (0.1 if skip else 0.01) * max(1.0, args.batch / 128)
    optimizer = {"lr": rate, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    drops = sorted({max(1, round(args.epochs * part)) for part in (0.5, 0.75, 0.917)})
    schedule: dict[str, Any] = {"milestones": drops}
    if args.schedule == "onecycle":
        steps = args.epochs * -(-9 * args.images // 10 // args.batch)
        schedule = {"max_lr": rate, "total_steps": steps, "pct_start": 0.2, "cycle_momentum": False}
    kind = {"steps": "MultiStepLR", "onecycle": "OneCycleLR"}[args.schedule]
    net = {"depth": args.depth, "width": args.width, "skip": skip}
    model = {
        "net": {"class_path": "dlkit.models.cifar_resnet.CifarResNet", "init_args": net},
        "optimizer": {"class_path": "torch.optim.SGD", "init_args": optimizer},
        "scheduler": {"class_path": f"torch.optim.lr_scheduler.{kind}", "init_args": schedule},
        "scheduler_interval": "epoch" if args.schedule == "steps" else "step",
    }
    return {
        "name": "skip" if skip else "plain",
        "runs": str(args.out),
        "seed_everything": 0,
        "data": {"class_path": "dlkit.data.sample_modules.ImageDataModule", "init_args": data},
        "model": {"class_path": "dlkit.tasks.classify.Classify", "init_args": model},
        "trainer": {"max_epochs": args.epochs, "precision": "bf16-mixed" if GPU else 32, "enable_progress_bar": GPU},
    }


def trained(args: argparse.Namespace, *, skip: bool) -> RunFolder:
    """Return the run, trained now unless it was trained before."""
    settings = config(args, skip=skip)
    path = args.out / f"{settings['name']}-001"
    if (path / "metrics.json").exists():
        return RunFolder.open(path)
    if path.exists():
        stages.fit(["--resume", str(path)])
        return RunFolder.open(path)
    written = args.out / f"{settings['name']}.yaml"
    written.write_text(yaml.safe_dump(settings))
    stages.fit([str(written)])
    return RunFolder.open(path)


def view(run: RunFolder, args: argparse.Namespace, title: str) -> LossView:
    """Return the surface of a run, measured now unless it was measured before, with the error of the last weights."""
    cli, _ = stages.load([str(run.path)])
    [tested] = cli.trainer.test(cli.model, datamodule=cli.datamodule, verbose=False)
    wish = Wish(lines=False, points=args.points, samples=args.samples, precision="bf16")
    folder, _ = landscape(cli, run, wish)
    curvature = read_json(folder / "summary.json")["curvature"]
    error = 100 * (1 - tested["test/accuracy"])
    print(f"{title}: test error {error:.2f} %, largest and smallest curvature {curvature['largest'][0]:.3g} / "
          f"{curvature['smallest']:.3g}", flush=True)  # fmt: skip
    with np.load(folder / "surface.npz") as content:
        return LossView(content["first"], content["second"], content["losses"], title=f"{title}, error {error:.1f} %")


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    titles = {"plain": f"{args.depth} layers without skips", "skip": f"ResNet-{args.depth}"}
    if args.runs:
        found = {name: RunFolder.open(path) for name, path in zip(titles, args.runs, strict=True)}
    else:
        found = {name: trained(args, skip=name == "skip") for name in titles if args.only in (None, name)}
    views = [view(run, args, titles[name]) for name, run in found.items()]
    if len(views) == len(titles):
        print(save_figure(pair_figure(views), args.out / "skip_connections.png"))


if __name__ == "__main__":
    main()
