"""Train on problems of the UCR and UEA archives as published, and set the test accuracies beside the published ones.

    DLKIT_BENCH_DATA=... python scripts/reproduce_traces.py --problems GunPoint Coffee --networks resnet --runs 5
    DLKIT_BENCH_DATA=... python scripts/reproduce_traces.py --together --workers 4   # on a GPU

The protocol is that of the papers: all official training traces train, there is no validation, the weights with the
least training loss are kept, and nothing is chosen on test traces. Each run is written into `--results` when it is
known, so that a study that was stopped goes on, and several may share a folder; the table shows whatever lies there.
"""

import argparse
import copy
import fcntl
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.lr_scheduler import ReduceLROnPlateau
from traces_published import INCEPTION, INCEPTION_AVERAGED, PROBLEMS, RESNET, UCR_ARCHIVE, WANG
from traces_together import LEAST_RATE, RATE, Together

from dlkit.core.batch import Batch
from dlkit.core.runfolder import atomic_file
from dlkit.data.records import Samples
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


def alone(problem: str, network: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train a run by Lightning."""
    data = read(problem, network, seed)
    task, began = make(problem, network, seed, options.epochs, data), time.perf_counter()
    pl.Trainer(max_epochs=options.epochs, callbacks=[ByTrainingLoss(options.epochs)], **QUIET).fit(
        task, datamodule=data
    )
    seconds = time.perf_counter() - began
    yield {"seed": seed, "epochs": options.epochs, "seconds": seconds, **answers(task, data)}


def together(problem: str, network: str, seeds: list[int], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train several runs as one stacked network."""
    device, began = torch.device("cuda" if torch.cuda.is_available() else "cpu"), time.perf_counter()
    torch.backends.cudnn.benchmark = options.search
    data = read(problem, network, 0)
    tasks = [make(problem, network, seed, options.epochs, data).to(device) for seed in seeds]
    traces = whole(data, "train")
    runs = Together(
        tasks, Batch(traces.x.to(device), traces.y.to(device)), seeds=seeds, size=batch_size(problem, network),
        epochs=options.epochs, patience=patience(options.epochs), stacked=not options.streams,
    )  # fmt: skip
    epochs = runs.fit(graph=not options.plain, until=options.until)
    for seed, task in zip(seeds, tasks, strict=True):
        seconds = (time.perf_counter() - began) / len(seeds)
        yield {"seed": seed, "epochs": epochs, "seconds": seconds, **answers(task, data)}


@contextmanager
def claimed(place: Path) -> Iterator[bool]:
    """Say whether nobody else is at it; a process that dies leaves it to others."""
    with place.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def place(options: argparse.Namespace, problem: str, network: str, seed: int) -> Path:
    return options.results / f"{problem}_{network}_{seed}.npz"


def work(job: tuple[str, str, list[int]], options: argparse.Namespace) -> None:
    """Do what is not done of a job, and write each run when it is known."""
    quiet_lightning()
    problem, network, seeds = job
    torch.set_num_threads(1 if options.workers > 1 else torch.get_num_threads())
    with claimed(options.results / f".{problem}_{network}_{seeds[0]}.lock") as mine:
        seeds = [seed for seed in seeds if mine and not place(options, problem, network, seed).exists()]
        if not seeds or time.time() > options.until:
            return
        train = together(problem, network, seeds, options) if options.together else alone(*job[:2], seeds[0], options)
        for result in train:
            with atomic_file(place(options, problem, network, result["seed"])) as path, path.open("wb") as file:
                np.savez_compressed(file, **result)
            shown = {"problem": problem, "network": network} | {k: result[k] for k in ("seed", "epochs", "seconds")}
            print(json.dumps(shown | {"score": score(result["answer"], result["truth"])}), flush=True)


def score(answer: np.ndarray, truth: np.ndarray) -> float:
    """Return the accuracy of probabilities, or the root mean squared error of values."""
    if truth.ndim == 1:
        return float((answer.argmax(-1) == truth).mean())
    return float(np.sqrt(((answer - truth) ** 2).mean()))


def spread(mean: float, deviation: float) -> str:
    return f"{mean:.3f} ± {deviation:.3f}"


def row(results: Path, problem: str, network: str) -> str | None:
    """Return a line of the table: mean and deviation of the runs, what averaging their answers gives, and published."""
    runs = [dict(np.load(file)) for file in sorted(results.glob(f"{problem}_{network}_*.npz"))]
    if not runs:
        return None
    scores = [score(run["answer"], run["truth"]) for run in runs]
    mean, deviation = np.mean(scores), np.std(scores, ddof=1) if len(runs) > 1 else 0.0
    averaged = score(np.mean([run["answer"] for run in runs], axis=0), runs[0]["truth"])
    published = (RESNET if network == "resnet" else INCEPTION).get(problem)
    five = INCEPTION_AVERAGED.get(problem) if network == "inception" else None
    # 5e-4: means were published with three digits
    within = "-" if published is None else "yes" if abs(mean - published[0]) <= published[1] + 5e-4 else "no"
    cells = [
        problem, network, str(len(runs)), "/".join(sorted({str(int(run["epochs"])) for run in runs})),
        spread(mean, deviation), spread(*published) if published else "-", within,
        f"{averaged:.3f}", f"{five:.3f}" if five else "-",
        f"{WANG[problem]:.3f}" if network == "resnet" and problem in WANG else "-",
        f"{np.mean([run['seconds'] for run in runs]):.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def table(results: Path) -> None:
    heads = ["problem", "network", "runs", "epochs", "mean ± deviation", "published", "within", "answers averaged"]
    print("| " + " | ".join([*heads, "published averaged", "Wang 2017", "s a run"]) + " |\n" + "|-" * 11 + "|")
    for line in (row(results, problem, network) for problem in PROBLEMS for network in NETWORKS):
        if line:
            print(line)


def settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="published: 1500")
    parser.add_argument("--results", type=Path, default=Path("runs/traces"))
    parser.add_argument("--workers", type=int, default=1, help="processes, which may share a GPU")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end then, and keep what was reached")
    parser.add_argument("--together", action="store_true", help="all runs of a problem as one network and CUDA graph")
    parser.add_argument("--streams", action="store_true", help="--together: networks in streams instead of stacked")
    parser.add_argument("--search", action="store_true", help="--together: cuDNN tries its algorithms at the start")
    parser.add_argument("--plain", action="store_true", help="--together: without CUDA graphs")
    options = parser.parse_args()
    assert os.environ.get("DLKIT_BENCH_DATA"), "set DLKIT_BENCH_DATA to the folder that holds traces/"
    options.until = time.time() + options.seconds
    return options


def main() -> None:
    options = settings()
    options.results.mkdir(parents=True, exist_ok=True)
    seeds = [list(range(options.runs))] if options.together else [[seed] for seed in range(options.runs)]
    jobs = [(p, n, some) for some in seeds for p in options.problems for n in options.networks]
    if options.workers == 1:
        for job in jobs:
            work(job, options)
    else:
        with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(work, job, options) for job in jobs]):
                print(f"failed: {done.exception()}", flush=True) if done.exception() else None
    table(options.results)


if __name__ == "__main__":
    main()
