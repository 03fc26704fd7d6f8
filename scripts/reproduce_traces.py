"""Train on problems of the UCR and UEA archives as published, and set the test accuracies beside the published ones.

    DLKIT_BENCH_DATA=... python scripts/reproduce_traces.py --problems GunPoint Coffee --networks resnet --runs 5

The protocol is that of the papers: all official training traces train, there is no validation, the weights with the
least training loss are kept, and nothing is chosen on test traces. Each run is written into `--results` when it is
known, so that a study that was stopped goes on; the table shows whatever lies there.
"""

import argparse
import copy
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau
from traces_published import INCEPTION, PROBLEMS, RESNET, WANG

from dlkit.core.runfolder import atomic_file
from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sample_splits import Official
from dlkit.data.sources.ucr import UCR
from dlkit.models.inception_time import InceptionTime
from dlkit.models.series_resnet import SeriesResNet
from dlkit.tasks.classify import Classify
from dlkit.tasks.regress import Regress
from dlkit.train.cli import quiet_lightning

NETWORKS = {"resnet": SeriesResNet, "inception": InceptionTime}
EPOCHS = 1500
QUIET: dict[str, Any] = {
    "accelerator": "auto", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
    "enable_checkpointing": False, "num_sanity_val_steps": 0,
}  # fmt: skip


class ByTrainingLoss(pl.Callback):
    """Halves the learning rate when the training loss stalls, and ends with the weights of the least training loss.

    The published patience is 50 of 1,500 epochs; of fewer epochs it is the same share.
    """

    def __init__(self, epochs: int) -> None:
        self.patience, self.least, self.best, self.schedule = max(epochs // 30, 1), float("inf"), {}, None

    def on_train_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        if self.schedule is None:
            self.schedule = ReduceLROnPlateau(
                trainer.optimizers[0], factor=0.5, patience=self.patience, threshold=1e-4, min_lr=1e-4
            )
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


def run(problem: str, network: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train once and return answers and truth of the test traces."""
    pl.seed_everything(seed, verbose=False)
    source = UCR(path=f"$DLKIT_BENCH_DATA/traces/{problem}.npz")
    size = max(int(min(PROBLEMS[problem] / 10, 16)), 2)
    data = TraceDataModule(source=source, split=Official(val=0), batch_size=size, eval_batch_size=64, seed=seed)
    kind = Regress if data.spec.kind == "values" else Classify
    task = kind(spec=data.spec, net=NETWORKS[network], optimizer=partial(torch.optim.Adam, lr=1e-3, fused=True))
    began, cpu = time.perf_counter(), time.process_time()
    trainer = pl.Trainer(max_epochs=epochs, callbacks=[ByTrainingLoss(epochs)], **QUIET)
    trainer.fit(task, datamodule=data)
    took = {"epochs": epochs, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    answers = trainer.predict(task, datamodule=data)
    parts = {name: torch.cat([getattr(a, name) for a in answers]).numpy() for name in (answers[0]._fields[1], "truth")}
    return {"answer": parts[answers[0]._fields[1]], "truth": parts["truth"], **took}


def score(answer: np.ndarray, truth: np.ndarray) -> float:
    """Return the accuracy of probabilities, or the root mean squared error of values."""
    if truth.ndim == 1:
        return float((answer.argmax(-1) == truth).mean())
    return float(np.sqrt(((answer - truth) ** 2).mean()))


def load(results: Path, problem: str, network: str) -> list[dict[str, np.ndarray]]:
    return [dict(np.load(file)) for file in sorted(results.glob(f"{problem}_{network}_*.npz"))]


def row(results: Path, problem: str, network: str) -> str | None:
    """Return a line of the table: mean and deviation of the runs, what averaging their answers gives, and published."""
    runs = load(results, problem, network)
    if not runs:
        return None
    scores = [score(run["answer"], run["truth"]) for run in runs]
    joint = score(np.mean([run["answer"] for run in runs], axis=0), runs[0]["truth"]) if len(runs) > 1 else None
    published = RESNET.get(problem) if network == "resnet" else INCEPTION.get(problem)
    spread = f" ± {np.std(scores):.3f}" if len(scores) > 1 else ""
    cells = [
        problem, network, str(len(runs)), str(int(runs[0]["epochs"])), f"{np.mean(scores):.3f}{spread}",
        "-" if joint is None else f"{joint:.3f}", published or "-",
        f"{WANG[problem]:.3f}" if network == "resnet" and problem in WANG else "-",
        f"{np.mean([run['cpu'] for run in runs]):.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="published: 1500")
    parser.add_argument("--results", type=Path, default=Path("runs/traces"))
    options = parser.parse_args()
    quiet_lightning()
    assert os.environ.get("DLKIT_BENCH_DATA"), "set DLKIT_BENCH_DATA to the folder that holds traces/"
    options.results.mkdir(parents=True, exist_ok=True)
    jobs = [(p, n, seed) for seed in range(options.runs) for p in options.problems for n in options.networks]
    for problem, network, seed in jobs:
        place = options.results / f"{problem}_{network}_{seed}.npz"
        if not place.exists():
            result = run(problem, network, seed, options.epochs)
            with atomic_file(place) as path, path.open("wb") as file:
                np.savez(file, **result)
            reached = {"score": score(result["answer"], result["truth"]), "cpu": round(result["cpu"])}
            print(json.dumps({"problem": problem, "network": network, "seed": seed, **reached}), flush=True)
    print("| problem | network | runs | epochs | mean ± deviation | answers averaged | published | Wang 2017 | CPU s |")
    print("|-|-|-|-|-|-|-|-|-|")
    for problem in PROBLEMS:
        for network in NETWORKS:
            line = row(options.results, problem, network)
            if line:
                print(line)


if __name__ == "__main__":
    main()
