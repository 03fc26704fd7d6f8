"""Gather the folds: metrics with intervals, all predictions in one table, figures, and a sentence a fold."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from dlkit.core.runfolder import atomic_file, read_json, write_json
from dlkit.crossval.figures import draw
from dlkit.crossval.folder import CrossvalFolder
from dlkit.crossval.merge import Predicted, write_merged
from dlkit.crossval.one import arrays_of
from dlkit.crossval.pooled import Pooled
from dlkit.crossval.table import summary_text
from dlkit.crossval.verdict import extrapolates, sentence
from dlkit.metrics.resampled import METHOD, estimate, rank_correlation
from dlkit.train.evaluation.base import plain
from dlkit.train.evaluation.measures import MODEL, Values, flat_measures, label_of, main_metric


def gather(folder: CrossvalFolder) -> str:
    """Write metrics.json, predictions.parquet, summary.txt and figures; return the summary."""
    numbers = range(1, folder.plan.runs + 1)
    folds = [read_json(folder.run(number).path / "fold.json") for number in numbers]
    found = compared([flat_measures(read_json(folder.run(number).metrics)) for number in numbers], folds)
    found["pooled"] = pooled(folder, folds[0]["classes"])
    found["folds"], found["verdicts"] = told(folder, folds, found)
    found["rank correlation of error and distance"] = over_all(folder)
    write_json(folder.metrics, plain(found))
    text = summary_text(found, folds[0])
    with atomic_file(folder.summary) as work:
        work.write_text(text + "\n", encoding="utf-8")
    draw(folder, found, folds)
    return text


def compared(methods: list[dict[str, Values]], folds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return every metric of every method over the folds, and the differences of the model to the others."""
    counts = [fold["counts"] for fold in folds]
    ratio = sum(one["test"] for one in counts) / sum(one["train"] for one in counts)
    names = [name for name in methods[0] if all(name in one for one in methods)]
    each = {
        method: {key: [one[method].get(key, math.nan) for one in methods] for key in methods[0][method]}
        for method in names
    }
    table = {
        method: {key: {**asdict(estimate(values, ratio)), "folds": values} for key, values in own.items()}
        for method, own in each.items()
    }
    return {
        "interval": {"method": METHOD, "level": 0.95, "test/train": ratio},
        "metrics": table,
        "differences": {
            rival: differences(each[MODEL], each[rival], ratio) for rival in names if rival != MODEL
        },
    }  # fmt: skip


def differences(own: dict[str, list[float]], rival: dict[str, list[float]], ratio: float) -> dict[str, Any]:
    """Return the model minus a baseline in each fold, with its interval."""
    found = {}
    for key, mine in own.items():
        if key in rival:
            values = [one - other for one, other in zip(mine, rival[key], strict=True)]
            found[key] = {**asdict(estimate(values, ratio)), "folds": values}
    return found


def pooled(folder: CrossvalFolder, classes: list[str]) -> dict[str, Any]:
    """Write the table of all predictions, and return the metrics over all of it."""
    plan, sums, rows = folder.plan, Pooled(), 0
    repeats: list[list[Predicted]] = [[] for _ in range(plan.repeats)]
    for number in range(1, plan.runs + 1):
        repeat, fold = plan.fold_of(number)
        run = folder.run(number)
        repeats[repeat].append(Predicted(run.predictions, np.load(arrays_of(run.path))["places"], fold + 1))
    for table in write_merged(folder.predictions, repeats):
        sums.add(table)
        rows += len(table)
    return {"rows": rows, **sums.measures(classes)}


def told(
    folder: CrossvalFolder, folds: list[dict[str, Any]], found: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what is known of each fold, and a sentence about it."""
    own = found["metrics"][MODEL]
    name = main_metric({key: one["mean"] for key, one in own.items()})
    metric, thing = (name, label_of(name, folds[0]["units"])), folder.known["dealt"]["thing"]
    about = [
        {key: fold[key] for key in ("counts", "when", "novelty")} | {"extrapolates": extrapolates(fold)}
        for fold in folds
    ]
    said = [sentence(number, fold, thing, own[name]["folds"], metric) for number, fold in enumerate(folds, 1)]
    return about, said


def over_all(folder: CrossvalFolder) -> float:
    """Return the rank correlation of error and distance over the compared windows or samples of all folds."""
    arrays = [np.load(arrays_of(folder.run(number).path)) for number in range(1, folder.plan.runs + 1)]
    return rank_correlation(*(np.concatenate([one[name] for one in arrays]) for name in ("error", "distance")))
