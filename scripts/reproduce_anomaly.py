"""Score the series of NAB and SMAP with autoencoders, with PCA beside them, and set the measures side by side.

    DLKIT_BENCH_DATA=... python scripts/reproduce_anomaly.py --sets nab smap --methods pca conv vae --seeds 3

Each series has its own weights, all have one configuration. It was chosen on a few series, marked `dev` in
`anomaly_recipes.py` and reported apart; thresholds come from normal rows. NAB's own rule takes the best threshold on
its labels, so its score is an oracle for every method. The scores of each series are written when they are known, so
that a study that was stopped goes on.
"""

import argparse
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from anomaly_recipes import PCA, RECIPES, SETS, WINDOW, Case, Recipe, against_past, is_dev
from torch.optim.lr_scheduler import OneCycleLR

from dlkit.core.runfolder import atomic_file
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.metrics.anomaly import anomaly_measures
from dlkit.metrics.nab import nab_score
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.anomalies.events import Judged, apply, fit, merged_errors, row_errors
from dlkit.train.quiet import quiet_lightning

QUIET: dict[str, Any] = {
    "accelerator": "cpu", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
    "enable_checkpointing": False, "num_sanity_val_steps": 0, "limit_val_batches": 0,
}  # fmt: skip
SHOWN = ("auroc", "auprc", "vus_roc", "vus_pr", "affiliation_precision", "affiliation_recall", "range_f1", "f1",
         "detected", "false_alarms_per_1000_rows")  # fmt: skip


def train(how: Recipe, data: ReconstructionDataModule) -> Reconstruct:
    """Train as many steps whatever the length of the series; nothing is looked at on the way."""
    epochs = max(round(how.steps / math.ceil(len(data.prepared.windows["train"]) / data.batch_size)), 1)
    steps = epochs * math.ceil(len(data.prepared.windows["train"]) / data.batch_size)
    task = Reconstruct(
        spec=data.spec, net=how.net, lr=how.lr, scheduler_interval="step",
        scheduler=lambda optimizer: OneCycleLR(optimizer, how.lr, steps),
    )  # fmt: skip
    pl.Trainer(max_epochs=epochs, **QUIET).fit(task, datamodule=data)
    return task


def examine(case: Case, how: Recipe, name: str, seed: int) -> Judged:
    """Return what a method finds in the test rows of a series."""
    pl.seed_everything(seed, verbose=False)
    data, detector = case.read(how.look_back), SETS[name].detector
    merge, stride = detector.merge, detector.stride
    if how.net is None:
        pca = PCA(how.pca).fit(data.pick_batch("train", 10**6).x)
        val, test = (merged_errors(pca.squares, data, role, merge=merge, stride=stride) for role in ("val", "test"))
    else:
        task = train(how, data)
        val, test = (row_errors(task, data, role, merge=merge, stride=stride) for role in ("val", "test"))
    return apply(fit(val, data, detector), test, data, look_back=how.look_back)


def place(options: argparse.Namespace, name: str, method: str, seed: int, case: Case) -> Path:
    return options.results / name / f"{method}-{seed}" / f"{case.group}-{case.name}.npz"


def work(options: argparse.Namespace) -> None:
    """Score what is not scored yet; PCA has no seeds."""
    plan = [(name, method, seed) for name in options.sets for method in options.methods
            for seed in range(options.seeds if RECIPES[method].net else 1)]  # fmt: skip
    for name, method, seed in plan:
        for case in chosen(options, name):
            file = place(options, name, method, seed, case)
            if file.exists():
                continue
            began = time.perf_counter()
            judged = examine(case, RECIPES[method], name, seed)
            rows = slice(len(judged.scores) - len(case.labels), None)
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(file) as part, part.open("wb") as out:
                seconds = time.perf_counter() - began
                np.savez_compressed(out, scores=judged.scores[rows], alarms=judged.alarms[rows], seconds=seconds)


def chosen(options: argparse.Namespace, name: str) -> Iterator[Case]:
    for number, case in enumerate(SETS[name].cases()):
        if not options.dev or is_dev(number):
            yield case


def measured(options: argparse.Namespace, name: str, method: str, seed: int) -> pd.DataFrame:
    """Return the measures of each series, a line each, from the files."""
    lines = []
    for number, case in enumerate(SETS[name].cases()):
        file = place(options, name, method, seed, case)
        if file.exists():
            with np.load(file) as found:
                scores, alarms, seconds = found["scores"], found["alarms"], float(found["seconds"])
            each = anomaly_measures(
                scores, case.labels, alarms, borders=[(0, len(scores))], rows_per_day=None, window=WINDOW
            )
            lines.append({"set": name, "method": method, "seed": seed, "series": case.name, "group": case.group,
                          "dev": is_dev(number), "seconds": seconds} | each)  # fmt: skip
    return pd.DataFrame(lines)


def corpus_score(options: argparse.Namespace, method: str, seed: int, *, dev: bool | None) -> float:
    """Return the score of NAB, with one threshold for all files by the benchmark's rule, a known oracle."""
    scores, labels, borders, last = [], [], [], 0
    for number, case in enumerate(SETS["nab"].cases()):
        file = place(options, "nab", method, seed, case)
        if file.exists() and (dev is None or is_dev(number) == dev):
            with np.load(file) as found:
                scores.append(against_past(found["scores"]))
            labels.append(case.labels)
            borders.append((last, last := last + len(case.labels)))
    return nab_score(np.concatenate(scores), np.concatenate(labels), borders).score if scores else math.nan


def table(options: argparse.Namespace, every: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of a Markdown table: means over series with an event, then mean and spread over seeds."""
    yield "| set | series | method | seeds | " + " | ".join(SHOWN) + " | NAB (oracle threshold) | s a series |"
    yield "|" + "-|" * (len(SHOWN) + 6)
    for name in options.sets:
        for part, dev in (("all", None), ("not dev", False), ("dev", True)):
            for method in options.methods:
                own = every[(every["set"] == name) & (every["method"] == method)]
                own = own if dev is None else own[own["dev"] == dev]
                if len(own):
                    yield row(options, name, part, dev, method, own)


def row(options: argparse.Namespace, name: str, part: str, dev: bool | None, method: str, own: pd.DataFrame) -> str:
    means = own.groupby("seed")[list(SHOWN)].mean()
    nab = [corpus_score(options, method, seed, dev=dev) for seed in means.index] if name == "nab" else []
    shown = [spread(means[column].to_numpy(), 3) for column in SHOWN]
    cells = [name, f"{part} ({own['series'].nunique()})", method, len(means), *shown]
    cells += [spread(np.array(nab), 1) if nab else "", f"{own['seconds'].mean():.1f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def spread(values: np.ndarray, digits: int) -> str:
    return f"{values.mean():.{digits}f}" + (f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else "")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds; one for PCA")
    parser.add_argument("--dev", action="store_true", help="only the series on which configurations are compared")
    parser.add_argument("--results", type=Path, default=Path("runs/anomaly"), help="scores of each series")
    return parser.parse_args()


def main() -> None:
    options = parse()
    quiet_lightning()
    torch.set_flush_denormal(True)
    work(options)
    plan = [
        (name, method, seed) for name in options.sets for method in options.methods for seed in range(options.seeds)
    ]
    every = pd.concat([measured(options, *each) for each in plan])
    lines = "\n".join(table(options, every))
    every.to_csv(options.results / "series.csv", index=False)
    with atomic_file(options.results / "table.md") as part:
        part.write_text(lines + "\n", encoding="utf-8")
    print(lines)


if __name__ == "__main__":
    os.environ.setdefault("DLKIT_BENCH_DATA", "data")
    main()
