"""Train on problems of the UCR and UEA archives as published, and set the test accuracies beside the published ones.

    DLKIT_BENCH_DATA=... python scripts/reproduce_traces.py --problems GunPoint Coffee --networks resnet --runs 5
    DLKIT_BENCH_DATA=... python scripts/reproduce_traces.py --together --workers 4   # on a GPU

The protocol is that of the papers: all official training traces train, there is no validation, the weights with the
least training loss are kept, and nothing is chosen on test traces. Each run is written into `--results` when it is
known, so that a study that was stopped goes on, and several may share a folder; the table shows whatever lies there.
"""

import argparse
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from traces_protocol import EPOCHS, NETWORKS, ByTrainingLoss, answers, batch_size, make, patience, read, whole
from traces_published import PROBLEMS, score, table
from traces_together import Together

from dlkit.core.batch import Batch
from dlkit.core.runfolder import atomic_file
from dlkit.train.quiet import quiet_lightning

Job = tuple[str, str, list[int]]  # problem, network, seeds
QUIET: dict[str, Any] = {
    "accelerator": "auto", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
    "enable_checkpointing": False, "num_sanity_val_steps": 0,
}  # fmt: skip


def alone(problem: str, network: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train a run by Lightning."""
    data = read(problem, network, seed)
    task, began = make(problem, network, seed, options.epochs, data), time.perf_counter()
    trainer = pl.Trainer(
        max_epochs=options.epochs, callbacks=[ByTrainingLoss(options.epochs)], precision=options.precision, **QUIET
    )
    trainer.fit(task, datamodule=data)
    seconds = time.perf_counter() - began
    yield {"seed": seed, "epochs": options.epochs, "seconds": seconds, **answers(task, data)}


def together(
    problem: str, network: str, seeds: list[int], options: argparse.Namespace
) -> Iterator[dict[str, Any] | None]:
    """Train several runs as one stacked network; give nothing while they train."""
    device, began = torch.device("cuda" if torch.cuda.is_available() else "cpu"), time.perf_counter()
    torch.backends.cudnn.benchmark = options.search
    data = read(problem, network, 0)
    tasks = [make(problem, network, seed, options.epochs, data).to(device) for seed in seeds]
    traces = whole(data, "train")
    runs = Together(
        tasks, Batch(traces.x.to(device), traces.y.to(device)), seeds=seeds, size=batch_size(problem, network),
        epochs=options.epochs, patience=patience(options.epochs), stacked=not options.streams,
        mixed=options.precision == "bf16-mixed",
    )  # fmt: skip
    yield from runs.train(graph=not options.plain, until=options.until)
    seconds = (time.perf_counter() - began) / len(seeds)
    for seed, task in zip(seeds, tasks, strict=True):
        yield {"seed": seed, "epochs": runs.done, "seconds": seconds, **answers(task, data)}


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


def work(job: Job, options: argparse.Namespace) -> Iterator[None]:
    """Do what is not done of a job, and write each run when it is known."""
    problem, network, seeds = job
    with claimed(options.results / f".{problem}_{network}_{seeds[0]}.lock") as mine:
        seeds = [seed for seed in seeds if mine and not place(options, problem, network, seed).exists()]
        if not seeds or time.time() > options.until:
            return
        train = together(problem, network, seeds, options) if options.together else alone(*job[:2], seeds[0], options)
        for result in train:
            if result is not None:
                keep(place(options, problem, network, result["seed"]), result)
            yield


def keep(place: Path, result: dict[str, Any]) -> None:
    with atomic_file(place) as path, path.open("wb") as file:
        np.savez_compressed(file, **result)
    shown = {name: result[name] for name in ("epochs", "seconds")}
    print(json.dumps({"run": place.stem, **shown, "score": score(result["answer"], result["truth"])}), flush=True)


def serve(jobs: list[Job], options: argparse.Namespace) -> None:
    """Work on jobs that nobody else is at, several in turn."""
    quiet_lightning()
    torch.set_num_threads(1 if options.workers > 1 else torch.get_num_threads())
    waiting, busy = iter(jobs), []
    while True:
        busy += [work(job, options) for job in islice(waiting, options.beside - len(busy))]
        if not busy:
            return
        for training in busy.copy():
            try:
                next(training)
            except StopIteration:
                busy.remove(training)
            except RuntimeError as error:
                print(f"failed: {error}", flush=True)
                busy.remove(training)


def settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="published: 1500")
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--results", type=Path, default=Path("runs/traces"))
    parser.add_argument("--workers", type=int, default=1, help="processes, which may share a GPU")
    parser.add_argument("--beside", type=int, default=1, help="--together: jobs that a process trains in turn")
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
        serve(jobs, options)
    else:
        workers = [get_context("spawn").Process(target=serve, args=(jobs, options)) for _ in range(options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    table(options.results, list(NETWORKS))


if __name__ == "__main__":
    main()
